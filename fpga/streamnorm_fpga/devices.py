"""The FPGA parts a unit can be placed and routed for."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from streamnorm.errors import ConfigError
from streamnorm.spec.values import shown
from streamnorm_fpga.families import FAMILIES, Device

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DEVICES", "Device", "device_for"]

DEVICES: Mapping[str, Device] = MappingProxyType(
    {device.name: device for family in FAMILIES.values() for device in family.devices()}
)
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
            f"target {shown(target)} cannot be placed and routed; targets that can be: {allowed}"
        ) from None
