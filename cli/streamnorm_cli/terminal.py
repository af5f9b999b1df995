"""What a command prints to: a terminal, a pipe that its reader closes, a code page without arrows, or nothing."""

import codecs
import os
import re
import shutil
import sys

from rich.console import Console

__all__ = ["ignore_odd_sizes", "output_console", "prepare_streams", "progress_console"]

_WIDTH = 200
"""Columns of tables that go to no terminal, where $COLUMNS names none."""

_NARROWEST = 20
"""Fewer columns hold no table."""

_PLAIN = {
    **{"→": "->", "←": "<-", "…": "...", "–": "-", "×": "x", "·": "*", "±": "+-", "≤": "<=", "≥": ">=", "≈": "~"},
    **{"²": "^2", "√": "sqrt", "µ": "u", "γ": "gamma", "β": "beta", "ε": "epsilon", "─": "-", "━": "-", "│": "|"},
}
_ERRORS = "streamnorm.plain"


def prepare_streams() -> None:
    """Make stdout and stderr take whatever is printed: ASCII for what their encoding lacks, nothing if closed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by the caller, as with `>&-`
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - open to the end
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_ERRORS)


def ignore_odd_sizes() -> None:
    """Take $COLUMNS and $LINES out of the environment where they are no size; argparse and Rich look at them, too."""
    for name in ("COLUMNS", "LINES"):
        if not re.fullmatch(r"0{0,9}[1-9][0-9]{0,5}", os.environ.get(name, "")):
            os.environ.pop(name, None)


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_PLAIN.get(letter, "?") for letter in error.object[error.start : error.end]), error.end


codecs.register_error(_ERRORS, _plain)


class _Output(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to the command line, which ends with one exit code whoever prints."""
        raise BrokenPipeError


def output_console() -> Console:
    """Return where results go; without a terminal, tables are not squeezed into 80 columns."""
    if columns := os.environ.get("COLUMNS"):
        return _Output(highlight=False, width=max(_NARROWEST, int(columns)))
    console = _Output(highlight=False)
    width = shutil.get_terminal_size().columns if console.is_terminal else _WIDTH
    return _Output(highlight=False, width=width)


def progress_console() -> Console:
    """Return where progress goes: stderr, so that results can be piped."""
    return Console(stderr=True)
