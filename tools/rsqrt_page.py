"""The generated parts of docs/rsqrt.md: the methods for the reciprocal square root side by side, and their contracts.

Plans and errors are computed, areas and clocks taken from docs/rsqrt_figures.json.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from figures import ROOT, example
from figures_page import down
from markdown import paragraph, table
from promises import GATE_SEEDS
from rsqrt_figures import EXAMPLES, placed_methods, stored
from streamnorm.plan import Plan
from streamnorm.precision.precision import Precision
from streamnorm.spec.root_choice import AUTO
from streamnorm.spec.roots import ROOTS, RootMethod
from streamnorm.spec.roots.digits.division import quotient, quotient_hardware
from streamnorm.spec.roots.refined.residual import residual
from streamnorm_cli.tables.rsqrt import power_of_two
from streamnorm_sim.draw.root_errors import plot_root_errors
from streamnorm_sim.roots import RootErrors, measure_errors, method_facts, root_choices, root_facts, root_of, unit_with

PAGE = ROOT / "docs/rsqrt.md"
PICTURE = "rsqrt_errors.svg"

_REFERENCE = "table"
"""The method beside which others are looked at: the default."""

_STEPS = (1, 2, 3, 5, 8, 12, 20)
"""Of the methods that allow them, the numbers of steps in the table."""

_AUTOMATIC = ("bert_int8", "qwen3_qk_norm", "ice40_int8", "hx8k_layernorm", "icebreaker_rms")
"""Examples whose automatic method is told: ECP5 first, then iCE40."""

_SPACE = "\0"
"""Stands for a space at which no line may end."""

_Facts = Mapping[str, Any]


def parts() -> dict[str, str]:
    """Return the generated parts of the page."""
    return {
        "methods": method_table(),
        **{name: unit_table(name) for name in EXAMPLES},
        "automatic": automatic_table(),
        "multipliers": multipliers(),
        "placed": "\n".join(placed_table(name) for name in EXAMPLES),
        "steps": steps_table(),
        "contracts": contracts(),
    }


def automatic_table() -> str:
    """Return what the automatic method is in some examples, and what the default would be beside it."""
    head = ("example", "target", "clock, MHz", "automatic", "L1", "multipliers", "block RAMs")
    rows = []
    for name in _AUTOMATIC:
        config = example(name)
        default, automatic = (Plan.of(config.replace(rsqrt=method)) for method in (_REFERENCE, AUTO))
        assert isinstance(automatic.precision, Precision)
        root = automatic.precision.root
        taken = next(method for method, kind in ROOTS.items() if isinstance(root, kind))
        numbers = [
            (plan.latency(config.max_length).L1, sum(plan.multipliers.values()), sum(plan.block_rams.values()))
            for plan in (default, automatic)
        ]
        cells = [
            str(after) if before == after else f"{before} → {after}" for before, after in zip(*numbers, strict=True)
        ]
        about = f"`{taken}`" if taken == _REFERENCE else f"`{taken}`: {root.about}"
        rows.append((f"`{name}`", f"`{config.target}`", f"{config.clock_mhz:g}", about, *cells))
    return table(head, rows)


def pictures(directory: Path) -> None:
    """Draw the page's picture into a directory."""
    name = EXAMPLES[0]
    methods = [(f"{facts['method']}: {facts['about']}", errors) for facts, errors in compared(name)]
    plot_root_errors(directory / PICTURE, f"the roots of {name}", methods)


@cache
def compared(name: str) -> tuple[tuple[_Facts, RootErrors], ...]:
    """Return an example with every method, and the errors of each."""
    config = example(name)
    found = []
    for choice in root_choices(config):
        unit = unit_with(config, choice)
        errors = measure_errors(root_of(unit))
        found.append((root_facts(config, choice, unit, errors), errors))
    return tuple(found)


def facts_of(name: str) -> list[_Facts]:
    """Return what is said of an example with every method."""
    return [facts for facts, _ in compared(name)]


def method_table() -> str:
    """Return every method there is: its name, what it is called, steps, and where it comes from."""
    rows = (
        (f"`{name}`", facts["title"], _steps(facts["steps"]), facts["source"])
        for name, facts in ((name, method_facts(name)) for name in ROOTS)
    )
    return table(("`method`", "called", "`steps`", "source"), rows)


def _steps(steps: list[int]) -> str:
    return f"{steps[0]} to {steps[-1]}" if steps else "–"


def unit_table(name: str) -> str:
    """Return an example with every method: errors, cycles and what the plan counts."""
    config = example(name)
    head = (
        *("method", "comes to", "ρ, bits", "error proven", "measured", "bound, LSB", "promise"),
        *("L1", "L2", "SS", "interval", "multipliers", "block RAMs", "root alone: cycles", "multipliers", "block RAMs"),
    )
    every = all(errors.is_every for _, errors in compared(name))
    note = (
        f"{config.norm}, {config.input.name} → {config.output.name}, rows of {config.max_length}, {config.lanes} "
        f"lane{'s' if config.lanes > 1 else ''}, {config.target}, planned for {config.clock_mhz:g} MHz; measured over "
        f"{'every mantissa' if every else 'mantissas evenly spread'} of even and odd exponents."
    )
    return f"{table(head, map(_unit_line, facts_of(name)))}\n{paragraph(note)}"


def _unit_line(facts: _Facts) -> Iterator[str]:
    yield f"`{facts['method']}`"
    yield facts["about"]
    yield f"{facts['rho_bits']}"
    yield power_of_two(facts["error"]["proven"])
    yield power_of_two(facts["error"]["measured"])
    yield f"{facts['error_bound_lsb']:.3f}"
    yield facts["promise"] if facts["keeps_promise"] else "**not kept**"
    for key in ("L1", "L2", "SS", "interval", "multipliers", "block_rams"):
        yield f"{facts[key]}"
    yield from map(str, facts["root"].values())


def multipliers() -> str:
    """Return which methods save multipliers, what that costs, and how little of the unit it is."""
    said = []
    for name in EXAMPLES:
        facts = {each["method"]: each for each in facts_of(name)}
        reference = facts[_REFERENCE]
        planned = Plan.of(example(name)).multipliers
        total, statistic = sum(planned.values()), planned["statistic"]
        if not total:
            said.append(
                f"`{name}` is for a part without multipliers: products are made of logic there, and logic cells are "
                "what a method saves."
            )
            continue
        own = reference["root"]["multipliers"]
        fewer = [each for each in facts.values() if each["keeps_promise"] and each["multipliers"] < total]
        costs = _listed(f"`{each['method']}` {each['L1'] - reference['L1']:+} cycles of L1" for each in fewer)
        counts = _listed(sorted({str(each["multipliers"]) for each in fewer}))
        without = ", none of them for the root" if not any(each["root"]["multipliers"] for each in fewer) else ""
        said.append(
            f"In `{name}` with `{_REFERENCE}`, {total} multipliers: the lanes take {total - statistic}, the statistic "
            f"{statistic}, and of these the root itself {own}. So no method for the root can halve the unit's: at most "
            f"{own} of {total} can be saved. Fewer at the same promise take, beside `{_REFERENCE}`, {costs}: {counts} "
            f"multipliers in all{without}."
        )
    return "\n".join(map(paragraph, said)).replace(" -", " −")


def placed_table(name: str) -> str:
    """Return what placing an example's roots alone gave; – where that was not done yet."""
    entries = stored()
    rows, notes = [], []
    tools: dict[str, str] = {}
    for each in placed_methods().values():
        if each.example == name:
            entry = entries.get(each.name, {})
            tools |= entry.get("tools", {})
            rows.append(_placed_line(each.method, each.target, each.clock_mhz, entry))
            if "refusal" in entry:
                notes.append(f"`{each.method}` cannot be placed on {each.target}: {entry['refusal']}.")
    head = (
        *("method", "target", "asked, MHz", "cycles", "LUTs", "logic cells", "flip-flops", "multipliers"),
        *("block RAMs", "clock, MHz", "seeds"),
    )
    made = f"Placed with {', '.join(f'{tool} {version}' for tool, version in tools.items())}; " if tools else ""
    note = f"The roots of `{name}` alone. {made}– is not placed yet, or is nothing that the part counts."
    return f"{table(head, rows)}\n{paragraph(' '.join([note, *notes]))}"


def _placed_line(method: str, target: str, clock_mhz: float, entry: _Facts) -> Iterator[str]:
    yield f"`{method}`"
    yield f"`{target}`"
    yield f"{clock_mhz:g}"
    for key in ("cycles", "comb", "logic_cells", "ff", "dsp", "bram"):
        yield f"{entry[key]}" if key in entry else "–"
    clocks = {seed: mhz for seed, mhz in entry.get("fmax_mhz", {}).items() if int(seed) in GATE_SEEDS}
    yield down(min(clocks.values()), 0) if clocks else "–"
    yield ", ".join(clocks) or "–"


def steps_table() -> str:
    """Return what numbers of steps come to, at the precision that the first example's unit takes by default."""
    bits = root_of(example(EXAMPLES[0])).rho_bits
    rows = []
    for name, kind in ROOTS.items():
        for steps in kind.steps_allowed:
            if len(kind.steps_allowed) <= len(_STEPS) or steps in _STEPS:
                rows.append(tuple(_steps_line(name, kind.smallest(bits, steps), steps)))
    head = ("method", "`steps`", "comes to", "products", "error proven", "measured", "as exact as ρ")
    note = (
        f"Roots of {bits} bits, as `{EXAMPLES[0]}` has by default; the last column is whether one is off by less than "
        "three units of ρ's last place, as a method does by itself where it can. A unit may do with less."
    )
    return f"{table(head, rows)}\n{paragraph(note)}"


def _steps_line(name: str, root: RootMethod, steps: int) -> Iterator[str]:
    yield f"`{name}`"
    yield f"{steps}"
    yield root.about
    yield f"{len(root.products)}"
    yield power_of_two(root.relative_error)
    yield power_of_two(measure_errors(root).largest)
    yield "yes" if root.relative_error < root.wanted_error(root.rho_bits) else "no"


def contracts() -> str:
    """Return a section for each method, and one for each part that several share."""
    shared: dict[str, str] = {}
    sections = []
    for facts, errors in compared(EXAMPLES[0]):
        name, kind = facts["method"], type(errors.root)
        needs = dict(_parts_of(errors.root))
        shared |= needs
        built = f"Built of {_listed(f'`{each}`' for each in needs)}, [below](#parts)." if needs else ""
        sections.append(f"### {kind.title}\n")
        sections.append(paragraph(f"`{name}`. Source: {kind.source}."))
        sections.append(from_docstring(kind))
        sections += [paragraph(built)] if built else []
        sections.append("\n".join(paragraph(line) for line in _costs(name)))
    sections.append("### Parts\n\nWhat several methods share, by its name in the code.\n")
    sections += shared.values()
    return "\n".join(sections)


def _parts_of(root: RootMethod) -> Iterator[tuple[str, str]]:
    """What a root is put together of, each with its contract."""
    bases = type(root).__mro__
    found: list[Any] = list(bases[1 : bases.index(RootMethod)])
    for name in ("table", "estimate", "refinement", "rounding"):
        if (part := getattr(root, name, None)) is not None:
            found.append(type(part))
    if hasattr(root, "refinement"):
        found.append(residual)
    for each in found:
        yield each.__name__, from_docstring(each, f"**`{each.__name__}`.** ")
    if ".division" in (inspect.getdoc(type(root)) or ""):
        how = from_docstring(quotient_hardware).partition("\n\n")[2]
        yield "division", f"{from_docstring(quotient, '**`division`.** ')}\n{how}"


def _costs(name: str) -> Iterator[str]:
    for unit in EXAMPLES:
        (facts,) = (facts for facts in facts_of(unit) if facts["method"] == name)
        root = facts["root"]
        placed = "; ".join(
            f"{entry['comb']} LUTs and {entry['ff']} flip-flops on {each.target}"
            for each in placed_methods().values()
            if (each.example, each.method) == (unit, name) and "comb" in (entry := stored().get(each.name, {}))
        )
        yield (
            f"In `{unit}`: {facts['about']}, {root['cycles']} cycles, {_counted(root['multipliers'], 'multiplier')}, "
            f"{_counted(root['block_rams'], 'block RAM')}; off by at most {power_of_two(facts['error']['proven'])}, "
            f"measured {power_of_two(facts['error']['measured'])}{f'; {placed}' if placed else ''}."
        )


def _counted(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"


def _listed(words: Iterable[str]) -> str:
    words = list(words)
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def from_docstring(documented: Any, before: str = "") -> str:
    """Return a docstring as Markdown, behind other words: roles as code, without lists of attributes and parameters."""
    text = inspect.getdoc(documented) or ""
    text = re.split(r"\n\n?(?:Attributes|Parameters|Members|Raises)\n-+\n", text)[0].strip()
    text = re.sub(r":\w+:`([^`<]+?) <[^`>]*>`", r"\1", text)
    text = re.sub(r":\w+:`~?\.?(?:\w+\.)*(\w+)`", r"`\1`", text)
    text = before + text.replace("``", "`")
    return "\n".join(map(_block, text.split("\n\n")))


def _block(block: str) -> str:
    """A paragraph, or a list whose entries stay apart; code is not broken, or its signs might begin a list."""
    entries = re.split(r"\n(?=\d+\. )", block)
    whole = (re.sub(r"`[^`]+`", lambda code: re.sub(r"\s+", _SPACE, code[0]), entry) for entry in entries)
    return "".join(map(paragraph, whole)).replace(_SPACE, " ")
