"""The small project, read once: tests that change files write one of their own."""

from __future__ import annotations

import pytest
from tests.small_project import write_project

from holoenzyme.session import Project


@pytest.fixture(scope="session")
def small_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The small project, not to be changed."""
    return Project(write_project(tmp_path_factory.mktemp("small-project")))
