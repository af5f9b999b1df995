"""docs/unit.svg: the blocks of the unit of examples/bert_int8.toml, from its plan, and rows on their way through it."""

from collections.abc import Iterator
from html import escape

from figures import ROOT, example
from markdown import WHOLE
from streamnorm.plan import Plan
from streamnorm_sim.cycles import CycleModel

PAGE = ROOT / "docs/unit.svg"

_WIDTH, _HEIGHT = 1000, 452
_DATA, _STATISTIC, _PARAMETERS = "#dbe9f6", "#fde3cf", "#e3f1dd"
_ROWS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#9467bd")
_TOP, _LOW, _BLOCK = 52, 164, 66
"""Upper edges of the two lines of blocks, and a block's height."""


def parts() -> dict[str, str]:
    """Return the picture."""
    config = example("bert_int8")
    plan = Plan.of(config)
    title = f"LayerNorm, {config.input.name} in, {config.output.name} out, {config.lanes} elements a beat"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        'font-size="12">',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#444"/></marker></defs>',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        _text(_WIDTH // 2, 26, f"{title}, planned for {config.clock_mhz:g} MHz", bold=True, size=15),
        *_blocks(plan),
        *_timeline(CycleModel(config), config.max_length),
        "</svg>",
    ]
    return {WHOLE: "\n".join(lines) + "\n"}


def _blocks(plan: Plan) -> Iterator[str]:
    stages, multipliers = plan.stages, plan.multipliers
    root = sum(stages[stage] for stage in ("variance", "reciprocal square root", "scale and centre"))
    for x, name in ((45, "rows in"), (955, "rows out")):
        yield _text(x, _TOP + 28, name, bold=True)
        yield _text(x, _TOP + 44, "AXI4-Stream", size=11)
    yield _box(120, _TOP, 130, _DATA, "ingest", "d = x - pivot", f"{stages['ingest']} cycles")
    yield _box(330, _TOP, 150, _DATA, "row buffer", "d waits for its statistic", f"{plan.buffer_beats} beats")
    yield _box(
        560, _TOP, 190, _DATA, "apply", "d · scale - centre, · γ + β, round",
        f"{stages['apply']} cycles, {multipliers['apply']} multipliers",
    )  # fmt: skip
    yield _box(
        780, _TOP, 120, _DATA, "output queue", f"{plan.output_entries} beats", f"{stages['output queue']} cycles"
    )
    yield _box(
        150, _LOW, 150, _STATISTIC, "moments", "n, Σd, Σd², exact",
        f"{stages['moments']} cycles, {multipliers['moments']} multipliers",
    )  # fmt: skip
    yield _box(
        340, _LOW, 160, _STATISTIC, "statistic", "V, 1/√V: scale, centre",
        f"{root} cycles, {multipliers['statistic']} multipliers",
    )  # fmt: skip
    yield _box(
        540, _LOW, 130, _STATISTIC, "statistic queue", f"{plan.row_slots} rows", f"{stages['statistic queue']} cycles"
    )
    yield _box(
        700, _LOW, 120, _PARAMETERS, "γ and β", "fixed, or loaded", f"{plan.block_rams['gamma and beta']} block RAMs"
    )
    middle, low = _TOP + _BLOCK // 2, _LOW + _BLOCK // 2
    for start, end in ((88, 120), (250, 330), (480, 560), (750, 780), (900, 918)):
        yield _arrow(start, middle, end, middle)
    for start, end in ((300, 340), (500, 540)):
        yield _arrow(start, low, end, low)
    yield _arrow(200, _TOP + _BLOCK, 200, _LOW)
    for x in (610, 725):
        yield _arrow(x, _LOW, x, _TOP + _BLOCK)


def _timeline(model: CycleModel, length: int) -> Iterator[str]:
    trace = model.run([length] * len(_ROWS))
    first_in, last_in, first_out, last_out = (
        [int(cycle) for cycle in cycles] for cycles in (trace.first_in, trace.last_in, trace.first_out, trace.last_out)
    )
    left, right, top = 90, 980, 290
    scale = (right - left) / (last_out[-1] + 1)

    def at(cycle: float) -> float:
        return round(left + scale * cycle, 1)

    beats = last_in[0] + 1 - first_in[0]
    yield _text(_WIDTH // 2, top - 22, f"rows of {length} elements, {beats} beats each", bold=True)
    for name, y, starts, ends in (("in", top, first_in, last_in), ("out", top + 50, first_out, last_out)):
        yield _text(50, y + 19, name, bold=True)
        for row, (start, end) in enumerate(zip(starts, ends, strict=True)):
            width = round(scale * (end + 1 - start) - 1, 1)
            yield f'<rect x="{at(start)}" y="{y}" width="{width}" height="28" rx="3" fill="{_ROWS[row]}"/>'
            yield _text(at((start + end + 1) / 2), y + 19, f"row {row + 1}", colour="white", bold=True)
    y = top + 100
    spans = (
        (first_in[0], first_out[0], f"{first_out[0] - first_in[0]} cycles: first beat in to first beat out (L1)"),
        (first_out[1], first_out[2], f"{first_out[2] - first_out[1]} cycles from row to row (SS)"),
    )
    for start, end, text in spans:
        yield _arrow(at(end), y, at(start), y)
        yield _arrow(at(start), y, at(end), y)
        yield _text(at((start + end) / 2), y + 18, text)
    yield _text(left, y + 46, "0", size=11)
    yield _text(right, y + 46, f"cycle {last_out[-1]}", size=11, anchor="end")
    yield f'<path d="M{left} {y + 30}H{right}" stroke="#888"/>'


def _box(x: int, y: int, width: int, fill: str, title: str, *lines: str) -> str:
    middle = x + width // 2
    frame = f'<rect x="{x}" y="{y}" width="{width}" height="{_BLOCK}" rx="6" fill="{fill}" stroke="#444"/>'
    texts = (_text(middle, y + 38 + 17 * index, line, size=11) for index, line in enumerate(lines))
    return "\n".join((frame, _text(middle, y + 20, title, bold=True), *texts))


def _text(
    x: float, y: float, text: str, *, bold: bool = False, size: int = 13, colour: str = "#222", anchor: str = "middle"
) -> str:
    weight = ' font-weight="bold"' if bold else ""
    place = f'x="{x}" y="{y}" text-anchor="{anchor}" font-size="{size}"'
    return f'<text {place}{weight} fill="{colour}">{escape(text)}</text>'


def _arrow(x: float, y: float, to_x: float, to_y: float) -> str:
    return f'<path d="M{x} {y}L{to_x} {to_y}" stroke="#444" stroke-width="1.5" fill="none" marker-end="url(#tip)"/>'
