"""What the tests with a server for an engine share."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture
def collected() -> Iterator[None]:
    """See that what a test leaves to the collector is collected within it, where its warnings are known."""
    gc.freeze()  # what was there before is not looked through
    yield
    gc.collect()
    gc.unfreeze()
