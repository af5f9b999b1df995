"""Octets through memory of rows on units with something fused, and what the same takes one thing after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from streamnorm.spec.config import NormConfig

from .timing import Rows

__all__ = ["Traffic", "is_fused", "traffic_of"]


@dataclass(frozen=True)
class Traffic:
    """Of rows, fused and apart.

    Attributes
    ----------
    read, written : octets that the units take and give, on all streams
    apart_read, apart_written : the same where each thing that is fused is a pass of its own, which writes rows to
        memory that the next one reads
    passes : what these are, in order, by the key of the configuration, the norm's among them
    apart_cycles : unit cycles of these passes besides the norm's, with as many lanes
    """

    read: int = 0
    written: int = 0
    apart_read: int = 0
    apart_written: int = 0
    passes: tuple[str, ...] = ()
    apart_cycles: int = 0

    def __add__(self, other: Traffic) -> Traffic:
        names = ("read", "written", "apart_read", "apart_written", "apart_cycles")
        passes = tuple(dict.fromkeys((*self.passes, *other.passes)))
        return Traffic(passes=passes, **{name: getattr(self, name) + getattr(other, name) for name in names})

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**asdict(self), "passes": list(self.passes)}


def is_fused(config: NormConfig) -> bool:
    """Whether something is fused with the norm that would be a pass of its own."""
    return any(True for _ in _passes(config))


def traffic_of(config: NormConfig, rows: Iterable[Rows]) -> Traffic:
    """Return the traffic of rows on units of a configuration."""
    passes = list(_passes(config))
    count = elements = beats = 0
    for length, number in rows:
        count += number
        elements += number * length
        beats += number * -(-length // config.lanes)

    def octets(own: int, sides: Iterable[Any]) -> int:
        each = sum(side.number.bytes * (count if side.per_row else elements) for side in sides)
        return own * elements + each

    read, written = octets(config.input.bytes, config.side_inputs), octets(config.output.bytes, config.side_outputs)
    return Traffic(
        read=read,
        written=written,
        apart_read=read + elements * sum(each.read for each in passes),
        apart_written=written + elements * sum(each.written for each in passes),
        passes=(
            *(each.key for each in passes if each.is_before),
            "norm",
            *(each.key for each in passes if not each.is_before),
        ),
        apart_cycles=beats * len(passes),
    )


@dataclass(frozen=True)
class _Pass:
    """Something that is fused, as a pass of its own; by the key of what it is.

    What lies in memory between it and the norm's pass, octets of an element, is written and read besides. It is the
    least that makes sense.
    """

    key: str
    read: int
    written: int
    is_before: bool = False


def _passes(config: NormConfig) -> Iterator[_Pass]:
    normalized = config.input.bytes
    if config.input_scale is not None:
        # In a format that needs no scale of its own row.
        normalized += 1
        yield _Pass('scale = "row" in [input]', normalized, normalized, is_before=True)
    if config.residual is not None:
        # Sums that are wanted are written once, fused or apart.
        normalized = (config.residual.sum_number or config.input).bytes
        yield _Pass("residual", normalized, 0 if config.residual.emit_sum else normalized, is_before=True)
    if config.banks_are_interpolated:
        made = sum(side.number.bytes for side in config.core.side_inputs)
        yield _Pass('bank_order = "interpolated"', made, made, is_before=True)
    unfinished = config.output.bytes + 1
    if config.parameters_are_streamed:
        yield _Pass('storage = "stream"', unfinished, unfinished)
    if config.row_scale is not None:
        yield _Pass('scale = "row"', unfinished, unfinished)
    for _ in config.results:
        yield _Pass("results", normalized, 0)
