"""What the FPGA flow has to know of a device family: its parts, its tools, its cells, its bitstreams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamnorm.spec.targets import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from streamnorm.spec.targets import Capacity
    from streamnorm_fpga.synthesis.netlist import Netlist
    from streamnorm_sim.toolchain.tools import Tool

__all__ = ["Device", "Family", "LutCell", "Pll", "RegisterCell", "Representative"]


@dataclass(frozen=True, kw_only=True)
class RegisterCell:
    """A plain flip-flop.

    Members
    -------
    kind : str
        Its type; those of flip-flops with an enable or a reset begin with it.
    clock, data, output : str
        Pins.
    tied : mapping of str to str
        Further inputs, and the constants they are tied to.
    parameters : mapping of str to str
        As yosys writes them.
    """

    kind: str
    clock: str
    data: str
    output: str
    tied: Mapping[str, str]
    parameters: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class LutCell:
    """A look-up table of four inputs; ``contents`` is the parameter that holds its 16 bits."""

    kind: str
    contents: str
    inputs: tuple[str, str, str, str]
    output: str


@dataclass(frozen=True, kw_only=True)
class Pll:
    """A kind of PLL, and how its tool computes its dividers and writes its module.

    Members
    -------
    tool : Tool
        Takes ``-i`` and ``-o`` (MHz), ``-f`` (file) and ``-n`` (name of the module).
    range_mhz : tuple of float
        Lowest and highest output.
    options : tuple of str
        Further options: what names the module's ports ``clock_in``, ``clock_out``, ``locked``, for instance.
    finer : tuple of str
        Options that bring the output nearer to what is asked, at a price; empty where there are none.
    achieved : str
        Regular expression whose one group is the output's frequency (MHz) in what the tool prints.
    at_pad : bool
        Whether its input is next to the clock's pad, out of reach of the global net that Amaranth's buffer drives.
    """

    tool: Tool
    range_mhz: tuple[float, float]
    options: tuple[str, ...]
    finer: tuple[str, ...] = ()
    achieved: str
    at_pad: bool


@dataclass(frozen=True, kw_only=True)
class Representative:
    """What stands for all parts that a design takes the same cells of.

    Members
    -------
    name : str
        In ``boards/examples.json``.
    board : str
        The board whose synthesis stands for all.
    clock_mhz : float
        An example that asks for more is measured as planned for this clock.
    """

    name: str
    board: str
    clock_mhz: float


@dataclass(frozen=True, kw_only=True)
class Device:
    """One orderable part: what the tools are told, what the part holds, and what caps its clock.

    Members
    -------
    name : str
        The configuration's ``target``, for example ``ecp5-85k-6``.
    part : str
        The vendor's name of the part.
    speed : str
        Speed grade; for iCE40 the series (``hx``, ``lp``, ``up``), which is what its timing depends on.
    flag : str
        nextpnr's name of the part, an option without its dashes.
    package : str
        The package handed to nextpnr. No pin is constrained, so it has no influence on the unit.
    capacity : Capacity
        How much the part has of everything; ``comb``, ``ff``, ``dsp`` and ``bram`` are what reports call it.
    identity : int
        What its bitstreams say of their part; see :attr:`Family.identity_of`.
    synthesis_command : str
        The yosys pass that maps a design to this part's primitives (without ``-top``).
    """

    name: str
    family: Family
    part: str
    speed: str
    flag: str
    package: str
    capacity: Capacity
    identity: int
    synthesis_command: str

    @property
    def comb(self) -> int:
        """Four-input LUTs."""
        return self.capacity.luts

    @property
    def ff(self) -> int:
        """Flip-flops."""
        return self.capacity.luts

    @property
    def dsp(self) -> int:
        """Multipliers."""
        return self.capacity.multipliers

    @property
    def bram(self) -> int:
        """Block RAMs."""
        return self.capacity.block_rams

    @property
    def nextpnr_arguments(self) -> tuple[str, ...]:
        """Arguments that select this part, package and speed grade in nextpnr."""
        return tuple(option.format_map(vars(self)) for option in self.family.part_options)

    @property
    def bram_limit_mhz(self) -> float | None:
        """The clock above which the block RAM's minimum pulse width is violated; None where none is known."""
        return Target(self.name, clock_mhz=1.0).family.block_ram_limit_mhz


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Family:
    """A device family.

    Members
    -------
    name, title : str
        In the names of tools and of simulated cells (`streamnorm_sim.cells`); for people.
    devices : function
        Returns the family's parts.
    representatives : mapping of str to Representative
        By the primitives that units are emitted with (`streamnorm.spec.targets.Target.primitives`).
    map_luts : str
        What maps logic to LUTs with the older ABC: yosys' commands between the labels ``map_luts`` and ``map_cells`` of
        the family's synthesis pass.
    passes : tuple of functions
        What makes the netlist of yosys better before it is placed, in this order.
    nextpnr, pack : Tool
        What places and routes; what makes a bitstream of the result.
    pack_tells_version : bool
        Whether ``pack`` knows ``--version``.
    part_options : tuple of str
        Options of nextpnr that select a part; ``{flag}`` and the like stand for members of :class:`Device`.
    pin_options : tuple of str
        Options of nextpnr for a design with pins: ``{constraints}`` is the file to read, ``{configuration}`` the file
        to write, what the bitstream is made of.
    pack_options : tuple of str
        Options of ``pack``: ``{configuration}`` is the file to read, ``{bitstream}`` the file to write.
    constraints, bitstream : str
        How the names of the two files end.
    identity_of : function of bytes
        Returns what a bitstream says of its part, or None if it is none of this family.
    parts : mapping of int to str
        The names of these parts.
    other_part : str
        How a part is called that is not among them; ``{}`` stands for what the bitstream says.
    register, lut
        What is put around a unit that is placed alone.
    clock_pins : mapping of str to tuple of str
        By type, the pins that clock memories, multipliers and registers of other types.
    comb : mapping of str to int
        How many LUTs each primitive takes.
    dsp, bram : tuple of str
        Multipliers and block RAMs among the primitives.
    used : mapping of str to str
        nextpnr's name of what a member of `Resources` counts. What is missing is counted in the netlist, but for
        ``logic_cells``: such a family has none.
    packed : str
        Regular expression for what nextpnr appends to the name of a cell that it packs.
    idle_high : mapping of str to object
        Attributes, in Amaranth, of a pin that reads as 1 while nobody drives it.
    other_router : str
        The router of nextpnr to try where the usual one of the family does not come to an end.
    settle_seconds : float
        After configuration, how long block RAMs may not be read.
    """

    name: str
    title: str
    devices: Callable[[], Iterable[Device]]
    representatives: Mapping[str, Representative]
    map_luts: str
    passes: tuple[Callable[[Netlist], Netlist], ...] = ()
    nextpnr: Tool
    pack: Tool
    pack_tells_version: bool
    other_router: str
    part_options: tuple[str, ...]
    pin_options: tuple[str, ...]
    pack_options: tuple[str, ...]
    constraints: str
    bitstream: str
    identity_of: Callable[[bytes], int | None]
    parts: Mapping[int, str]
    other_part: str
    register: RegisterCell
    lut: LutCell
    clock_pins: Mapping[str, tuple[str, ...]]
    comb: Mapping[str, int]
    dsp: tuple[str, ...]
    bram: tuple[str, ...]
    used: Mapping[str, str]
    packed: str
    idle_high: Mapping[str, object]
    settle_seconds: float = 0.0

    def __repr__(self) -> str:
        return f"<family {self.name}>"
