"""Placing and routing the reciprocal square root of a unit alone, register to register."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamnorm.errors import CheckFailed
from streamnorm.plan import Plan
from streamnorm.spec.targets import TARGETS
from streamnorm.verilog.root_alone import ROOT_MODULE, root_verilog
from streamnorm_fpga.devices import DEVICES, device_for
from streamnorm_sim.roots import root_alone

from .flow import fit, fit_verilog

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from streamnorm.spec.config import NormConfig

    from .place_route import Placed
    from .report import FitReport

__all__ = ["PlacedRoot", "default_clock", "default_targets", "fit_root", "fit_unit", "root_text"]

_EXAMPLES = {"ecp5": ("ecp5-85k-6", 200.0), "ice40": ("ice40-hx8k", 80.0)}
"""A part of each family and a clock that suits it: those of examples/bert_int8.toml and hx8k_layernorm.toml."""

_SLOW = {"ice40-up5k": 24.0}
"""Clocks of primitives that are slower than the rest of their family."""


@dataclass(frozen=True)
class PlacedRoot:
    """What placing gave: a report, or why there is none.

    Members
    -------
    target, clock_mhz : str and float
        The part, and the clock asked for.
    interval, cycles : int
        Cycles from mantissa to mantissa, and to the root's register. Of a whole unit: the interval of its rows, and L1
        of its longest ones.
    report : FitReport or None
        None where the part has no room for it, or it cannot be routed.
    refusal : str
        Why; empty if there is a report.
    """

    target: str
    clock_mhz: float
    interval: int
    cycles: int
    report: FitReport | None
    refusal: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values; ``placed`` is null where there is no report."""
        asked = {name: getattr(self, name) for name in ("target", "clock_mhz", "interval", "cycles")}
        if self.report is None:
            return {**asked, "placed": None, "refusal": self.refusal}
        report = self.report.to_dict()
        kept = ("part", "comb", "ff", "dsp", "bram", "logic_cells", "limit_mhz", "fmax_mhz", "meets_clock", "tools")
        return {**asked, "placed": {key: report[key] for key in kept if key in report}}


def default_clock(target: str) -> float:
    """Return a clock, MHz, that suits a target."""
    primitives = TARGETS[target].primitives
    return _SLOW.get(primitives, next(clock for name, (_, clock) in _EXAMPLES.items() if primitives.startswith(name)))


def default_targets(config: NormConfig) -> list[tuple[str, float]]:
    """Return where roots are placed: the unit's own target and clock, and a part of each other family."""
    own = config.device.primitives
    targets = [(config.target, config.clock_mhz)] if config.target in DEVICES else []
    return targets + [example for family, example in _EXAMPLES.items() if not own.startswith(family)]


def root_text(unit: NormConfig) -> str:
    """Return the Verilog of a unit's root alone."""
    return root_verilog(root_alone(unit), unit.device.primitives)


def fit_root(
    unit: NormConfig, seeds: Sequence[int] = (1, 2, 3), progress: Callable[[Placed | None], None] | None = None
) -> PlacedRoot:
    """Place the root of a unit alone, on the unit's target and for its clock; see `fit_verilog`.

    Raises
    ------
    ConfigError
        If the target cannot be placed and routed, or nextpnr takes no such seed.
    ToolMissing
        If yosys or nextpnr is not there.
    """
    device_for(unit.target)
    alone = root_alone(unit)

    def place() -> FitReport:
        text = root_verilog(alone, unit.device.primitives)
        return fit_verilog(text, ROOT_MODULE, unit.target, unit.clock_mhz, seeds, progress=progress)

    return _placed(unit, alone.cycles, place)


def fit_unit(
    unit: NormConfig, seeds: Sequence[int] = (1, 2, 3), progress: Callable[[Placed | None], None] | None = None
) -> PlacedRoot:
    """The same of the whole unit, which takes minutes."""
    return _placed(unit, Plan.of(unit).latency(unit.max_length).L1, lambda: fit(unit, seeds, progress))


def _placed(unit: NormConfig, cycles: int, place: Callable[[], FitReport]) -> PlacedRoot:
    asked = (unit.target, unit.clock_mhz, Plan.of(unit).interval, cycles)
    try:
        return PlacedRoot(*asked, place())
    except CheckFailed as error:
        return PlacedRoot(*asked, None, str(error))
