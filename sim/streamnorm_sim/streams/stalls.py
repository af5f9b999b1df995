"""When a source may offer a beat and a sink takes one: stall patterns, and how they are written."""

import re
from dataclasses import dataclass
from numbers import Real
from typing import Literal, cast, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from streamnorm.errors import ConfigError
from streamnorm.spec.arrays import as_array
from streamnorm.spec.values import instance_of, integer_between, one_of, shown

from .seeds import checked_seed

PERIOD = 1 << 16
"""Cycles after which a random pattern repeats."""

FORMS = (
    "none, P, random:P or burst:OPEN/CLOSED, or source:FORM,sink:FORM; "
    "P is the share of stalled cycles, at least 0 and below 1"
)
"""Everything `parse_stalls` reads; OPEN and CLOSED are mean run lengths."""

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_BURST = re.compile(r"([0-9]{1,99})/([0-9]{1,99})")

_Kind = Literal["none", "random", "burst", "explicit"]


@dataclass(frozen=True)
class Stall:
    """A stall pattern. Cycle ``t`` after reset uses element ``t`` modulo the pattern's length.

    Take `NO_STALL`, or make one with `random`, `burst` or `explicit`; a source's pattern decides when a new
    beat may be offered (an offered beat stays until it is taken), a sink's pattern is ``ready`` itself.

    Attributes
    ----------
    kind : str
        Which of the four.
    probability : float
        "random": share of the cycles that are stalled.
    open_cycles, closed_cycles : int
        "burst": mean lengths of the free and of the stalled runs.
    cycles : tuple of bool
        "explicit": which cycles are stalled.

    Raises
    ------
    ConfigError
        If there is no such kind, or what it needs is out of range.
    """

    kind: _Kind = "none"
    probability: float = 0.0
    open_cycles: int = 0
    closed_cycles: int = 0
    cycles: tuple[bool, ...] = ()

    def __post_init__(self) -> None:
        one_of("kind of stall", self.kind, get_args(_Kind))
        if self.kind == "random":
            given = self.probability
            if not isinstance(given, Real) or isinstance(given, bool) or not 0 <= given < 1:
                said = f"{given:g}" if isinstance(given, float) else shown(given)
                raise ConfigError(f"stall probability {said}: must be at least 0 and below 1")
            object.__setattr__(self, "probability", float(given) + 0.0)  # no -0.0
        elif self.kind == "burst":
            for name in ("open_cycles", "closed_cycles"):
                object.__setattr__(self, name, integer_between("run of cycles", getattr(self, name), 1, 1000))
        elif self.kind == "explicit":
            cycles = as_array(self.cycles, "stall")
            if cycles.ndim != 1 or cycles.dtype != np.bool_ or cycles.all():
                raise ConfigError("an explicit stall pattern must be booleans of shape (cycles,), not all stalled")
            object.__setattr__(self, "cycles", tuple(cycles.tolist()))

    @classmethod
    def random(cls, probability: float) -> "Stall":
        """Stalled in each cycle independently; ``probability`` is at least 0 and below 1, else ConfigError."""
        return cls("random", probability=probability)

    @classmethod
    def burst(cls, open_cycles: int, closed_cycles: int) -> "Stall":
        """Free and stalled runs in turn, of random lengths with these means (1 to 1000, else ConfigError)."""
        return cls("burst", open_cycles=open_cycles, closed_cycles=closed_cycles)

    @classmethod
    def explicit(cls, stalled: ArrayLike) -> "Stall":
        """Stalled where ``stalled``, booleans (cycles,), says so; ConfigError if it is empty or never free."""
        return cls("explicit", cycles=cast(tuple[bool, ...], stalled))

    def open(self, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Return the pattern: 1 in a free cycle, 0 in a stalled one; at least one cycle is free."""
        if self.kind == "random":
            pattern = rng.random(PERIOD) >= self.probability
            pattern[rng.integers(PERIOD)] = True
        elif self.kind == "burst":
            runs = PERIOD // (self.open_cycles + self.closed_cycles) + 1
            means = np.array([[self.open_cycles, self.closed_cycles]])
            lengths = rng.integers(1, 2 * means - 1, (runs, 2), endpoint=True)  # uniform with that mean
            pattern = np.repeat(np.tile([True, False], runs), lengths.ravel())
        elif self.kind == "explicit":
            pattern = ~np.array(self.cycles)
        else:
            pattern = np.ones(1, np.bool_)
        return pattern.astype(np.uint8)

    def __str__(self) -> str:
        if self.kind == "random":
            return f"random:{self.probability:g}"
        if self.kind == "burst":
            return f"burst:{self.open_cycles}/{self.closed_cycles}"
        return self.kind


NO_STALL = Stall()
"""Never stalled."""


def open_patterns(
    source: Stall, sink: Stall, seed: int, *, inputs: int = 0, outputs: int = 0
) -> tuple[NDArray[np.uint8], ...]:
    """Return the patterns of a run: when the source of rows, that of parameters and the sink are free; then those of
    so many ``inputs`` and ``outputs`` beside.

    Raises
    ------
    ConfigError
        If the seed is no integer from 0 to `SEED_MAX`, or a pattern is no `Stall`.
    """
    checked_seed(seed)
    check_stalls(source, sink)
    streams = (source, source, sink, *[source] * inputs, *[sink] * outputs)
    return tuple(stall.open(np.random.default_rng([seed, stream])) for stream, stall in enumerate(streams))


def check_stalls(source: object, sink: object) -> None:
    """Raise a ConfigError unless both are a `Stall`."""
    for key, stall in (("source", source), ("sink", sink)):
        instance_of(key, stall, Stall, "a Stall, such as Stall.random(0.3)")


def as_stall(value: "Stall | str | float") -> Stall:
    """Return a pattern given as it is, as the text of `parse_stall`, or as the share of stalled cycles.

    Raises
    ------
    ConfigError
        If it is something else, or a number is out of range.
    """
    if isinstance(value, Stall):
        return value
    if isinstance(value, str):
        return parse_stall(value)
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ConfigError(f"stall {shown(value)}: must be {FORMS}")
    return Stall.random(value)


def parse_stall(text: str) -> Stall:
    """Return the pattern that ``none``, ``0.3``, ``random:0.3`` or ``burst:8/3`` stands for.

    Raises
    ------
    ConfigError
        If ``text`` is none of these, or a number is out of range.
    """
    kind, _, argument = text.strip().rpartition(":")
    try:
        if kind == "burst" and (match := _BURST.fullmatch(argument)):
            return Stall.burst(int(match[1]), int(match[2]))
        if kind == "" and argument == "none":
            return NO_STALL
        if kind in ("", "random") and _NUMBER.fullmatch(argument):
            return Stall.random(float(argument))
    except ValueError as error:
        raise ConfigError(f"stall {shown(text)}: {error}") from error
    raise ConfigError(f"stall {shown(text)}: must be {FORMS}")


def parse_stalls(text: str | float) -> tuple[Stall, Stall]:
    """Return the source's and the sink's pattern, as in ``0.3`` (both) or ``source:0.3,sink:burst:8/3``.

    A number is the share of stalled cycles, as its text is.

    Raises
    ------
    ConfigError
        If a part is malformed, or names a side twice or one that there is not.
    """
    if not isinstance(text, str):
        both = as_stall(text)
        return both, both
    parts = text.split(",")
    if len(parts) == 1 and not parts[0].strip().startswith(("source:", "sink:")):
        both = parse_stall(text)
        return both, both
    sides: dict[str, Stall] = {}
    for part in parts:
        side, _, form = part.strip().partition(":")
        if side not in ("source", "sink"):
            raise ConfigError(
                f"stall {shown(part.strip() or text)}: must begin with source: or sink:, as in source:0.3,sink:none"
            )
        if side in sides:
            raise ConfigError(f"stall {shown(text)}: names {side} twice")
        if not form.strip():
            raise ConfigError(f"stall {shown(part.strip())}: a FORM is missing behind {side}:; must be {FORMS}")
        sides[side] = parse_stall(form)
    return sides.get("source", NO_STALL), sides.get("sink", NO_STALL)
