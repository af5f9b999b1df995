"""The parts of docs/float_truth.md: units of floating point on real rows, and beside NumPy and ONNX Runtime."""

from collections.abc import Mapping
from typing import Any

from figures import ROOT
from figures_page import down, up
from float_truth import KINDS, ROWS, UNITS, N, stored
from markdown import paragraph, table

PAGE = ROOT / "docs/float_truth.md"

TITLES = {"unit": "unit", "numpy": "NumPy", "onnxruntime": "ONNX Runtime"}
NORMS = {"layernorm": "LayerNorm", "rmsnorm": "RMSNorm"}


def parts() -> dict[str, str]:
    """Return the generated parts of the page."""
    return {"minilm": minilm(), "kinds": kinds(), "errors": errors(), "differences": differences()}


def minilm() -> str:
    """Return how near the units of a real model's layers come, by format."""
    head = ("format", "γ and β", "largest error, ulp", "mean", "correctly rounded", "least cosine of a row")
    entries = stored()["minilm"]
    rows = (
        (
            f"`{name}`",
            f"`{entry['parameters']}`",
            up(entry["max_ulp"], 4),
            up(entry["mean_ulp"], 4),
            down(100 * entry["correctly_rounded"], 2) + " %",
            down(entry["cosine"], 7),
        )
        for name, entry in entries.items()
    )
    about = next(iter(entries.values()))
    what = (
        f"{about['layers']} layers of {about['model']}, {about['rows']} rows of {about['n']} elements; errors against "
        "the exact result of the rows in the format, cosines with float64 LayerNorm of the rows as they were."
    )
    return f"{table(head, rows)}\n{paragraph(what)}"


def kinds() -> str:
    """Return what the rows are."""
    rows = ((name, kind.about, f"{kind.epsilon:g}") for name, kind in KINDS.items())
    versions = " and ".join(f"{TITLES[tool]} {version}" for tool, version in stored()["tools"].items())
    what = (
        f"{ROWS} rows of {N} elements of each kind; γ and β are numbers of the format, about 1 and 0. Measured with "
        f"{versions}."
    )
    return f"{table(('rows', 'what they are', 'ε'), rows)}\n{paragraph(what)}"


def errors() -> str:
    """Return, of each norm and format, largest errors and shares by kind of rows."""
    head = ("rows", *(f"{title}, ulp" for title in TITLES.values()), *(f"{title}, %" for title in TITLES.values()))
    text = []
    for norm, number_format in UNITS:
        rows = (
            (
                entry["kind"],
                *(_error(entry[name]) for name in TITLES),
                *(down(100 * entry[name]["correctly_rounded"], 1) for name in TITLES),
            )
            for entry in _of(norm, number_format)
        )
        text.append(f"**{NORMS[norm]}, {number_format}**\n\n{table(head, rows)}")
    return "\n".join(text)


def differences() -> str:
    """Return who is nearer to the exact result where a unit and another differ."""
    others = [name for name in TITLES if name != "unit"]
    head = ["norm", "rows"]
    for name in others:
        head += [f"{TITLES[name]} differs", "unit nearer", f"{TITLES[name]} nearer"]
    rows = []
    for norm, number_format in UNITS:
        for entry in _of(norm, number_format):
            counts = (entry[name][key] for name in others for key in ("differs", "unit_nearer", "other_nearer"))
            rows.append((f"{NORMS[norm]}, {number_format}", entry["kind"], *map(str, counts)))
    return table(head, rows)


def _of(norm: str, number_format: str) -> list[Mapping[str, Any]]:
    return [entry for entry in stored()["rows"] if (entry["norm"], entry["format"]) == (norm, number_format)]


def _error(entry: Mapping[str, Any]) -> str:
    """The largest, or that there is none; few results that are no numbers are counted beside it."""
    found, none = entry["max_ulp"], entry["not_finite"]
    if none == N * ROWS:
        return "not finite"
    text = up(found, 3) if found < 100 else f"{found:.1e}"
    return f"{text}, and {none} not finite" if none else text
