"""The plan: every width, every pipeline stage, the latency and the error bound of one configuration."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import floor, inf, isfinite
from typing import Any

from streamnorm.architectures import UnitReport
from streamnorm.fusions import fused_unit
from streamnorm.precision.deferred import DeferredPrecision
from streamnorm.precision.floating import EXACT_ENDING, FloatPrecision, KeptSums
from streamnorm.precision.lane import UnitPrecision, precision_of
from streamnorm.spec.config import NormConfig, checked_config
from streamnorm.spec.epsilon_placements import RowVariancePlacement
from streamnorm.spec.parameters import StoredParameters
from streamnorm.spec.stored_floats import stored_parameters
from streamnorm.spec.values import integer_between, shortened

from .notices import notices

__all__ = ["Latency", "Plan"]


@dataclass(frozen=True)
class Latency:
    """Cycles of a row, with valid and ready held at 1 (a wire scores 0, one register 1).

    ``L1`` first beat in to first beat out, ``L2`` last in to first out, ``L3`` first in to last out, ``SS`` cycles per
    row of rows back to back. ``L2`` is below 0 where a row's first beat is out before its last is in.
    """

    L1: int
    L2: int
    L3: int
    SS: int


@dataclass(frozen=True, eq=False)
class Plan:
    """What the unit of a configuration will be, whatever its architecture.

    Attributes
    ----------
    config, precision : what was asked; widths and binary points
    report : cycles and cost, as the unit tells them
    """

    config: NormConfig
    precision: UnitPrecision
    report: UnitReport

    @cached_property
    def by_result(self) -> "dict[str, Plan]":
        """By the name of each further result, the plan of the same unit as that result has it: widths, promise and
        error bound are its own."""
        of_results = self.config.by_result.items()
        return {name: Plan(config=of, precision=precision_of(of), report=self.report) for name, of in of_results}

    def __repr__(self) -> str:
        cycles = ", ".join(f"{name} = {value}" for name, value in vars(self.latency(self.config.max_length)).items())
        cost = f"{sum(self.multipliers.values())} multipliers, {sum(self.block_rams.values())} block RAMs"
        return f"<Plan of {shortened(self.config.name, 20)}: {cycles}, {cost}>"

    @staticmethod
    def of(config: NormConfig) -> "Plan":
        """The plan of a configuration (cached).

        Raises
        ------
        ConfigError
            If no datapath reaches the accuracy asked for, or it is given something else than a NormConfig.
        """
        return _plan(checked_config(config))

    @property
    def architecture(self) -> str:
        """The architecture asked for, and which one that comes to if it is another: "two-pass = one-pass"."""
        asked, built = self.config.architecture, self.report.architecture
        return asked if asked == built else f"{asked} = {built}"

    @property
    def stages(self) -> dict[str, int]:
        """Cycles of each step from a row's last accepted beat to its first one at the output, for one beat."""
        return {stage.name: stage.cycles for stage in self.report.stages}

    @property
    def latency_cycles(self) -> int:
        """L2 of a row of one beat; in the one-pass unit, of every row whose statistic needs all of its beats."""
        return self.report.latency

    @property
    def interval(self) -> int:
        """Cycles from row to row that the shortest rows take where they wait for each other; 1 where none do."""
        return self.report.interval_min

    @property
    def multipliers(self) -> dict[str, int]:
        """Multiplier tiles of each block."""
        return self.report.multipliers

    @property
    def block_rams(self) -> dict[str, int]:
        """Block RAMs of each memory."""
        return self.report.block_rams

    @property
    def row_slots(self) -> int:
        """Rows that may be on their way at once."""
        return self.report.row_slots

    @property
    def buffer_beats(self) -> int:
        """Places in the row buffers."""
        return self.report.buffer_beats

    @property
    def output_entries(self) -> int:
        """Places in the output queue."""
        return self.report.output_entries

    @property
    def promise(self) -> str | None:
        """What is promised of results: "faithful", "tight", or "as-is" where no more than `error_bound` is; None where
        the architecture or the algorithm promises nothing. Between banks, where gamma and beta are rounded once more,
        never "tight"."""
        promise = self.precision.promise if self.config.promises else None
        return "faithful" if promise == "tight" and self.config.banks_are_interpolated else promise

    @property
    def error_bound(self) -> float:
        """Largest error of a result against the exact one, output LSB, the final rounding included.

        With a scale for each row, the exact one is in steps of the scale that comes out, limited to the ends of the
        format. Between banks, the exact one has the exact gamma and beta of the row's t, and those that are stored of
        both banks. With ``gamma_rounding = "output"``, the exact one has both roundings. A result is 0.5 off then, as
        it is the correctly rounded one, unless z was rounded the other way, which is one step off: there it is another
        ``|gamma|``, the largest that may be stored; where a method as it is takes z off by a step and more, as many
        times that. In floating point, a step of z is two last places of a result at most. With ``defer``, 0: elements
        are as they were; or, where the mean is subtracted, the error of ``x - mean``; `scale_error_bound` tells of
        their scales. Infinite where the architecture or the
        algorithm promises none.
        """
        if not self.config.promises:
            return inf
        if isinstance(self.precision, DeferredPrecision) and self.precision.rows is None:
            return 0.0
        between = self.interpolation_error
        if (scale := self.config.row_scale) is not None:
            return 0.5 + scale.error(0.5 + self.precision.error_bound + between)
        if self.config.gamma_rounding == "once":
            return 0.5 + self.precision.error_bound + between
        steps = 1 + floor(self.precision.error_bound)
        if self.config.output.is_float:  # a step of z is at most two last places of its product with gamma
            return 0.5 + 2 * steps + EXACT_ENDING
        return 0.5 + steps * StoredParameters.of(self.config).gamma_max_abs + between

    @property
    def interpolation_error(self) -> float:
        """Part of `error_bound`: the largest difference that it makes to a result that gamma and beta between two banks
        are rounded, to the steps in which those of the banks are stored. 0 where there is nothing between them."""
        return stored_parameters(self.config.banked).storage_error if self.config.banks_are_interpolated else 0.0

    @property
    def error_bound_as_given(self) -> float:
        """The same against the exact result with gamma and beta as given, not as they are stored.

        At most 1 where their widths are left to their defaults.
        """
        stored = 0.0 if self.config.defer else stored_parameters(self.config).storage_error
        scale = self.config.row_scale
        return self.error_bound + (stored if scale is None else scale.of_core(stored))

    @property
    def scale_error_bound(self) -> float | None:
        """With ``defer``, what a scale is off by at most, relative to the exact one, where the row is not all zeros;
        else None."""
        return self.precision.relative_error if isinstance(self.precision, DeferredPrecision) else None

    @property
    def scale_latency(self) -> int | None:
        """With ``defer``, cycles from a row's last beat in to its scale, with valid and ready held at 1; else None."""
        return self.report.scale_latency if self.report.scale_stages else None

    @property
    def error_allowed(self) -> float:
        """Largest error that a check lets pass, output LSB: 1, or `error_bound` where that is more."""
        return max(1.0, self.error_bound)

    @property
    def notices(self) -> list[str]:
        """What a user should know of the configuration, a sentence each."""
        if self.config.defer:
            return []
        rounded_right = 0.5 + stored_parameters(self.config).storage_error
        bound = self.error_bound_as_given
        own = list(notices(self.config.core, bound if self.config.gamma_rounding == "once" else rounded_right))
        for name, of in self.by_result.items():
            own += [f"{name}: {notice}" for notice in notices(of.config.core, of.error_bound_as_given)]
        return own

    @property
    def expected_error(self) -> float:
        """Mean error before the final rounding, output LSB: about the share of results not correctly rounded.

        With ``gamma_rounding = "output"``, before the rounding of z: about the share of elements whose z is rounded the
        other way, and so of results that are not the correctly rounded ones; where ``|gamma| < 1``, not all of them.
        With a scale for each row, that of rows with the least scale; others have less.
        """
        scale, expected = self.config.row_scale, self.precision.expected_error + self._expected_between
        return expected if scale is None else scale.expected_error(0.25 + expected)

    @property
    def _expected_between(self) -> float:
        """The part of `expected_error` that the rounding of gamma and beta between two banks makes: each is off by a
        quarter of a step, and gamma's counts about 0.8 times, which is the mean magnitude of z."""
        config = self.config.banked
        if not config.banks_are_interpolated:
            return 0.0
        stored, given = StoredParameters.of(config), config.given_parameters
        z = 0.8 * given.gamma_scale / config.output.scale
        return 0.25 * (z / 2.0**stored.gamma_frac_bits + 1 / 2.0**stored.beta_frac_bits)

    def latency(self, n: int) -> Latency:
        """Cycles of rows of ``n`` elements, 1 … max_length; equal to what simulation measures.

        Raises
        ------
        ConfigError
            If ``n`` is no integer from 1 to ``max_length``.
        """
        n = integer_between("n", n, 1, self.config.max_length, " (max_length)")
        more = -(-n // self.config.lanes) - 1
        report = self.report
        first_out = report.latency + report.beats_before_output * more - report.beats_after_statistic(more + 1)
        return Latency(
            L1=more + first_out,
            L2=first_out,
            L3=2 * more + first_out,
            SS=max(report.interval + report.interval_beats * more, report.interval_min),
        )

    def latency_formulas(self) -> dict[str, str]:
        """The same as formulas of ``n``; ``ceil`` rounds up, ``min`` and ``max`` are what they say."""
        report, beats = self.report, f"ceil(n / {self.config.lanes})"
        passes = report.beats_before_output
        steady = _formula(report.interval_beats, beats, report.interval)
        if report.interval_min > report.interval:
            steady = f"max({steady}, {report.interval_min})"
        if (early := report.statistic_beats) is not None:
            # As many cycles more for each beat after the first one.
            waits = f"{_formula(passes, beats, passes)} + " if passes else ""
            start, late = f"min({beats}, {early})", report.latency - 1 - passes
            return {
                "L1": _sum(waits + start, late),
                "L2": f"{waits}{report.latency - passes} - max({beats} - {early}, 0)",
                "L3": _sum(f"{waits}{beats} + {start}", late - 1),
                "SS": steady,
            }
        return {
            "L1": _formula(passes + 1, beats, report.latency),
            "L2": _formula(passes, beats, report.latency),
            "L3": _formula(passes + 2, beats, report.latency),
            "SS": steady,
        }

    def to_dict(self) -> dict[str, Any]:
        """Everything above as plain numbers, for JSON."""
        return {
            "name": self.config.name,
            "architecture": self.config.architecture,
            "target": self.config.target,
            "clock_mhz": self.config.clock_mhz,
            "accuracy": self.config.accuracy,
            "promise": self.promise,
            "error_bound_lsb": self.error_bound if isfinite(self.error_bound) else None,
            "error_bound_as_given_lsb": self.error_bound_as_given if isfinite(self.error_bound) else None,
            "expected_error_lsb": self.expected_error if isfinite(self.error_bound) else None,
            **self._first_rounding(),
            **self._row_sums(),
            **self._input_scale(),
            **self._row_scale(),
            **self._results(),
            **self._deferred_scale(),
            "latency_formulas": self.latency_formulas(),
            "latency_at_max_length": vars(self.latency(self.config.max_length)),
            "interval": self.interval,
            "stages": self.stages,
            "multipliers": self.multipliers,
            "block_rams": self.block_rams,
            "row_slots": self.row_slots,
            "buffer_beats": self.buffer_beats,
            "output_entries": self.output_entries,
            "widths": self.precision.figures(),
            "notices": self.notices,
        }

    def _first_rounding(self) -> dict[str, float | None]:
        """What is known of the rounding before gamma, if there is one."""
        if self.config.gamma_rounding == "once":
            return {}
        bound = 0.5 + self.precision.error_bound
        return {"normalized_error_bound_lsb": bound if isfinite(self.error_bound) else None}

    def _input_scale(self) -> dict[str, Any]:
        """Of rows that bring their scale, what it is coded as, and from where on epsilon leaves something of a row."""
        scale, placement = self.config.input_scale, self.config.core.placement
        if scale is None:
            return {}
        assert isinstance(placement, RowVariancePlacement)
        return {"input_scale": {"kind": scale.name, "least": placement.least_scale}}

    def _row_scale(self) -> dict[str, Any]:
        """Of results with a scale for each row, what they are made of and the ends of the scale."""
        scale = self.config.row_scale
        if scale is None:
            return {}
        ends = {"least": float(scale.least_scale), "largest": float(scale.largest_scale)}
        return {"row_scale": {**ends, "kind": scale.name, "quantized_from": scale.core.to_dict()}}

    def _results(self) -> dict[str, Any]:
        """Of further results, what is not as it is of the unit's own."""
        if not self.config.results:
            return {}
        shared = self.precision.figures()
        return {
            "results": {
                name: {
                    "promise": of.promise,
                    "error_bound_lsb": of.error_bound,
                    "error_bound_as_given_lsb": of.error_bound_as_given,
                    "expected_error_lsb": of.expected_error,
                    "widths": {key: bits for key, bits in of.precision.figures().items() if bits != shared[key]},
                }
                for name, of in self.by_result.items()
            }
        }

    def _deferred_scale(self) -> dict[str, Any]:
        """Of scales that leave beside the rows, how exact they are and when they come."""
        if not isinstance(self.precision, DeferredPrecision):
            return {}
        stages = {stage.name: stage.cycles for stage in self.report.scale_stages}
        told = {"format": self.precision.number.name, "relative_error_bound": self.scale_error_bound}
        return {"deferred_scale": {**told, "latency": self.scale_latency, "stages": stages}}

    def _row_sums(self) -> dict[str, Any]:
        """What sums of rows of floating-point numbers keep of them."""
        kept = KeptSums.of(self.config.core) if isinstance(self.precision, FloatPrecision) else None
        return {} if kept is None else {"row_sums": kept.to_dict()}


def _formula(factor: int, beats: str, at_one_beat: int) -> str:
    """``at_one_beat + factor * (beats - 1)``."""
    constant = at_one_beat - factor
    if factor == 0:
        return f"{constant}"
    if factor == -1:
        return f"{constant} - {beats}"
    term = beats if factor == 1 else f"{factor} * {beats}"
    return _sum(term, constant)


def _sum(term: str, constant: int) -> str:
    return f"{term} {'-' if constant < 0 else '+'} {abs(constant)}" if constant else term


@lru_cache(maxsize=128)
def _plan(config: NormConfig) -> Plan:
    return Plan(config=config, precision=precision_of(config), report=fused_unit(config).report)
