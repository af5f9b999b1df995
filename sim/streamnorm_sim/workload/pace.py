"""How many units keep up with a matrix unit, a memory or a link."""

import math
import re
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass

from streamnorm.errors import ConfigError
from streamnorm.spec.values import nearest, shown

from .demand import Demand

__all__ = ["BANDWIDTHS", "Need", "bandwidth", "keep_up", "line_rate", "rate"]

BANDWIDTHS = {
    "hbm3": 819.2e9,  # a stack of 1024 pins, 6.4 Gbit/s each (JESD238)
    "hbm2e": 460.8e9,  # 1024 pins, 3.6 Gbit/s each (JESD235D)
    "ddr5-4800": 38.4e9,  # a 64-bit module (JESD79-5)
    "ddr4-3200": 25.6e9,  # a 64-bit module (JESD79-4)
    "ddr3-800": 1.6e9,  # a 16-bit chip, as on boards with an ECP5 (JESD79-3)
    "400gbe": 50e9,  # IEEE 802.3bs
    "100gbe": 12.5e9,  # IEEE 802.3ba
    "10gbe": 1.25e9,  # IEEE 802.3ae
}
"""Bytes a second of memories and links by name, what goes in one direction, nothing lost to protocols."""

_PREFIXES = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12, "p": 1e15}


@dataclass(frozen=True)
class Need:
    """Units that keep up with something else.

    Attributes
    ----------
    what : with what
    seconds : that it takes for one pass
    norm_seconds : that one unit is occupied by all norms of the pass
    waited_seconds : that the pass waits for norms even where they keep up, see :attr:`Span.exposed`
    units : the fewest that are occupied no longer than that takes, the unit with most rows in each step counted, all
        steps taken together; None: however many there are, since a row is worked off by one unit
    """

    what: str
    seconds: float
    norm_seconds: float
    waited_seconds: float
    units: int | None


def rate(text: str) -> float:
    """Return a positive number with an optional prefix, such as ``100T`` or ``1.5e12``; ConfigError if it is none."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]*)?(?:e\+?[0-9]{1,2})?)([kmgtp]?)", text.strip().lower())
    value = float(match[1]) * _PREFIXES[match[2]] if match else 0.0
    if not 0 < value < 1e24:
        raise ConfigError(
            f"{shown(text)}: must be a number greater than 0 and below 1e24, with k, M, G, T or P behind it if you like"
        )
    return value


def bandwidth(text: str) -> float:
    """Return bytes a second of a name (``hbm3``, ``400gbe``) or of a number such as ``819.2G``."""
    name = text.strip().lower()
    if name in BANDWIDTHS:
        return BANDWIDTHS[name]
    try:
        return rate(text)
    except ConfigError:
        known = nearest(name, BANDWIDTHS) or f"; the names are {', '.join(BANDWIDTHS)}"
        raise ConfigError(f"{shown(text)}: must be bytes a second, such as 819.2G, or a name{known}") from None


def keep_up(
    demand: Demand,
    occupied: Callable[[int], float],
    waited_seconds: float,
    *,
    rows: int,
    flops: float | None,
    memory: float | None,
    weight_bytes: float,
    cache_bytes: float,
) -> list[Need]:
    """Return the units that a matrix unit and a memory ask for in one pass.

    Parameters
    ----------
    demand : Demand
    occupied : for how many seconds the norms of the pass occupy the busiest of so many units
    waited_seconds : that the pass waits for norms
    rows : of the step with most of them; more units than these change nothing
    flops : that the matrix unit does in a second; None: not asked
    memory : bytes that the memory gives in a second; None: not asked
    weight_bytes, cache_bytes : of a weight, and of an element of a cached key or value
    """
    needs = []
    if flops is not None:
        needs.append(_need("matrix unit", demand.flops / flops, occupied, rows, waited_seconds))
    if memory is not None:
        read = demand.weights * weight_bytes + demand.cached * cache_bytes
        needs.append(_need("memory: weights, keys and values", read / memory, occupied, rows, waited_seconds))
    return needs


def line_rate(bytes_per_second: float, *, lanes: int, element_bytes: int, clock_mhz: float) -> int:
    """Units that normalize everything a link brings: ceil(bytes a second / (lanes x bytes x clock)).

    One unit takes a beat a cycle, whatever the length of the rows.
    """
    return math.ceil(bytes_per_second / (lanes * element_bytes * clock_mhz * 1e6) * (1 - 1e-12))


def _need(what: str, seconds: float, occupied: Callable[[int], float], rows: int, waited_seconds: float) -> Need:
    counts = range(1, max(rows, 1) + 1)
    place = bisect_left(counts, True, key=lambda units: occupied(units) <= seconds * (1 + 1e-12))
    return Need(what, seconds, occupied(1), waited_seconds, counts[place] if place < len(counts) else None)
