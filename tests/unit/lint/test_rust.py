"""The Rust linters: which commands run, where, and what becomes of what they find."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fakes import FakeEngine
from tests.small_project import edit, good_engine, good_session, write_project

from holoenzyme.engine.base import RunRequest, RunResult
from holoenzyme.errors import InfrastructureError
from holoenzyme.lint import rust as rustlint
from holoenzyme.session import Project


class Containers(FakeEngine):
    """An engine whose containers of the lint image answer with an exit status and what they print."""

    def __init__(self, answer: Callable[[RunRequest], tuple[int, str]] = lambda request: (0, "")) -> None:
        super().__init__()
        good = good_engine()
        self.archive, self.answers = good.archive, good.answers
        self.answer = answer
        self.asked: list[RunRequest] = []

    def run(self, request: RunRequest) -> RunResult:
        if not request.image.startswith("holoenzyme/stage/lint:"):
            return super().run(request)
        assert request.image in self.tags, "the image is built before it is used"
        self.asked.append(request)
        status, output = self.answer(request)
        return RunResult(
            request=request, returncode=status, stdout="", stderr=output, duration=0.1, timed_out=status == 124
        )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The small project with a lint image and two crates: one of ours without dependencies, one program with."""
    write_project(tmp_path)
    for folder, lock in (("crates/tool", "version = 4\n"), ("smoke_tests/a/fit", 'x\nsource = "registry"\n')):
        (tmp_path / folder / "src").mkdir(parents=True)
        (tmp_path / folder / "Cargo.toml").write_text("[package]\n")
        (tmp_path / folder / "Cargo.lock").write_text(lock)
        (tmp_path / folder / "src/main.rs").write_text("fn main() {}\n")
    built = tmp_path / "smoke_tests/a/fit/target/package/fit"
    built.mkdir(parents=True)
    (built / "Cargo.toml").write_text("[package]\n")
    (tmp_path / "images/lint").mkdir()
    for name in ("image.yaml", "Dockerfile.j2"):
        (tmp_path / "images/lint" / name).write_text((tmp_path / "images/toolchain" / name).read_text())
    edit(tmp_path / "images/lint/image.yaml", "name: toolchain", "name: lint")
    return tmp_path


def lint(root: Path, engine: Containers, **environ: str) -> tuple[int, list[list[str]], list[str]]:
    """Lint `root`; returns the exit code, the commands, and what was said of crates."""
    said: list[str] = []
    project = Project(root, image=rustlint.IMAGE)
    session = replace(good_session(project, root / "state", engine), environ=environ, say=said.append)
    code = rustlint.lint_crates(session)
    findings = [text for text in said if text.startswith(("crates/", "smoke_tests/"))]
    return code, [list(request.argv) for request in engine.asked], findings


def test_crates_are_found_but_not_in_build_results(project: Path) -> None:
    assert rustlint.find_crates(project) == (
        rustlint.LintedCrate(folder="crates/tool", around="crates"),
        rustlint.LintedCrate(folder="smoke_tests/a/fit", around="smoke_tests/a/fit", autodiff=True, downloads=True),
    )


def test_the_projects_own_crates_are_all_found(root: Path) -> None:
    found = {crate.folder: crate for crate in rustlint.find_crates(root)}
    assert found["crates"].downloads and not found["bench/gradients"].downloads
    assert not found["crates"].autodiff and "crates/cargo-autodiff" not in found
    assert found["smoke_tests/autodiff/misra1a"].downloads
    assert found["smoke_tests/autodiff/derivatives"].autodiff and found["bench/gradients"].autodiff
    assert found["crates/holoenzyme"].unstable and not found["crates"].unstable
    assert found["smoke_tests/offload/saxpy"].offload and not found["smoke_tests/offload/saxpy"].autodiff


def test_members_are_checked_with_their_workspace(project: Path) -> None:
    (project / "crates/Cargo.toml").write_text('[workspace]\nmembers = ["tool"]\n')
    (project / "crates/Cargo.lock").write_text('x\nsource = "registry"\n')
    (project / "crates/apart").mkdir()
    (project / "crates/apart/Cargo.toml").write_text("[package]\n[workspace]\n")
    assert rustlint.find_crates(project)[:-1] == (
        rustlint.LintedCrate(folder="crates", around="crates", downloads=True),
        rustlint.LintedCrate(folder="crates/apart", around="crates"),
    )
    engine = Containers()
    lint(project, engine)
    assert [request.workdir for request in engine.asked[:4]] == ["/src"] * 4


def test_a_crate_of_ours_stands_among_its_neighbours(project: Path) -> None:
    (project / "crates/tool/src/lib.rs").write_text("#![feature(thread_local)]\n")

    def answer(request: RunRequest) -> tuple[int, str]:
        places.append((request.workdir, (request.mounts[0].source / "tool/Cargo.toml").is_file()))
        return 0, ""

    places: list[tuple[str | None, bool]] = []
    engine = Containers(answer=answer)
    lint(project, engine)
    assert places[:3] == [("/src/tool", True)] * 3
    assert places[3:] == [("/src", False)] * 3
    assert engine.asked[0].env["RUSTC_BOOTSTRAP"] == "1" and "RUSTC_BOOTSTRAP" not in engine.asked[-1].env


def test_kernels_are_only_formatted(project: Path) -> None:
    manifest = project / "smoke_tests/a/fit/Cargo.toml"
    manifest.write_text('[dependencies]\nholoenzyme = { path = "/opt/holoenzyme/share/crates/holoenzyme" }\n')
    _, commands, _ = lint(project, Containers())
    assert commands[-1] == ["sh", "-c", "rustfmt --edition 2024 --check src/*.rs"]


def test_every_command_runs_apart_from_the_network_and_the_checkout(project: Path) -> None:
    engine = Containers()
    code, commands, said = lint(project, engine)
    strict = ["--quiet", "--locked", "--offline", "--all-targets", "--", "-D", "warnings"]
    assert (code, said) == (0, [])
    assert commands == [
        ["cargo", "fmt", "--check"],
        ["cargo", "clippy", *strict],
        ["cargo", "test", "--quiet", "--locked", "--offline"],
        ["cargo", "fetch", "--locked", "--offline"],
        ["cargo", "fmt", "--check"],
        ["cargo", "autodiff", "clippy", *strict],
    ]
    for request in engine.asked:
        assert not request.network
        assert request.read_only
        assert all(project / "crates" not in (mount.source, *mount.source.parents) for mount in request.mounts)
        assert request.mounts[1].source == project / "state/lint"


def test_findings_are_said_and_everything_else_still_runs(project: Path) -> None:
    def answer(request: RunRequest) -> tuple[int, str]:
        return (101, "error: length comparison to zero\n") if "clippy" in request.argv else (0, "")

    engine = Containers(answer=answer)
    code, commands, said = lint(project, engine)
    assert code == 1
    assert len(commands) == 6
    assert said == [
        "crates/tool: cargo clippy --quiet --locked --offline --all-targets -- -D warnings: exit status 101\n"
        "error: length comparison to zero",
        "smoke_tests/a/fit: cargo autodiff clippy --quiet --locked --offline --all-targets -- -D warnings: "
        "exit status 101\nerror: length comparison to zero",
    ]


def test_a_command_without_an_end_is_a_finding(project: Path) -> None:
    engine = Containers(answer=lambda request: (124 if "test" in request.argv else 0, ""))
    code, _, said = lint(project, engine)
    assert code == 1
    assert said == ["crates/tool: cargo test --quiet --locked --offline: no end within 600 s\n"]


def test_dependencies_are_fetched_with_the_hosts_certificates_and_proxies(project: Path) -> None:
    bundle = project / "ca.crt"
    bundle.write_text("certificate")
    config = project / "cargo.toml"
    config.write_text("")
    engine = Containers(answer=lambda request: (101 if "fetch" in request.argv and not request.network else 0, ""))
    code, commands, _ = lint(
        project,
        engine,
        SSL_CERT_FILE=str(bundle),
        https_proxy="http://proxy:1",
        HOLOENZYME_CARGO_CONFIG=str(config),
    )
    assert code == 0
    (fetch,) = [request for request in engine.asked if request.network]
    assert list(fetch.argv) == ["cargo", "fetch", "--locked"]
    assert fetch.env["https_proxy"] == "http://proxy:1"
    assert {mount.target: mount.source for mount in fetch.mounts if mount.read_only} == {
        "/cache/cargo/config.toml": config,
        "/etc/ssl/certs/ca-certificates.crt": bundle,
    }
    assert len(commands) == 7


def test_without_network_the_machine_is_at_fault(project: Path) -> None:
    engine = Containers(answer=lambda request: (101, "no network\n") if "fetch" in request.argv else (0, ""))
    with pytest.raises(InfrastructureError, match="smoke_tests/a/fit: its dependencies could not be fetched") as error:
        lint(project, engine)
    assert error.value.why == "no network"
