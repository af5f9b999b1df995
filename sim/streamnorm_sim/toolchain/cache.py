"""What has been built once is kept: a cache addressed by everything that went into it."""

import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from streamnorm.errors import ConfigError
from streamnorm.spec.values import file_name

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None

_UNUSED_DAYS = 30
_LOADING_SECONDS = 10
"""In which whoever was given a build has surely loaded it."""

_BUILD = re.compile(r"[a-z]+-[0-9a-f]{32}")


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

    Raises
    ------
    ConfigError
        If it cannot be kept there.
    """
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{len(part)}:{part}".encode())
    root = root or cache_directory()
    place = root / f"{kind}-{digest.hexdigest()[:32]}"
    while True:
        if not place.is_dir():
            with ExitStack() as held:
                with _writing(root):
                    root.mkdir(parents=True, exist_ok=True)
                    _forget_unused(root, kind)
                    held.enter_context(_lock(root / f"building-{place.name}.lock"))
                if not place.is_dir():
                    _build(place, build)
        try:
            os.utime(place)  # it is in use
        except FileNotFoundError:  # another process has just cleared the cache
            continue
        except OSError:  # somebody else's, who lets it be read
            pass
        return place


@contextmanager
def _writing(root: Path) -> Iterator[None]:
    """Tell what to do where the cache itself cannot be written."""
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"{file_name(root)}: cannot be written: {error.strerror or error}; builds are kept there, or in the folder "
            "that $STREAMNORM_CACHE names"
        ) from error


@dataclass(frozen=True)
class Usage:
    """How many builds there are, and how many bytes their files have."""

    builds: int
    octets: int

    def to_dict(self) -> dict[str, int]:
        """Return it as JSON values."""
        return {"builds": self.builds, "bytes": self.octets}


def cache_usage(root: Path | None = None) -> Usage:
    """Return what `cache_directory` holds, or ``root``."""
    return _usage(_builds(root or cache_directory()))


def clear_cache(root: Path | None = None) -> tuple[Usage, Usage]:
    """Remove the builds in `cache_directory`, or ``root``, and nothing else that may be there.

    What other processes may need stays: what they have just been given, and while something is being built, whatever
    has been used since that began.

    Returns
    -------
    Usage, Usage
        What has been removed, and what stays.
    """
    root = root or cache_directory()
    under_way = _sweep_interrupted(root)
    since = min([time.time() - _LOADING_SECONDS, *under_way])
    removed = []
    for place in _builds(root):
        try:
            if place.stat().st_mtime >= since:
                continue
            usage = _usage([place])
            aside = root / f"building-{place.name}-cleared"  # at once, so that nobody takes half of it for a build
            place.rename(aside)
        except OSError:  # another process has removed it
            continue
        shutil.rmtree(aside, ignore_errors=True)
        removed.append(usage)
    return Usage(len(removed), sum(usage.octets for usage in removed)), cache_usage(root)


def _builds(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    return [place for place in sorted(root.iterdir()) if _BUILD.fullmatch(place.name) and _is_folder(place)]


def _is_folder(place: Path) -> bool:
    return place.is_dir() and not place.is_symlink()


def _usage(builds: Sequence[Path]) -> Usage:
    sizes = 0
    for place in builds:
        for folder, _, files in os.walk(place):
            for name in files:
                with suppress(OSError):
                    sizes += os.lstat(os.path.join(folder, name)).st_size
    return Usage(len(builds), sizes)


def _build(place: Path, build: Callable[[Path], None]) -> None:
    with _writing(place.parent):
        temporary = tempfile.TemporaryDirectory(
            prefix=f"building-{place.name}-", dir=place.parent, ignore_cleanup_errors=True
        )
    with temporary:
        made = Path(temporary.name) / "made"
        made.mkdir()
        build(made)
        with _writing(place.parent):
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
        with path.open("ab") as file:  # so that its time remains that of the first who opened it
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
    _sweep_interrupted(root)


def _sweep_interrupted(root: Path) -> list[float]:
    """Remove what interrupted builds have left; return when each of those began that are under way."""
    began = []
    for left in root.glob("building-*"):
        lock = left if left.suffix == ".lock" else root / f"{left.name.rpartition('-')[0]}.lock"
        with _lock(lock, wait=False) as unused:
            if not unused:
                with suppress(FileNotFoundError):  # it has just ended
                    began.append(lock.stat().st_mtime)
            elif left != lock:
                shutil.rmtree(left, ignore_errors=True)
    return began
