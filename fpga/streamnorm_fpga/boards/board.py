"""What is known of a board beyond what amaranth-boards tells."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from streamnorm_sim.toolchain.needs import PythonPackage

if TYPE_CHECKING:
    from streamnorm_fpga.families import Device, Family, Pll

__all__ = ["AMARANTH_BOARDS", "Board", "Light", "Loader", "Shown", "Uart"]

AMARANTH_BOARDS = PythonPackage(
    name="amaranth-boards", module="amaranth_boards", extra="fpga", needed_by="build, host --virtual"
)

Shown = Literal["running", "passed", "failed", "traffic"]
"""What a light may show, in the order of the bits of the board logic's ``leds``."""


@dataclass(frozen=True)
class Light:
    """One light of a board, by its resource in amaranth-boards.

    Members
    -------
    label : str
        What it is called, for people.
    shows : tuple of str
        It is lit while any of these is.
    colour : str
        Member of an RGB resource, empty for a plain LED.
    """

    label: str
    resource: str
    number: int
    shows: tuple[Shown, ...]
    colour: Literal["", "r", "g", "b"] = ""


@dataclass(frozen=True, kw_only=True)
class Uart:
    """Where the serial line is.

    Members
    -------
    where : str
        What to connect to, for people.
    rx, tx : str
        Pins of the part, as the part sees them; empty where amaranth-boards has the resource ``uart``.
    """

    where: str
    rx: str = ""
    tx: str = ""


@dataclass(frozen=True, kw_only=True)
class Loader:
    """One way to bring a bitstream to a board.

    Members
    -------
    program : str
        ``openFPGALoader``, ``dfu-util``, ``iceprog`` or ``tinyprog``.
    arguments : tuple of str
        What comes before the name of the bitstream.
    usb : str
        ``vendor:product`` of what the program talks to, in lower-case hexadecimal.
    """

    program: str
    arguments: tuple[str, ...]
    usb: str


@dataclass(frozen=True, kw_only=True)
class Board:
    """A board.

    Members
    -------
    name, title : str
        On the command line; for people.
    platform : str
        Class in amaranth-boards, as ``module:class``.
    device : Device
        The part on the board; its name is the configuration's ``target`` that stands for it.
    clock, clock_mhz
        Resource of the clock pin; its frequency.
    pll : Pll
        Kind of PLL that the clock pin reaches.
    reset : str or None
        Resource of the button that resets the design.
    uart, lights, loaders
        Serial line; lights; ways to load a bitstream, the preferred one first.
    pack : tuple of str
        Arguments of the program that makes the bitstream.
    kept : bool
        Whether a loaded bitstream is still there after a power cycle.
    dfu : str
        ``vendor:product`` for the suffix of a file for dfu-util, empty where none is wanted.
    notes : tuple of str
        What a user of the board has to know.
    """

    name: str
    title: str
    platform: str
    device: Device
    clock: str
    clock_mhz: float
    pll: Pll
    uart: Uart
    lights: tuple[Light, ...]
    loaders: tuple[Loader, ...]
    reset: str | None = None
    pack: tuple[str, ...] = ()
    kept: bool
    dfu: str = ""
    notes: tuple[str, ...] = ()

    @property
    def target(self) -> str:
        return self.device.name

    @property
    def part(self) -> str:
        return self.device.part

    @property
    def family(self) -> Family:
        return self.device.family

    def make_platform(self) -> Any:
        """Return a new Amaranth platform, its resource ``uart`` added where it lacks one.

        Raises
        ------
        ToolMissing
            If amaranth-boards is not installed.
        """
        module, _, name = self.platform.partition(":")
        try:
            platform = getattr(importlib.import_module(f"amaranth_boards.{module}"), name)()
        except ModuleNotFoundError as error:
            if error.name is None or not error.name.startswith("amaranth_boards"):
                raise
            raise AMARANTH_BOARDS.missing() from error
        if self.uart.rx:
            from amaranth.build import Attrs
            from amaranth_boards.resources import UARTResource

            # A line that nobody has connected reads as idle.
            attributes = Attrs(**self.family.idle_high)
            platform.add_resources([UARTResource(0, rx=self.uart.rx, tx=self.uart.tx, attrs=attributes)])
        return platform
