"""What has been built once is kept: a cache addressed by everything that went into it."""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None

_UNUSED_DAYS = 30


def cache_directory() -> Path:
    """Return where builds are kept: $STREAMNORM_CACHE, else streamnorm in $XDG_CACHE_HOME or ~/.cache."""
    if named := os.environ.get("STREAMNORM_CACHE"):
        return Path(named).absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "streamnorm"


def build_once(kind: str, parts: Sequence[str], build: Callable[[Path], None], root: Path | None = None) -> Path:
    """Return the directory that ``build`` fills, from the cache if the same has been built before.

    Of processes that ask for the same build at once, one builds and the others wait for it; if it fails or dies, the
    next one builds. Where files cannot be locked each builds, and the first one to finish is kept.

    Parameters
    ----------
    kind : str
        What is built; begins the directory's name.
    parts : sequence of str
        Everything the result depends on.
    build : function of a Path
        Fills the empty directory it is given, whose name changes afterwards.
    root : Path, optional
        Where to keep it; `cache_directory` where absent.
    """
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{len(part)}:{part}".encode())
    root = root or cache_directory()
    place = root / f"{kind}-{digest.hexdigest()[:32]}"
    if not place.is_dir():
        root.mkdir(parents=True, exist_ok=True)
        _forget_unused(root, kind)
        with _lock(root / f"building-{place.name}.lock"):
            if not place.is_dir():
                _build(place, build)
    os.utime(place)  # it is in use
    return place


def _build(place: Path, build: Callable[[Path], None]) -> None:
    with tempfile.TemporaryDirectory(
        prefix=f"building-{place.name}-", dir=place.parent, ignore_cleanup_errors=True
    ) as temporary:
        made = Path(temporary) / "made"
        made.mkdir()
        build(made)
        try:
            made.rename(place)
        except OSError:
            if not place.is_dir():
                raise


@contextmanager
def _lock(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold a lock that dies with its process, and tell whether it is held; it may not be where it is not waited for.

    Where there are no locks, who waits goes on without one.
    """
    while fcntl is not None:
        with path.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:  # another one holds it, or the file system knows no locks
                break
            if not _names(path, file.fileno()):
                continue  # who held it before has removed it
            try:
                yield True
            finally:
                path.unlink(missing_ok=True)
            return
    yield wait


def _names(path: Path, descriptor: int) -> bool:
    """Whether the path still leads to the open file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _forget_unused(root: Path, kind: str) -> None:
    """Remove builds of this kind that nobody has used for a month, and what interrupted builds have left."""
    oldest = time.time() - _UNUSED_DAYS * 86400
    for place in root.glob(f"{kind}-*"):
        try:
            if place.is_dir() and place.stat().st_mtime < oldest:
                shutil.rmtree(place, ignore_errors=True)
        except FileNotFoundError:
            continue  # another process removed it
    for left in root.glob("building-*"):
        lock = left if left.suffix == ".lock" else root / f"{left.name.rpartition('-')[0]}.lock"
        with _lock(lock, wait=False) as unused:
            if unused and left != lock:
                shutil.rmtree(left, ignore_errors=True)
