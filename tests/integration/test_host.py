"""What builds need of their host: secrets that must not stay, registries that may answer, stores that may hold it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tarfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.conftest import ROOT
from tests.integration.conftest import CELL, Cli

from holoenzyme.build.contexts import write_context
from holoenzyme.build.planner import plan_cells
from holoenzyme.build.stored import load_stage
from holoenzyme.engine.base import BuildRequest, RunRequest
from holoenzyme.engine.bootstrap import make_base
from holoenzyme.engine.client import find_client
from holoenzyme.engine.docker import DockerEngine
from holoenzyme.engine.secrets import ca_bundle, host_secrets
from holoenzyme.plan.decide import BaseSource
from holoenzyme.plan.graph import Node
from holoenzyme.process import Command, SubprocessRunner
from holoenzyme.session import machine_session
from holoenzyme.store import StageRef

RUNNER = SubprocessRunner()
CHUNK = 1 << 20


def docker(*words: str, timeout: float = 300) -> str:
    argv = (str(find_client(RUNNER).path), *words)
    done = RUNNER.run(Command(argv=argv, timeout=timeout, env={"DOCKER_BUILDKIT": "1"}), merge=True)
    return done.check("docker").output


def nodes() -> dict[str, Node]:
    session = machine_session(ROOT)
    graph = plan_cells(session, [session.project.matrix.cell(CELL)]).graph
    return {node.stage.name: node for node in graph.nodes.values()}


def provide(node: Node) -> None:
    """See that a stage below the image is there too: where the image was loaded, nothing else was."""
    session = machine_session(ROOT)
    if session.engine.image(node.image) is None and not load_stage(session, node):
        assert Cli(root=ROOT)("build-image", "--no-cache").returncode == 0


def holds(path: Path, needles: tuple[bytes, ...]) -> list[bytes]:
    """The needles that a file holds, also across the borders of what is read at once."""
    found = set()
    overlap = max(len(needle) for needle in needles)
    tail = b""
    with path.open("rb") as stream:
        while block := stream.read(CHUNK):
            window = tail + block
            found |= {needle for needle in needles if needle in window}
            tail = window[-overlap:]
    return sorted(found)


def scan(image: str, folder: Path, needles: tuple[bytes, ...]) -> list[str]:
    """Where needles stand in an image: every file of every layer (as the layer's tar has them) and every JSON."""
    archive = folder / "image.tar"
    docker("save", "-o", str(archive), image, timeout=600)
    with tarfile.open(archive) as tar:
        tar.extractall(folder / "image", filter="data")
    archive.unlink()
    files = [path for path in (folder / "image").rglob("*") if path.is_file()]
    assert any(path.suffix == ".tar" for path in files), "an image without layers proves nothing"
    found = [f"{path.name}: {needle.decode()}" for path in files for needle in holds(path, needles)]
    shutil.rmtree(folder / "image")
    return found


def wait_for(port: int) -> None:
    """Until something listens on a port of loopback."""
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < deadline, "the registry does not start"
            time.sleep(0.1)


@pytest.fixture
def marked(tmp_path: Path) -> tuple[dict[str, str], tuple[bytes, ...]]:
    """An environment whose CA bundle, proxies and mirrors carry marks, and the marks to look for."""
    mark = f"mark{uuid.uuid4().hex}"
    bundle = ca_bundle(os.environ)
    authorities = tmp_path / "ca.crt"
    authorities.write_text((bundle.read_text() if bundle else "") + f"\n# {mark}-ca\n")
    cargo = tmp_path / "cargo.toml"
    cargo.write_text(f"# {mark}-cargo\n")
    auth = tmp_path / "auth.conf"
    auth.write_text(f"machine {mark}-auth.invalid login nobody password none\n")
    environ = {
        "SSL_CERT_FILE": str(authorities),
        "no_proxy": f"{mark}-proxy.invalid",
        "HOLOENZYME_CARGO_CONFIG": str(cargo),
        "HOLOENZYME_APT_AUTH": str(auth),
    }
    return environ, tuple(f"{mark}-{what}".encode() for what in ("ca", "proxy", "cargo", "auth"))


@pytest.fixture
def name() -> Iterator[str]:
    """The name of an image of this test's own, gone afterwards."""
    image = f"holoenzyme-test/{uuid.uuid4().hex}:1"
    yield image
    if docker("image", "ls", "-q", image).strip():
        docker("image", "rm", image)


@pytest.mark.parametrize("stage", ["packages-rustc", "enzyme-source"])
def test_secrets_are_read_by_a_build_and_stay_nowhere(
    built: str, stage: str, marked: tuple[dict[str, str], tuple[bytes, ...]], name: str, tmp_path: Path
) -> None:
    environ, needles = marked
    node = nodes()[stage]
    engine = machine_session(ROOT).engine
    for need in node.needs.values():
        provide(need)
    context = tmp_path / "context"
    write_context(context, node)
    # Evidence that the step saw every mark, without writing one: it prints how many files held them.
    dockerfile = context / "Dockerfile"
    text = dockerfile.read_text()
    places = "/etc/ssl/certs/ca-certificates.crt /etc/apt/auth.conf /run/secrets/*"
    seen = f"grep -lE 'mark[0-9a-f]{{32}}-' {places} 2>/dev/null | wc -l"
    assert "set -eu;" in text
    dockerfile.write_text(text.replace("set -eu;", f"set -eu; echo saw $({seen}) marks;", 1))
    with host_secrets(environ) as secrets:
        request = BuildRequest(context=context, labels={}, secrets=secrets, timeout=900, no_cache=True)
        image = engine.build(request, on_line=lambda line: None, log_file=tmp_path / "build.log")
    engine.tag(image, name)
    assert "saw 3 marks" in (tmp_path / "build.log").read_text()
    assert scan(name, tmp_path, needles) == []


def test_nothing_of_the_host_is_in_the_image(built: str, tmp_path: Path) -> None:
    """CA certificates that only this host has, its name, its proxies: in no layer and no configuration."""
    needles = [os.uname().nodename.encode()] if len(os.uname().nodename) > 6 else []
    needles += [
        value.encode() for key, value in os.environ.items() if key.lower().endswith("_proxy") and len(value) > 6
    ]
    bundle = ca_bundle(os.environ)
    if bundle is not None:
        request = RunRequest(image=built, argv=("cat", "/etc/ssl/certs/ca-certificates.crt"), timeout=60)
        inside = machine_session(ROOT).engine.run(request).stdout
        blocks = bundle.read_text(errors="replace").split("-----BEGIN CERTIFICATE-----")[1:]
        extra = [block.split()[5].encode() for block in blocks if block.split()[5] not in inside]
        needles += [line for line in extra if len(line) == 64]
    if not needles:
        pytest.skip("this host has no CA certificate, proxy or long name of its own to look for")
    assert scan(built, tmp_path, tuple(needles)) == []


def test_a_base_that_is_pulled_is_the_same_as_one_that_is_made(built: str, tmp_path: Path, name: str) -> None:
    """A registry on loopback serves an image of the distribution's form; its packages end as the bootstrapped ones."""
    if shutil.which("docker-registry") is None:
        if os.getuid() != 0 or shutil.which("apt-get") is None:
            pytest.skip("docker-registry is not installed, and only root on Debian can install it")
        RUNNER.run(Command(argv=("apt-get", "install", "-y", "-q", "docker-registry"), timeout=300)).check("apt-get")
    session = machine_session(ROOT)
    project = session.project
    base = nodes()["base"]
    provide(base)
    port = 15000 + os.getpid() % 1000
    reference = f"127.0.0.1:{port}/debian:{CELL}"
    config = tmp_path / "registry.yml"
    config.write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {tmp_path / 'registry'}}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\n"
    )
    context = tmp_path / "official"
    context.mkdir()
    # The distribution's own images have no ca-certificates, a deb822 source file, and hooks that clean up.
    (context / "Dockerfile").write_text(
        f"FROM {base.image}\n"
        "RUN dpkg --purge ca-certificates openssl && rm /etc/dpkg/dpkg.cfg.d/holoenzyme "
        "&& echo 'APT::Keep-Downloaded-Packages \"false\";' > /etc/apt/apt.conf.d/docker-clean "
        '&& mkdir -p /etc/apt/sources.list.d && awk \'BEGIN {u=""} $2 != u {if (u) print ""; '
        'print "Types: deb\\nURIs: " $2 "\\nSuites: " $3 "\\nComponents: main"; u=$2 "-"}\' '
        "/etc/apt/sources.list > /etc/apt/sources.list.d/debian.sources && rm /etc/apt/sources.list\n"
    )
    registry = subprocess.Popen(
        ["docker-registry", "serve", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        docker("build", "-q", "-t", reference, str(context))
        wait_for(port)
        pushed = docker("push", reference)
        digest = next(word for word in pushed.split() if word.startswith("sha256:"))
        made = make_base(
            session.engine,
            session.runner,
            "bookworm",
            project.matrix.bases["bookworm"].model_copy(update={"image": reference}),
            project.cookbook.base_rule(),
            digest=digest,
            source=BaseSource.PULL,
            secrets=(),
            say=lambda line: None,
            log_file=tmp_path / "pull.log",
        )
    finally:
        registry.terminate()
        registry.wait(20)
        docker("image", "rm", "--force", reference)
    session.engine.tag(made.image, name)
    assert made.packages == dict(base.stage.resolved)
    assert isinstance(session.engine, DockerEngine)
    listing = "cat /etc/apt/sources.list; cat /etc/dpkg/dpkg.cfg.d/*; ls /etc/apt/sources.list.d /etc/apt/apt.conf.d"
    both = [docker("run", "--rm", image, "sh", "-c", listing) for image in (name, base.image)]
    assert both[0] == both[1]


def test_a_stage_comes_from_a_store(built: str, cli: Cli, tmp_path: Path) -> None:
    """Saved, taken away, planned, loaded again: the same image, and no build of what stands below it."""
    session = machine_session(ROOT)
    crates = nodes()["crates"]
    provide(crates)
    before = session.engine.image(crates.image)
    assert before is not None
    store = session.stores.destination(tmp_path / "store", session.transport())
    store.save(StageRef(stage="crates", input_hash=crates.input_hash), crates.image)
    session.engine.remove(crates.image)
    try:
        again = machine_session(ROOT, stores=[str(tmp_path / "store")])
        plan = json.loads(cli("plan", "--no-cache", "--json").output)
        assert {item["stage"]: item["action"] for item in plan}["crates"] == "build"
        assert load_stage(again, crates)
        loaded = session.engine.image(crates.image)
        assert loaded is not None
        assert loaded.labels == before.labels
    finally:
        if session.engine.image(crates.image) is None:
            session.engine.tag(before.id, crates.image)


def relock(root: Path, package: str, old: str, new: str) -> None:
    """Give a package of the copy's lock another version, as if it had been locked before the archive moved on."""
    path = root / "matrix.lock"
    lock = json.loads(path.read_text())
    for sets in lock["sets"].values():
        for locked in sets.values():
            if package in locked["packages"]:
                assert locked["packages"][package]["version"] == old
                locked["packages"][package]["version"] = new
    path.write_text(json.dumps(lock))


def test_a_newer_revision_in_the_archive_is_used_and_said(
    built: str, broken_copy: Callable[[Callable[[Path], None]], Cli], tmp_path: Path
) -> None:
    cli = broken_copy(lambda root: relock(root, "rpcsvc-proto", "1.4.3-1", "1.4.3-0"))
    # A state of its own: the machine's remembers what an earlier run of this test used.
    fresh = {"HOLOENZYME_STATE": str(tmp_path / "state")}
    said = "rpcsvc-proto 1.4.3-0 -> 1.4.3-1 (a newer revision of the same upstream version)"
    done = cli("build-image", env=fresh)
    assert done.returncode == 0, done.stderr
    assert said in done.stderr
    assert "asking the distribution's archive" in done.stderr
    assert done.output.split() == [built]
    again = cli("build-image", env=fresh)
    assert again.returncode == 0
    assert said in again.stderr
    assert "asking the distribution's archive" not in again.stderr, "what was used is remembered"


def test_another_upstream_version_in_the_archive_is_refused(
    built: str, broken_copy: Callable[[Callable[[Path], None]], Cli]
) -> None:
    cli = broken_copy(lambda root: relock(root, "rpcsvc-proto", "1.4.3-1", "1.4.2-1"))
    done = cli("build-image")
    assert done.returncode == 2
    assert "the archive has another upstream version of rpcsvc-proto than matrix.lock" in done.stderr
    assert "lock rpcsvc-proto anew: run `nox -s lock`" in done.stderr


def test_an_engine_that_does_not_answer_is_an_infrastructure_error(cli: Cli, tmp_path: Path) -> None:
    done = cli("build-image", env={"DOCKER_HOST": f"unix://{tmp_path}/none.sock"})
    assert done.returncode == 3
    assert "the Docker engine does not answer" in done.stderr
    assert "nox -s doctor" in done.stderr
