"""From a configuration to the hardware of its unit."""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from amaranth.hdl import Module
from amaranth.lib import stream

from streamnorm.spec.config import NormConfig

from .deferred import CentredUnit, DeferredUnit
from .one_pass import NormUnit
from .report import UnitReport
from .scan_unit import ScanUnit
from .static import StaticUnit
from .two_pass import TwoPassUnit

__all__ = ["UNITS", "Unit", "unit_of"]


class Unit(Protocol):
    """A unit of any architecture: ports, stream behaviour and results are those of :class:`NormUnit`."""

    i: stream.Interface
    o: stream.Interface
    config: NormConfig
    report: UnitReport

    def elaborate(self, platform: object) -> Module: ...


def _two_pass(config: NormConfig) -> Any:
    """Two passes are one where nothing waits for a mean."""
    return TwoPassUnit(config) if config.formula.has_spread else NormUnit(config)


def _deferred(config: NormConfig, *, behind_front: bool = False) -> Any:
    """Rows go through where nothing is subtracted from them."""
    if config.centred_rows is None:
        return DeferredUnit(config)
    return CentredUnit(config, behind_front=behind_front)


UNITS: dict[str, Callable[[NormConfig], Any]] = {
    "one-pass": NormUnit,
    "two-pass": _two_pass,
    "three-scan": partial(ScanUnit, separate=False),
    "five-scan": partial(ScanUnit, separate=True),
    "three-scan:welford": partial(ScanUnit, separate=False, welford=True),
    "five-scan:welford": partial(ScanUnit, separate=True, welford=True),
    "static": StaticUnit,
    "deferred": _deferred,
}
"""What builds each of :data:`~streamnorm.spec.architectures.ARCHITECTURES`."""


_BEHIND_FRONT: dict[str, Callable[[NormConfig], Any]] = {
    "one-pass": partial(NormUnit, behind_front=True),
    "deferred": partial(_deferred, behind_front=True),
}
"""Those that are built in another way where something stands in front of them."""


def unit_of(config: NormConfig, *, behind_front: bool = False) -> Any:
    """The :class:`Unit` of a configuration in its architecture; ``behind_front`` if something stands in front of it.

    Raises
    ------
    ConfigError
        If no datapath reaches the accuracy asked for.
    """
    units = {**UNITS, **_BEHIND_FRONT} if behind_front else UNITS
    return units[config.architecture](config)
