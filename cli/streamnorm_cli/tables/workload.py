"""The tables of ``streamnorm workload``."""

from collections.abc import Iterable
from math import isfinite
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from streamnorm.spec.values import counted

from .area import titled_table

if TYPE_CHECKING:
    from streamnorm_fpga.place.area import Area
    from streamnorm_sim.workload import Constant, Model, Phase, Workload


def model_list(models: Iterable["Model"]) -> Table:
    """Return a line for each model: where its norms stand and how many rows a token brings."""
    from streamnorm_sim.workload import calls

    table = titled_table("models")
    table.add_column("model", style="bold", no_wrap=True)
    table.add_column("norm", no_wrap=True)
    table.add_column("placement", no_wrap=True)
    for heading in ("layers", "d_model", "norms", "rows a token"):
        table.add_column(heading, justify="right")
    table.add_column("within attention", no_wrap=True)
    for model in models:
        norms = calls(model)
        table.add_row(
            model.name,
            " + ".join(dict.fromkeys(call.kind.norm for call in norms)),
            " ".join(dict.fromkeys(style for stack in model.stacks for style in stack.schedule)),
            " + ".join(str(len(stack.layers)) for stack in model.stacks),
            f"{model.stacks[-1].d_model:,}",
            f"{len(norms):,}",
            f"{sum(call.rows for call in norms):,}",
            ", ".join(within_attention(model)),
        )
    return table


def within_attention(model: "Model") -> list[str]:
    """Return what norms a model has between what goes into attention and its scores, in words."""
    words = {"head": "each head", "head-own": "each head, own gamma", "model": "all heads"}
    found = []
    for stack in model.stacks:
        for layer in stack.layers:
            if layer.attention.norms:
                found.append(words.get(layer.attention.qk_norm, "latents"))
    return list(dict.fromkeys(found))


def tables(workload: "Workload", *, details: bool = False) -> list[Table]:
    """Return what a workload is, each of its phases, how it grows, and what keeps up; ``details``: with the sources."""
    from streamnorm_fpga.place.area import units_area

    phases, area = workload.phases(), units_area(workload.configs)
    if not workload.configs:
        return [_summary(workload, area, details)]
    result = [_summary(workload, area, details), *(_phase(workload, phase) for phase in phases), _growth(workload)]
    if any(phase.traffic is not None for phase in phases):
        result.append(_traffic(phases))
    if any(phase.needs for phase in phases) or workload.link is not None:
        result.append(_needs(workload, phases, area))
    return result


def _summary(workload: "Workload", area: "Area", details: bool) -> Table:
    from streamnorm.plan import Limits
    from streamnorm.plan.luts import LUT_ERROR
    from streamnorm_sim.workload import calls, constants

    model, memory = workload.model, workload.memory_use()
    table = titled_table(f"{model.name}: {counted(workload.tokens, 'token')}, {workload.sequences:,} at once")
    table.show_header = False
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for stack in model.stacks:
        styles = ", ".join(f"{style} in {stack.schedule.count(style)}" for style in dict.fromkeys(stack.schedule))
        windows = [layer.attention.window for layer in stack.layers]
        seen = "".join(
            f"; {windows.count(window)} see {window:,} positions" for window in sorted(set(windows)) if window
        )
        table.add_row(stack.role, f"{len(stack.layers)} layers of {stack.d_model:,}, {styles}{seen}")
        for constant in constants(model, stack):
            table.add_row("constant", escape(_constant(constant)))
            if constant.remark:
                table.add_row("", escape(constant.remark))
    for norm, epsilon in dict.fromkeys((call.kind.norm, call.kind.epsilon) for call in calls(model)):
        table.add_row("norm", f"{norm}, epsilon {epsilon:g}")
    if not workload.configs:
        table.add_row("norm", "none, so no unit is needed")
        return _with_sources(table, model, details)
    for plan in workload.plans:
        config, latency = plan.config, plan.latency(plan.config.max_length)
        kind = f" ({config.norm})" if len(workload.configs) > 1 else ""
        banks = f", {config.banks} banks" if config.banks > 1 else ""
        table.add_row(
            "units",
            f"{workload.units:,} of {counted(config.lanes, 'lane')}{banks}{kind}, {config.target} at "
            f"{config.clock_mhz:g} MHz; a row of {config.max_length:,}: "
            + ", ".join(f"{name} {cycles:,}" for name, cycles in vars(latency).items()),
        )
    each = "a unit" if len(workload.configs) == 1 else "a unit of each kind"
    table.add_row("area", f"{each}: {_area(area)}")
    if workload.units > 1:
        table.add_row("", f"all: {_area(area.times(workload.units))}")
    if area.comb is None:
        estimates = [Limits(plan).luts for plan in workload.plans]
        known = [luts for luts in estimates if luts is not None]
        about = (
            f"about {sum(known):,} {each}, estimated, ± {LUT_ERROR:.0%}" if len(known) == len(estimates) else "unknown"
        )
        table.add_row("", f"LUTs: {about}; streamnorm fit measures them")
    table.add_row("row buffers", f"{memory['row_buffer_bytes']:,} bytes {each}")
    if memory["parameter_sets"]:
        table.add_row("gamma, beta", f"{memory['parameter_bytes']:,} bytes in {memory['parameter_sets']:,} sets")
    for difference in workload.differences():
        table.add_row("[yellow]but[/]", escape(difference))
    for notice in workload.notices:
        table.add_row("[yellow]note[/]", escape(notice))
    return _with_sources(table, model, details)


def _with_sources(table: Table, model: "Model", details: bool) -> Table:
    if details:
        for source in (model.source, *model.read_from):
            table.add_row("source", escape(source))
    return table


_VALUES_SHOWN = 4
"""Values of a constant that are shown, from the first layer on; besides the last one."""


def _constant(constant: "Constant") -> str:
    """A constant in a line: its values, where it stands and where it goes."""
    values = list(constant.values or ())
    if len(set(values)) > 1:
        first = [f"{value:.4f}" for value in values[:_VALUES_SHOWN]]
        cut = ["…"] if len(values) > _VALUES_SHOWN + 1 else []
        last = [f"{values[-1]:.4f}"] if len(values) > _VALUES_SHOWN else []
        told = f"{constant.formula}: {', '.join([*first, *cut, *last])}"
    else:
        told = f"{constant.formula} = {values[0]:.6g}" if values else constant.formula
    return (
        f"{constant.name}, {told}; at {', '.join(constant.sites)} of {counted(len(constant.layers), 'layer')}, "
        f"folded into {constant.folded_into}"
    )


def _area(area: "Area") -> str:
    counts = [f"{area.dsp:,} multipliers", f"{area.bram:,} block RAMs"]
    if area.comb is not None:
        counts.append(f"{area.comb:,} LUTs")
    share = _share(area)
    return ", ".join(counts) + (f"; {share}" if share else "")


def _share(area: "Area") -> str:
    """How much of the largest part an area is, of what is scarcest."""
    if area.device is None or area.share is None:
        return ""
    if area.fits:
        return f"{area.share:.0%} of {area.device.part}"
    return f"{_no(area.share)} {area.device.part}"


def _no(share: float) -> str:
    return f"does not fit, {share:,.1f} x" if isfinite(share) else "does not fit"


def _phase(workload: "Workload", phase: "Phase") -> Table:
    each = "" if phase.name == "prefill" else ", one token more"
    table = titled_table(f"{phase.name}{each}: cycles on {workload.units:,} unit{'s' if workload.units > 1 else ''}")
    table.add_column("where", no_wrap=True)
    for heading in ("length", "norms", "rows", "unit cycles", "in all", "hidden", "loading", "waited for"):
        table.add_column(heading, justify="right")
    for site in phase.sites:
        numbers = (site.length, site.norms, site.rows, site.busy, site.total, site.hidden, site.loading, site.exposed)
        where = site.site if len(workload.model.stacks) == 1 else f"{site.stack} {site.site}"
        table.add_row(where, *(f"{number:,}" for number in numbers))
    table.add_section()
    norms = sum(site.norms for site in phase.sites)
    hidden = phase.total - phase.exposed
    numbers = (norms, phase.rows, phase.busy, phase.total, hidden, phase.loading, phase.exposed)
    table.add_row("all", "", *(f"{number:,}" for number in numbers))
    clock = workload.clock_mhz
    times = (
        _time(number / clock) if workload.possible else "-"
        for number in (phase.busy, phase.total, hidden, phase.loading, phase.exposed)
    )
    table.add_row("time", "", "", "", *times)
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


def _traffic(phases: list["Phase"]) -> Table:
    table = titled_table("rows through memory: fused, and a pass for each thing")
    table.add_column("phase", no_wrap=True)
    table.add_column("passes", overflow="fold")
    for heading in ("bytes read", "bytes written", "in all", "cycles besides"):
        table.add_column(heading, justify="right")
    for phase in phases:
        if (traffic := phase.traffic) is None:
            continue
        apart = ", ".join(traffic.passes)
        for passes, read, written, cycles in (
            ("one", traffic.read, traffic.written, 0),
            (apart, traffic.apart_read, traffic.apart_written, traffic.apart_cycles),
        ):
            numbers = (f"{number:,}" for number in (read, written, read + written, cycles))
            table.add_row(phase.name, escape(passes), *numbers)
    return table


def _needs(workload: "Workload", phases: list["Phase"], area: "Area") -> Table:
    device = "" if area.device is None else f" of {area.device.part}"
    table = titled_table("units that keep up")
    table.add_column("phase", no_wrap=True)
    table.add_column("with", overflow="fold")
    headings = ("it takes", "one unit takes", "waits", "units", "multipliers", "block RAMs")
    for heading in (*headings, *([] if area.comb is None else ["LUTs"]), *([f"share{device}"] if device else [])):
        table.add_column(heading, justify="right")

    def taken(units: int | None) -> list[str]:
        if not workload.possible:
            return ["-"]
        if units is None:
            return ["no number"]
        whole = area.times(units)
        luts = [] if whole.comb is None else [f"{whole.comb:,}"]
        share = [] if whole.share is None else [f"{whole.share:.0%}" if whole.fits else _no(whole.share)]
        return [f"{units:,}", f"{whole.dsp:,}", f"{whole.bram:,}", *luts, *share]

    for phase in phases:
        for need in phase.needs:
            ours = (need.norm_seconds, need.waited_seconds)
            times = [_time(1e6 * need.seconds), *(_time(1e6 * each) if workload.possible else "-" for each in ours)]
            table.add_row(phase.name, need.what, *times, *taken(need.units))
    if workload.link is not None:
        link = f"link of {workload.link / 1e9:g} Gbyte/s"
        table.add_row("any", link, "", "", "", *taken(workload.line_units()))
    return table


def _time(microseconds: float) -> str:
    for limit, unit in ((1e3, "µs"), (1e6, "ms")):
        if microseconds < limit:
            return f"{microseconds * 1e3 / limit:.3g} {unit}"
    return f"{microseconds / 1e6:,.3g} s"
