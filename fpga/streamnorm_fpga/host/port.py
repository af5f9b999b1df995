"""Opening a serial port."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Protocol

from streamnorm.errors import ConfigError, ToolMissing
from streamnorm_sim.toolchain.needs import PythonPackage

if TYPE_CHECKING:
    from serial import Serial

__all__ = ["POLL_SECONDS", "PYSERIAL", "WRITE_SECONDS", "Port", "list_ports", "open_port", "write_timed_out"]

POLL_SECONDS = 0.02
"""A read waits this long for octets that do not come."""

WRITE_SECONDS = 10.0
"""A write that has not been taken for so long is an error: nothing drains the port."""


PYSERIAL = PythonPackage(name="pyserial", module="serial", extra="fpga", needed_by="host --port")


class Port(Protocol):
    """What the link needs of a port; pyserial's ``Serial`` has it.

    Each may raise :exc:`OSError` where the port has gone.
    """

    @property
    def in_waiting(self) -> int:
        """Octets that a read returns without waiting."""
        ...

    def read(self, size: int = 1, /) -> bytes:
        """Return up to so many octets; none if none came in a short time."""
        ...

    def write(self, b: bytes, /) -> int | None:
        """Send octets, all of them."""
        ...


def open_port(path: str, baud: int) -> Serial:
    """Open a serial port for this program alone: 8 bits, no parity, one stop bit, no flow control.

    Raises
    ------
    ToolMissing
        If pyserial is not installed, or there is no such port, or it may not or cannot be used.
    ConfigError
        If the port cannot do that rate.
    """
    try:
        import serial
    except ModuleNotFoundError as error:
        raise PYSERIAL.missing() from error
    try:
        return serial.Serial(path, baud, timeout=POLL_SECONDS, write_timeout=WRITE_SECONDS, exclusive=True)
    except (ValueError, OverflowError) as error:
        raise ConfigError(f"{path}: cannot be set to {baud} baud: {error}") from error
    except OSError as error:
        raise ToolMissing(_why_not(path, error)) from error


def write_timed_out(error: OSError) -> bool:
    """Whether a port took no octets for :data:`WRITE_SECONDS`."""
    try:
        from serial import SerialTimeoutException
    except ModuleNotFoundError:
        return False
    return isinstance(error, SerialTimeoutException)


def list_ports() -> list[str]:
    """Return the serial ports of this machine that belong to a device, with what it says it is.

    Empty too where pyserial is not installed.
    """
    try:
        from serial.tools.list_ports import comports
    except ModuleNotFoundError:
        return []
    return [f"{port.device} ({port.description})" for port in comports() if port.vid is not None]


def _why_not(path: str, error: OSError) -> str:
    if error.errno in (errno.EACCES, errno.EPERM):
        return (
            f"{path}: permission denied: add yourself to the port's group (sudo usermod -aG dialout $USER; "
            "uucp on Arch) and log in again"
        )
    if error.errno == errno.ENOENT:
        there = list_ports()
        seen = f"ports of this machine: {', '.join(there)}" if there else "this machine has no USB serial port now"
        return f"{path}: there is no such port; {seen}"
    if error.errno == errno.ENOTTY or "Inappropriate ioctl" in str(error):
        return f"{path}: is no serial port"
    if error.errno in (errno.EBUSY, errno.EAGAIN) or "lock" in str(error):
        return f"{path}: another program uses this port"
    return f"{path}: cannot be used as a serial port: {error.strerror or error}"
