"""The file of waves that an engine writes: what was there before stays until the new one is whole."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streamnorm.errors import CheckFailed, not_written
from streamnorm.spec.paths import written_beside

__all__ = ["WavesLost", "wave_file"]


class WavesLost(Exception):
    """Raised by an engine that cannot write its waves, with the system's reason."""

    def __init__(self, reason: OSError) -> None:
        super().__init__(reason)
        self.reason = reason


@contextmanager
def wave_file(path: Path | None) -> Iterator[Path | None]:
    """Give the file that an engine writes, which takes the place of ``path`` at the end of the run.

    So it does after a run that failed or was interrupted, whose waves are the ones that matter.

    Raises
    ------
    ConfigError
        If it cannot be written, or the engine raises `WavesLost`; ``path`` is as it was then.
    """
    if path is None:
        yield None
        return
    running = False
    try:
        with written_beside(path, keep=(CheckFailed, KeyboardInterrupt)) as file:
            running = True
            yield file
            running = False
    except WavesLost as lost:
        raise not_written(path, lost.reason) from lost
    except OSError as error:
        if running:  # the engine's own
            raise
        raise not_written(path, error) from error
