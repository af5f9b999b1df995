"""Test vectors as files: arrays for Python, and beats for any Verilog test bench."""

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import NumberFormat
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
        In the configuration's input and output formats; what is beyond a row's length does not matter.
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
        rows = self.input.shape[:1]
        if self.input.ndim != 2 or self.expected.shape != self.input.shape:
            raise ValueError(
                f"input {self.input.shape} and expected {self.expected.shape} must both be (rows, n)"
            )
        if self.lengths.shape != rows or self.banks.shape != rows:
            raise ValueError(f"lengths {self.lengths.shape} and banks {self.banks.shape} must be {rows}")


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
    for row, length, word in zip(rows.tolist(), lengths, user, strict=True):
        for start in range(0, length, lanes):
            elements = row[start : min(start + lanes, length)]
            data = b"".join((e & 0xFFFFFF).to_bytes(3, "little")[:size] for e in elements).ljust(
                lanes * size, b"\0"
            )
            keep = (1 << (len(elements) * size)) - 1
            last = int(start + lanes >= length)
            prefix = f"{word:0{digits}x}_" if digits else ""
            lines.append(f"{prefix}{last}_{keep:0{-(-lanes * size // 4)}x}_{data[::-1].hex()}")
    return ("\n".join(lines) + "\n").encode()
