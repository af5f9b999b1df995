"""Ctrl-C that Python would lose: within a destructor an exception is only told of, and the work goes on."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["interrupts_are_kept"]

_SOON = 0.01
"""Seconds after which the interrupt comes again, outside of the destructor."""


@contextmanager
def interrupts_are_kept() -> Iterator[None]:
    """Raise KeyboardInterrupt in the block or at its end, also where it was lost in a destructor."""
    told, timers = sys.unraisablehook, list[threading.Timer]()

    def come_again(what: "sys.UnraisableHookArgs") -> None:
        if what.exc_type is not KeyboardInterrupt:
            told(what)
            return
        timers.append(threading.Timer(_SOON, os.kill, [os.getpid(), signal.SIGINT]))  # a sleep ends, too
        timers[-1].start()

    sys.unraisablehook = come_again
    try:
        yield
    finally:
        sys.unraisablehook = told
        pending = [timer for timer in timers if not timer.finished.is_set()]
        for timer in pending:
            timer.cancel()
    if pending:
        raise KeyboardInterrupt
