"""The matrix that the tests look at; the project's own is looked at by `test_real_matrix.py` alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from holoenzyme.matrix.model import Matrix
from holoenzyme.matrix.yamlfile import parse_model


@pytest.fixture(scope="session")
def small_text() -> str:
    """A small valid matrix.yaml."""
    return (Path(__file__).parent / "small.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def small(small_text: str) -> Matrix:
    """The matrix of `small_text`."""
    return parse_model(small_text, "matrix.yaml", Matrix)
