"""Paths as a user may give them, and the file's name in the messages about what is in it."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streamnorm.errors import ConfigError

from .values import file_name, shown

__all__ = ["check_directory", "given_path", "named_file", "refuse_link_loop", "written_beside"]


def given_path(value: object, kind: str, key: str = "") -> Path:
    """Return the path that a user gives, whether or not something is there.

    Parameters
    ----------
    value : object
        A str, or an os.PathLike of one.
    kind : str
        What it must be the name of: "a .npy file", "a directory".
    key : str
        What messages call it, where it is not said before.

    Raises
    ------
    ConfigError
        If it is something else, empty, or no name that the system could have for a file.
    """
    at = f"{key}: " if key else ""
    try:
        text = os.fspath(value)  # pyright: ignore[reportArgumentType, reportCallIssue]
    except TypeError:
        text = None
    if not isinstance(text, str):
        raise ConfigError(f"{key or 'path'} = {shown(value)}: must be the name of {kind}")
    if not text:
        noun, hint = ("directory", '; "." is the current one') if kind == "a directory" else ("file", "")
        raise ConfigError(f'{at}"" is no {noun}; the name of {kind} is needed{hint}')
    path = Path(text)
    try:
        path.lstat()
    except ValueError:  # a NUL, or a character that the system's names cannot have
        raise ConfigError(f"{at}{file_name(path)}: is no name of a file") from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise ConfigError(f"{at}{file_name(path)}: {error.strerror}") from None
    return path


def check_directory(directory: Path) -> None:
    """Raise ConfigError unless files can be written into ``directory``, which may have to be made; make nothing."""
    place = directory
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    if not os.path.isdir(place):
        target = "" if os.path.exists(place) else os.path.realpath(place)
        what = f"is a link to {target}, which is not there" if target else "is a file"
        where = f"{place}: {what}" if place == directory else f"{directory}: cannot be written: {place} {what}"
        raise ConfigError(f"{where}; a directory is needed")
    if not os.access(place, os.W_OK | os.X_OK):
        raise ConfigError(f"{directory}: cannot be written: no permission to write to {place}")


@contextmanager
def named_file(path: Path | None) -> Iterator[None]:
    """Begin the message of a ConfigError with the name of the file that is looked at, if there is one."""
    try:
        yield
    except ConfigError as error:
        if path is None:
            raise
        raise ConfigError(f"{file_name(path)}: {error}") from error


def refuse_link_loop(path: Path) -> None:
    """Raise OSError if ``path`` is a link that leads back to itself, and so to no file that could be written."""
    if os.path.islink(os.path.realpath(path)):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


@contextmanager
def written_beside(path: Path, keep: tuple[type[BaseException], ...] = ()) -> Iterator[Path]:
    """Give the name of a new file beside ``path``, which takes its place at the end.

    So what was there before stays until the new file is whole, and for good where the block raises something that is
    none of ``keep``: if there is no room, say. A link stays a link to what is written. What is no file, such as
    /dev/null, is given itself.

    Raises
    ------
    OSError
        If no file can be made there; also behind a link that leads back to itself.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        yield path
        return
    refuse_link_loop(path)
    target = Path(os.path.realpath(path))
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".streamnorm-") as name:
        new = Path(name) / target.name
        try:
            yield new
        except keep:
            _take_place(new, target)
            raise
        _take_place(new, target)


def _take_place(new: Path, target: Path) -> None:
    if new.exists():
        os.replace(new, target)
