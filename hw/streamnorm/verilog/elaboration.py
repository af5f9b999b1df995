"""What speeds Amaranth up while it elaborates a design and writes it out."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["without_garbage_collection"]


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Keep Python from looking for garbage meanwhile; also a decorator.

    A design is a million objects that live until it is written out. Python would search them again and again, with all
    else that the process holds, and find none: up to a sixth of the time where there is little else, half of it beside
    a test suite.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
