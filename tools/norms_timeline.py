"""docs/norms_timeline.svg: a row's way through the unit of each norm, step by step, and the row behind it."""

from collections.abc import Iterator

from figures import ROOT
from free_rows import free_rows
from markdown import WHOLE
from streamnorm.plan import Plan
from streamnorm_sim.norm_units import norm_units, reference_unit
from svg import bar, document, text

PAGE = ROOT / "docs/norms_timeline.svg"

_WIDTH, _LEFT, _RIGHT = 1100, 130, 1040
_TOP, _LINE, _ROW = 84, 36, 12
_BEATS = "#b9cfe4"
_STEPS = ("#1f77b4", "#ff7f0e", "#8c564b", "#2ca02c", "#d62728", "#9467bd", "#7f7f7f", "#17becf", "#bcbd22")


def parts() -> dict[str, str]:
    """Return the picture."""
    plans = {name: unit.plan for name, unit in norm_units().items() if unit.plan is not None}
    height = _TOP + _LINE * len(plans) + 40
    return {WHOLE: document(_WIDTH, height, _pieces(plans, height))}


def _pieces(plans: dict[str, Plan], height: int) -> Iterator[str]:
    config = reference_unit()
    length = config.max_length
    runs = {name: free_rows(plan, length, 2) for name, plan in plans.items()}
    cycles = max(run.last_out[-1] for run in runs.values())
    scale = (_RIGHT - _LEFT) / cycles
    steps = list(dict.fromkeys(name for plan in plans.values() for name, width in plan.stages.items() if width))
    colours = {name: _STEPS[number % len(_STEPS)] for number, name in enumerate(steps)}

    def stretch(start: int, end: int, y: float, fill: str) -> str:
        """From what happens in cycle ``start`` to what happens in ``end``."""
        return bar(round(_LEFT + scale * start, 1), y, round(scale * (end - start) - 0.4, 1), _ROW, fill)

    title = f"two rows of {length} elements, one behind the other: beats in, the steps between, beats out"
    yield text(_WIDTH // 2, 22, f"{title}; {config.lanes} elements a beat, {config.clock_mhz:g} MHz", bold=True)
    x = _LEFT
    for name, fill in {"beats": _BEATS, **colours}.items():
        yield bar(x, 38, 12, 12, fill)
        yield text(x + 17, 48, name, size=11, anchor="start")
        x += 32 + round(5.8 * len(name))
    for place, (name, plan) in enumerate(plans.items()):
        y, run = _TOP + _LINE * place, runs[name]
        yield text(_LEFT - 10, y + 16, name, anchor="end")
        for row in range(2):
            line = y + row * (_ROW + 1)
            first_out, last_out = run.first_out[row], run.last_out[row]
            yield stretch(run.first_in[row], run.last_in[row], line, _BEATS)
            # The beat that they wait for: the last one, or an earlier one where less of the row counts.
            start = first_out - plan.latency_cycles
            for step, width in plan.stages.items():
                if width:
                    yield stretch(start, start + width, line, colours[step])
                    start += width
            yield stretch(first_out, last_out, line, _BEATS)
        yield text(
            round(_LEFT + scale * run.last_out[1], 1) + 6, y + 16, f"L2 = {plan.latency_cycles}",
            size=11, anchor="start",
        )  # fmt: skip
    y = height - 24
    yield f'<path d="M{_LEFT} {y - 10}H{_RIGHT}" stroke="#888"/>'
    yield text(_LEFT, y + 6, "0", size=11)
    yield text(_RIGHT, y + 6, f"cycle {cycles}", size=11, anchor="end")
