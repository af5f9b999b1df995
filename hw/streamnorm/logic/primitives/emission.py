"""The marker that turns elaboration into emission of vendor primitives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["FAMILIES", "Emission", "emits_vendor_cells"]

FAMILIES: Final = ("generic", "ecp5", "ice40", "ice40-up5k")
"""Device families. ``ice40`` is HX and LP (no multiplier tiles), ``ice40-up5k`` has SB_MAC16."""


def check_family(family: str) -> str:
    """Return ``family``; raise ``ValueError`` unless it is one of :data:`FAMILIES`."""
    if family not in FAMILIES:
        raise ValueError(f"family must be one of {', '.join(FAMILIES)}, not {family!r}")
    return family


@dataclass(frozen=True)
class Emission:
    """What :func:`amaranth.back.verilog.convert` gets as ``platform`` when Verilog is written.

    Elaborated with any other platform (``None``: pysim, CXXRTL), every primitive is plain Amaranth.
    Elaborated with an ``Emission``, a primitive made for a vendor family becomes an instance of a wrapper
    module of :mod:`streamnorm.logic.primitives.verilog`, with the same latency.

    Parameters
    ----------
    family : str
        One of :data:`FAMILIES`; the family of every primitive in the design.

    Raises
    ------
    ValueError
        If the family is unknown.
    """

    family: str

    def __post_init__(self) -> None:
        check_family(self.family)


def emits_vendor_cells(platform: object, family: str) -> bool:
    """Whether a primitive of ``family`` elaborated with ``platform`` is to become vendor cells.

    Raises
    ------
    ValueError
        If ``platform`` is an :class:`Emission` for another family than the primitive was made for.
    """
    if not isinstance(platform, Emission):
        return False
    if platform.family != family:
        raise ValueError(f"a primitive made for {family!r} cannot be emitted for {platform.family!r}")
    return family != "generic"
