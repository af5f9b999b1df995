"""A Traffic turned into what an engine plays cycle by cycle; the same for every engine."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Integral

import numpy as np
from numpy.typing import NDArray

from streamnorm.errors import CheckFailed, ConfigError
from streamnorm.plan import Plan
from streamnorm.spec.arrays import INTEGERS, as_array
from streamnorm.spec.config import NormConfig
from streamnorm.spec.parameter_lane import parameter_lane

from .beats import Beats, encode_load
from .joined import row_bounds, rows_of
from .stalls import open_patterns
from .traffic import ParameterLoad, Traffic

DRAIN_CYCLES = 128
"""Cycles for which an engine keeps looking after the last expected beat, its sink open, for beats too many."""

_PATIENCE = 4096
"""Cycles without any handshake, besides those that stalls explain, after which a run counts as hung."""


class HangError(CheckFailed):
    """The unit stopped taking and giving beats before the run was done."""

    @classmethod
    def at(cls, cycle: int, *, taken: int, offered: int, given: int, wanted: int) -> "HangError":
        """Return the error; ``taken`` of ``offered`` input beats, ``given`` of ``wanted`` output beats."""
        return cls(
            f"the unit hangs: {taken} of {offered} input beats accepted, {given} of {wanted} output beats "
            f"given by cycle {cycle}, and nothing moves any more"
        )


class StreamViolation(CheckFailed):
    """The unit withdrew or changed an output beat that it had offered and that had not been taken."""

    @classmethod
    def at(cls, cycle: int, *, given: int, port: str = "m_axis") -> "StreamViolation":
        """Return the error for the output beat after ``given`` ones."""
        return cls(f"{port} changed while it waited: output beat {given}, cycle {cycle}")


@dataclass(frozen=True, eq=False)
class Channel:
    """One stream that an engine drives.

    Attributes
    ----------
    beats : Beats
    gate : int64 (beats,)
        How many beats of the other driven stream must have been accepted before each beat may be offered; none, for a
        stream beside the rows.
    resume : int64 (beats + 1,)
        With which beat to go on if a reset comes when this is the next beat: a begun row or load is
        abandoned. Of a stream beside the rows: (beats of rows + 1,), with which beat to go on where the rows go on with
        this one.
    open : uint8 (cycles,)
        1 in a cycle where a new beat may be offered; used modulo its length.
    """

    beats: Beats
    gate: NDArray[np.int64]
    resume: NDArray[np.int64]
    open: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.beats)


@dataclass(frozen=True, eq=False)
class Stimulus:
    """Everything an engine plays.

    Attributes
    ----------
    rows, loads : Channel
        The input stream and the parameter stream.
    sink_open : uint8 (cycles,)
        ``m_axis_tready``, modulo its length.
    outputs_before : int64 (input beats + 1,)
        Output beats of all rows that begin before each input beat; as many on each stream of rows that goes out.
    outputs_before_beside : mapping of str to the same, of the streams that go out beside the results, by their names
    sides : mapping of str to Channel
        The streams that go in beside the rows, by their names.
    sinks_open : mapping of str to uint8 (cycles,)
        ``tready`` of the streams that go out beside the results, by their names.
    patience : int
        Cycles without a handshake after which the engine raises HangError.
    """

    rows: Channel
    loads: Channel
    sink_open: NDArray[np.uint8]
    outputs_before: NDArray[np.int64]
    outputs_before_beside: Mapping[str, NDArray[np.int64]]
    patience: int
    sides: Mapping[str, Channel] = field(default_factory=dict)
    sinks_open: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)

    @classmethod
    def of(cls, config: NormConfig, traffic: Traffic) -> "Stimulus":
        """Encode a traffic for a configuration; it depends on the architecture how long a unit may seem to hang.

        Raises
        ------
        ConfigError
            If the traffic does not fit the configuration.
        """
        beats = traffic.encode(config)
        starts, ends = row_bounds(beats.last)
        loads, load_starts, after = _loads(config, traffic, len(starts))
        row_gate = np.zeros(len(beats), np.int64)
        load_gate = np.zeros(len(loads), np.int64)
        bounds = np.append(load_starts, len(loads))
        for start, end, row in zip(bounds[:-1], bounds[1:], after, strict=True):
            following = int(ends[row]) if row >= 0 else 0
            load_gate[start:end] = following
            row_gate[following:] = start + 1
        beside = traffic.encode_beside(config)
        rows = rows_of(config, beats, beside)
        out_beats = np.minimum(rows.counts, config.max_beats)
        out_beats[~rows.ended & (out_beats < config.max_beats)] = 0  # never finished
        outputs_before, rows_before = (
            _before(len(beats), rows.starts, counts) for counts in (out_beats, np.minimum(out_beats, 1))
        )
        outputs = [side.name for side in config.side_outputs]
        patterns = open_patterns(traffic.source, traffic.sink, traffic.seed, inputs=len(beside), outputs=len(outputs))
        sides = {}
        for (name, of), pattern in zip(beside.items(), patterns[3:], strict=False):
            resume = _resume(rows.starts, len(beats), np.append(rows.starts_beside[name], len(of)))
            sides[name] = Channel(of, np.zeros(len(of), np.int64), resume, pattern)
        return cls(
            Channel(beats, row_gate, _resume(starts, len(beats)), patterns[0]),
            Channel(loads, load_gate, _resume(load_starts, len(loads)), patterns[1]),
            patterns[2],
            outputs_before,
            {side.name: rows_before if side.per_row else outputs_before for side in config.side_outputs},
            patience(config, *patterns),
            sides,
            dict(zip(outputs, patterns[3 + len(beside) :], strict=True)),
        )

    @property
    def expected(self) -> int:
        """Output beats of a run without reset."""
        return int(self.outputs_before[-1])

    @property
    def expected_beside(self) -> dict[str, int]:
        """The same of each stream that goes out beside the results, by its name."""
        return {name: int(before[-1]) for name, before in self.outputs_before_beside.items()}

    def remaining(self, position: int) -> tuple[int, dict[str, int]]:
        """Output beats of the rows that begin from input beat ``position`` on; and those beside, by their names."""
        beside = {name: int(before[-1] - before[position]) for name, before in self.outputs_before_beside.items()}
        return int(self.outputs_before[-1] - self.outputs_before[position]), beside


def patience(config: NormConfig, *patterns: NDArray[np.uint8]) -> int:
    """Return the cycles without a handshake after which a unit counts as hung, under these stalls on its sides."""
    longest = max(_longest_closed(pattern) for pattern in patterns)
    return _PATIENCE + 2 * longest + _scanning(config)


def _scanning(config: NormConfig) -> int:
    """Cycles that pass between two handshakes although the unit works: those of a row's scans."""
    plan = Plan.of(config)
    return 2 * plan.latency(config.max_length).L3 if plan.report.beats_before_output else 0


def _loads(config: NormConfig, traffic: Traffic, row_count: int) -> tuple[Beats, NDArray[np.int64], list[int]]:
    """Return the beats of all loads, where each load starts, and after which row each comes."""
    if not traffic.loads:
        return Beats.empty(1), np.zeros(0, np.int64), []
    if not config.parameters_are_loaded:
        raise ConfigError(f'parameter loads need storage = "ram"; the configuration has "{config.storage}"')
    after = [load.after_row for load in traffic.loads]
    if after != sorted(after) or not -1 <= after[0] <= after[-1] < row_count:
        raise ConfigError(f"loads are after rows {after}: must be in order, from -1 to {row_count - 1}")
    parts: list[Beats] = []
    for index, load in enumerate(traffic.loads):
        parts.append(load_beats(config, load, f"load {index}"))
    starts = np.cumsum([0] + [len(part) for part in parts[:-1]])
    return Beats.join(parts), starts, after


def load_beats(config: NormConfig, load: ParameterLoad, about: str) -> Beats:
    """Return the beats of a load after checking it.

    Raises
    ------
    ConfigError
        If it does not fit the configuration; the message begins with ``about``.
    """
    parts = {part.name: part for part in parameter_lane(config)}
    if load.values.keys() != parts.keys():
        (name, *_) = sorted(load.values.keys() ^ parts.keys())
        what = "must be loaded, too" if name in parts else "is of no result of the unit"
        raise ConfigError(f"{about}: {name}: {what}; there are {', '.join(parts)}")
    given = {name: as_array(load.values[name], f"{about}: {name}") for name in parts}
    gamma = given["gamma"]
    alike = all(values.shape == gamma.shape for values in given.values())
    if not alike or gamma.ndim != 1 or not 1 <= len(gamma) <= config.bank_values:
        *names, last = parts
        what = f"{', '.join(names)} and {last}"
        raise ConfigError(f"{about}: {what} must have one shape (n,), n from 1 to {config.bank_values}")
    repeat = config.parameter_repeat
    if len(gamma) < config.bank_values and repeat < config.lanes and len(gamma) * repeat % config.lanes:
        count = f"{len(gamma)} elements" if repeat == 1 else f"{len(gamma)} values of {repeat} elements each"
        raise ConfigError(f"{about}: {count} must be whole beats of {config.lanes}, or all")
    for name, values in given.items():
        bits = parts[name].bits
        least, what = (0, "codes") if config.output.is_float else (-(1 << (bits - 1)), "integers")
        if values.dtype.kind not in INTEGERS or values.min() < least or values.max() >= least + (1 << bits):
            raise ConfigError(f"{about}: {name} must be {what} of {bits} bits")
    if isinstance(load.bank, bool) or not isinstance(load.bank, Integral) or not 0 <= load.bank < config.banks:
        raise ConfigError(f"{about} names bank {load.bank}: must be from 0 to {config.banks - 1}")
    return encode_load(config, given, load.bank)


def _before(count: int, starts: NDArray[np.int64], beats: NDArray[np.int64]) -> NDArray[np.int64]:
    """The beats of all rows that begin before each of ``count`` positions, and before their end."""
    found = np.zeros(count + 1, np.int64)
    np.add.at(found, starts + 1, beats)
    return np.cumsum(found)


def _resume(starts: NDArray[np.int64], count: int, beside: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
    """For each position, itself if a row or load starts there, else where the next one does, or the end; or that row
    in a stream ``beside``, given where rows start there, and the end."""
    position = np.arange(count + 1)
    bounds = np.append(starts, count)
    return (bounds if beside is None else beside)[np.searchsorted(bounds, position)]


def _longest_closed(pattern: NDArray[np.uint8]) -> int:
    free = np.flatnonzero(pattern)
    return int(np.diff(free, append=free[0] + len(pattern)).max()) - 1
