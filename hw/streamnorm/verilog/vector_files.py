"""Test vectors as files: arrays for Python, and beats for any Verilog test bench."""

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streamnorm.errors import ConfigError
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import NumberFormat
from streamnorm.spec.formats.element_bytes import element_bytes
from streamnorm.units.streams import bank_width

__all__ = ["VECTOR_FILES", "Vectors", "vector_files"]

VECTOR_FILES = {
    "vectors/input.npy": "rows that go in, int32 (rows, n), 0 beyond a row's length",
    "vectors/lengths.npy": "elements of each row, int32 (rows,)",
    "vectors/banks.npy": "bank of gamma and beta of each row, int32 (rows,)",
    "vectors/expected.npy": "rows that must come out, int32 (rows, n), 0 beyond a row's length",
    "vectors/input.hex": "the same rows as beats of s_axis, a line each, for $readmemh",
    "vectors/expected.hex": "the beats that must come out of m_axis, a line each, for $readmemh",
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


def vector_files(config: NormConfig, vectors: Vectors) -> dict[str, bytes]:
    """Return the contents of every file of VECTOR_FILES.

    A line of a .hex file is one number for ``$readmemh``. Underscores part its fields, each in whole
    hexadecimal digits: ``tuser_tlast_tkeep_tdata``; without a tuser port, without ``tuser_``.
    """
    valid = np.arange(vectors.input.shape[1]) < vectors.lengths[:, None]
    arrays = {
        "input": np.where(valid, vectors.input, 0),
        "lengths": vectors.lengths,
        "banks": vectors.banks,
        "expected": np.where(valid, vectors.expected, 0),
    }
    result = {f"vectors/{name}.npy": _npy(array) for name, array in arrays.items()}
    banks = vectors.banks.tolist()
    errors = [0] * len(banks)
    # The unit raises its error flag for no well-formed row.
    for name, number_format, user, width in (
        ("input", config.input, banks, bank_width(config)),
        ("expected", config.output, errors, 1),
    ):
        lengths = vectors.lengths.tolist()
        result[f"vectors/{name}.hex"] = _hex(arrays[name], lengths, user, width, number_format, config.lanes)
    return result


def _npy(array: npt.NDArray[np.integer]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array.astype("<i4"))
    return buffer.getvalue()


def _hex(
    rows: npt.NDArray[np.integer],
    lengths: list[int],
    user: list[int],
    user_width: int,
    number_format: NumberFormat,
    lanes: int,
) -> bytes:
    size = number_format.bytes
    digits = -(-user_width // 4)
    fields = "tuser_tlast_tkeep_tdata" if digits else "tlast_tkeep_tdata"
    lines = [f"// {fields}: a beat each line, lane 0 in the low bits of tdata"]
    for elements, length, word in zip(element_bytes(rows, size), lengths, user, strict=True):
        for start in range(0, length, lanes):
            data = elements[start : min(start + lanes, length)].tobytes()
            keep = (1 << len(data)) - 1
            last = int(start + lanes >= length)
            prefix = f"{word:0{digits}x}_" if digits else ""
            beat = data[::-1].hex().zfill(2 * lanes * size)
            lines.append(f"{prefix}{last}_{keep:0{-(-lanes * size // 4)}x}_{beat}")
    return ("\n".join(lines) + "\n").encode()
