"""Test vectors as files: arrays for Python, and beats for any Verilog test bench."""

import dataclasses
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from streamnorm.errors import ConfigError
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import NumberFormat
from streamnorm.spec.formats.element_bytes import element_bytes
from streamnorm.spec.fusions import SideStream, streams_of
from streamnorm.spec.parameter_lane import parameter_lane
from streamnorm.spec.row_flags import flags_of, user_of

from .ports import ports

__all__ = [
    "SIDE_FILES", "VECTOR_FILES", "BeatLayout", "Closing", "Vectors", "beat_layouts", "side_files", "vector_files",
]  # fmt: skip

VECTOR_FILES = {
    "vectors/input.npy": "rows that go in, int32 (rows, n), 0 beyond a row's length",
    "vectors/lengths.npy": "elements of each row, int32 (rows,)",
    "vectors/banks.npy": "bank of gamma and beta of each row, int32 (rows,)",
    "vectors/expected.npy": "rows that must come out, int32 (rows, n), 0 beyond a row's length",
    "vectors/flags.npy": "flags that each row must come out with, as bits of m_axis_tuser above the error, int32 "
    "(rows,); only with floating-point numbers, whose rows are uint32 codes",
    "vectors/input.hex": "the same rows as beats of s_axis, and closing rows behind them, a beat each line",
    "vectors/expected.hex": "the beats that must come out of m_axis, a beat each line",
    "vectors/parameters.hex": "beats of s_axis_param that load every bank before the closing rows; only if storage is "
    "ram",
}

_ROWS_BESIDE = "rows that {goes} on {stream}, int32 (rows, n), 0 beyond a row's length"
_ONE_BESIDE = "one number of each row, int32 (rows, 1), or uint32 codes; they {goes} on {stream}"
_BEATS_BESIDE = "the beats that {goes} on {stream}, those of the closing rows behind them, a beat each line"

SIDE_FILES = {
    f"vectors/{file}": meaning.format(goes=goes, stream=stream)
    for file, meaning, goes, stream in (
        ("residual.npy", _ROWS_BESIDE, "go in", "s_axis_residual"),
        ("residual.hex", _BEATS_BESIDE, "go in", "s_axis_residual"),
        ("input_scale.npy", _ONE_BESIDE, "goes in", "s_axis_input_scale"),
        ("input_scale.hex", _BEATS_BESIDE, "go in", "s_axis_input_scale"),
        ("gamma.npy", _ROWS_BESIDE, "go in", "s_axis_param"),
        ("beta.npy", _ROWS_BESIDE, "go in", "s_axis_param"),
        ("param.hex", _BEATS_BESIDE, "go in", "s_axis_param"),
        ("blend.npy", _ONE_BESIDE, "go in", "s_axis_blend"),
        ("blend.hex", _BEATS_BESIDE, "go in", "s_axis_blend"),
        ("sum.npy", _ROWS_BESIDE, "must come out", "m_axis_sum"),
        ("sum.hex", _BEATS_BESIDE, "must come out", "m_axis_sum"),
        ("scale.npy", _ONE_BESIDE, "must come out", "m_axis_scale"),
        ("scale.hex", _BEATS_BESIDE, "must come out", "m_axis_scale"),
    )
}
"""Files of the streams beside the rows and the results whose names are not given, where a configuration has them."""


def side_files(config: NormConfig) -> dict[str, str]:
    """Return what each of SIDE_FILES is, and each file of the configuration's further results."""
    named = {}
    for result in config.results:
        for file, meaning in (("npy", _ROWS_BESIDE), ("hex", _BEATS_BESIDE)):
            said = meaning.format(goes="must come out", stream=f"m_axis_{result.name}")
            named[f"vectors/{result.name}.{file}"] = said
    return {**SIDE_FILES, **named}


@dataclass(frozen=True, eq=False)
class Vectors:
    """Rows to send to a unit, and what it must answer.

    Attributes
    ----------
    input, expected : integers, shape (rows, n)
        In the configuration's input and output formats; what is beyond a row's length does not count.
    lengths : integers, shape (rows,)
        Elements of each row, 1 to n.
    banks : integers, shape (rows,)
        Bank of each row.
    flags : integers, shape (rows,), optional
        Flags that each row must come out with, bits in the order of `streamnorm.spec.row_flags.FLAGS`; none where
        absent.
    beside : mapping of str to integers, shape (rows, n)
        Rows of the streams beside, that go in or must come out, by the streams' names.
    closing : Closing, optional
        What only the .hex files have, behind these rows.
    config : NormConfig, optional
        What they were made for.
    """

    input: npt.NDArray[np.integer]
    lengths: npt.NDArray[np.integer]
    banks: npt.NDArray[np.integer]
    expected: npt.NDArray[np.integer]
    closing: "Closing | None" = None
    config: NormConfig | None = None
    flags: npt.NDArray[np.integer] | None = None
    beside: Mapping[str, npt.NDArray[np.integer]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.expected.shape != self.input.shape:
            raise ConfigError(f"expected has shape {self.expected.shape}: must be that of input, {self.input.shape}")

    def __repr__(self) -> str:
        return f"<Vectors: {len(self.input)} rows of up to {self.input.shape[1]} elements>"


@dataclass(frozen=True, eq=False)
class Closing:
    """Rows that need a bench: one that keeps the order of streams, and looks at the error flag.

    Attributes
    ----------
    rows : Vectors
        Those longer than ``max_length`` must come out cut there, with their error flag set.
    parameters : mapping of str to integers, shape (banks, bank_values) each, or None
        What is loaded before these rows, if anything: the stored values of each part of a lane of the parameter stream,
        by its name.
    """

    rows: Vectors
    parameters: Mapping[str, npt.NDArray[np.integer]] | None = None


@dataclass(frozen=True)
class BeatLayout:
    """How a beat is written in a line of a .hex file: fields in whole hexadecimal digits, the first one highest.

    Attributes
    ----------
    widths : dict of str to int
        Bits of each field of the stream, in the order in which they are written: ``tuser``, ``tlast``, ``tkeep``,
        ``tdata``, without those that the stream does not have.
    """

    widths: dict[str, int]

    @cached_property
    def digits(self) -> dict[str, int]:
        """Hexadecimal digits of each field."""
        return {field: -(-width // 4) for field, width in self.widths.items()}

    @cached_property
    def starts(self) -> dict[str, int]:
        """The lowest bit of each field in the number that a line is."""
        start, result = 0, {}
        for field in reversed(self.widths):
            result[field] = start
            start += 4 * self.digits[field]
        return result

    @property
    def bits(self) -> int:
        """Bits of the number that a line is."""
        return 4 * sum(self.digits.values())

    @property
    def title(self) -> str:
        """The names of the fields, parted as the fields are."""
        return "_".join(self.widths)

    def line(self, **fields: int) -> str:
        """Return the line of a beat; fields that the stream does not have are left out."""
        return "_".join(f"{fields[field]:0{count}x}" for field, count in self.digits.items())


def beat_layouts(config: NormConfig) -> dict[str, BeatLayout]:
    """Return how the beats of each driven or watched stream are written, by the stream's name."""
    widths = {port.name: port.width for port in ports(config)}
    fields = ("tuser", "tlast", "tkeep", "tdata")
    layouts = {
        stream: BeatLayout({f: widths[f"{stream}_{f}"] for f in fields if f"{stream}_{f}" in widths})
        for stream in ("s_axis", "m_axis", "s_axis_param", *_sides(config).values())
    }
    return {stream: layout for stream, layout in layouts.items() if layout.widths}


def vector_files(config: NormConfig, vectors: Vectors) -> dict[str, bytes]:
    """Return the contents of every file of VECTOR_FILES and `side_files` that the configuration has.

    A line of a .hex file is one number for ``$readmemh``. Underscores part its fields, each in whole
    hexadecimal digits: ``tuser_tlast_tkeep_tdata``, without those that the stream does not have. A comment stands
    before the closing rows; ``parameters.hex`` is there if something is loaded before them.
    """
    closing = vectors.closing
    result = {
        "vectors/input.npy": _npy(_cleared(vectors.input, vectors.lengths), config.input),
        "vectors/lengths.npy": _npy(vectors.lengths),
        "vectors/banks.npy": _npy(vectors.banks),
        "vectors/expected.npy": _npy(_cleared(vectors.expected, vectors.lengths), config.output),
    }
    if flags_of(config):
        result["vectors/flags.npy"] = _npy(_flags(vectors))
    lines = {
        "input": _rows_in(config, vectors),
        "expected": _rows_out(config, vectors),
        **_rows_beside(config, vectors),
    }
    for side in (*config.side_inputs, *config.side_outputs):
        values = vectors.beside[side.name]
        result[f"vectors/{side.name}.npy"] = _npy(
            values if side.per_row else _cleared(values, vectors.lengths), side.number
        )
    if closing is not None:
        comment = "// closing rows"
        if closing.parameters is not None:
            comment += ", after parameters.hex has been loaded"
            lines["parameters"] = _loads(config, closing.parameters)
        lines["input"] += [comment, *_rows_in(config, closing.rows)]
        lines["expected"] += [comment, *_rows_out(config, closing.rows)]
        for name, beats in _rows_beside(config, closing.rows).items():
            lines[name] += [comment, *beats]
    layouts, streams = beat_layouts(config), _STREAMS | _sides(config)
    for name, beats in lines.items():
        head = f"// {layouts[streams[name]].title}: a beat each line, lane 0 in the low bits of tdata"
        result[f"vectors/{name}.hex"] = ("\n".join([head, *beats]) + "\n").encode()
    return result


_STREAMS = {"input": "s_axis", "expected": "m_axis", "parameters": "s_axis_param"}


def _sides(config: NormConfig) -> dict[str, str]:
    """The prefix of the ports of each stream beside, by its name."""
    return {stream: f"s_axis_{stream}" for stream in streams_of(config.side_inputs)} | {
        stream: f"m_axis_{stream}" for stream in streams_of(config.side_outputs)
    }


def _rows_beside(config: NormConfig, rows: Vectors) -> dict[str, list[str]]:
    """The beats of streams beside; what comes out is cut and flagged as the results are."""
    found = {}
    wrong = _malformed(config, rows).tolist()
    for stream, sides in streams_of(config.side_inputs).items():
        found[stream] = _side_lines(config, stream, sides, rows, rows.lengths, lambda row, last: 0)
    for stream, sides in streams_of(config.side_outputs).items():
        lengths = np.minimum(rows.lengths, config.max_length)
        found[stream] = _side_lines(config, stream, sides, rows, lengths, lambda row, last: wrong[row] and last)
    return found


def _side_lines(
    config: NormConfig,
    stream: str,
    sides: list[SideStream],
    rows: Vectors,
    lengths: npt.NDArray[np.integer],
    user: Callable[[int, bool], int],
) -> list[str]:
    elements = [element_bytes(rows.beside[side.name], side.number.bytes) for side in sides]
    if sides[0].per_row:
        lengths = np.ones_like(lengths)
    return _lines(config, stream, np.concatenate(elements, axis=2), lengths, user, sides[0].lanes(config.lanes))


def _malformed(config: NormConfig, rows: Vectors) -> npt.NDArray[np.bool_]:
    """Which rows come out flagged: those that are cut, and those that bring no scale although each has to."""
    cut, scales = rows.lengths > config.max_length, config.input_scale
    return cut if scales is None else cut | scales.is_bad(rows.beside[scales.side.name][:, 0])


def _flags(vectors: Vectors) -> npt.NDArray[np.integer]:
    return np.zeros(len(vectors.lengths), np.uint8) if vectors.flags is None else vectors.flags


def _npy(array: npt.NDArray[np.integer], number_format: NumberFormat | None = None) -> bytes:
    """A file of counts, or of elements of a format: codes of floating-point numbers may need all bits."""
    buffer = io.BytesIO()
    np.save(buffer, array.astype("<u4" if number_format is not None and number_format.is_float else "<i4"))
    return buffer.getvalue()


def _cleared(rows: npt.NDArray[np.integer], lengths: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
    return np.where(np.arange(rows.shape[1]) < lengths[:, None], rows, 0)


def _rows_in(config: NormConfig, rows: Vectors) -> list[str]:
    elements = element_bytes(rows.input, config.input.bytes)
    banks = rows.banks.tolist()
    return _lines(config, "input", elements, rows.lengths, lambda row, last: banks[row], config.lanes)


def _rows_out(config: NormConfig, rows: Vectors) -> list[str]:
    elements = element_bytes(rows.expected, config.output.bytes)
    lengths = np.minimum(rows.lengths, config.max_length)
    users = user_of(_malformed(config, rows).astype(np.int64), _flags(rows)).tolist()
    return _lines(config, "expected", elements, lengths, lambda row, last: users[row] if last else 0, config.lanes)


def _loads(config: NormConfig, parameters: Mapping[str, npt.NDArray[np.integer]]) -> list[str]:
    values = [element_bytes(parameters[part.name], part.bytes) for part in parameter_lane(config)]
    lane, lengths = np.concatenate(values, axis=2), np.full(config.banks, config.bank_values)
    return _lines(config, "parameters", lane, lengths, lambda bank, last: bank, config.load_lanes)


def _lines(
    config: NormConfig,
    name: str,
    rows: npt.NDArray[np.uint8],
    lengths: npt.NDArray[np.integer],
    user: Callable[[int, bool], int],
    lanes: int,
) -> list[str]:
    """The beats of rows, ``lanes`` elements each; their ``tuser`` follows from the row's number and from whether the
    beat is its last."""
    layout = beat_layouts(config)[(_STREAMS | _sides(config))[name]]
    lines = []
    for row, (elements, length) in enumerate(zip(rows, lengths.tolist(), strict=True)):
        for start in range(0, length, lanes):
            data = elements[start : min(start + lanes, length)].tobytes()
            last = start + lanes >= length
            lines.append(
                layout.line(
                    tuser=user(row, last), tlast=last, tkeep=(1 << len(data)) - 1, tdata=int.from_bytes(data, "little")
                )
            )
    return lines
