"""The tables of docs/floating.md, "Special values", cell by cell: exact reference, golden model and hardware.

What is expected is written down here: z as the tables have it, and what IEEE 754 makes of gamma, z and beta, by NumPy.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from ladder.together import compile_with_its_like
from marks import slow_among
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm_sim.engines import run
from streamnorm_sim.reference.exact import exact_result
from streamnorm_sim.reference.models import golden_model
from streamnorm_sim.streams.beats import encode_rows
from streamnorm_sim.streams.rows import RowBatch
from streamnorm_sim.streams.traffic import ParameterLoad, Traffic

NAN, INFINITE, OVERFLOW = 1, 2, 4
nan, inf = float("nan"), float("inf")

TYPES = {
    "bf16": ml_dtypes.bfloat16, "fp16": np.float16, "fp32": np.float32,
    "fp8_e5m2": ml_dtypes.float8_e5m2, "fp8_e4m3fn": ml_dtypes.float8_e4m3fn,
}  # fmt: skip
QUIET_NAN = {"bf16": 0x7FC0, "fp16": 0x7E00, "fp32": 0x7FC00000, "fp8_e5m2": 0x7E, "fp8_e4m3fn": 0x7F}
LARGEST = {name: float(ml_dtypes.finfo(kind).max) for name, kind in TYPES.items()}
OTHER_NANS = {"bf16": (0xFFC0, 0x7F81, 0xFFFF), "fp16": (0xFE00, 0x7C01, 0xFFFF), "fp8_e4m3fn": (0xFF,)}
"""With a sign, with a payload, signalling."""

SMALLEST = {name: float(ml_dtypes.finfo(kind).smallest_subnormal) for name, kind in TYPES.items()}
INT8 = IntFormat(8, scale=0.25, zero_point=-4)

LENGTH = 8
GAMMA = [1.0, -2.0, 0.0, -0.0, 4.0, -1.0, 2.0, -4.0]
BETA = [0.0, -0.0, -0.0, 0.0, 3.0, -0.0, 0.0, -0.0]
"""Zeros of both signs beside gammas of both, and one that is none."""


@dataclass(frozen=True)
class Row:
    """A row that goes in and what has to come out; an integer is a code as it is, and any number None."""

    x: Sequence[float | int]
    y: Sequence[float | int | None]
    flags: int = 0


@dataclass(frozen=True)
class Unit:
    """A unit, and rows by what they are."""

    keys: dict[str, Any]
    rows: dict[str, Row]
    loads: dict[str, list[int]] = field(default_factory=dict)

    @property
    def config(self) -> NormConfig:
        statistic = {"epsilon": 0.0} if self.keys["norm"] in ("layernorm", "rmsnorm") else {}
        lanes = 2 if statistic else 1
        return NormConfig(**{"lanes": lanes, "max_length": LENGTH, **statistic, **self.keys})

    @property
    def batch(self) -> RowBatch:
        return RowBatch.pack(self.config, [np.array(codes(self.keys["input"], row.x)) for row in self.rows.values()])


def codes(number_format: Any, values: Sequence[float | int | None]) -> list[int | None]:
    """Of numbers that the format has; NaN is the quiet one."""
    if isinstance(number_format, IntFormat):
        return [value if value is None else int(value) for value in values]
    name = number_format["format"] if isinstance(number_format, dict) else number_format
    kind, found = TYPES[name], []
    for value in values:
        if value is None or isinstance(value, int):
            found.append(value)
        elif np.isnan(value):
            found.append(QUIET_NAN[name])
        else:
            number = np.array([value]).astype(kind)
            assert number.astype(np.float64)[0] == value, f"{name} has no {value}"
            found.append(int(number.view(f"u{number.itemsize}")[0]))
    return found


def results(z: Sequence[float], gamma: Sequence[float] | None, beta: Sequence[float] | None) -> list[float]:
    """IEEE's gamma * z + beta; without beta nothing is added."""
    with np.errstate(invalid="ignore"):
        y = np.array(z) * (1.0 if gamma is None else np.array(gamma)[: len(z)])
        return (y if beta is None else y + np.array(beta)[: len(z)]).tolist()


def signs_of(x: Sequence[float]) -> list[float]:
    """Zeros with the signs of x."""
    return np.copysign(0.0, x).tolist()


ODD = [1.0, -1.0] * (LENGTH // 2)


def centred(source: str, gamma: list[float] | None = None, beta: list[float] | None = None) -> dict[str, Row]:
    """Norms that subtract the mean: the first column."""
    largest, smallest = LARGEST[source], SMALLEST[source]

    def row(x: Sequence[float | int], z: Sequence[float], flags: int = 0) -> Row:
        return Row(x, results(z, gamma, beta), flags)

    def far(x: Sequence[float | int], flags: int) -> Row:
        return row(x, [nan] * len(x), flags)

    ones = [1.0] * (LENGTH - 1)
    rows = {
        "NaN first": far([nan, *ones], NAN),
        "NaN last": far([*ones, nan], NAN),
        "NaN in the middle": far([1.0, 2.0, 3.0, nan, 4.0], NAN),
        "NaN alone": far([nan], NAN),
        "all NaN": far([nan] * LENGTH, NAN),
        **{f"NaN {code:x}": far([1.0, code, 2.0], NAN) for code in OTHER_NANS[source]},
        "equal elements": row([3.0] * LENGTH, [0.0] * LENGTH),
        "equal negative elements": row([-3.0] * 7, [0.0] * 7),
        "one element": row([-3.0], [0.0]),
        "equal elements, the largest": row([largest] * LENGTH, [0.0] * LENGTH),
        "equal elements, the smallest": row([-smallest] * LENGTH, [0.0] * LENGTH),
        "zeros": row([0.0] * LENGTH, [0.0] * LENGTH),
        "zeros below 0": row([-0.0] * LENGTH, [0.0] * LENGTH),
        "zeros of both signs": row([0.0, -0.0] * 4, [0.0] * LENGTH),
        "subnormal numbers": row([smallest * sign for sign in ODD], ODD),
        "the largest of both signs": row([largest * sign for sign in ODD], ODD),
        "ordinary": row([2.5 * sign for sign in ODD[:6]], ODD[:6]),
    }
    if source == "fp8_e4m3fn":
        return rows
    return {
        **rows,
        "infinity": far([1.0, 2.0, inf, 3.0, 4.0, 5.0, 6.0, 7.0], INFINITE),
        "infinity below 0": far([*ones, -inf], INFINITE),
        "infinity alone": far([inf], INFINITE),
        "infinities": far([inf, -inf, *ones[2:]], INFINITE),
        "all infinite": far([inf] * LENGTH, INFINITE),
        "NaN and infinity": far([inf, *ones[1:], nan], NAN | INFINITE),
    }


def uncentred(source: str, gamma: list[float] | None = None, beta: list[float] | None = None) -> dict[str, Row]:
    """Norms that do not, with a statistic of all elements: the second column."""
    largest, smallest = LARGEST[source], SMALLEST[source]

    def row(x: Sequence[float], z: Sequence[float], flags: int = 0) -> Row:
        return Row(x, results(z, gamma, beta), flags)

    def beside(x: Sequence[float]) -> Row:
        """NaN at infinities, zeros with their signs elsewhere."""
        z = [nan if np.isinf(value) else zero for value, zero in zip(x, signs_of(x), strict=True)]
        return row(x, z, INFINITE)

    signs = [3.0, -3.0, -3.0, 3.0, -3.0, 3.0, 3.0, -3.0]
    zeros = [0.0, -0.0, -0.0, 0.0, -0.0, 0.0, 0.0, -0.0]
    ones = np.sign(signs).tolist()
    rows = {
        **{f"{name}, NaN": each for name, each in centred(source, gamma, beta).items() if each.flags == NAN},
        "equal elements": row([3.0] * LENGTH, [1.0] * LENGTH),
        "one element": row([-3.0], [-1.0]),
        "equal magnitudes": row(signs, ones),
        "the largest": row([largest * sign for sign in ones], ones),
        "the smallest": row([smallest * sign for sign in ones], ones),
        "zeros": row([0.0] * LENGTH, [0.0] * LENGTH),
        "zeros below 0": row([-0.0] * LENGTH, [-0.0] * LENGTH),
        "zeros of both signs": row(zeros, zeros),
        "one zero": row([-0.0], [-0.0]),
        "zeros among others": row([*zeros[:6], 3.0, -3.0], [*zeros[:6], 2.0, -2.0]),
        "zeros beside the largest": row([largest, *zeros[1:4]], [2.0, *zeros[1:4]]),
    }
    if source == "fp8_e4m3fn":
        return rows
    return {
        **rows,
        "infinity": beside([*signs[:3], inf, *zeros[4:]]),
        "infinity below 0": beside([-inf, *signs[1:]]),
        "infinity last": beside([*zeros[:7], inf]),
        "infinity alone": beside([-inf]),
        "infinities": beside([inf, -1.0, 0.0, -inf, -0.0, 1.0, inf]),
        "all infinite": beside([inf, -inf] * 4),
        "NaN and infinity": row([inf, 1.0, nan], [nan] * 3, NAN | INFINITE),
    }


def part(gamma: list[float], beta: list[float] | None) -> dict[str, Row]:
    """A statistic of the first four elements: those behind count for themselves."""

    def row(x: Sequence[float], z: Sequence[float], flags: int = 0) -> Row:
        return Row(x, results(z, gamma, beta), flags)

    head, ones = [2.0, -2.0, 2.0, -2.0], [1.0, -1.0, 1.0, -1.0]
    none = [nan] * LENGTH
    return {
        "NaN within": row([2.0, nan, 2.0, 2.0, 1.0, 1.0, -1.0, 0.0], none, NAN),
        "NaN as its last": row([2.0, 2.0, 2.0, nan, 1.0, 1.0, -1.0, 0.0], none, NAN),
        "NaN within, infinity behind": row([2.0, nan, 2.0, 2.0, inf, 1.0, -1.0, 0.0], none, NAN | INFINITE),
        "NaN behind": row([*head, nan, 2.0, 0.0, -0.0], [*ones, nan, 1.0, 0.0, -0.0], NAN),
        "infinities behind": row([*head, inf, -inf, 4.0, inf], [*ones, inf, -inf, 2.0, inf], INFINITE),
        "infinity and NaN behind": row([*head, -inf, nan, -2.0], [*ones, -inf, nan, -1.0], NAN | INFINITE),
        "infinity within": row(
            [2.0, -inf, -2.0, 0.0, 1.0, -1.0, -0.0, 0.0], [0.0, nan, *signs_of([-1, 0, 1, -1, -0.0, 0])], 2
        ),
        "infinity within and behind": row(
            [inf, -2.0, 2.0, 2.0, -inf, -1.0], [nan, *signs_of([-2, 2, 2]), nan, -0.0], 2
        ),
        "infinity within, NaN behind": row(
            [inf, -2.0, 2.0, 2.0, nan, -1.0], [nan, *signs_of([-2, 2, 2]), nan, -0.0], 3
        ),
        "zeros": row([0.0, -0.0, 0.0, 0.0, -0.0, 0.0, -0.0], [0.0, -0.0, 0.0, 0.0, -0.0, 0.0, -0.0]),
        "shorter than the part": row([2.0, -2.0, inf], [0.0, -0.0, nan], INFINITE),
        "ordinary": row([*head, 4.0, -1.0], [*ones, 2.0, -0.5]),
    }


STATIC_X = [0.0, -0.0, inf, -inf, nan, 3.0, -3.0]
STATIC_FLAGS = NAN | INFINITE


def static(gamma: list[float] | None, beta: list[float] | None, z: Sequence[float] = STATIC_X) -> Row:
    """A row of a norm without a statistic: the third column."""
    return Row(STATIC_X, results(z, gamma, beta), STATIC_FLAGS)


def overflow(name: str, key: str) -> Unit:
    """z that is x: below, at and beyond the tie behind the largest number, on either side."""
    largest = LARGEST[name]
    step = largest - float(np.nextafter(np.array(largest, TYPES[name]), np.array(0, TYPES[name])))
    (code,) = codes(name, [{"infinity": inf, "nan": nan, "saturate": largest}[key]])
    sign = 0x80 if name.startswith("fp8") else 0x8000
    assert code is not None
    # The largest mantissa of e4m3fn is even, and so what the tie goes to.
    is_even = name == "fp8_e4m3fn"
    beta = [step / 4, step / 2, 3 * step / 4, -step / 4, largest, -largest]
    above = [largest, largest if is_even else code, code, largest, code, 0.0]
    below = [-largest, -largest if is_even else code | sign, code | sign, -largest, code | sign, 0.0]
    gamma = [1.0] * 6
    keys = {
        "norm": "affine", "input": name, "output": {"format": name, "overflow": key}, "parameter_format": "fp32",
        "gamma": gamma + [-1.0] * 6, "beta": beta + [-value for value in beta], "max_length": 12,
    }  # fmt: skip
    rows = {
        "beyond": Row([largest] * 12, above + below, OVERFLOW),
        "not beyond": Row([largest], [largest]),
        "only the tie": Row([largest, largest], above[:2], 0 if is_even else OVERFLOW),
        "NaN": Row([nan], [nan], NAN),
    }
    if not is_even:
        rows["infinity"] = Row([inf, -inf] * 6, [inf, -inf] * 3 + [-inf, inf] * 3, INFINITE)
    return Unit(keys, rows)


def into_integers(norm: str) -> dict[str, Row]:
    """Gamma 2 and beta 0.5, in steps of 0.25 from -4 on; the last gamma is 1000: NaN is the zero point."""
    none, beta = -4, -2
    if norm == "layernorm":
        return {
            "NaN": Row([1.0, nan, 1.0], [none] * 3, NAN),
            "infinity": Row([1.0, inf, 1.0, -inf], [none] * 4, INFINITE),
            "equal elements": Row([3.0] * LENGTH, [beta] * LENGTH),
            "zeros": Row([-0.0] * 3, [beta] * 3),
            "ordinary": Row([5.0, -5.0] * 3, [beta + 8, beta - 8] * 3),
            "saturates": Row(ODD, [beta + 8, beta - 8] * 3 + [beta + 8, -128], OVERFLOW),
            "saturates above": Row([-x for x in ODD], [beta - 8, beta + 8] * 3 + [beta - 8, 127], OVERFLOW),
        }
    return {
        "NaN": Row([1.0, nan, 1.0], [none] * 3, NAN),
        "infinity": Row([1.0, inf, -1.0, -inf, 0.0], [beta, none, beta, none, beta], INFINITE),
        "NaN and infinity": Row([1.0, inf, nan], [none] * 3, NAN | INFINITE),
        "zeros": Row([0.0, -0.0, 0.0], [beta] * 3),
        "equal elements": Row([-3.0] * 7, [beta - 8] * 7),
        "saturates": Row([-3.0] * LENGTH, [beta - 8] * 7 + [-128], OVERFLOW),
        "saturates above": Row([3.0] * LENGTH, [beta + 8] * 7 + [127], OVERFLOW),
    }


LOADED = {
    "gamma": [0x7FC0, 0xFF81, 0x7F80, 0xFF80, 0x8000, 0x3F80, 0x3F80, 0x4000],
    "beta": [0x0000, 0x3F80, 0x3F80, 0x8000, 0x8000, 0x7F81, 0xFF80, 0x8000],
}
"""Of bf16: NaN, NaN with sign and payload, both infinities, -0, 1, 1 and 2; 0, 1, 1, -0, -0, NaN, -infinity, -0."""


def loaded(x: Sequence[float], z: Sequence[float], flags: int = 0) -> Row:
    """What is not finite makes its element NaN, and sets no flag."""
    y = results(z, [0.0] * 4 + [-0.0, 0.0, 0.0, 2.0], [0.0, 0.0, 0.0, 0.0, -0.0, 0.0, 0.0, -0.0])
    return Row(x, [nan] * 4 + [y[4], nan, nan, y[7]], flags)


SMALL, HALF = SMALLEST["fp16"], SMALLEST["fp16"] / 2


def small(steps: Sequence[float]) -> list[float]:
    """So many of fp16's smallest number."""
    return [SMALL * step for step in steps]


BF16 = {"input": "bf16", "output": "bf16"}
FP16 = {"input": "fp16", "output": "fp16"}
E4M3 = {"input": "fp8_e4m3fn", "output": "fp8_e4m3fn"}
ZEROS = [0.0] * LENGTH
PART = {"statistic_length": 4, "epsilon": 1e-12}
INTO = {"input": "bf16", "output": INT8, "beta": 0.5}
LARGE = [2.0] * 7 + [1000.0]

UNITS: dict[str, Unit] = {
    "centred": Unit({"norm": "layernorm", **BF16, "gamma": GAMMA}, centred("bf16", GAMMA)),
    "centred, beta": Unit({"norm": "layernorm", **FP16, "gamma": GAMMA, "beta": BETA}, centred("fp16", GAMMA, BETA)),
    "centred, plain": Unit({"norm": "layernorm", **BF16}, centred("bf16")),
    "centred, e4m3fn": Unit({"norm": "layernorm", **E4M3, "gamma": GAMMA}, centred("fp8_e4m3fn", GAMMA)),
    "uncentred": Unit({"norm": "rmsnorm", **FP16, "gamma": GAMMA}, uncentred("fp16", GAMMA)),
    "uncentred, beta": Unit({"norm": "rmsnorm", **BF16, "gamma": GAMMA, "beta": BETA}, uncentred("bf16", GAMMA, BETA)),
    "uncentred, plain": Unit({"norm": "rmsnorm", **BF16}, uncentred("bf16")),
    "uncentred, zero beta": Unit(
        {"norm": "rmsnorm", **BF16, "gamma": GAMMA, "beta": [0.0] * 8}, uncentred("bf16", GAMMA)
    ),
    "uncentred, zero beta below 0": Unit(
        {"norm": "rmsnorm", **BF16, "gamma": GAMMA, "beta": -0.0}, uncentred("bf16", GAMMA, [-0.0] * 8)
    ),
    "uncentred, e4m3fn": Unit({"norm": "rmsnorm", **E4M3, "gamma": GAMMA}, uncentred("fp8_e4m3fn", GAMMA)),
    "two roundings": Unit(
        {"norm": "rmsnorm", **BF16, "gamma": GAMMA, "beta": BETA, "gamma_rounding": "output"},
        uncentred("bf16", GAMMA, BETA),
    ),
    "a part": Unit(
        {"norm": "rmsnorm", **BF16, "gamma": GAMMA, "statistic_length": 4, "epsilon": 1e-12}, part(GAMMA, None)
    ),
    "a part, beta": Unit(
        {"norm": "rmsnorm", **FP16, "gamma": GAMMA, "beta": BETA, "statistic_length": 4, "epsilon": 1e-12},
        part(GAMMA, BETA),
    ),
    "static": Unit({"norm": "affine", **FP16, "gamma": 2.0}, {"all": static([2.0] * 7, None)}),
    "static, gamma below 0": Unit(
        {"norm": "affine", **FP16, "gamma": -2.0, "beta": BETA}, {"all": static([-2.0] * 7, BETA)}
    ),
    "static, zeros of gamma": Unit(
        {"norm": "affine", "input": "fp16", "output": "bf16", "gamma": [0.0, 0.0, 0.0, -0.0, 0.0, 0.0, -0.0, 0.0]},
        {"all": static([0.0, 0.0, 0.0, -0.0, 0.0, 0.0, -0.0], None)},
    ),
    "tanh": Unit(
        {"norm": "dyt", "alpha": 1000.0, **BF16, "gamma": GAMMA, "beta": BETA},
        {
            "all": Row(STATIC_X[:5], results([0.0, -0.0, 1.0, -1.0, nan], GAMMA, BETA), NAN | INFINITE),
            "infinities": Row([-inf, inf] * 4, results([-1.0, 1.0] * 4, GAMMA, BETA), INFINITE),
            "zeros": Row([-0.0, 0.0] * 4, results([-0.0, 0.0] * 4, GAMMA, BETA)),
        },
    ),
    "tanh, alpha below 0": Unit(
        {"norm": "dyt", "alpha": -3.0, **BF16, "gamma": 2.0},
        {"all": Row([0.0, -0.0, inf, -inf, nan], [-0.0, 0.0, -2.0, 2.0, nan], NAN | INFINITE)},
    ),
    "small results": Unit(
        {
            "norm": "affine",
            **FP16,
            "parameter_format": "fp32",
            "gamma": [HALF] * 6 + [HALF / 4, HALF / 4],
            "beta": [0.0] * 6 + [-HALF / 2, HALF / 2],
        },
        {
            "above 0": Row([1.0, 3.0, 5.0, 1.5, 0.5, 1025.0, 1.0, 1.0], small([0, 2, 2, 1, 0, 512, -0.0, 0])),
            "below 0": Row([-1.0, -3.0, -5.0, -1.5, -0.5, -1027.0], small([-0.0, -2, -2, -1, -0.0, -514])),
        },
    ),
    "small results of a statistic": Unit(
        {"norm": "rmsnorm", **FP16, "gamma": [SMALL, SMALL, -SMALL, -SMALL] * 2, "parameter_format": "fp16"},
        {
            "above 0": Row([7.0, 1.0], [SMALL, 0.0]),
            "below 0": Row([-7.0, -1.0], [-SMALL, -0.0]),
            "both": Row([0.0, -0.0, 7.0, -1.0, 0.0, 0.0], [0.0, -0.0, -2 * SMALL, 0.0, 0.0, 0.0]),
        },
    ),
    "cancels": Unit(
        {
            "norm": "affine",
            **BF16,
            "gamma": [2.0, -2.0, 2.0, -2.0, 0.5, -0.5, 1.0, -0.0],
            "beta": [-6.0, 6.0, 6.0, -6.0, -0.0, 0.0, -0.0, -0.0],
        },
        {
            "to nothing": Row([3.0, 3.0, -3.0, -3.0, 0.0, 0.0, -0.0, 1.0], [*ZEROS[:6], -0.0, -0.0]),
            "or not": Row([-3.0, -3.0, 3.0, 3.0, -0.0, -0.0, 0.0, -1.0], [-12.0, 12.0, 12.0, -12.0, -0.0, *ZEROS[:3]]),
        },
    ),
    **{
        f"{name}, overflow {key}": overflow(name, key)
        for name, keys in (("bf16", ("infinity", "nan", "saturate")), ("fp8_e4m3fn", ("nan", "saturate")))
        for key in keys
    },
    **{
        f"infinity as e4m3fn, overflow {key}": Unit(
            {"norm": "affine", "input": "bf16", "output": {"format": "fp8_e4m3fn", "overflow": key}},
            {"all": Row([inf, -inf, nan, -0.0], [*ends, nan, -0.0], NAN | INFINITE)},
        )
        for key, ends in (("nan", [0x7F, 0xFF]), ("saturate", [448.0, -448.0]))
    },
    **{
        f"{norm}, overflow {key}": Unit(
            {
                "norm": norm,
                "input": "bf16",
                "output": {"format": "fp16", "overflow": key},
                "gamma": [6e4, -6e4] * 4,
                "beta": [6e4, 6e4] * 4,
                "parameter_format": "fp32",
            },
            {"beyond": Row(ODD, [end] * 8, OVERFLOW), "zeros": Row([0.0] * 8, [60000.0] * 8)},
        )
        for norm, key, end in (
            ("layernorm", "infinity", inf),
            ("rmsnorm", "saturate", 65504.0),
            ("rmsnorm", "nan", nan),
        )
    },
    "layernorm into int8": Unit({"norm": "layernorm", **INTO, "gamma": LARGE}, into_integers("layernorm")),
    "rmsnorm into int8": Unit({"norm": "rmsnorm", **INTO, "gamma": LARGE}, into_integers("rmsnorm")),
    "affine into int8": Unit(
        {"norm": "affine", **INTO, "gamma": [2.0, 2.0, 2.0, 2.0, -2.0, -2.0, 0.0, 2.0]},
        {
            "all": Row(
                [nan, inf, -inf, 0.0, inf, -inf, inf, 1.0], [-4, 127, -128, -2, -128, 127, -4, 6], NAN | INFINITE
            ),
            "saturates": Row([2.0**30, -(2.0**30), -0.0], [127, -128, -2], OVERFLOW),
            "infinity alone": Row([inf], [127], INFINITE),
            "cancels": Row([-0.25, -0.25], [-4, -4]),
        },
    ),
    "tanh into int8": Unit(
        {"norm": "dyt", "alpha": 2.0, **INTO, "gamma": 2.0},
        {"all": Row([nan, inf, -inf, 0.0, -0.0], [-4, 6, -10, -2, -2], NAN | INFINITE)},
    ),
    "layernorm of int8": Unit(
        {"norm": "layernorm", "input": INT8, "output": "fp16", "gamma": [6e4, -6e4] * 4, "beta": [6e4, -0.0] * 4},
        {"beyond": Row([1, -1], [inf, 60000.0], OVERFLOW), "equal elements": Row([127] * 8, [60000.0, -0.0] * 4)},
    ),
    "rmsnorm of int8": Unit(
        {"norm": "rmsnorm", "input": INT8, "output": "bf16", "gamma": GAMMA},
        {
            "zeros": Row([-4] * LENGTH, results([0.0] * LENGTH, GAMMA, None)),
            "both sides": Row([-3, -5] * 4, results(ODD, GAMMA, None)),
        },
    ),
    "affine of int8": Unit(
        {"norm": "affine", "input": INT8, "output": "fp16", "gamma": 6e4, "beta": [0.0, -0.0] * 4},
        {"beyond": Row([0, 1, -8, -9, -4, -4], [60000.0, inf, -60000.0, -inf, 0.0, 0.0], OVERFLOW)},
    ),
    "loaded": Unit(
        {"norm": "rmsnorm", **BF16, "storage": "ram", "parameter_format": "bf16"},
        {
            "ordinary": loaded([3.0] * 8, [1.0] * 8),
            "below 0": loaded([-3.0] * 8, [-1.0] * 8),
            "zeros": loaded([0.0, -0.0] * 4, [0.0, -0.0] * 4),
            "NaN": Row([nan, *ODD[1:]], [nan] * 8, NAN),
        },
        LOADED,
    ),
    "loaded, centred": Unit(
        {"norm": "layernorm", **BF16, "storage": "ram", "parameter_format": "bf16"},
        {"ordinary": loaded(ODD, ODD), "equal elements": loaded([5.0] * 8, [0.0] * 8)},
        LOADED,
    ),
    "loaded, static": Unit(
        {"norm": "affine", **BF16, "storage": "ram", "parameter_format": "bf16"},
        {
            "ordinary": loaded([3.0] * 8, [3.0] * 8),
            "infinity": loaded([inf] * 8, [inf] * 8, INFINITE),
            "infinity below 0": loaded([-inf] * 8, [-inf] * 8, INFINITE),
        },
        LOADED,
    ),
}


HARDWARE = (
    "centred", "centred, beta", "uncentred, beta", "uncentred, e4m3fn", "two roundings", "a part, beta",
    "static, gamma below 0", "tanh", "small results", "cancels", "bf16, overflow infinity", "bf16, overflow nan",
    "fp8_e4m3fn, overflow nan", "infinity as e4m3fn, overflow saturate", "rmsnorm, overflow saturate",
    "layernorm into int8", "rmsnorm into int8", "affine into int8", "layernorm of int8", "loaded",
)  # fmt: skip
"""Every cell is in one of these; `make test-slow` builds the others, too."""


def same(unit: Unit, found: np.ndarray, model: str) -> None:
    for (name, row), got in zip(unit.rows.items(), found.tolist(), strict=True):
        wanted = codes(unit.keys["output"], row.y)
        pairs = zip(got, wanted, strict=False)
        digits = [(hex(has), hex(wants)) for has, wants in pairs if wants is not None and has != wants]
        assert not digits, f"{model}, {name}: {got[: len(wanted)]} instead of {wanted}"


@pytest.mark.parametrize("name", [name for name in UNITS if not UNITS[name].loads])
def test_the_exact_reference(name: str) -> None:
    unit = UNITS[name]
    exact = exact_result(unit.config, unit.batch.x, unit.batch.lengths)
    same(unit, exact.rounded, "exact")
    assert exact.overflows.any(axis=1).tolist() == [bool(row.flags & OVERFLOW) for row in unit.rows.values()]


@pytest.mark.parametrize("name", UNITS)
def test_the_golden_model(name: str) -> None:
    unit = UNITS[name]
    batch = unit.batch
    model = golden_model(unit.config, **{key: np.array([values]) for key, values in unit.loads.items()})
    same(unit, model.normalize(batch.x, batch.lengths), "golden")
    assert model.flags(batch.x, batch.lengths).tolist() == [row.flags for row in unit.rows.values()]


@pytest.mark.parametrize("name", slow_among(UNITS, UNITS.keys() - set(HARDWARE)))
@pytest.mark.usefixtures("unoptimized")
def test_the_hardware(name: str) -> None:
    """With ones in the lanes that are not kept: a NaN there counts for nothing."""
    unit = UNITS[name]
    if name in HARDWARE:
        compile_with_its_like(unit.config, (UNITS[other].config for other in HARDWARE))
    beats = encode_rows(unit.config, unit.batch)
    beats = replace(beats, data=np.where(beats.keep, beats.data, 0xFF).astype(np.uint8))
    loads = [ParameterLoad(-1, *(np.array(unit.loads[key]) for key in ("gamma", "beta")))] if unit.loads else []
    rows = run(unit.config, Traffic(beats=beats, loads=loads)).rows
    assert rows.lengths.tolist() == [len(row.x) for row in unit.rows.values()]
    same(unit, rows.x, "hardware")
    assert rows.flags.tolist() == [row.flags for row in unit.rows.values()]


def test_the_hardware_that_is_always_built_is_there() -> None:
    assert set(HARDWARE) <= set(UNITS)
