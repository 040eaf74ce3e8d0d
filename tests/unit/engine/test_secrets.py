"""What a build needs of its host: named files, a CA bundle, proxies; gone afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.processes import PATIENCE

from holoenzyme.engine import secrets
from holoenzyme.engine.secrets import PROXIES, ca_bundle, for_base, host_secrets, own_sources
from holoenzyme.errors import UserError
from holoenzyme.process import Command, SubprocessRunner


@pytest.fixture(autouse=True)
def no_bundle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A host without a CA bundle in the usual places."""
    monkeypatch.setattr(secrets, "CA_PLACES", (str(tmp_path / "first.pem"), str(tmp_path / "second.pem")))


def test_a_host_without_anything() -> None:
    with host_secrets({}) as found:
        assert found == ()


def test_proxies_are_in_a_private_file_that_is_gone_afterwards() -> None:
    environ = {"http_proxy": "http://user:it's $ecret@proxy:1", "NO_PROXY": "a, b", "https_proxy": "", "HOME": "/x"}
    with host_secrets(environ) as found:
        (secret,) = found
        assert secret.id == "env"
        assert secret.path.stat().st_mode & 0o777 == 0o600
        assert secret.path.parent.stat().st_mode & 0o777 == 0o700
        script = f'. {secret.path}; printf "%s|" "$http_proxy" "$NO_PROXY" "$https_proxy"'
        done = SubprocessRunner().run(Command(argv=("env", "-i", "sh", "-c", script), timeout=PATIENCE))
        assert done.output == "http://user:it's $ecret@proxy:1|a, b||"
        assert "HOME" not in secret.path.read_text()
    assert not secret.path.parent.exists()


def test_the_file_is_gone_after_a_failure_too() -> None:
    with pytest.raises(KeyboardInterrupt), host_secrets({"http_proxy": "p"}) as found:
        raise KeyboardInterrupt
    assert not found[0].path.exists()


@pytest.mark.parametrize("name", PROXIES)
def test_all_names_of_proxies_are_passed_on(name: str) -> None:
    with host_secrets({name: "value"}) as (secret,):
        assert secret.path.read_text() == f"export {name}=value\n"


@pytest.mark.parametrize(
    ("variable", "secret_id"),
    [
        ("HOLOENZYME_APT_SOURCES", "apt-sources"),
        ("HOLOENZYME_APT_AUTH", "apt-auth"),
        ("HOLOENZYME_CARGO_CONFIG", "cargo-config"),
    ],
)
def test_named_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, secret_id: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").write_text("x")
    with host_secrets({variable: "mine"}) as (secret,):
        assert (secret.id, secret.path) == (secret_id, tmp_path / "mine")
    assert (tmp_path / "mine").is_file()
    with pytest.raises(UserError) as caught, host_secrets({variable: "other"}):
        raise AssertionError("nothing is to be built")
    assert str(caught.value) == f"{variable} names other, which is no file\n  fix: correct or unset it"


def test_the_first_bundle_that_is_there(tmp_path: Path) -> None:
    assert ca_bundle({}) is None
    (tmp_path / "second.pem").write_text("x")
    assert ca_bundle({}) == tmp_path / "second.pem"
    (tmp_path / "first.pem").write_text("x")
    assert ca_bundle({}) == tmp_path / "first.pem"
    with host_secrets({}) as (secret,):
        assert (secret.id, secret.path) == ("ca", tmp_path / "first.pem")


def test_a_bundle_that_the_environment_names(tmp_path: Path) -> None:
    (tmp_path / "first.pem").write_text("x")
    (tmp_path / "own.pem").write_text("x")
    assert ca_bundle({"SSL_CERT_FILE": str(tmp_path / "own.pem")}) == tmp_path / "own.pem"
    assert ca_bundle({"SSL_CERT_FILE": str(tmp_path / "absent.pem")}) is None


def test_a_folder_has_the_sources_of_each_base_and_suite(tmp_path: Path) -> None:
    for name in ("trixie.list", "experimental.list", "notes.txt"):
        (tmp_path / name).write_text("x")
    environ = {"HOLOENZYME_APT_SOURCES": str(tmp_path)}
    with host_secrets(environ) as secrets:
        assert {secret.id: secret.path for secret in secrets} == {
            "apt-sources-experimental": tmp_path / "experimental.list",
            "apt-sources-trixie": tmp_path / "trixie.list",
        }
        on_trixie = {secret.id: secret.path.name for secret in for_base(secrets, "trixie")}
        assert on_trixie == {"apt-sources": "trixie.list", "apt-sources-experimental": "experimental.list"}
        assert "apt-sources" not in {secret.id for secret in for_base(secrets, "bookworm")}
    assert own_sources(environ) == (
        None,
        {"experimental": tmp_path / "experimental.list", "trixie": tmp_path / "trixie.list"},
    )


def test_one_file_is_for_every_base(tmp_path: Path) -> None:
    (tmp_path / "mine.list").write_text("x")
    environ = {"HOLOENZYME_APT_SOURCES": str(tmp_path / "mine.list")}
    with host_secrets(environ) as secrets:
        assert for_base(secrets, "trixie") == for_base(secrets, "bookworm") == secrets
    assert own_sources(environ) == (tmp_path / "mine.list", {})
    assert own_sources({}) == (None, {})
