"""Pictures of units: the blocks, from the plan and the norm's description, and rows on their way through them.

docs/unit.svg is of the unit of examples/bert_int8.toml, docs/norms_NAME.svg of the others that stand for a norm.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path

from figures import ROOT
from free_rows import free_rows
from markdown import WHOLE
from streamnorm.plan import Plan, plan_rows
from streamnorm.precision.precision import Precision
from streamnorm.spec.config import NormConfig
from streamnorm.spec.roots import ROOTS
from streamnorm_sim.norm_units import REFERENCE, NormUnit, norm_units
from svg import arrow, bar, box, document, text

PAGE = ROOT / "docs/unit.svg"

_WIDTH, _HEIGHT = 1100, 452
_DATA, _STATISTIC, _PARAMETERS = "#dbe9f6", "#fde3cf", "#e3f1dd"
_ROWS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#9467bd")
_TOP, _LOW, _BLOCK = 52, 164, 66
"""Upper edges of the two lines of blocks, and a block's height."""

_SYMBOLS = {"S1²": "(Σd)²", "S1": "Σd", "S2": "Σd²", "sqrt(V)": "√V", "sqrt(w)": "√w", "sqrt": "√", "epsilon": "ε"}
"""What the plan's table calls otherwise."""


def pages() -> Mapping[Path, Callable[[], dict[str, str]]]:
    """Return what makes each picture, by its path."""

    def maker(unit: NormUnit) -> Callable[[], dict[str, str]]:
        return lambda: {WHOLE: picture(unit.config, unit.said)}

    return {page_of(unit): maker(unit) for unit in norm_units().values()}


def page_of(unit: NormUnit) -> Path:
    """Return where the picture of a norm's unit is."""
    if unit.name == REFERENCE:
        return PAGE
    return ROOT / f"docs/norms_{re.sub('[^a-z0-9]+', '_', unit.name)}.svg"


def picture(config: NormConfig, keys: Mapping[str, object] | None = None) -> str:
    """Return the picture of a unit; ``keys`` : what its title says besides."""
    plan = Plan.of(config)
    norm = ", ".join((config.formula.title, *(f"{key} = {value}" for key, value in (keys or {}).items())))
    shape = f"{config.input.name} in, {config.output.name} out, {config.lanes} elements a beat"
    title = f"{norm}: {shape}, planned for {config.clock_mhz:g} MHz"
    head = text(_WIDTH // 2, 26, title, bold=True, size=15)
    blocks = _static_blocks
    if isinstance(plan.precision, Precision):
        blocks = _two_pass_blocks if config.formula.has_absolute_sum else _blocks
    return document(_WIDTH, _HEIGHT, (head, *blocks(plan), *_timeline(plan)))


def _blocks(plan: Plan) -> Iterator[str]:
    stages, multipliers = plan.stages, plan.multipliers
    centred = plan.config.formula.centred
    yield from _ends()
    difference = f"d = x - {'pivot' if centred else 'zero point'}"
    yield box(110, _TOP, 130, _BLOCK, _DATA, "ingest", difference, f"{stages['ingest']} cycles")
    yield box(330, _TOP, 150, _BLOCK, _DATA, "row buffer", "d waits for its statistic", f"{plan.buffer_beats} beats")
    yield from _apply(plan)
    places = []
    for x, width, title, *lines in _statistic(plan):
        yield box(x, _LOW, width, _BLOCK, _STATISTIC, title, *lines)
        places.append((x, x + width))
    (_, start), *_, (end, _) = places
    products = f"statistic: {multipliers['statistic']} multipliers"
    yield text((start + end) // 2, _LOW + _BLOCK + 16, products, size=11)
    yield _parameters(plan)
    middle, low = _TOP + _BLOCK // 2, _LOW + _BLOCK // 2
    for start, end in ((88, 110), (240, 330), (480, 680), (890, 912), (1026, 1038)):
        yield arrow(start, middle, end, middle)
    for (_, end), (start, _) in pairwise(places):
        yield arrow(end, low, start, low)
    yield arrow(150, _TOP + _BLOCK, 150, _LOW)
    for x in (800, 880):
        yield arrow(x, _LOW, x, _TOP + _BLOCK)


def _apply(plan: Plan) -> Iterator[str]:
    """The blocks that a beat with a statistic goes through to the output."""
    stages, centre = plan.stages, " - centre" if plan.config.formula.centred else ""
    cost = _cost(stages["apply"], plan.multipliers["apply"])
    yield box(680, _TOP, 210, _BLOCK, _DATA, "apply", f"d · scale{centre}, · γ + β, round", cost)
    queue = (f"{plan.output_entries} beats", f"{stages['output queue']} cycles")
    yield box(912, _TOP, 114, _BLOCK, _DATA, "output queue", *queue)


def _parameters(plan: Plan) -> str:
    memory = f"{plan.block_rams['gamma and beta']} block RAMs"
    return box(870, _LOW, 120, _BLOCK, _PARAMETERS, "γ and β", "fixed, or loaded", memory)


def _meanings(plan: Plan) -> dict[str, str]:
    """What the plan's table says of each value."""
    return {row.name: row.meaning for row in plan_rows(plan) if row.section == "Widths"}


def _root_name(precision: Precision) -> str:
    return next(name for name, kind in ROOTS.items() if isinstance(precision.root, kind))


def _ends() -> Iterator[str]:
    for x, name in ((45, "rows in"), (1064, "rows out")):
        yield text(x, _TOP + 28, name, bold=True)
        yield text(x, _TOP + 44, "AXI4-Stream", size=11)


def _static_blocks(plan: Plan) -> Iterator[str]:
    """As :func:`_blocks`, where nothing is measured of a row."""
    stages, norm = plan.stages, plan.config.formula
    yield from _ends()
    yield box(110, _TOP, 160, _BLOCK, _DATA, "ingest", "d = x - zero point", f"{stages['ingest']} cycles")
    places = [(110, 270)]
    if norm.name == "dyt":
        tables = f"{plan.block_rams['function tables']} block RAMs"
        yield box(330, _TOP, 190, _BLOCK, _DATA, "function", "tanh(α x), a table for two lanes", tables)
        places.append((330, 520))
    cost = _cost(stages["lanes"], plan.multipliers["lanes"])
    yield box(600, _TOP, 210, _BLOCK, _DATA, "lanes", "· γ + β, round", cost)
    queue = (f"{plan.output_entries} beats", f"{stages['output queue']} cycles")
    yield box(880, _TOP, 130, _BLOCK, _DATA, "output queue", *queue)
    memory = f"{plan.block_rams['gamma and beta']} block RAMs"
    yield box(640, _LOW, 130, _BLOCK, _PARAMETERS, "γ and β", "fixed, or loaded", memory)
    middle = _TOP + _BLOCK // 2
    for (_, start), (end, _) in pairwise([(0, 88), *places, (600, 810), (880, 1010), (1038, 0)]):
        yield arrow(start, middle, end, middle)
    yield arrow(705, _LOW, 705, _TOP + _BLOCK)


def _two_pass_blocks(plan: Plan) -> Iterator[str]:
    """As :func:`_blocks`, where deviations wait for the mean."""
    stages, multipliers = plan.stages, plan.multipliers
    precision = plan.precision
    assert isinstance(precision, Precision)
    rows = _meanings(plan)
    yield from _ends()
    yield box(110, _TOP, 130, _BLOCK, _DATA, "ingest", "d = x - pivot", f"{stages['ingest']} cycles")
    yield box(270, _TOP, 130, _BLOCK, _DATA, "row buffer", "d waits for the mean")
    passed = f"{stages['second pass']} cycles"
    yield box(470, _TOP, 150, _BLOCK, _DATA, "second row buffer", "d waits for its statistic", passed)
    yield from _apply(plan)
    scale = _symbols(rows["RF"].partition(", ")[2])
    statistic = (
        (110, 130, "sum", "n, Σd, exact", f"{stages['sum']} cycles"),
        (290, 160, "M = Σ|n d - Σd|", "as d goes on, exact"),
        (500, 130, "1/√V", _symbols(rows["sqrt(V)"]), f"by {_root_name(precision)}"),
        (660, 150, "scale, centre", scale, f"{stages['deviations and statistic']} cycles from d on"),
    )
    for x, width, title, *lines in statistic:
        yield box(x, _LOW, width, _BLOCK, _STATISTIC, title, *lines)
    yield text(460, _LOW + _BLOCK + 16, f"statistic: {multipliers['statistic']} multipliers", size=11)
    yield _parameters(plan)
    middle, low = _TOP + _BLOCK // 2, _LOW + _BLOCK // 2
    for start, end in ((88, 110), (240, 270), (400, 470), (620, 680), (890, 912), (1026, 1038)):
        yield arrow(start, middle, end, middle)
    for (x, width, *_), (following, *_) in pairwise(statistic):
        yield arrow(x + width, low, following, low)
    for x in (175, 435):
        yield arrow(x, _TOP + (_BLOCK if x == 175 else _BLOCK // 2), x, _LOW)
    for x in (760, 880):
        yield arrow(x, _LOW, x, _TOP + _BLOCK)


def _statistic(plan: Plan) -> Iterator[tuple[int, int, str, *tuple[str, ...]]]:
    """The blocks from the moments to the queue of statistics: place, width, title, lines."""
    stages, multipliers, norm = plan.stages, plan.multipliers, plan.config.formula
    precision = plan.precision
    assert isinstance(precision, Precision)
    rows = _meanings(plan)
    names = list(rows)
    sums = sorted(names[1 : names.index("epsilon")], key=lambda name: name.startswith("S"))
    of = "exact" if norm.statistic_length is None else f"of {norm.statistic_length}"
    what = f"{', '.join(_symbols(name) for name in sums)}, {of}"
    yield 50, 142, "moments", what, _cost(stages["moments"], multipliers["moments"])
    words = _symbols(rows.get("V") or rows["sqrt(V)"])
    cycles = f"{stages['variance']} cycles"
    if inner := re.search(r"√\((.*)\) \+", words):
        yield 205, 105, "U", inner[1]
        yield 325, 120, "V" if "V" in rows else "√V", words.replace(f"√({inner[1]})", "√U"), cycles
    else:
        yield 210, 230, "V", words if "epsilon" in norm.keys else words.replace("ε", "e"), cycles
    yield 460, 110, "1/√V", f"by {_root_name(precision)}", f"{stages['reciprocal square root']} cycles"
    scale = "scale, centre" if norm.centred else "scale"
    yield 590, 130, scale, _symbols(rows["RF"].partition(", ")[2]), f"{stages['scale and centre']} cycles"
    yield 738, 116, "statistic queue", f"{plan.row_slots} rows", f"{stages['statistic queue']} cycles"


def _symbols(words: str) -> str:
    for name, symbol in _SYMBOLS.items():
        words = words.replace(name, symbol)
    return words


def _cost(cycles: int, multipliers: int) -> str:
    return f"{cycles} cycles" + (f", {multipliers} multipliers" if multipliers else "")


def _timeline(plan: Plan) -> Iterator[str]:
    length = plan.config.max_length
    first_in, last_in, first_out, last_out = free_rows(plan, length, len(_ROWS))
    left, right, top = 90, _WIDTH - 20, 290
    scale = (right - left) / (last_out[-1] + 1)

    def at(cycle: float) -> float:
        return round(left + scale * cycle, 1)

    beats = last_in[0] + 1 - first_in[0]
    yield text(_WIDTH // 2, top - 22, f"rows of {length} elements, {beats} beats each", bold=True)
    for name, y, starts, ends in (("in", top, first_in, last_in), ("out", top + 50, first_out, last_out)):
        yield text(50, y + 19, name, bold=True)
        for row, (start, end) in enumerate(zip(starts, ends, strict=True)):
            yield bar(at(start), y, round(scale * (end + 1 - start) - 1, 1), 28, _ROWS[row], radius=3)
            yield text(at((start + end + 1) / 2), y + 19, f"row {row + 1}", colour="white", bold=True)
    y = top + 100
    spans = (
        (first_in[0], first_out[0], f"{first_out[0] - first_in[0]} cycles: first beat in to first beat out (L1)"),
        (first_out[1], first_out[2], f"{first_out[2] - first_out[1]} cycles from row to row (SS)"),
    )
    for start, end, words in spans:
        yield arrow(at(end), y, at(start), y)
        yield arrow(at(start), y, at(end), y)
        yield text(at((start + end) / 2), y + 18, words)
    yield text(left, y + 46, "0", size=11)
    yield text(right, y + 46, f"cycle {last_out[-1]}", size=11, anchor="end")
    yield f'<path d="M{left} {y + 30}H{right}" stroke="#888"/>'
