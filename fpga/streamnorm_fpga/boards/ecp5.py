"""Boards with an ECP5.

The UART of the OrangeCrab is on the pins its makers label RX and TX.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from streamnorm_fpga.devices import DEVICES
from streamnorm_fpga.families.ecp5 import EHXPLLL

from .board import Board, Loader, Uart
from .common import FT231X, FT232H, FT2232, FT4232, RGB, leds, open_fpga_loader

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ECP5_BOARDS"]


def _ulx3s() -> Iterator[Board]:
    for size in ("12", "25", "45", "85"):
        yield Board(
            name=f"ulx3s-{size}f",
            title=f"Radiona ULX3S {size}F",
            platform=f"ulx3s:ULX3S_{size}F_Platform",
            device=DEVICES[f"ecp5-{size}k-6"],
            clock="clk25",
            clock_mhz=25.0,
            pll=EHXPLLL,
            reset="button_fire",
            uart=Uart(where="USB socket US1"),
            lights=leds("D0", "D1", "D2", "D3"),
            loaders=(open_fpga_loader("ulx3s", FT231X),),
            pack=("--compress",),
            kept=False,
            notes=("reset: button FIRE 1",),
        )


def _orangecrab() -> Iterator[Board]:
    for size in ("25", "85"):
        yield Board(
            name=f"orangecrab-{size}f",
            title=f"OrangeCrab r0.2 {size}F",
            platform=f"orangecrab_r0_2:OrangeCrabR0_2_{size}FPlatform",
            device=replace(DEVICES[f"ecp5-{size}k-8"], package="CSFBGA285"),
            clock="clk",
            clock_mhz=48.0,
            pll=EHXPLLL,
            reset="button",
            uart=Uart(
                where="header pins 0 (RX of the board) and 1 (TX), 3.3 V, by a USB serial adapter", rx="N17", tx="M18"
            ),
            lights=RGB,
            loaders=(
                open_fpga_loader("orangeCrab", "1209:5af0", to=""),
                Loader(program="dfu-util", arguments=("-d", "1209:5af0", "-a", "0", "-D"), usb="1209:5af0"),
            ),
            pack=("--compress", "--freq", "38.8"),
            kept=True,
            dfu="1209:5af0",
            notes=(
                "to load: hold the button while plugging the board in; its bootloader then waits",
                "reset: the button",
            ),
        )


_ECPIX5_85 = Board(
    name="ecpix5-85",
    title="LambdaConcept ECPIX-5 85F",
    platform="ecpix5:ECPIX585Platform",
    device=replace(
        DEVICES["ecp5-85k-8"], part="LFE5UM5G-85F-8", flag="um-85k", package="CABGA554", identity=0x81113043
    ),
    clock="clk100",
    clock_mhz=100.0,
    pll=EHXPLLL,
    reset="rst",
    uart=Uart(where="USB socket of the debugger, second port"),
    lights=RGB,
    loaders=(open_fpga_loader("ecpix5", FT2232), open_fpga_loader("ecpix5_r03", FT4232)),
    pack=("--compress", "--idcode", "0x81113043"),
    kept=False,
    notes=("timing is that of the LFE5UM-85F at speed grade 8, which has the same layout",),
)

_VERSA = Board(
    name="versa-ecp5",
    title="Lattice ECP5 Versa",
    platform="versa_ecp5:VersaECP5Platform",
    device=replace(DEVICES["ecp5-45k-8"], part="LFE5UM-45F-8", flag="um-45k", identity=0x01112043),
    clock="clk100",
    clock_mhz=100.0,
    pll=EHXPLLL,
    reset="rst",
    uart=Uart(where="USB socket, second port"),
    lights=leds("LED 0", "LED 1", "LED 2", "LED 3"),
    loaders=(open_fpga_loader("", FT2232, cable="ft2232"),),
    pack=("--compress",),
    kept=False,
    notes=("jumper J50 has to take the ispCLOCK out of the JTAG chain",),
)

_COLORLIGHT = Board(
    name="colorlight-5a75b",
    title="Colorlight 5A-75B V7.0",
    platform="colorlight_5a75b_r7_0:Colorlight_5A75B_R70Platform",
    device=replace(DEVICES["ecp5-25k-6"], package="CABGA256"),
    clock="clk25",
    clock_mhz=25.0,
    pll=EHXPLLL,
    uart=Uart(where="connector J19: KEY+ (RX of the board) and DATA_LED- (TX), 3.3 V"),
    lights=(),
    loaders=(open_fpga_loader("colorlight", FT232H, cable="ft232"),),
    pack=("--compress",),
    kept=False,
    notes=(
        "LED and button share the pins of the UART: the LED shows traffic only, nothing resets but power",
        "JTAG adapter (FT232H) on J27 to J30",
    ),
)

ECP5_BOARDS = (*_ulx3s(), _ECPIX5_85, *_orangecrab(), _VERSA, _COLORLIGHT)
