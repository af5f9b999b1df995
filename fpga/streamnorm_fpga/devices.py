"""The FPGA parts a unit can be placed and routed for: what they hold, what caps their clock."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from streamnorm.errors import ConfigError
from streamnorm.spec.targets import Target

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DEVICES", "Device", "Family", "device_for"]

Family = Literal["ecp5", "ice40"]


@dataclass(frozen=True, kw_only=True)
class Device:
    """One orderable part: what nextpnr is told, what the part holds, and what caps its clock.

    Members
    -------
    name : str
        The configuration's ``target``, for example ``ecp5-85k-6``.
    part : str
        The vendor's name of the part.
    speed : str
        Speed grade; for iCE40 the series (``hx``, ``lp``, ``up``), which is what its timing depends on.
    package : str
        The package handed to nextpnr. No pin is constrained, so it has no influence on the unit.
    comb, ff, dsp, bram : int
        How many four-input LUTs, flip-flops, multipliers (18 or 16 bits wide) and block RAMs the part has.
    bram_limit_mhz : float or None
        The clock above which the block RAM's minimum pulse width is violated, or None where the part's
        timing database states none.
    """

    name: str
    family: Family
    part: str
    speed: str
    flag: str
    package: str
    comb: int
    ff: int
    dsp: int
    bram: int
    bram_limit_mhz: float | None

    @property
    def nextpnr_arguments(self) -> tuple[str, ...]:
        """Arguments that select this part, package and speed grade in nextpnr."""
        selected = (f"--{self.flag}", "--package", self.package)
        return (*selected, "--speed", self.speed) if self.family == "ecp5" else selected

    @property
    def synthesis_command(self) -> str:
        """The yosys pass that maps a design to this family's primitives (without ``-top``)."""
        if self.family == "ecp5":
            return "synth_ecp5"
        return f"synth_ice40 -device {'u' if self.speed == 'up' else self.speed}"


_ECP5_CAPACITY = {  # LUT4 (and as many flip-flops), MULT18X18D, DP16KD
    "12k": (24288, 28, 56),
    "25k": (24288, 28, 56),
    "45k": (43848, 72, 108),
    "85k": (83640, 156, 208),
}

_ICE40_CAPACITY = {  # part, package, logic cells (a LUT4 and a flip-flop each), SB_MAC16, SB_RAM40_4K
    "hx1k": ("iCE40HX1K", "tq144", 1280, 0, 16),
    "hx8k": ("iCE40HX8K", "ct256", 7680, 0, 32),
    "lp8k": ("iCE40LP8K", "cm225", 7680, 0, 32),
    "up5k": ("iCE40UP5K", "sg48", 5280, 8, 30),
}


def _bram_limit(name: str) -> float | None:
    return Target(name, clock_mhz=1.0).family.block_ram_limit_mhz


def _devices() -> dict[str, Device]:
    devices: dict[str, Device] = {}
    for size, (logic, multipliers, block_rams) in _ECP5_CAPACITY.items():
        for speed in ("6", "7", "8"):
            name = f"ecp5-{size}-{speed}"
            devices[name] = Device(
                name=name,
                family="ecp5",
                part=f"LFE5U-{size[:2]}F-{speed}",
                speed=speed,
                flag=size,
                package="CABGA381",
                comb=logic,
                ff=logic,
                dsp=multipliers,
                bram=block_rams,
                bram_limit_mhz=_bram_limit(name),
            )
    for size, (part, package, logic, multipliers, block_rams) in _ICE40_CAPACITY.items():
        name = f"ice40-{size}"
        devices[name] = Device(
            name=name,
            family="ice40",
            part=part,
            speed=size[:2],
            flag=size,
            package=package,
            comb=logic,
            ff=logic,
            dsp=multipliers,
            bram=block_rams,
            bram_limit_mhz=_bram_limit(name),
        )
    return devices


DEVICES: Mapping[str, Device] = MappingProxyType(_devices())
"""Every part by its target name."""


def device_for(target: str) -> Device:
    """Return the part a configuration's ``target`` names.

    Raises
    ------
    ConfigError
        If ``target`` is no part that can be placed and routed (``generic`` is none).
    """
    try:
        return DEVICES[target]
    except KeyError:
        allowed = ", ".join(DEVICES)
        raise ConfigError(
            f"target {target!r} cannot be placed and routed; targets that can be: {allowed}"
        ) from None
