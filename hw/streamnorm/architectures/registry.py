"""From an architecture's name to its hardware."""

from __future__ import annotations

from streamnorm.spec.architectures import ONE_PASS, Architecture
from streamnorm.spec.config import NormConfig

from .one_pass import NormUnit
from .scan_unit import ScanUnit
from .two_pass import TwoPassUnit

__all__ = ["AnyUnit", "architecture_unit", "is_one_pass"]

AnyUnit = NormUnit | TwoPassUnit | ScanUnit


def is_one_pass(config: NormConfig, architecture: Architecture) -> bool:
    """Whether the unit is the one-pass unit: as asked for, or because two passes are one where there is no mean."""
    return architecture.name == "one-pass" or (architecture.name == "two-pass" and config.norm == "rmsnorm")


def architecture_unit(config: NormConfig, architecture: Architecture | str = ONE_PASS) -> AnyUnit:
    """The unit of a configuration in an architecture; all have the ports of NormUnit.

    RMSNorm has no mean: its two-pass unit is the one-pass unit, and its scans are one fewer.

    Raises
    ------
    ConfigError
        If there is no such architecture, or no datapath reaches the accuracy asked for.
    """
    chosen = Architecture.of(architecture)
    if is_one_pass(config, chosen):
        return NormUnit(config)
    if chosen.name == "two-pass":
        return TwoPassUnit(config)
    return ScanUnit(config, separate=chosen.name == "five-scan", welford=chosen.statistics == "welford")
