"""The ports of a generated top module: AXI4-Stream, elements in whole bytes."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import NumberFormat
from streamnorm.spec.fusions import SideStream
from streamnorm.spec.parameter_lane import parameter_lane
from streamnorm.spec.row_flags import flags_of, user_bits
from streamnorm.units.streams import bank_width

__all__ = ["Port", "ports"]


@dataclass(frozen=True)
class Port:
    """One port.

    Attributes
    ----------
    name : str
    direction : "in" or "out"
        As the unit sees it.
    width : int
        Bits.
    meaning : str
        One line for whoever connects it.
    """

    name: str
    direction: Literal["in", "out"]
    width: int
    meaning: str

    def to_dict(self) -> dict[str, Any]:
        """Return the port as a JSON value."""
        return asdict(self)


def ports(config: NormConfig) -> list[Port]:
    """Return the ports of the top module made for ``config``, in order."""
    return [
        Port("aclk", "in", 1, "clock; everything happens at its rising edge"),
        Port("aresetn", "in", 1, "reset, active low, synchronous; at any moment, for two cycles or more"),
        *_row_ports(config),
        *_result_ports(config),
        *([] if config.parameters_are_known else _parameter_ports(config)),
        *(port for side in config.side_inputs if not side.carrier for port in _side_input_ports(config, side)),
        *(port for side in config.side_outputs for port in _side_output_ports(config, side)),
    ]


def _bytes(count: int) -> str:
    return f"{count} byte{'s' if count > 1 else ''}"


def _handshake(stream: str, ready: Literal["in", "out"]) -> list[Port]:
    valid = "in" if ready == "out" else "out"
    return [
        Port(f"{stream}_tvalid", valid, 1, "a beat is offered; it moves in a cycle where tready is 1 too"),
        Port(f"{stream}_tready", ready, 1, "the beat is taken if tvalid is 1"),
    ]


def _row_ports(config: NormConfig) -> list[Port]:
    result = _input_ports("s_axis", config.lanes, config.input)
    if config.rows_name_banks:
        meaning = "bank of gamma and beta for the row, taken from its first beat"
        result.append(Port("s_axis_tuser", "in", bank_width(config), meaning))
    return result


def _side_input_ports(config: NormConfig, side: SideStream) -> list[Port]:
    return _input_ports(f"s_axis_{side.name}", side.lanes(config.lanes), side.number)


def _input_ports(stream: str, lanes: int, number: NumberFormat) -> list[Port]:
    size = number.bytes
    return [
        Port(f"{stream}_tdata", "in", 8 * lanes * size, f"{lanes} x {number.name}, {_bytes(size)} each, lane 0 low"),
        Port(f"{stream}_tkeep", "in", lanes * size, _KEPT),
        *_handshake(stream, "out"),
        Port(f"{stream}_tlast", "in", 1, "ends a row"),
    ]


def _result_ports(config: NormConfig) -> list[Port]:
    return _output_ports("m_axis", config.lanes, config.output, user_bits(config), _flags_meaning(config))


def _side_output_ports(config: NormConfig, side: SideStream) -> list[Port]:
    return _output_ports(f"m_axis_{side.name}", side.lanes(config.lanes), side.number, 1, _MALFORMED)


def _output_ports(stream: str, lanes: int, number: NumberFormat, user_bits: int, user_meaning: str) -> list[Port]:
    size = number.bytes
    return [
        Port(f"{stream}_tdata", "out", 8 * lanes * size, f"{lanes} x {number.name}, {_bytes(size)} each, lane 0 low"),
        Port(f"{stream}_tkeep", "out", lanes * size, "a bit per byte; bytes that are not kept are 0"),
        *_handshake(stream, "in"),
        Port(f"{stream}_tlast", "out", 1, "ends a row"),
        Port(f"{stream}_tuser", "out", user_bits, user_meaning),
    ]


_KEPT = "a bit per byte; all 1 but in a row's last beat: its low elements"
_MALFORMED = "1 in a row's last beat if the row came in too long or malformed"


def _flags_meaning(config: NormConfig) -> str:
    if not (names := flags_of(config)):
        return _MALFORMED
    flags = ", ".join(f"bit {bit} {name}" for bit, name in enumerate(names, 1))
    return f"in a row's last beat: bit 0 came in too long or malformed, {flags}"


def _parameter_ports(config: NormConfig) -> list[Port]:
    parts = parameter_lane(config)
    lane_bytes = sum(part.bytes for part in parts)
    values = ", then ".join(f"{part.name} in {_bytes(part.bytes)}" for part in parts)
    meaning = f"{config.load_lanes} x ({values}), lane 0 low"
    data = Port("s_axis_param_tdata", "in", 8 * config.load_lanes * lane_bytes, meaning)
    if config.parameters_are_streamed:
        return [
            data,
            Port("s_axis_param_tkeep", "in", config.lanes * lane_bytes, _KEPT),
            *_handshake("s_axis_param", "out"),
            Port("s_axis_param_tlast", "in", 1, "ends a row's parameters"),
        ]
    result = [data, *_handshake("s_axis_param", "out"), Port("s_axis_param_tlast", "in", 1, "ends a load")]
    if config.banks > 1:
        meaning = "bank that is loaded, taken from the load's first beat"
        result.append(Port("s_axis_param_tuser", "in", bank_width(config), meaning))
    return result
