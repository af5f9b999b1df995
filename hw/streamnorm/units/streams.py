"""Stream payloads between the unit, its AXI4-Stream top and whoever drives it in Amaranth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amaranth.hdl import Shape, signed, unsigned
from amaranth.lib import data
from amaranth.utils import ceil_log2

from streamnorm.precision.ranges import difference_limits
from streamnorm.spec.parameter_lane import parameter_lane
from streamnorm.spec.row_flags import flags_of

if TYPE_CHECKING:
    from streamnorm.spec.config import NormConfig
    from streamnorm.spec.formats import NumberFormat
    from streamnorm.spec.fusions import SideStream

__all__ = [
    "bank_width", "difference_shape", "element_shape", "flags_layout", "parameter_layout", "result_layout",
    "row_layout", "side_layout",
]  # fmt: skip


def element_shape(number_format: NumberFormat) -> Shape:
    """Shape of one element as it travels in a lane."""
    return Shape(number_format.bits, number_format.signed)


def difference_shape(config: NormConfig) -> Shape:
    """Shape of an element as lanes take it: relative to the row's pivot; of floats, their code."""
    if config.input.is_float:
        return unsigned(config.input.bits)
    return signed(difference_limits(config)[0])


def bank_width(config: NormConfig) -> int:
    """Bits that pick a parameter bank; 0 with one bank, where the ``bank`` fields do not exist."""
    return ceil_log2(config.banks)


def _with_bank(config: NormConfig, fields: dict[str, object], banked: bool) -> data.StructLayout:
    if banked:
        fields["bank"] = unsigned(bank_width(config))
    return data.StructLayout(fields)


def row_layout(config: NormConfig) -> data.StructLayout:
    """One beat of input.

    Fields
    ------
    data : ArrayLayout(input element, lanes)
    keep : unsigned(lanes)
        Lanes that hold an element. All ones except in a row's last beat, where the kept lanes are the low
        ones.
    last : 1
        Ends a row.
    bank : unsigned(bank_width)
        Only if ``banks > 1`` and rows name their banks. Parameter bank of the row, taken from the row's first beat.
    """
    return _with_bank(
        config,
        {
            "data": data.ArrayLayout(element_shape(config.input), config.lanes),
            "keep": unsigned(config.lanes),
            "last": unsigned(1),
        },
        config.rows_name_banks,
    )


def flags_layout(config: NormConfig) -> data.StructLayout:
    """What is said of a row besides: a bit for each of `streamnorm.spec.row_flags.flags_of`, which says what it is."""
    return data.StructLayout({name: unsigned(1) for name in flags_of(config)})


def result_layout(config: NormConfig) -> data.StructLayout:
    """One beat of output.

    Fields
    ------
    data : ArrayLayout(output element, lanes)
        0 in lanes that are not kept.
    keep : unsigned(lanes)
    last : 1
    error : 1
        Whether the row was malformed (too long, or ``keep`` with holes); holds on its last beat.
    flags : flags_layout
        Only with floating-point numbers on either side. Of the row, on its last beat; 0 on all others.
    """
    fields: dict[str, object] = {
        "data": data.ArrayLayout(element_shape(config.output), config.lanes),
        "keep": unsigned(config.lanes),
        "last": unsigned(1),
        "error": unsigned(1),
    }
    if flags_of(config):
        fields["flags"] = flags_layout(config)
    return data.StructLayout(fields)


def side_layout(config: NormConfig, side: SideStream, *, flagged: bool = False) -> data.StructLayout:
    """One beat of a stream beside the rows that are normalized, or, ``flagged``, beside their results.

    Fields
    ------
    data : ArrayLayout(element, lanes); 0 in lanes that are not kept of a stream that comes out
    keep : unsigned(lanes); last : 1
        As of the rows. Of a stream with one element of each row there is one lane, and both are 1.
    error : 1
        Only where ``flagged``. As of the results: whether the row was malformed; holds on its last beat.
    """
    lanes = side.lanes(config.lanes)
    fields: dict[str, object] = {
        "data": data.ArrayLayout(element_shape(side.number), lanes),
        "keep": unsigned(lanes),
        "last": unsigned(1),
    }
    return data.StructLayout({**fields, "error": unsigned(1)} if flagged else fields)


def parameter_layout(config: NormConfig) -> data.StructLayout:
    """One beat of a parameter load (``storage = "ram"``), or of a row's parameters (``storage = "stream"``): beat k
    holds elements ``k * lanes`` and following.

    Where ``parameter_repeat`` elements share a value, ``load_lanes`` is 1, and beat k holds value k. Values are signed
    integers; with floating-point output they are codes, unsigned.

    Fields
    ------
    gamma : ArrayLayout(gamma_bits, load_lanes)
    beta : ArrayLayout(beta_bits, load_lanes)
    gamma_NAME, beta_NAME
        The same of each further result.
    keep : unsigned(lanes)
        Only of a row's parameters. As of the rows.
    last : 1
        Ends the load, or the row.
    bank : unsigned(bank_width)
        Only if ``banks > 1``. Bank that is loaded, taken from the load's first beat.
    """
    is_signed = not config.output.is_float
    return _with_bank(
        config,
        {
            **{
                part.name: data.ArrayLayout(Shape(part.bits, is_signed), config.load_lanes)
                for part in parameter_lane(config)
            },
            **({"keep": unsigned(config.lanes)} if config.parameters_are_streamed else {}),
            "last": unsigned(1),
        },
        config.banks > 1,
    )
