"""Test vectors as files: arrays for Python, and beats for any Verilog test bench."""

import io
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from streamnorm.errors import ConfigError
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats.element_bytes import element_bytes
from streamnorm.spec.parameters import StoredParameters

from .ports import parameter_lane_bytes, ports

__all__ = ["VECTOR_FILES", "BeatLayout", "Vectors", "beat_layouts", "vector_files"]

VECTOR_FILES = {
    "vectors/input.npy": "rows that go in, int32 (rows, n), 0 beyond a row's length",
    "vectors/lengths.npy": "elements of each row, int32 (rows,)",
    "vectors/banks.npy": "bank of gamma and beta of each row, int32 (rows,)",
    "vectors/expected.npy": "rows that must come out, int32 (rows, n), 0 beyond a row's length",
    "vectors/input.hex": "the same rows as beats of s_axis, a line each, for $readmemh",
    "vectors/expected.hex": "the beats that must come out of m_axis, a line each, for $readmemh",
    "vectors/parameters.hex": "beats of s_axis_param that load gamma and beta of every bank; only if storage is ram",
}


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
    """

    input: npt.NDArray[np.integer]
    lengths: npt.NDArray[np.integer]
    banks: npt.NDArray[np.integer]
    expected: npt.NDArray[np.integer]

    def __post_init__(self) -> None:
        if self.expected.shape != self.input.shape:
            raise ConfigError(f"expected has shape {self.expected.shape}: must be that of input, {self.input.shape}")

    def __repr__(self) -> str:
        return f"<Vectors: {len(self.input)} rows of up to {self.input.shape[1]} elements>"


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
        for stream in ("s_axis", "m_axis", "s_axis_param")
    }
    return {stream: layout for stream, layout in layouts.items() if layout.widths}


def vector_files(config: NormConfig, vectors: Vectors) -> dict[str, bytes]:
    """Return the contents of every file of VECTOR_FILES that the configuration has.

    A line of a .hex file is one number for ``$readmemh``. Underscores part its fields, each in whole
    hexadecimal digits: ``tuser_tlast_tkeep_tdata``, without those that the stream does not have.
    """
    valid = np.arange(vectors.input.shape[1]) < vectors.lengths[:, None]
    arrays = {
        "input": np.where(valid, vectors.input, 0),
        "lengths": vectors.lengths,
        "banks": vectors.banks,
        "expected": np.where(valid, vectors.expected, 0),
    }
    result = {f"vectors/{name}.npy": _npy(array) for name, array in arrays.items()}
    lengths, banks = vectors.lengths.tolist(), vectors.banks.tolist()
    layouts = beat_layouts(config)

    def write(name: str, stream: str, elements: npt.NDArray[np.uint8], lengths: list[int], user: list[int]) -> None:
        result[f"vectors/{name}.hex"] = _hex(elements, lengths, user, layouts[stream], config.lanes)

    write("input", "s_axis", element_bytes(arrays["input"], config.input.bytes), lengths, banks)
    # The unit raises its error flag for no well-formed row.
    no_errors = [0] * len(banks)
    write("expected", "m_axis", element_bytes(arrays["expected"], config.output.bytes), lengths, no_errors)
    if config.storage == "ram":
        stored = StoredParameters.of(config)
        gamma_bytes, beta_bytes = parameter_lane_bytes(config)
        both = element_bytes(stored.gamma, gamma_bytes), element_bytes(stored.beta, beta_bytes)
        all_banks = list(range(config.banks))
        write("parameters", "s_axis_param", np.concatenate(both, axis=2), [config.max_length] * config.banks, all_banks)
    return result


def _npy(array: npt.NDArray[np.integer]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array.astype("<i4"))
    return buffer.getvalue()


def _hex(rows: npt.NDArray[np.uint8], lengths: list[int], user: list[int], layout: BeatLayout, lanes: int) -> bytes:
    lines = [f"// {layout.title}: a beat each line, lane 0 in the low bits of tdata"]
    for elements, length, word in zip(rows, lengths, user, strict=True):
        for start in range(0, length, lanes):
            data = elements[start : min(start + lanes, length)].tobytes()
            lines.append(
                layout.line(
                    tuser=word,
                    tlast=start + lanes >= length,
                    tkeep=(1 << len(data)) - 1,
                    tdata=int.from_bytes(data, "little"),
                )
            )
    return ("\n".join(lines) + "\n").encode()
