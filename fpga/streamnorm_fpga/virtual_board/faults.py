"""What a bad serial line does to octets on their way."""

import random
from dataclasses import dataclass, fields

from streamnorm.errors import ConfigError
from streamnorm_sim.streams.seeds import checked_seed

__all__ = ["BREAK", "Faults", "FaultyLine"]

BREAK = 0x100
"""Set in an octet that is sent without its stop bit."""


@dataclass(frozen=True, kw_only=True)
class Faults:
    """Chances of each octet, in both directions, to be hit on its way.

    Parameters
    ----------
    corrupt : float
        One of its bits flips.
    drop : float
        It is lost.
    garbage : float
        Up to 8 random octets come before it.
    framing : float
        It loses its stop bit; only towards the board.
    seed : int
        Of all draws; each direction has its own.

    Raises
    ------
    ConfigError
        If a chance is not within 0 and 1, or the seed out of range.
    """

    corrupt: float = 0.0
    drop: float = 0.0
    garbage: float = 0.0
    framing: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        checked_seed(self.seed)
        for field in fields(self):
            chance = getattr(self, field.name)
            if field.name != "seed" and not 0 <= chance <= 1:
                raise ConfigError(f"{field.name} = {chance:g}: the chance of a fault must be from 0 to 1")

    @property
    def any(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self) if field.name != "seed")


class FaultyLine:
    """One direction of a line with faults.

    Attributes
    ----------
    hit : int
        Faults so far.
    """

    def __init__(self, faults: Faults, *, to_board: bool) -> None:
        self.hit = 0
        self._faults = faults
        self._framing = faults.framing if to_board else 0.0
        self._random = random.Random(f"{faults.seed} {'to' if to_board else 'from'} the board")

    def carry(self, octets: bytes) -> list[int]:
        """Return what arrives of octets that are sent; `BREAK` is set in those without a stop bit."""
        if not self._faults.any:
            return list(octets)
        arrived: list[int] = []
        for octet in octets:
            if self._happens(self._faults.garbage):
                arrived += self._random.randbytes(self._random.randint(1, 8))
            if self._happens(self._faults.drop):
                continue
            if self._happens(self._faults.corrupt):
                octet ^= 1 << self._random.randrange(8)
            if self._happens(self._framing):
                octet |= BREAK
            arrived.append(octet)
        return arrived

    def _happens(self, chance: float) -> bool:
        happens = chance > 0 and self._random.random() < chance
        self.hit += happens
        return happens
