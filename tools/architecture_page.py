"""The parts of docs/architecture.md that are made from the plan of examples/bert_int8.toml and the device families."""

from collections.abc import Sequence
from pathlib import Path

from markdown import table
from streamnorm.architectures.one_pass import NormUnit
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.targets import Target
from streamnorm.units import dispatch, ingest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/architecture.md"

_FAMILIES = ("generic", "ecp5-85k-6", "ecp5-85k-7", "ecp5-85k-8", "ice40-hx8k", "ice40-lp8k", "ice40-up5k")
"""One target of each family and speed grade."""

_DELAYS = {
    "register": "register: clock to output, set-up, one route",
    "lut": "one level of logic",
    "mux": "one level of a wide shifter",
    "adder": "adder, and",
    "adder_bit": "… for each of its bits",
    "multiplier": "multiplier tile without registers",
    "multiplier_setup": "… up to its output register",
    "multiplier_output": "… from its output register on",
    "lane_distance": "… more, where products of several lanes meet",
    "shared_distance": "… more, from tiles that have an operand in common",
    "tile_distance": "from logic to a tile",
    "block_distance": "from a block RAM to a tile, more",
    "lut_ram_read": "wide memory in LUTs, two columns",
    "block_ram": "block RAM from the clock on",
    "block_ram_output": "… behind its output register",
}
_PERIODS = (
    ("generic", 100.0),
    ("ecp5-85k-6", 50.0),
    ("ecp5-85k-6", 100.0),
    ("ecp5-85k-6", 200.0),
    ("ecp5-85k-8", 250.0),
    ("ice40-hx8k", 48.0),
    ("ice40-up5k", 24.0),
)


def parts() -> dict[str, str]:
    """Return the generated parts of the page."""
    plan = Plan.of(NormConfig.from_toml(ROOT / "examples/bert_int8.toml"))
    return {
        "blocks": block_diagram(plan),
        "timeline": timeline(plan),
        "delays": delay_table(),
        "periods": period_table(),
        "constants": _constants(plan),
    }


def block_diagram(plan: Plan) -> str:
    """Return a Mermaid flow chart of the blocks: cycles, multipliers, block RAMs, and what each holds."""
    stages, multipliers, rams = plan.stages, plan.multipliers, plan.block_rams
    parts = ("variance", "reciprocal square root", "scale and centre")
    statistic = "<br>".join(f"{part}: {_count(stages[part], 'cycle')}" for part in parts)
    spacing = stages["spacing"] if plan.interval > 1 else 0
    blocks = {
        "ingest": [_count(stages["ingest"], "cycle")],
        "moments": [_count(stages["moments"], "cycle"), _multipliers(multipliers["moments"])],
        "spacing": [_count(spacing, "cycle"), f"a row every {plan.interval} cycles"] if spacing else [],
        "statistic": [statistic, _multipliers(multipliers["statistic"]), _rams(rams["reciprocal square root table"])],
        "statistic queue": [_count(stages["statistic queue"], "cycle"), f"{plan.row_slots} rows"],
        "row buffer": [f"{plan.buffer_beats} beats", _rams(rams["row buffer"])],
        "dispatch": ["issues beats"],
        "gamma and beta": [_rams(rams["gamma and beta"])],
        "apply": [_count(stages["apply"], "cycle"), _multipliers(multipliers["apply"])],
        "output queue": [_count(stages["output queue"], "cycle"), f"{plan.output_entries} beats"],
    }
    arrows = [
        ("s_axis", "ingest", ""),
        ("ingest", "row buffer", "d"),
        ("ingest", "moments", "d"),
        ("moments", "spacing" if spacing else "statistic", "n, S1, S2"),
        *([("spacing", "statistic", "n, S1, S2")] if spacing else []),
        ("statistic", "statistic queue", "RF, KF, s"),
        ("statistic queue", "apply", "RF, KF, s"),
        ("row buffer", "apply", "d"),
        ("gamma and beta", "apply", ""),
        ("apply", "output queue", "y"),
        ("output queue", "m_axis", ""),
    ]
    signals = [
        ("ingest", "dispatch", "row has ended"),
        ("dispatch", "row buffer", "issue"),
        ("dispatch", "gamma and beta", "beat and bank"),
        ("output queue", "dispatch", "place free"),
        ("row buffer", "ingest", "place free"),
    ]
    lines = ["```mermaid", "flowchart LR", "    s_axis([s_axis])", "    m_axis([m_axis])"]
    for name, contents in blocks.items():
        if contents:
            text = "<br>".join([f"<b>{name}</b>", *(part for part in contents if part)])
            lines.append(f'    {_identifier(name)}["{text}"]')
    for kind, links in (("-->", arrows), ("-.->", signals)):
        for start, end, label in links:
            text = f'|"{label}"|' if label else ""
            lines.append(f"    {_identifier(start)} {kind}{text} {_identifier(end)}")
    return "\n".join([*lines, "```"]) + "\n"


def timeline(plan: Plan) -> str:
    """Return a Markdown table of what happens in which cycle after a row's last beat was accepted."""
    stages = plan.stages
    unit = NormUnit(plan.config)
    late, wait = unit.statistic.centre_cycle - unit.statistic.scale_cycle, unit.apply.centre_cycle
    together = "RF" if late else "RF, KF and s"
    lines = [(0, "the last beat of the row is accepted")]
    cycle = stages["ingest"]
    lines.append((cycle, "its differences are there; S counts from here"))
    for name, text in (
        ("moments", "n, S1 and S2 are complete"),
        ("spacing", "the statistic starts"),
        ("variance", "V"),
        ("reciprocal square root", "rho"),
        ("scale and centre", f"S: {together} {'is' if late else 'are'} there, and written to the statistic queue"),
    ):
        cycle += stages[name]
        if name != "spacing" or plan.interval > 1:
            lines.append((cycle, text))
    if late:
        lines.append((cycle + late, "KF and s are there, and written, too"))
    meeting = cycle + stages["statistic queue"]
    if wait:
        lines.append((meeting + wait, "KF and s follow, as the product is there"))
    issue = meeting - unit.row_buffer.latency
    lines += [
        (issue - dispatch.READY_TO_ISSUE, "announce: the row may be issued from now on, early enough"),
        (issue, "issue: its first beat is read from the row buffer"),
        (meeting - unit.statistic_queue.latency, "its entry is fetched from the statistic queue"),
        (meeting, f"first difference{' and RF' if wait else ', RF, KF and s'} enter apply together"),
        (meeting + stages["apply"], "the first result is written to the output queue"),
        (plan.latency_cycles, "the first beat of the result is at the output: L2"),
    ]
    assert lines[-1][0] == meeting + stages["apply"] + stages["output queue"]
    return table(("cycle", "event"), ((str(at), text) for at, text in sorted(lines, key=lambda x: x[0])))


def delay_table() -> str:
    """Return a Markdown table of each family's delays."""
    families = [Target(name, 100.0).family for name in _FAMILIES]
    rows: list[Sequence[str]] = [
        (meaning, *(_number(getattr(family, key)) for family in families)) for key, meaning in _DELAYS.items()
    ]
    tiles = [family.tile for family in families]
    rows.append(("multiplier tile, bits", *(f"{tile[0]} × {tile[1]}" if tile else "–" for tile in tiles)))
    limits = [family.block_ram_limit_mhz for family in families]
    rows.append(("block RAM limit, MHz", *(f"{limit:g}" if limit else "–" for limit in limits)))
    return table(("ns", *(f"`{name}`" for name in _FAMILIES)), rows)


def period_table() -> str:
    """Return a Markdown table of what a clock period holds."""
    rows = []
    for name, clock in _PERIODS:
        target = Target(name, clock)
        family, budget = target.family, target.budget
        product = "logic"
        if family.tile:
            registers = (family.multiplier > budget) + (family.multiplier_setup > budget)
            product = ("none", "output", "input and output")[registers]
        rows.append(
            (
                f"`{name}`, {clock:g} MHz",
                f"{budget:.2f}",
                str(target.adder_chunk),
                str(target.accumulator_chunk),
                str(int(budget / family.lut)),
                str(int(budget / family.mux)),
                product,
                "yes" if family.block_ram > 0.5 * budget else "no",
            )
        )
    head = (
        "target, clock",
        "budget, ns",
        "adder, bits",
        "accumulator, bits",
        "LUT levels",
        "shifter levels",
        "multiplier registers",
        "block RAM output register",
    )
    return table(head, rows)


def _constants(plan: Plan) -> str:
    rows = (
        ("places in the row buffer", f"{plan.buffer_beats} beats", "ingest"),
        ("… of which for beats that come after the last place was given away", str(ingest.READY_LAG), "ingest"),
        ("places in the statistic queue", f"{plan.row_slots} rows", "ingest"),
        ("places in the output queue", f"{plan.output_entries} beats", "dispatch"),
        ("cycles from a place that is free to the beat that takes it", str(dispatch.CREDIT_RETURN), "dispatch"),
        ("cycles from announce to issue", str(dispatch.READY_TO_ISSUE), "dispatch"),
    )
    return table(("", "bert_int8", "kept by"), rows)


def _identifier(name: str) -> str:
    return name.replace(" ", "_")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _multipliers(number: int) -> str:
    return _count(number, "multiplier") if number else ""


def _rams(number: int) -> str:
    return _count(number, "block RAM") if number else ""


def _number(value: float) -> str:
    return f"{value:.3g}" if value else "–"
