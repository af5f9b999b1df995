"""The USB devices of this machine, as Linux lists them."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["SYSFS", "UsbDevice", "usb_devices"]

SYSFS = Path("/sys/bus/usb/devices")


@dataclass(frozen=True)
class UsbDevice:
    """One device.

    Members
    -------
    identity : str
        ``vendor:product`` in lower-case hexadecimal.
    product : str
        What it calls itself, or nothing.
    node : Path
        The file that programs open to talk to it.
    """

    identity: str
    product: str
    node: Path

    @property
    def may_be_opened(self) -> bool:
        """Whether this user may talk to it."""
        return os.access(self.node, os.R_OK | os.W_OK)


def usb_devices(sysfs: Path = SYSFS, nodes: Path = Path("/dev/bus/usb")) -> list[UsbDevice] | None:
    """Return the devices that are plugged in, or None where that cannot be told (no Linux)."""
    if not sysfs.is_dir():  # a Linux without USB, such as a container
        return [] if sys.platform == "linux" else None
    devices: list[UsbDevice] = []
    for entry in sorted(sysfs.iterdir()):
        try:
            vendor, product, bus, number = (
                (entry / name).read_text("utf-8").strip() for name in ("idVendor", "idProduct", "busnum", "devnum")
            )
            node = nodes / f"{int(bus):03}" / f"{int(number):03}"
        except (OSError, ValueError):  # an interface, or a device that has just been unplugged
            continue
        name = entry / "product"
        told = name.read_text(encoding="utf-8", errors="replace").strip() if name.is_file() else ""
        devices.append(UsbDevice(f"{vendor}:{product}".lower(), told, node))
    return devices
