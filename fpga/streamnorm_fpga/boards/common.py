"""What several boards have in common: lights, and the program that loads most of them."""

from __future__ import annotations

from typing import get_args

from .board import Light, Loader, Shown

__all__ = ["FT231X", "FT232H", "FT2232", "FT4232", "RGB", "leds", "open_fpga_loader"]

RGB = (
    Light("red", "rgb_led", 0, ("failed",), "r"),
    Light("green", "rgb_led", 0, ("passed",), "g"),
    Light("blue", "rgb_led", 0, ("running",), "b"),
)


def leds(*labels: str) -> tuple[Light, ...]:
    """Return the first four LEDs of a board, by what is printed beside them: running, passed, failed, traffic."""
    return tuple(
        Light(label, "led", number, (shown,))
        for number, (label, shown) in enumerate(zip(labels, get_args(Shown), strict=True))
    )


FT2232 = "0403:6010"
FT4232 = "0403:6011"
FT232H = "0403:6014"
FT231X = "0403:6015"


def open_fpga_loader(board: str, usb: str, cable: str = "", to: str = "-m") -> Loader:
    """Return how openFPGALoader loads a board: to ``-m``, the part itself, ``-f``, the flash memory, or no choice."""
    options = (("-b", board), ("-c", cable), (to,))
    arguments = tuple(word for option in options if option[-1] for word in option)
    return Loader(program="openFPGALoader", arguments=arguments, usb=usb)
