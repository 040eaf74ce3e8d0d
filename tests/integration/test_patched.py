"""The patched channel with the real engine: rustc from source, loaded, reused or built, and kernels that ran."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.conftest import ROOT
from tests.integration.conftest import Cli

from holoenzyme.console import state_dir
from holoenzyme.engine.base import RunRequest
from holoenzyme.engine.docker import DockerEngine
from holoenzyme.matrix.smoke import load_smoke_tests

PATCHED = "patched-1.96-host"
#: What is known not to pass: it runs, its reason is printed, and once it passes the run fails until its entry is gone.
OPEN = {
    "autodiff-arrays": "ndarray's iterators keep an index whose type Enzyme cannot tell: refused",
}
SMOKE_TESTS = [
    pytest.param(name, marks=pytest.mark.xfail(reason=OPEN[name], strict=True)) if name in OPEN else name
    for name in (test.rule.name for test in load_smoke_tests(ROOT) if test.serves(PATCHED))
]
#: Seconds for the build from nothing, on a slow machine.
_LIMIT = 3 * 3600.0


@pytest.fixture(scope="module")
def patched(cli: Cli) -> str:
    """The image of the patched channel's cell for the host, proved; returns its name."""
    done = cli("build-image", PATCHED, timeout=_LIMIT)
    assert done.returncode == 0, done.stderr
    assert done.output.split() == [f"holoenzyme/toolchain:{PATCHED}"]
    return done.output.strip()


def proof_of(image: str) -> dict[str, Any]:
    """The newest proof of the image with this id."""
    records = (state_dir() / "evidence").glob(f"*-proof-{PATCHED}-*.json")
    found = [json.loads(path.read_text()) for path in sorted(records)]
    return next(record for record in reversed(found) if record["image"]["id"] == image)


def test_it_is_proved_by_derivatives_and_by_kernels_that_ran(patched: str, engine: DockerEngine) -> None:
    image = engine.image(patched)
    assert image is not None
    record = proof_of(image.id)
    assert record["outcome"] == "pass"
    assert all(item["ok"] for item in record["comparisons"])
    identities = {value for key, value in record["versions"].items() if key.startswith("libLLVM of")}
    assert len(identities) == 1, "rustc and libEnzyme load one build of libLLVM"
    assert record["launches"], "the offload runtime itself said that it launched kernels"
    assert {launch["uid"].partition("-")[0] for launch in record["launches"]} == {"x86_64"}


@pytest.mark.parametrize("name", SMOKE_TESTS)
def test_every_patch_does_what_it_must(patched: str, cli: Cli, name: str) -> None:
    """Each patch's header names the smoke test that fails without it."""
    done = cli("smoke", PATCHED, "--test", name, timeout=3600)
    assert done.returncode == 0, done.output + done.stderr
    records = sorted((state_dir() / "evidence").glob(f"*-smoke-{PATCHED}-{name}-*.json"))
    assert json.loads(records[-1].read_text())["outcome"] != "not-executed"


def test_a_file_that_is_no_image_is_refused(patched: str, engine: DockerEngine) -> None:
    """The linker would leave it out without a word, and the program would have no device."""
    flags = "-Zunstable-options -Zoffload=Host=/etc/passwd"
    script = f"cd /tmp; echo 'fn main() {{}}' > x.rs; RUSTC_BOOTSTRAP=1 rustc {flags} x.rs"
    done = engine.run(RunRequest(image=patched, argv=("sh", "-c", script), timeout=60, user="12345:12345"))
    assert done.returncode != 0
    assert "the device image `/etc/passwd` cannot be embedded" in done.stderr
    assert "-Zoffload=Device" in done.stderr


def test_a_function_pointer_that_leads_out_of_sight_is_refused(patched: str, engine: DockerEngine) -> None:
    """What it calls is code of the standard library that nothing else in the program names."""
    source = (
        "#![feature(autodiff)] use std::autodiff::*; #[autodiff_reverse(df, Active, Const, Active)] #[inline(never)] "
        'fn f(x: f64, g: fn(f64) -> f64) -> f64 { g(x) * x } fn main() { println!("{:?}", df(2.0, f64::sin, 1.0)); }'
    )
    flags = "-Zautodiff=Enable -Copt-level=3 -Clto=fat --edition 2024"
    script = f"cd /tmp; echo '{source}' > x.rs; RUSTC_BOOTSTRAP=1 rustc {flags} x.rs"
    done = engine.run(RunRequest(image=patched, argv=("sh", "-c", script), timeout=120, user="12345:12345"))
    assert done.returncode != 0
    assert "This calls a function through a pointer" in done.stderr
    assert "warning: derivatives leave out what argument 2 of type `fn(f64) -> f64` calls\n" in done.stderr
    assert "make the function generic over `F: Fn(..)`" in done.stderr


def test_building_again_does_nothing(patched: str, cli: Cli, engine: DockerEngine) -> None:
    before = {image.id for image in engine.images()}
    done = cli("build-image", PATCHED)
    assert (done.returncode, done.output.split()) == (0, [patched])
    assert f"{PATCHED}: proved already" in done.stderr
    assert {image.id for image in engine.images()} == before


def test_core_for_another_gpu_is_compiled_offline_and_unseen(patched: str, engine: DockerEngine) -> None:
    """From the sysroot's sources, and no build script of the kernels' own crates sees the variable that unlocks it."""
    files = {
        "Cargo.toml": '[package]\nname = "k"\nedition = "2024"\n[dependencies]\nd = {path = "d"}\n'
        'holoenzyme = {path = "/opt/holoenzyme/share/crates/holoenzyme"}\n',
        "src/lib.rs": '#![cfg_attr(target_arch = "amdgpu", no_std)]\n#![feature(macro_attr)]\n'
        "#[holoenzyme::offload_kernel]\n#[unsafe(no_mangle)]\npub fn k(x: &mut f64) { *x = d::twice(*x); }\n",
        "src/main.rs": "fn main() { let mut x = 2.0; unsafe { holoenzyme::offload! { kernel = k::k, args = (&mut x) } }"
        ".unwrap(); assert_eq!(x, 4.0); }\n",
        "d/Cargo.toml": '[package]\nname = "d"\nedition = "2024"\n',
        "d/build.rs": "fn main() { for (name, _) in std::env::vars_os() { let name = name.into_string().unwrap(); "
        'assert!(!name.starts_with("RUSTC_BOOT") && !name.starts_with("__CARGO"), "{name}"); } }\n',
        "d/src/lib.rs": "#![no_std]\npub fn twice(x: f64) -> f64 { x + x }\n",
    }
    written = "".join(f"mkdir -p $(dirname {name}); cat > {name} <<'END'\n{text}END\n" for name, text in files.items())
    script = (
        "set -eu; mkdir '/tmp/a b'; cd '/tmp/a b'; export CARGO_HOME=/tmp/cargo\n"
        f"{written}cargo offload run --device gfx942,host --offline\n"
        "cat /opt/holoenzyme/share/holoenzyme/toolchain.json"
    )
    done = engine.run(RunRequest(image=patched, argv=("sh", "-c", script), timeout=900, user="12345:12345"))
    assert done.returncode == 0, done.stderr
    assert "Compiling core v0.0.0" in done.stderr
    facts = json.loads(done.stdout)
    assert facts["core"] == {"amdgcn-amd-amdhsa": "gfx90a", "nvptx64-nvidia-cuda": None}
    assert facts["llvm"]["folder"] == "/usr/lib/llvm-22"


def test_the_series_is_in_the_image(patched: str, engine: DockerEngine) -> None:
    """What was built is told by the image itself: the very patches of this project folder."""
    series = ROOT / "recipes/rustc/patches/1.96/series"
    folder = "/opt/holoenzyme/share/holoenzyme/rustc-patches"
    done = engine.run(
        RunRequest(image=patched, argv=("sh", "-c", f"cd {folder}; cat series; ls $(cat series)"), timeout=60)
    )
    names = series.read_text().split()
    assert done.stdout.split() == [*names, *names]
