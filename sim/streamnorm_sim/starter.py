"""A folder to begin with: a configuration that explains itself, gamma, beta, and rows to run through the unit."""

import io
import json
import re
import shlex
import textwrap
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamnorm.spec.config import NormConfig, key_fields
from streamnorm.spec.formats import FAMILIES, FloatFormat, NumberFormat, parse_format
from streamnorm.spec.norms import NORMS
from streamnorm.spec.parameter_format import PARAMETER_FORMATS
from streamnorm.spec.values import one_of
from streamnorm_sim.streams.seeds import seeded

__all__ = ["CONFIGURATION", "ROWS", "starter_files", "starter_name"]

CONFIGURATION, ROWS = "unit.toml", "rows.npy"
_LENGTH, _COUNT = 64, 32
_SPAN = 8.0
"""Real values of elements in and out reach from minus to plus this: eight standard deviations of what is drawn."""
_SPANS_OUT = {"dyt": 1.5, "l2norm": 0.9}
"""The same of results, of norms that make less of it."""

_OF_NORMS = {"epsilon": 1e-5, "deviation": 1.0, "alpha": 0.5}
"""Keys that must be said of the norms that take them."""

_FORMAT_KEYS = {
    "format": " or ".join(family.names for family in FAMILIES),
    "scale": "the real value of one step: a code q stands for scale * (q - zero_point)",
    "zero_point": "the code that stands for 0.0",
    "overflow": 'what a number beyond the largest becomes: "infinity", of formats that have it, "nan" or "saturate"',
}
_TABLES = {
    "input": "The elements that come in; those of rows.npy are real numbers, and simulate quantizes them.",
    "output": "The elements that go out.",
}


def starter_files(norm: str, number_format: str) -> dict[str, bytes]:
    """Return the files of a unit for rows of up to 64 elements, by name; the same bytes every time.

    Raises
    ------
    ConfigError
        If there is no norm or no format of that name, or no unit of this norm for this format.
    """
    name = starter_name(norm, number_format)
    formats = {"input": _scaled(number_format, _SPAN), "output": _scaled(number_format, _SPANS_OUT.get(norm, _SPAN))}
    keys: dict[str, Any] = {
        "name": name,
        "norm": norm,
        "lanes": 4,
        "max_length": _LENGTH,
        **{key: value for key, value in _OF_NORMS.items() if key in NORMS[norm].keys},
        "gamma": "gamma.npy",
        "beta": "beta.npy",
        "target": "ecp5-85k-6",
        "clock_mhz": 100,
    }
    rng = seeded(0)
    gamma, beta = (_held(formats["output"], rng.normal(mean, 0.1, _LENGTH)) for mean in (1.0, 0.0))
    NormConfig(**{**keys, **formats, "gamma": gamma, "beta": beta})
    arrays = {"gamma.npy": gamma, "beta.npy": beta, ROWS: _rows(rng)}
    text = _configuration(keys, formats, f"streamnorm init {norm} {shlex.quote(number_format)}")
    return {CONFIGURATION: text.encode(), **{file: _npy(array) for file, array in arrays.items()}}


def starter_name(norm: str, number_format: str) -> str:
    """Return what the unit and its folder are called, an identifier.

    Raises
    ------
    ConfigError
        If there is no norm or no format of that name.
    """
    one_of("norm", norm, NORMS)
    return re.sub(r"[^a-z0-9]+", "_", f"{norm}_{parse_format(number_format).name}").strip("_")


def _held(output: NumberFormat, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Parameters as a model has them: of floating-point results, numbers of a format no narrower than theirs."""
    values = values.round(4)
    if not isinstance(output, FloatFormat):
        return values
    held = next(held for held in PARAMETER_FORMATS.values() if held.precision >= output.precision)
    return held.dequantize(held.quantize(values))


def _scaled(name: str, span: float) -> NumberFormat:
    """The format with 0.0 in the middle of its codes, and ``span`` at their ends."""
    plain = parse_format(name)
    keys: dict[str, Any] = {}
    if "zero_point" in plain.keys and plain.min >= 0:
        keys["zero_point"] = (plain.max + 1) // 2
    if "scale" in plain.keys:
        keys["scale"] = span / (plain.max + 1 - keys.get("zero_point", 0))
    return parse_format(name, **keys)


def _rows(rng: np.random.Generator) -> NDArray[np.float64]:
    """Rows about 0, each with a spread of its own, and two elements far out."""
    rows = rng.normal(0.0, rng.uniform(0.5, 1.5, (_COUNT, 1)), (_COUNT, _LENGTH))
    for row in rows:
        row[rng.choice(_LENGTH, 2, replace=False)] = rng.choice([-1, 1], 2) * rng.uniform(4.0, 6.0, 2)
    return rows.round(4)


def _npy(array: NDArray[np.float64]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array.astype("<f4"))
    return buffer.getvalue()


def _configuration(keys: dict[str, Any], formats: dict[str, NumberFormat], command: str) -> str:
    fields = {field.name: field for field in key_fields()}
    lines = [
        f"# Written by `{command}`. Above each key stands what it means, and what it may be.",
        "# Names of files are relative to this one.",
        "",
    ]
    for key, value in keys.items():
        lines += [*_comment(_about(fields[key])), f"{key} = {json.dumps(value)}", ""]
    lines += ["# All other keys, as they are unless they are given.", ""]
    for key, field in fields.items():
        if key in keys or key in _TABLES:
            continue
        default = field.metadata["default"]
        if default is None and field.default is None:  # TOML has no word for nothing
            lines += [*_comment(f"[{key}]: {_about(field)}"), ""]
        elif default is None:
            lines += [*_comment(_about(field)), f"# {key} = {json.dumps(field.default)}", ""]
        else:
            lines += [*_comment(f"{key}: {_about(field)}; if left out: {default}"), ""]
    for table, about in _TABLES.items():
        lines += [f"[{table}]", f"# {about}"]
        for key, value in formats[table].to_dict().items():
            lines += [*_comment(_FORMAT_KEYS.get(key, "")), f"{key} = {json.dumps(value)}"]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _about(field: Any) -> str:
    return re.sub("`", "", f"{field.metadata['meaning']} ({field.metadata['allowed']})")


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text, 110, break_on_hyphens=False)]
