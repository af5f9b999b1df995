"""What one run sends through a unit: rows or raw beats, stalls, parameter loads and a reset."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from streamnorm.errors import ConfigError
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import NumberFormat
from streamnorm.spec.formats.element_bytes import bytes_element
from streamnorm.spec.fusions import SideStream, streams_of
from streamnorm.spec.values import integer_at_least

from .beats import Beats, encode_rows, encode_side
from .joined import followed, followers_of, joined, per_row_of, row_bounds
from .rows import RowBatch, require_streams, turns
from .seeds import checked_seed
from .stalls import NO_STALL, Stall


@dataclass(frozen=True, eq=False)
class ParameterLoad:
    """γ and β loaded over the parameter stream between two rows (``storage = "ram"``).

    The load is offered once row ``after_row`` has been accepted (-1: before any row), and the next row once
    the load's first beat has been accepted, so that the unit itself has to keep the next row waiting until
    the load is done.

    Attributes
    ----------
    after_row : int
        Index of the row before it.
    gamma, beta : int64 (n,)
        Stored integers, or codes, of the first n elements; n is ``max_length`` or a multiple of ``lanes``, because the
        stream has no ``tkeep``. Where ``parameter_repeat`` elements share a value, those of the first n values, n up to
        ``bank_values``; if they are fewer than ``lanes``, then of whole beats, or all.
    bank : int
    further : mapping of str to int64 (n,)
        The same of each further result, "gamma_second" and "beta_second" of one that is called second.
    """

    after_row: int
    gamma: NDArray[np.integer]
    beta: NDArray[np.integer]
    bank: int = 0
    further: Mapping[str, NDArray[np.integer]] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, NDArray[np.integer]]:
        """What is loaded, by the names of the parts of a lane."""
        return {"gamma": self.gamma, "beta": self.beta, **self.further}


@dataclass(frozen=True, eq=False, kw_only=True)
class Traffic:
    """What one run sends; whatever engine runs it, the unit sees the same cycles.

    Parameters
    ----------
    rows : sequence of integer arrays (n,), or integers (rows, n), optional
        Elements in the input format. Rows longer than ``max_length`` are allowed: the unit has to cut them.
    lengths, banks : integers (rows,), optional
        See `RowBatch.arrange`. Where rows take the banks in turn, `encode` refuses others than these.
    beside : mapping of str to such rows, optional
        Rows of the same shape for each of the configuration's ``side_inputs``, by its name; (rows,) or (rows, 1) for
        one with an element of each row.
    beats : Beats, optional
        In place of ``rows``: raw input beats, which may break every rule.
    beats_beside : mapping of str to Beats, optional
        With ``beats``: those of each stream that goes in beside, by the stream's name. Their rows need not be as long.
    source, sink : Stall
        When a new beat may be offered, on the input and on the parameter stream, and when an output beat is
        taken.
    seed : int
        Seed of the random stall patterns.
    loads : sequence of ParameterLoad
        In the order of their ``after_row``; several after the same row follow each other.
    reset_at : int, optional
        Cycle in which ``aresetn`` goes low. A row or load of which a beat had been accepted is then
        abandoned; the source goes on with the next one.
    reset_cycles : int
        Cycles for which it stays low, at least 2: it is registered once.

    Attributes
    ----------
    batch : RowBatch or None
        The rows, whatever they were given as; None for raw beats.

    Raises
    ------
    ConfigError
        If not exactly one of ``rows`` and ``beats`` is given, a shape, type or seed is wrong, or a reset too short.
    """

    rows: Sequence[ArrayLike] | NDArray[np.integer] | None = None
    lengths: ArrayLike | None = None
    banks: ArrayLike | None = None
    beside: Mapping[str, Sequence[ArrayLike] | NDArray[np.integer]] = field(default_factory=dict)
    beats: Beats | None = None
    beats_beside: Mapping[str, Beats] = field(default_factory=dict)
    source: Stall = NO_STALL
    sink: Stall = NO_STALL
    seed: int = 0
    loads: Sequence[ParameterLoad] = ()
    reset_at: int | None = None
    reset_cycles: int = 4
    batch: RowBatch | None = field(init=False, default=None, repr=False)

    def __post_init__(self) -> None:
        if (self.rows is None) == (self.beats is None):
            raise ConfigError("either rows or beats must be given")
        if self.beats is not None and not (self.lengths is None and self.banks is None):
            raise ConfigError("lengths and banks go with rows, not with beats")
        for given, other, kind in (("beside", "beats", "rows"), ("beats_beside", "rows", "beats")):
            if getattr(self, given) and getattr(self, other) is not None:
                raise ConfigError(f"{given} goes with {kind}, not with {other}")
        checked_seed(self.seed)
        if self.reset_at is not None:
            integer_at_least("reset_at", self.reset_at, 0)
        integer_at_least("reset_cycles", self.reset_cycles, 2)
        if self.rows is not None:
            batch = RowBatch.arrange(self.rows, self.lengths, self.banks)
            beside = {name: self._rows_beside(rows, len(batch)) for name, rows in self.beside.items()}
            object.__setattr__(self, "batch", replace(batch, beside=beside))

    def _rows_beside(self, rows: Sequence[ArrayLike] | NDArray[np.integer], count: int) -> NDArray[np.integer]:
        """Rows of a stream beside; one element of each row is a row of one."""
        if isinstance(rows, np.ndarray) and rows.shape in ((count,), (count, 1)):
            return RowBatch.arrange(rows.reshape(count, 1)).x
        return RowBatch.arrange(rows, self.lengths).x

    def __repr__(self) -> str:
        return f"<Traffic: {self.beats if self.batch is None else self.batch!r}, seed {self.seed}>"

    def encode(self, config: NormConfig) -> Beats:
        """Return the input beats.

        Raises
        ------
        ConfigError
            If an element or bank is outside what the configuration allows, or raw beats have another width.
        """
        if self.batch is not None:
            batch = self._in_order(config, self.batch)
            batch.require_fit(config, cut=True)
            return encode_rows(config, batch)
        assert self.beats is not None
        width = config.lanes * config.input.bytes
        if self.beats.data.shape[1] != width:
            raise ConfigError(f"raw beats have {self.beats.data.shape[1]} bytes; the unit's have {width}")
        return self.beats

    def encode_beside(self, config: NormConfig) -> dict[str, Beats]:
        """Return the beats of each stream that goes in beside, by its name.

        Raises
        ------
        ConfigError
            As `encode`, or if there are not beats for each of the configuration's side inputs and no other.
        """
        if self.batch is not None:
            self.batch.require_fit(config, cut=True)
            streams = streams_of(config.side_inputs)
            return {name: encode_side(config, sides, self.batch) for name, sides in streams.items()}
        require_streams(config, self.beats_beside)
        for name, sides in streams_of(config.side_inputs).items():
            beats = self.beats_beside[name]
            width = sides[0].lanes(config.lanes) * sum(side.number.bytes for side in sides)
            given = beats.data.shape[1]
            if given != width:
                raise ConfigError(f"{name}: raw beats have {given} bytes; the unit's have {width}")
            if any(side.follows for side in sides) and len(beats) and not beats.last[-1]:
                raise ConfigError(f"{name}: the last raw beat must have tlast")
        # In the order in which the unit has them, whatever that of the mapping is.
        return {name: self.beats_beside[name] for name in streams_of(config.side_inputs)}

    def received(self, config: NormConfig, *, ahead: bool = False) -> RowBatch:
        """Return the rows as the unit must see them: cut at ``max_length``, ``tkeep`` made regular.

        ``errors`` says which rows must come out with their error flag set. A raw row without ``tlast`` that
        is not longer than ``max_length`` is never finished and not among them. With ``ahead``, as streams tell of them
        that leave before the results are made; see `streamnorm.spec.fusions.side_stream.SideStream`.
        """
        if self.batch is not None:
            batch = self._in_order(config, self.batch)
            x, lengths, most = batch.x, batch.lengths, config.max_length
            beside = {name: rows[:, :most] for name, rows in batch.beside.items()}  # one element stays what it is
            errors = (lengths > most) | _without_scale(config, beside, len(batch))
            return replace(batch, x=x[:, :most], lengths=np.minimum(lengths, most), errors=errors, beside=beside)
        assert self.beats is not None
        given = self.encode_beside(config)
        beats, others = joined(self.encode(config), given, config.lanes, followers_of(config), per_row_of(config))
        received = _received(config, beats, config.input)
        beside: dict[str, NDArray[np.integer]] = {}
        errors = received.errors
        for name, sides in streams_of(config.side_inputs).items():
            if sides[0].per_row:
                for side in sides:
                    numbers, wrong = _alone(others[name], side.number)
                    beside[side.name] = numbers[: len(received)]
                    errors = errors if ahead else errors | wrong[: len(received)]
                continue
            if name in others:
                beside |= {side.name: _received(config, others[name], side.number).x for side in sides}
                continue
            numbers, wrong = _followed(config, beats, given[name], sides)
            beside |= numbers
            errors = errors if ahead else errors | wrong[: len(received)]
        errors = errors | _without_scale(config, beside, len(received))
        return replace(received, beside=beside, errors=errors)

    def _in_order(self, config: NormConfig, batch: RowBatch) -> RowBatch:
        """The rows with the banks that they take in turn, where they do."""
        if config.bank_order == "given":
            return batch
        turn = turns(config, len(batch))
        if self.banks is not None and not np.array_equal(batch.banks, turn):
            row = int(np.argmax(batch.banks != turn))
            raise ConfigError(
                f"banks: row {row} names bank {batch.banks[row]}: must be {turn[row]}, with bank_order = "
                f'"{config.bank_order}"; leave banks out'
            )
        return replace(batch, banks=turn)


def _without_scale(config: NormConfig, beside: Mapping[str, NDArray[np.integer]], count: int) -> NDArray[np.bool_]:
    """Which of the rows bring none although each has to."""
    scales = config.input_scale
    if scales is None:
        return np.zeros(count, np.bool_)
    return scales.is_bad(beside[scales.side.name][:count, 0])


def _followed(
    config: NormConfig, beats: Beats, of: Beats, sides: Sequence[SideStream]
) -> tuple[dict[str, NDArray[np.integer]], NDArray[np.bool_]]:
    """What a stream that follows has for the rows of ``beats``, and of which rows it has another length."""
    lanes = config.lanes
    counted = _counted(beats, lanes)
    places, differs = followed(beats, counted, of)
    data = of.data[places].reshape(len(beats), lanes, -1)
    found: dict[str, NDArray[np.integer]] = {}
    at = 0
    for side in sides:
        size = side.number.bytes
        own = data[..., at : at + size].reshape(len(beats), -1)
        kept = np.repeat(counted, size, axis=1)
        found[side.name] = _received(config, replace(beats, data=own, keep=kept), side.number).x
        at += size
    starts, _ = row_bounds(beats.last)
    wrong = np.logical_or.reduceat(differs, starts) if len(starts) else np.zeros(0, np.bool_)
    return found, wrong


def _alone(of: Beats, number: NumberFormat) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The elements of a stream with one for each row, (rows, 1), and which are not of the format: these are taken for
    the nearest that is, and their row is flagged."""
    values = _elements(of, number)
    found = np.clip(values, number.min, number.max)
    return found, (found != values).any(axis=1)


def _received(config: NormConfig, beats: Beats, number: NumberFormat) -> RowBatch:
    """Return what the contract says a unit sees of raw beats; see `Traffic.received`."""
    lanes, byte_count = config.lanes, number.bytes
    starts, ends = row_bounds(beats.last)
    kept = beats.keep[:, ::byte_count]  # the lowest byte's bit stands for the element
    counted = _counted(beats, lanes)
    counts = counted.sum(axis=1)
    regular = (kept == counted).all(axis=1)
    values = _elements(beats, number)
    rows: list[NDArray[np.int64]] = []
    banks: list[int] = []
    errors: list[bool] = []
    for start, end in zip(starts, ends, strict=True):
        elements = values[start:end].ravel()[: (end - start - 1) * lanes + counts[end - 1]]
        if not beats.last[end - 1] and end - start < config.max_beats:
            continue  # the stream stops within this row
        rows.append(elements[: config.max_length])
        banks.append(int(beats.user[start]) if config.rows_name_banks else 0)
        unended = not beats.last[end - 1]
        errors.append(unended or len(elements) > config.max_length or not regular[start:end].all())
    named = banks if config.rows_name_banks else turns(config, len(rows))
    return replace(RowBatch.arrange(rows, None, named), errors=np.array(errors, np.bool_))


def _counted(beats: Beats, lanes: int) -> NDArray[np.bool_]:
    """Which lanes of a row's beats count, (beats, lanes): all, and of its last one those before the first hole."""
    kept = beats.keep.reshape(len(beats), lanes, -1)[..., 0].copy()
    kept[:, 0] = True  # counts as kept whatever its bit
    return np.logical_and.accumulate(kept | ~beats.last[:, None], axis=1)


def _elements(beats: Beats, number: NumberFormat) -> NDArray[np.int64]:
    """The elements of raw beats, (beats, lanes)."""
    raw = beats.data.reshape(len(beats), -1, number.bytes)
    values = bytes_element(raw, signed=False)
    modulus = 1 << number.bits  # bits of the last byte beyond the format are not looked at
    values %= modulus
    return np.where(values > number.max, values - modulus, values) if number.signed else values
