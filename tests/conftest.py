"""What all tests share."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import hypothesis
import pytest

# Other work on the machine makes single examples slow; in CI the examples are the same in every run.
hypothesis.settings.register_profile(
    "house",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("house")

# A shell that starts the tests in the background has Ctrl-C ignored for them; some press it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what stands in tests/integration."""
    for item in items:
        if (ROOT / "tests/integration") in item.path.parents:
            item.add_marker(pytest.mark.integration)


@pytest.fixture
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(autouse=True)
def state(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path | None:
    """A state folder of the test's own, and none of the user's settings; integration tests use the real ones."""
    if request.node.get_closest_marker("integration"):
        return None
    for name in [name for name in os.environ if name.startswith("HOLOENZYME_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "state"
    monkeypatch.setenv("HOLOENZYME_STATE", str(folder))
    return folder
