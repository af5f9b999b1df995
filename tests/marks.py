"""Which of a test's parameters are left for `make test-slow`."""

from collections.abc import Container, Iterable
from typing import Any

import pytest


def slow_among(names: Iterable[str], later: Container[str]) -> list[Any]:
    """Names for ``parametrize``, or for a fixture's params; those of ``later`` are slow."""
    return [pytest.param(name, marks=pytest.mark.slow) if name in later else name for name in names]
