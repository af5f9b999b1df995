"""Boards with an iCE40.

The UART of the TinyFPGA BX is on the pins that LiteX uses. Pins 23 and 25 of the UPduino have no other use.
"""

from __future__ import annotations

from dataclasses import replace

from streamnorm_fpga.devices import DEVICES
from streamnorm_fpga.families.ice40 import SB_PLL40_CORE, SB_PLL40_PAD

from .board import Board, Light, Loader, Uart
from .common import FT232H, FT2232, RGB, leds, open_fpga_loader

__all__ = ["ICE40_BOARDS"]


def _ice40_loaders(usb: str, cable: str = "") -> tuple[Loader, ...]:
    """Both programs write the flash memory; iCE40 boards with an FTDI chip are all wired alike."""
    return (open_fpga_loader("ice40_generic", usb, cable, to="-f"), Loader(program="iceprog", arguments=(), usb=usb))


_ICEBREAKER = Board(
    name="icebreaker",
    title="1BitSquared iCEBreaker",
    platform="icebreaker:ICEBreakerPlatform",
    device=DEVICES["ice40-up5k"],
    clock="clk12",
    clock_mhz=12.0,
    pll=SB_PLL40_PAD,
    reset="button",
    uart=Uart(where="USB socket, second port"),
    lights=(Light("red", "led", 0, ("failed",)), Light("green", "led", 1, ("passed",))),
    loaders=_ice40_loaders(FT2232),
    kept=True,
    notes=("reset: button UBUTTON",),
)

_HX8K = Board(
    name="hx8k-b-evn",
    title="Lattice iCE40-HX8K breakout board",
    platform="ice40_hx8k_b_evn:ICE40HX8KBEVNPlatform",
    device=DEVICES["ice40-hx8k"],
    clock="clk12",
    clock_mhz=12.0,
    pll=SB_PLL40_CORE,
    uart=Uart(where="USB socket, second port"),
    lights=leds("D2", "D3", "D4", "D5"),
    loaders=_ice40_loaders(FT2232),
    kept=True,
    notes=("jumpers J6 and J7 as delivered: for programming the flash memory",),
)

_TINYFPGA = Board(
    name="tinyfpga-bx",
    title="TinyFPGA BX",
    platform="tinyfpga_bx:TinyFPGABXPlatform",
    device=replace(DEVICES["ice40-lp8k"], package="cm81"),
    clock="clk16",
    clock_mhz=16.0,
    pll=SB_PLL40_CORE,
    uart=Uart(where="pins 2 (RX of the board) and 1 (TX), 3.3 V, by a USB serial adapter", rx="A1", tx="A2"),
    lights=(Light("LED", "led", 0, ("running", "passed")),),
    loaders=(Loader(program="tinyprog", arguments=("-p",), usb="1d50:6130"),),
    kept=True,
    notes=(
        "its one LED is lit once the self-test has passed and blinks before, or if it failed",
        "to load: press the board's reset button; its bootloader then waits",
    ),
)

_UPDUINO = Board(
    name="upduino-v3",
    title="tinyVision UPduino v3",
    platform="upduino_v3:UpduinoV3Platform",
    device=DEVICES["ice40-up5k"],
    clock="clk12",
    clock_mhz=12.0,
    pll=SB_PLL40_CORE,
    uart=Uart(
        where="pins gpio_25 (RX of the board) and gpio_23 (TX), 3.3 V, by a USB serial adapter", rx="25", tx="23"
    ),
    lights=RGB,
    loaders=_ice40_loaders(FT232H, cable="ft232"),
    kept=True,
    notes=("solder jumper OSC has to be closed: the part's own oscillator is too inaccurate for a UART",),
)

_ICESTICK = Board(
    name="icestick",
    title="Lattice iCEstick",
    platform="icestick:ICEStickPlatform",
    device=DEVICES["ice40-hx1k"],
    clock="clk12",
    clock_mhz=12.0,
    pll=SB_PLL40_CORE,
    uart=Uart(where="USB plug, second port"),
    lights=leds("D1", "D2", "D3", "D4"),
    loaders=_ice40_loaders(FT2232),
    kept=True,
)

ICE40_BOARDS = (_ICEBREAKER, _HX8K, _TINYFPGA, _UPDUINO, _ICESTICK)
