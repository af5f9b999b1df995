"""Units of floating point for the node tests of ONNX, and what their results may be off by."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from onnx_rows import TESTS, Floats, Rows, moved, of_each_row
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import FloatFormat
from streamnorm_sim.streams.rows import RowBatch

FORMATS = ("fp32", "bf16", "fp16")

NOT_YET: tuple[str, ...] = ()
"""Norms without an arithmetic for floating point: what is said here is skipped, and to be struck out once there is."""

RTOL, ATOL = 1e-3, 1e-7
"""What ONNX holds a backend to: what ``onnx.backend.test.case.node.expect`` gives every node test."""

FLOAT32 = 2.0**-20
"""What float32 may have done to an expected output, of the largest: some eight roundings."""


@dataclass(frozen=True)
class Unit:
    """All node tests that one unit can compute: gamma and beta of each are banks of their own.

    Attributes
    ----------
    config : of ``lanes`` lanes, from a format to the same
    tests : its node tests by name
    batch : the rows of all of them, in this order
    """

    config: NormConfig
    tests: Mapping[str, Rows]
    batch: RowBatch

    @staticmethod
    def of(tests: Mapping[str, Rows], number_format: str, lanes: int = 1) -> "Unit":
        """The unit for tests of the same norm and keys."""
        first = next(iter(tests.values()))
        n = max(rows.x.shape[1] for rows in tests.values())
        gamma, beta, banks = [np.ones((0, n))], [np.zeros((0, n))], []
        for rows in tests.values():
            of_row = np.zeros(len(rows.x), np.int64) if rows.banks is None else rows.banks
            banks.append(of_row + sum(map(len, gamma)))
            gamma.append(_padded(rows.gamma, rows.x.shape[1], n))
            beta.append(_padded(rows.beta, rows.x.shape[1], n))
        count = sum(map(len, gamma))
        shape = (count, n) if count > 1 else (n,)
        config = first.config(
            lanes=lanes,
            max_length=n,
            input=FloatFormat(number_format),
            output=FloatFormat(number_format),
            gamma=np.concatenate(gamma).reshape(shape),
            beta=np.concatenate(beta).reshape(shape) if any(map(np.any, beta)) else None,
            banks=count,
        )
        rows = [row for each in tests.values() for row in config.input.quantize(each.x)]
        return Unit(config, tests, RowBatch.pack(config, rows, np.concatenate(banks)))

    def results(self, codes: Any) -> dict[str, Floats]:
        """Results (rows, n) as numbers, by test."""
        found, at = {}, 0
        for name, rows in self.tests.items():
            count, n = rows.x.shape
            found[name] = self.config.output.dequantize(np.asarray(codes)[at : at + count, :n])
            at += count
        return found

    def errors(self, codes: Any) -> dict[str, Floats]:
        """How far results are from what ONNX expects, in what they may be off by: 1 is the most."""
        return {
            name: np.abs(got - self.tests[name].y) / allowed(self.tests[name], self.config)
            for name, got in self.results(codes).items()
        }


def _padded(values: Floats, length: int, longest: int) -> Floats:
    """Gamma or beta of rows that are shorter than the unit's."""
    of_row = np.broadcast_to(values, (len(values), length))
    return np.pad(of_row, ((0, 0), (0, longest - length)), mode="edge")


def allowed(rows: Rows, config: NormConfig) -> Floats:
    """What ONNX allows, of float32; else what quantizing the rows may change, and 1 unit in the last place.

    That is of the result, and of gamma and beta where they are larger and a sum with them may cancel: see
    :class:`.ExactResult`.
    """
    output = config.output
    assert isinstance(output, FloatFormat)
    if output.name == "fp32":
        return ATOL + RTOL * np.abs(rows.y)
    by_input = moved(rows, config) + FLOAT32 * np.abs(rows.y).max()
    largest = np.abs(rows.y) + by_input
    if config.beta is not None:
        largest = np.maximum(largest, np.abs(of_each_row(rows, rows.beta)))
    if config.formula.centred:
        largest = np.maximum(largest, np.abs(of_each_row(rows, rows.gamma)))
    step = np.exp2(np.floor(np.log2(np.maximum(largest, output.scale))) - output.fraction_bits)
    return by_input + np.maximum(step, output.scale)


def units(number_format: str, lanes: int) -> dict[str, Unit]:
    """The units for all node tests, by norm and what it adds to the variance."""
    groups: dict[str, dict[str, Rows]] = {}
    for name, rows in TESTS.items():
        if rows is not None:
            place = rows.keys.get("epsilon_placement", "")
            words = (rows.norm, place, f"{rows.keys['epsilon']:.0e}" if rows.keys.get("epsilon") else "")
            groups.setdefault(" ".join(filter(None, words)), {})[name] = rows
    return {about: Unit.of(tests, number_format, lanes) for about, tests in groups.items()}
