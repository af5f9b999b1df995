"""Which names are of one file, so that nothing is written over what is read."""

import os
from pathlib import Path

__all__ = ["file_identity"]


def file_identity(path: Path) -> object:
    """Return what all names of a file have in common: a link is another name, a hard link too."""
    try:
        status = path.stat()
        return status.st_dev, status.st_ino
    except OSError:  # not there yet
        return os.path.realpath(path)  # no loop of links is an error
