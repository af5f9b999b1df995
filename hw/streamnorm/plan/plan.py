"""The plan: every width, every pipeline stage, the latency and the error bound of one configuration."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from streamnorm.architectures.one_pass import NormUnit
from streamnorm.precision.precision import Precision
from streamnorm.spec.config import NormConfig
from streamnorm.units import ingest, output_queue

__all__ = ["Latency", "Plan", "PlanRow"]


@dataclass(frozen=True)
class Latency:
    """Cycles of a row, with valid and ready held at 1 (a wire scores 0, one register 1).

    ``L1`` first beat in to first beat out, ``L2`` last in to first out, ``L3`` first in to last out, ``SS`` cycles per
    row of rows back to back.
    """

    L1: int
    L2: int
    L3: int
    SS: int


@dataclass(frozen=True)
class PlanRow:
    """One line of the plan for people: where it belongs, what it is called, its value, what it means."""

    section: str
    name: str
    value: str
    meaning: str


@dataclass(frozen=True, eq=False)
class Plan:
    """What the unit of a configuration will be; read off the very blocks that become hardware.

    Attributes
    ----------
    config, precision : what was asked; widths and binary points
    stages : cycles of each block on the way from an accepted beat to the output, in order
    latency_cycles : L2, the sum of ``stages``
    interval : cycles from row to row, at least: a shorter row takes as long
    multipliers : multiplier tiles of each block (0 where the target builds them from logic)
    block_rams : block RAMs of each memory
    row_slots, buffer_beats, output_entries : what may be on its way at once
    error_bound : largest error of a result against the exact one, output LSB, the final rounding included
    expected_error : mean error before the final rounding, output LSB; about the share of results that are not
        rounded correctly
    """

    config: NormConfig
    precision: Precision
    stages: dict[str, int]
    latency_cycles: int
    interval: int
    multipliers: dict[str, int]
    block_rams: dict[str, int]
    row_slots: int
    buffer_beats: int
    output_entries: int

    @staticmethod
    def of(config: NormConfig) -> "Plan":
        """The plan of a configuration (cached).

        Raises
        ------
        ConfigError
            If no datapath reaches the accuracy asked for.
        """
        return _plan(config)

    @property
    def error_bound(self) -> float:
        return 0.5 + self.precision.error_bound

    @property
    def expected_error(self) -> float:
        return self.precision.expected_error

    def latency(self, n: int) -> Latency:
        """Cycles of rows of ``n`` elements, 1 … max_length.

        Raises
        ------
        ValueError
            If ``n`` is out of range.
        """
        if not 1 <= n <= self.config.max_length:
            raise ValueError(f"n = {n}: must be 1 … {self.config.max_length}")
        beats = -(-n // self.config.lanes)
        latency = self.latency_cycles
        return Latency(
            L1=beats - 1 + latency, L2=latency, L3=2 * (beats - 1) + latency, SS=max(beats, self.interval)
        )

    def latency_formulas(self) -> dict[str, str]:
        """The same as formulas of ``n``; ``ceil`` rounds up."""
        beats, latency = f"ceil(n / {self.config.lanes})", self.latency_cycles
        return {
            "L1": f"{beats} + {latency - 1}",
            "L2": f"{latency}",
            "L3": f"2 * {beats} + {latency - 2}",
            "SS": beats if self.interval == 1 else f"max({beats}, {self.interval})",
        }

    def to_dict(self) -> dict[str, Any]:
        """Everything above as plain numbers, for JSON."""
        precision = self.precision
        widths = {name: value for name, value in vars(precision).items() if isinstance(value, int)}
        return {
            "name": self.config.name,
            "target": self.config.target,
            "clock_mhz": self.config.clock_mhz,
            "accuracy": self.config.accuracy,
            "error_bound_lsb": self.error_bound,
            "expected_error_lsb": self.expected_error,
            "latency_formulas": self.latency_formulas(),
            "latency_at_max_length": vars(self.latency(self.config.max_length)),
            "interval": self.interval,
            "stages": self.stages,
            "multipliers": self.multipliers,
            "block_rams": self.block_rams,
            "row_slots": self.row_slots,
            "buffer_beats": self.buffer_beats,
            "output_entries": self.output_entries,
            "widths": {
                **widths,
                "centre_bits": precision.centre_bits,
                "difference_bits": precision.ranges.difference_bits,
                "sum_bits": precision.ranges.sum_bits,
                "square_sum_bits": precision.ranges.square_sum_max.bit_length(),
                "length_bits": precision.ranges.length_bits,
                "rho_bits": precision.table.rho_bits,
                "table_degree": precision.table.degree,
                "table_entries": len(precision.table.coefficients[0]),
                "table_word_bits": precision.table.word_width,
            },
        }

    def rows(self) -> list[PlanRow]:
        """The plan as lines of a table, section by section."""
        from .table import plan_rows

        return plan_rows(self)


@lru_cache(maxsize=128)
def _plan(config: NormConfig) -> Plan:
    unit = NormUnit(config)
    statistic, moments = unit.statistic, unit.moments
    stages = {
        "ingest": ingest.LATENCY,
        "moments": moments.s2_cycle,
        "spacing": unit.start - moments.s2_cycle if unit.interval > 1 else 0,
        "variance": statistic.variance_cycle - (0 if unit.interval > 1 else moments.s2_cycle),
        "reciprocal square root": statistic.rho_cycle - statistic.variance_cycle,
        "scale and centre": statistic.latency - statistic.rho_cycle,
        "statistic queue": unit.latency
        - ingest.LATENCY - unit.start - statistic.latency - unit.apply.latency - output_queue.LATENCY,
        "apply": unit.apply.latency,
        "output queue": output_queue.LATENCY,
    }  # fmt: skip
    block_rams = {
        "row buffer": unit.row_buffer.block_rams,
        "gamma and beta": unit.parameter_store.block_rams,
        "reciprocal square root table": statistic.block_rams,
    }
    queues = [
        unit.dispatch,
        unit.statistic_ring,
        unit.output_queue,
        *([unit.spacing] if unit.spacing else []),
    ]
    if any(queue.block_rams for queue in queues):
        block_rams["queues"] = sum(queue.block_rams for queue in queues)
    multipliers = {
        "moments": moments.multipliers,
        "statistic": statistic.multipliers,
        "apply": unit.apply.multipliers,
    }
    return Plan(
        config=config,
        precision=Precision.of(config),
        stages=stages,
        latency_cycles=unit.latency,
        interval=unit.interval,
        multipliers=multipliers,
        block_rams=block_rams,
        row_slots=unit.row_slots,
        buffer_beats=unit.row_buffer.depth,
        output_entries=unit.output_depth,
    )
