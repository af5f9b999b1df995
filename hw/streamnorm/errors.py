"""The errors that streamnorm raises on purpose, each with the exit code its command ends with."""

import os
import re


class StreamnormError(Exception):
    """Base of every error meant for the user; ``str(error)`` is the whole message.

    Attributes
    ----------
    exit_code : int
        Exit code of a command that ends with this error.
    """

    exit_code = 1


class ConfigError(StreamnormError, ValueError):
    """A configuration, or another value that was given, that is malformed, out of range, or impossible."""

    exit_code = 2


def not_written(path: str | os.PathLike[str], error: OSError) -> ConfigError | BrokenPipeError:
    """Return the error for a file that was asked for and cannot be written: the system's reason, or what is missing.

    That the reader of a pipe went away is no error of the user's, and is returned itself.
    """
    if isinstance(error, BrokenPipeError):
        return error
    reason = error.strerror or error
    place = os.path.dirname(os.path.realpath(path))  # through links
    if isinstance(error, FileNotFoundError) and not os.path.isdir(place):
        reason = f"there is no directory {place}"
    return ConfigError(f"{os.fspath(path)}: cannot be written: {reason}")


def as_named(name: str, variable: str) -> str:
    """Return what messages call a program: its name, and what ``variable`` of the environment names in its place."""
    named = os.environ.get(variable) if variable else None
    return f"{name} (${variable} names {named!r})" if named else name


def last_line(output: str) -> str:
    """The last line a program printed: its reason to give up, where it calls none an error."""
    lines = output.strip().splitlines()
    if not lines:
        return "it printed nothing"
    # Of a program in Python, without the class of its error.
    return re.sub(r"^(\w+\.)*[A-Z]\w*(Error|Exception): ", "", lines[-1].strip())


class ToolMissing(StreamnormError):
    """A program or Python package that the requested work needs is not installed.

    Attributes
    ----------
    install : str
        The command that installs it, where there is one.
    """

    exit_code = 3

    def __init__(self, message: str, install: str = "") -> None:
        super().__init__(message)
        self.install = install


class CheckFailed(StreamnormError):
    """A comparison that had to hold did not: wrong values, wrong cycle counts, a missed clock."""

    exit_code = 4
