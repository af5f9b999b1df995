"""The errors that streamnorm raises on purpose, each with the exit code its command ends with."""

import os


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


def not_written(path: str | os.PathLike[str], error: OSError) -> ConfigError:
    """Return the error for a file that was asked for and cannot be written: the system's reason, or what is missing."""
    reason = error.strerror or error
    place = os.path.dirname(os.path.realpath(path))  # through links
    if isinstance(error, FileNotFoundError) and not os.path.isdir(place):
        reason = f"there is no directory {place}"
    return ConfigError(f"{os.fspath(path)}: cannot be written: {reason}")


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
