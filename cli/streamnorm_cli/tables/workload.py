"""The tables of ``streamnorm workload``."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from .area import titled_table

if TYPE_CHECKING:
    from streamnorm_sim.workload import Model, Phase, Workload


def model_list(models: Iterable["Model"]) -> Table:
    """Return a line for each model: where its norms stand and how many rows a token brings."""
    from streamnorm_sim.workload import steps

    table = titled_table("models")
    table.add_column("model", style="bold", no_wrap=True)
    table.add_column("norm", no_wrap=True)
    table.add_column("placement", no_wrap=True)
    for heading in ("layers", "d_model", "norms", "rows a token"):
        table.add_column(heading, justify="right")
    table.add_column("q and k", no_wrap=True)
    for model in models:
        calls = [call for stack in model.stacks for step in steps(stack) for call in step]
        table.add_row(
            model.name,
            model.norm,
            " ".join(dict.fromkeys(style for stack in model.stacks for style in stack.schedule)),
            " + ".join(str(stack.layers) for stack in model.stacks),
            f"{model.stacks[-1].d_model:,}",
            f"{len(calls):,}",
            f"{sum(call.rows for call in calls):,}",
            {"none": "", "head": "each head", "model": "all heads"}[model.stacks[-1].qk_norm],
        )
    return table


def tables(workload: "Workload", *, details: bool = False) -> list[Table]:
    """Return what a workload is, each of its phases, how it grows, and what keeps up; ``details``: with the sources."""
    phases = workload.phases()
    result = [_summary(workload, details), *(_phase(workload, phase) for phase in phases), _growth(workload)]
    if any(phase.needs for phase in phases) or workload.link is not None:
        result.append(_needs(workload, phases))
    return result


def _summary(workload: "Workload", details: bool) -> Table:
    model, config, memory = workload.model, workload.config, workload.memory_use()
    latency = workload.plan.latency(config.max_length)
    table = titled_table(f"{model.name}: {workload.tokens:,} tokens, {workload.sequences:,} at once")
    table.show_header = False
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for stack in model.stacks:
        styles = ", ".join(f"{style} in {stack.schedule.count(style)}" for style in dict.fromkeys(stack.schedule))
        table.add_row(stack.role, f"{stack.layers} layers of {stack.d_model:,}, {styles}")
    table.add_row("norm", f"{model.norm}, epsilon {model.stacks[0].epsilon:g}")
    table.add_row(
        "units",
        f"{workload.units:,} of {config.lanes} lanes, {config.target} at {config.clock_mhz:g} MHz; "
        f"a row of {config.max_length:,}: L1 {latency.L1:,}, L2 {latency.L2:,}, L3 {latency.L3:,}, SS {latency.SS:,}",
    )
    table.add_row("row buffers", f"{memory['row_buffer_bytes']:,} bytes a unit")
    if memory["parameter_sets"]:
        load = f", loaded in {memory['load_beats']:,} beats a pass" if memory["load_beats"] else ""
        table.add_row("gamma, beta", f"{memory['parameter_bytes']:,} bytes in {memory['parameter_sets']:,} sets{load}")
    for difference in workload.differences():
        table.add_row("[yellow]but[/]", escape(difference))
    if details:
        for source in (model.source, *model.read_from):
            table.add_row("source", escape(source))
    return table


def _phase(workload: "Workload", phase: "Phase") -> Table:
    each = "" if phase.name == "prefill" else ", one token more"
    table = titled_table(f"{phase.name}{each}: cycles on {workload.units:,} unit{'s' if workload.units > 1 else ''}")
    table.add_column("where", no_wrap=True)
    for heading in ("length", "norms", "rows", "unit cycles", "in all", "hidden", "waited for"):
        table.add_column(heading, justify="right")
    for site in phase.sites:
        numbers = (site.length, site.norms, site.rows, site.busy, site.total, site.hidden, site.exposed)
        where = site.site if len(workload.model.stacks) == 1 else f"{site.stack} {site.site}"
        table.add_row(where, *(f"{number:,}" for number in numbers))
    table.add_section()
    norms = sum(site.norms for site in phase.sites)
    hidden = phase.total - phase.exposed
    numbers = (norms, phase.rows, phase.busy, phase.total, hidden, phase.exposed)
    table.add_row("all", "", *(f"{number:,}" for number in numbers))
    clock = workload.config.clock_mhz
    times = (_time(phase.total / clock), _time(hidden / clock), _time(phase.exposed / clock))
    table.add_row("time", "", "", "", _time(phase.busy / clock), *times)
    table.caption = f"{phase.busy_per_token:,.0f} unit cycles a token"
    table.caption_justify = "left"
    return table


def _growth(workload: "Workload") -> Table:
    growth = workload.growth()
    table = titled_table("more units")
    table.add_column("units", justify="right")
    for name in growth:
        for heading in (f"{name}, cycles", "speedup", "in use"):
            table.add_column(heading, justify="right")
    for lines in zip(*growth.values(), strict=True):
        cells = [cell for line in lines for cell in (f"{line.total:,}", f"{line.speedup:.2f}", f"{line.use:.1%}")]
        table.add_row(f"{lines[0].units:,}", *cells)
    return table


def _needs(workload: "Workload", phases: list["Phase"]) -> Table:
    table = titled_table("units that keep up")
    table.add_column("phase")
    table.add_column("with", overflow="fold")
    for heading in ("it takes", "one unit takes", "waits", "units"):
        table.add_column(heading, justify="right")
    for phase in phases:
        for need in phase.needs:
            times = [_time(1e6 * each) for each in (need.seconds, need.norm_seconds, need.waited_seconds)]
            table.add_row(phase.name, need.what, *times, "no number" if need.units is None else f"{need.units:,}")
    if workload.link is not None:
        table.add_row("any", f"link of {workload.link / 1e9:g} Gbyte/s", "", "", "", f"{workload.line_units():,}")
    return table


def _time(microseconds: float) -> str:
    for limit, unit in ((1e3, "µs"), (1e6, "ms")):
        if microseconds < limit:
            return f"{microseconds * 1e3 / limit:.3g} {unit}"
    return f"{microseconds / 1e6:,.3g} s"
