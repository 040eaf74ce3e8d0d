"""Making a base: pulled where it can be, bootstrapped otherwise, and only as asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.fakes import Answer, FakeEngine, FakeRunner, mmdebstrap
from tests.processes import PATIENCE
from tests.small_project import BASE, good_engine

from holoenzyme.engine.base import Secret
from holoenzyme.engine.bootstrap import (
    MadeBase,
    bootstrap_argv,
    make_base,
    normalise_dockerfile,
    read_packages,
)
from holoenzyme.errors import InfrastructureError, UserError
from holoenzyme.plan.decide import BaseSource
from holoenzyme.process import Command, SubprocessRunner
from holoenzyme.session import Project

DIGEST = "sha256:" + "d" * 64
REFERENCE = f"debian@{DIGEST}"


class Site:
    def __init__(self, project: Project, folder: Path) -> None:
        self.project = project
        self.folder = folder
        self.engine: FakeEngine = good_engine()
        self.runner = FakeRunner(programs={"mmdebstrap": mmdebstrap})
        self.said: list[str] = []

    def make(self, source: BaseSource, digest: str | None = DIGEST, secrets: tuple[Secret, ...] = ()) -> MadeBase:
        return make_base(
            self.engine,
            self.runner,
            "bookworm",
            self.project.matrix.bases["bookworm"],
            self.project.cookbook.base_rule(),
            digest=digest,
            source=source,
            secrets=secrets,
            say=self.said.append,
            log_file=self.folder / "base.log",
        )

    @property
    def bootstraps(self) -> int:
        return len(self.runner.argvs("mmdebstrap"))


@pytest.fixture
def site(small_project: Project, tmp_path: Path) -> Site:
    return Site(small_project, tmp_path)


def test_auto_pulls_by_digest_where_a_registry_answers(site: Site) -> None:
    site.engine.registry[REFERENCE] = DIGEST
    made = site.make(BaseSource.AUTO)
    assert (made.how, made.packages, site.bootstraps) == ("pulled by digest", BASE, 0)
    (build,) = site.engine.builds
    assert f"FROM {REFERENCE} AS pulled\n" in build.text
    assert f"base: pulling {REFERENCE}" in site.said


def test_auto_bootstraps_where_no_registry_answers(site: Site) -> None:
    made = site.make(BaseSource.AUTO)
    assert (made.how, made.packages, site.bootstraps) == ("mmdebstrap", BASE, 1)
    assert site.said[-1] == f"base: not pulled ({REFERENCE} could not be pulled); bootstrapping it with mmdebstrap"


def test_auto_bootstraps_where_no_digest_is_locked(site: Site) -> None:
    made = site.make(BaseSource.AUTO, digest=None)
    assert (made.how, site.bootstraps) == ("mmdebstrap", 1)
    assert site.said == ["base: not pulled (no digest is locked); bootstrapping it with mmdebstrap"]


def test_a_forced_bootstrap_pulls_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.engine.registry[REFERENCE] = DIGEST
    pulled: list[str] = []
    monkeypatch.setattr(site.engine, "pull", pulled.append)
    made = site.make(BaseSource.BOOTSTRAP)
    assert (made.how, site.bootstraps, pulled) == ("mmdebstrap (as asked)", 1, [])
    assert site.engine.imports == [('CMD ["bash"]',)], "as in a pulled one"


def test_a_forced_pull_bootstraps_nothing(site: Site) -> None:
    site.engine.registry[REFERENCE] = DIGEST
    assert site.make(BaseSource.PULL).how == "pulled by digest (as asked)"
    site.engine.registry.clear()
    with pytest.raises(InfrastructureError, match="could not be pulled"):
        site.make(BaseSource.PULL)
    assert site.bootstraps == 0


def test_a_forced_pull_without_a_digest(site: Site) -> None:
    with pytest.raises(UserError) as caught:
        site.make(BaseSource.PULL, digest=None)
    assert str(caught.value) == (
        "debian:bookworm-slim has no digest in matrix.lock, so it is not pulled\n"
        "  why: a tag alone may be anything tomorrow\n"
        "  fix: run `nox -s lock` where a registry answers, or use --base bootstrap"
    )
    assert site.bootstraps == 0


def failing_with(status: int) -> Callable[[Command], tuple[int, str]]:
    return lambda command: (status, "E: unable to do that")


def test_mmdebstrap_fails(site: Site) -> None:
    site.runner.programs["mmdebstrap"] = failing_with(25)
    with pytest.raises(InfrastructureError) as caught:
        site.make(BaseSource.AUTO)
    assert caught.value.what == "mmdebstrap failed"
    assert "E: unable to do that" in str(caught.value) and "nox -s doctor" in str(caught.value)


def test_mmdebstrap_is_absent(site: Site) -> None:
    site.runner.programs.clear()
    with pytest.raises(InfrastructureError, match="mmdebstrap could not be started"):
        site.make(BaseSource.AUTO)


def test_the_users_own_sources_are_used(site: Site, tmp_path: Path) -> None:
    site.make(BaseSource.BOOTSTRAP, secrets=(Secret(id="apt-sources", path=tmp_path / "my.list"),))
    (argv,) = site.runner.argvs("mmdebstrap")
    assert argv[-1] == str(tmp_path / "my.list")
    assert argv[-3] == "bookworm" and str(argv[-2]).endswith("base.tar")


def test_the_command(small_project: Project) -> None:
    argv = bootstrap_argv(small_project.cookbook.base_rule(), "bookworm", "bookworm", "base.tar")
    assert argv[:3] == ("mmdebstrap", "--variant=minbase", "--include=ca-certificates")
    assert argv[-2:] == ("bookworm", "base.tar")
    assert "--dpkgopt=path-exclude=/usr/share/man/*" in argv
    assert argv.index("--dpkgopt=path-exclude=/usr/share/man/*") < argv.index(
        "--dpkgopt=path-include=/usr/share/doc/*/copyright"
    ), "dpkg lets the last one win"
    assert any("etc/hostname" in word and "etc/resolv.conf" in word for word in argv), "nothing of the host stays"


def test_a_pulled_base_is_made_like_a_bootstrapped_one(small_project: Project) -> None:
    text = normalise_dockerfile(small_project.cookbook.base_rule(), "bookworm", REFERENCE)
    assert "'path-exclude=/usr/share/man/*'" in text and "'path-include=/usr/share/doc/*/copyright'" in text
    assert "apt-get install -q -y --no-install-recommends ca-certificates" in text
    assert text.endswith('FROM scratch\nCOPY --from=pulled / /\nCMD ["bash"]\n'), "one layer, no configuration"


@pytest.mark.parametrize("answer", [Answer(returncode=127, stderr="not found"), Answer(stdout="\n")])
def test_a_base_that_does_not_list_its_packages(site: Site, answer: Answer) -> None:
    site.engine.answers["packages"] = answer
    site.engine.put("base:1", {})
    with pytest.raises(InfrastructureError, match="the base does not list its packages"):
        read_packages(site.engine, "base:1")


def test_what_stays_in_one_base_alone(small_project: Project) -> None:
    rule = small_project.cookbook.base_rule().model_copy(update={"include_paths_for": {"trixie": ("/only/there",)}})
    assert "--dpkgopt=path-include=/only/there" in bootstrap_argv(rule, "trixie", "trixie", "base.tar")
    assert "path-include=/only/there" in normalise_dockerfile(rule, "trixie", REFERENCE)
    assert not any("/only/there" in word for word in bootstrap_argv(rule, "bookworm", "bookworm", "base.tar"))
    assert "/only/there" not in normalise_dockerfile(rule, "bookworm", REFERENCE)


LINES = "# See sources.list(5)\ndeb http://a.invalid/debian bookworm main contrib\ndeb http://a.invalid/sec s main\n"
STANZAS = """## Suites: <name>-updates
Types: deb
URIs: http://a.invalid/debian
Suites: trixie trixie-updates
Components: main contrib
Signed-By: /usr/share/keyrings/x.gpg

Types: deb
URIs: http://a.invalid/sec
Suites: trixie-security
Components: main
"""


@pytest.mark.parametrize(
    ("example", "text", "lines"),
    [
        ("sources.list", LINES, ["deb http://a.invalid/debian bookworm main", "deb http://a.invalid/sec s main"]),
        (
            "debian.sources",
            STANZAS,
            [
                "deb http://a.invalid/debian trixie main",
                "deb http://a.invalid/debian trixie-updates main",
                "deb http://a.invalid/sec trixie-security main",
            ],
        ),
    ],
)
def test_a_base_names_the_distributions_usual_mirror_in_lines(
    small_project: Project, tmp_path: Path, example: str, text: str, lines: list[str]
) -> None:
    """As a shell runs the hook: of the distribution's own examples, in either of their forms, main alone."""
    words = bootstrap_argv(small_project.cookbook.base_rule(), "x", "x", "base.tar")
    (hook,) = [word.removeprefix("--customize-hook=") for word in words if "examples" in word and "hook" in word]
    examples = tmp_path / "usr/share/doc/apt/examples"
    examples.mkdir(parents=True)
    (examples / example).write_text(text)
    (tmp_path / "etc/apt/sources.list.d").mkdir(parents=True)
    (tmp_path / "etc/apt/sources.list.d/mirror.list").write_text("deb http://mirror.invalid x main\n")
    done = SubprocessRunner().run(Command(argv=("sh", "-c", hook, "exec", str(tmp_path)), timeout=PATIENCE))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "etc/apt/sources.list").read_text().splitlines() == lines
    assert list((tmp_path / "etc/apt/sources.list.d").iterdir()) == []
