"""Test vectors as files: arrays and beats say the same."""

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.verilog.vector_files import VECTOR_FILES, Closing, Vectors, vector_files


def make(**changes: Any) -> NormConfig:
    keywords: dict[str, Any] = {
        "norm": "layernorm",
        "lanes": 2,
        "max_length": 5,
        "input": IntFormat(8),
        "output": IntFormat(8),
        "epsilon": 1e-5,
    }
    return NormConfig(**{**keywords, **changes})


def hex_lines(files: dict[str, bytes], name: str) -> list[str]:
    return files[f"vectors/{name}.hex"].decode().splitlines()


def test_the_example_of_the_documentation() -> None:
    rows = np.array([[1, -1, 2]])
    files = vector_files(make(), Vectors(rows, np.array([3]), np.array([0]), rows))
    assert hex_lines(files, "input") == [
        "// tlast_tkeep_tdata: a beat each line, lane 0 in the low bits of tdata",
        "0_3_ff01",
        "1_1_0002",
    ]
    assert hex_lines(files, "expected") == [
        "// tuser_tlast_tkeep_tdata: a beat each line, lane 0 in the low bits of tdata",
        "0_0_3_ff01",
        "0_1_1_0002",
    ]


def test_banks_wide_elements_and_what_is_beyond_a_row() -> None:
    config = make(input=IntFormat(20), output=IntFormat(12, signed=False), banks=16, storage="ram", lanes=3)
    vectors = Vectors(
        input=np.array([[-2, 0x7FFFF, 5, 99, 99], [1, 2, 3, 4, -(1 << 19)]]),
        lengths=np.array([1, 5]),
        banks=np.array([0, 15]),
        expected=np.array([[4095, 77, 77, 77, 77], [1, 2, 3, 4, 5]]),
    )
    files = vector_files(config, vectors)
    absent = {"vectors/parameters.hex", "vectors/flags.npy"}  # there are no closing rows, and no floating-point numbers
    assert VECTOR_FILES.keys() - files.keys() == absent
    assert hex_lines(files, "input")[1:] == [
        "0_1_007_000000000000fffffe",
        "f_0_1ff_000003000002000001",
        "f_1_03f_000000f80000000004",
    ]
    assert hex_lines(files, "expected")[1:] == ["0_1_03_000000000fff", "0_0_3f_000300020001", "0_1_0f_000000050004"]
    arrays = {name: np.load(io.BytesIO(files[f"vectors/{name}.npy"])) for name in ("input", "lengths", "banks")}
    assert arrays["input"].tolist() == [[-2, 0, 0, 0, 0], [1, 2, 3, 4, -(1 << 19)]]
    assert (arrays["lengths"].tolist(), arrays["banks"].tolist()) == ([1, 5], [0, 15])
    assert {array.dtype.str for array in arrays.values()} == {"<i4"}


def test_codes_and_flags_of_rows() -> None:
    config = make(input="bf16", output="fp32")
    rows = np.array([[0xFFC0, 1, 2], [0x7F80, 0x8000, 9]])
    vectors = Vectors(
        input=rows,
        lengths=np.array([3, 2]),
        banks=np.array([0, 0]),
        expected=np.array([[0xFFC00000, 0x80000001, 2], [0x7F800000, 5, 9]]),
        flags=np.array([5, 2], np.uint8),
    )
    cut = Vectors(np.ones((1, 7), int), np.array([7]), np.array([0]), np.ones((1, 7), int), flags=np.array([1]))
    files = vector_files(config, replace(vectors, closing=Closing(cut)))
    assert hex_lines(files, "input")[1:4] == ["0_f_0001ffc0", "1_3_00000002", "1_f_80007f80"]
    assert hex_lines(files, "expected")[1:] == [
        "0_0_ff_80000001ffc00000", "a_1_0f_0000000000000002", "4_1_ff_000000057f800000",
        "// closing rows",
        "0_0_ff_0000000100000001", "0_0_ff_0000000100000001", "3_1_0f_0000000000000001",
    ]  # fmt: skip
    arrays = {name: np.load(io.BytesIO(files[f"vectors/{name}.npy"])) for name in ("input", "expected", "flags")}
    assert {name: array.dtype.str for name, array in arrays.items()} == {
        "input": "<u4", "expected": "<u4", "flags": "<i4",
    }  # fmt: skip
    assert arrays["expected"].tolist() == [[0xFFC00000, 0x80000001, 2], [0x7F800000, 5, 0]]
    assert arrays["flags"].tolist() == [5, 2]
    without = vector_files(config, replace(vectors, flags=None))
    assert hex_lines(without, "expected")[2].startswith("0_1_")


def test_closing_rows_that_are_too_long_come_out_cut_and_flagged() -> None:
    row, long_row = np.array([[1, -1, 2]]), np.arange(1, 9).reshape(1, 8)
    closing = Closing(Vectors(long_row, np.array([8]), np.array([0]), -long_row))
    plain = Vectors(row, np.array([3]), np.array([0]), row)
    files = vector_files(make(), replace(plain, closing=closing))
    assert hex_lines(files, "input")[1:] == [
        "0_3_ff01", "1_1_0002",
        "// closing rows",
        "0_3_0201", "0_3_0403", "0_3_0605", "1_3_0807",
    ]  # fmt: skip
    assert hex_lines(files, "expected")[1:] == [
        "0_0_3_ff01", "0_1_1_0002",
        "// closing rows",
        "0_0_3_feff", "0_0_3_fcfd", "1_1_1_00fb",
    ]  # fmt: skip
    without = vector_files(make(), plain)
    assert all(files[name] == data for name, data in without.items() if name.endswith(".npy"))
    assert "vectors/parameters.hex" not in files


def test_parameters_that_are_loaded_are_beats_of_their_stream() -> None:
    config = make(storage="ram", banks=2, gamma_bits=12, beta_bits=18)
    rows = np.array([[1, -1, 2]])
    vectors = Vectors(rows, np.array([3]), np.array([1]), rows)
    gamma, beta = np.arange(-5, 5).reshape(2, 5), 1000 * np.arange(-3, 7).reshape(2, 5)
    files = vector_files(config, replace(vectors, closing=Closing(vectors, {"gamma": gamma, "beta": beta})))
    assert list(files) == [name for name in VECTOR_FILES if name != "vectors/flags.npy"]
    comment = "// closing rows, after parameters.hex has been loaded"
    assert hex_lines(files, "input")[1:] == ["1_0_3_ff01", "1_1_1_0002", comment, "1_0_3_ff01", "1_1_1_0002"]
    lines = hex_lines(files, "parameters")
    assert lines[0] == "// tuser_tlast_tdata: a beat each line, lane 0 in the low bits of tdata"
    gamma, beta = gamma % (1 << 16), beta % (1 << 24)

    def lane(bank: int, element: int) -> str:
        return f"{beta[bank, element]:06x}{gamma[bank, element]:04x}" if element < 5 else "0" * 10

    assert lines[1:] == [
        f"{bank}_{int(start == 4)}_{lane(bank, start + 1)}{lane(bank, start)}" for bank in (0, 1) for start in (0, 2, 4)
    ]


def test_shapes_that_do_not_go_together() -> None:
    ones = np.ones((2, 3), int)
    with pytest.raises(ValueError, match=r"^expected has shape \(2, 4\): must be that of input, \(2, 3\)$"):
        Vectors(ones, ones[:, 0], ones[:, 0], np.ones((2, 4), int))
