"""Files that a command leaves in a directory: all of them, or none."""

import os
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from streamnorm.errors import not_written

__all__ = ["write_files"]


def write_files(directory: Path, files: Mapping[str, bytes], removed: Iterable[str] = ()) -> list[Path]:
    """Write files into ``directory``, made if it is not there, and return their paths.

    All are written under other names first and then moved into place, in the order given: what the last one tells of
    the others holds whenever it is there. Where one cannot be written, what was there before stays, and directories
    that were made are removed.

    Parameters
    ----------
    files : mapping
        Contents by name; a name may lead through directories, which are made.
    removed : iterable of str
        Files of an earlier run, to be removed if they are there.

    Raises
    ------
    ConfigError
        Naming the file, or the directory, that cannot be written.
    """
    places = dict.fromkeys([directory, *((directory / name).parent for name in files)])
    missing = {each: None for place in places for each in (place, *place.parents) if not os.path.lexists(each)}
    at = directory
    try:
        for place in places:
            at = place
            place.mkdir(parents=True, exist_ok=True)
        at = directory
        # Inside the directory, so that every move stays within one file system.
        with tempfile.TemporaryDirectory(dir=directory, prefix=".streamnorm-") as scratch:
            for number, (name, content) in enumerate(files.items()):
                at = directory / name
                (Path(scratch) / str(number)).write_bytes(content)
            for name in removed:
                at = directory / name
                at.unlink(missing_ok=True)
            for number, name in enumerate(files):
                at = directory / name
                os.replace(Path(scratch) / str(number), at)
    except BaseException as error:
        for place in sorted(missing, key=lambda place: len(place.parts), reverse=True):
            with suppress(OSError):  # not made, or not empty
                place.rmdir()
        if isinstance(error, OSError):
            raise not_written(at, error) from error
        raise
    return [directory / name for name in files]
