"""The device families that units can be placed and routed for: one file and one line each."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from .ecp5 import ECP5
from .family import Device, Family, LutCell, Pll, RegisterCell, Representative
from .ice40 import ICE40

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FAMILIES", "Device", "Family", "LutCell", "Pll", "RegisterCell", "Representative"]

FAMILIES: Mapping[str, Family] = MappingProxyType({family.name: family for family in (ECP5, ICE40)})
"""Every family by its name."""
