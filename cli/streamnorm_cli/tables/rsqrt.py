"""What ``streamnorm rsqrt`` tells, as tables."""

from collections.abc import Iterator, Mapping, Sequence
from math import ceil, log2
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.markup import escape
from rich.text import Text

from .area import titled_table

if TYPE_CHECKING:
    from streamnorm_sim.roots import RootErrors

__all__ = ["compared", "overview", "power_of_two", "sparkline"]

_Facts = Mapping[str, Any]

_BLOCKS = " ▁▂▃▄▅▆▇█"
_LETTERS = 32
"""Of a line of errors over the mantissas."""


def overview(methods: Sequence[_Facts]) -> Iterator[RenderableType]:
    """Every method in a line."""
    table = titled_table("methods for the reciprocal square root")
    table.add_column("method", style="bold", no_wrap=True)
    for heading in ("called", "steps", "source"):
        table.add_column(heading, overflow="fold")
    for method in methods:
        table.add_row(*map(escape, (method["method"], method["title"], _steps(method["steps"]), method["source"])))
    yield table
    yield Text('rsqrt = { method = "…" } in a configuration chooses one; streamnorm rsqrt compare FILE', style="dim")


def _steps(steps: Sequence[int]) -> str:
    return f"{steps[0]} to {steps[-1]}" if steps else "-"


def compared(result: _Facts, errors: "Sequence[RootErrors]" = ()) -> Iterator[RenderableType]:
    """A unit with each method, then what was placed, then the errors over the mantissas if they are given."""
    methods = result["methods"]
    title = f"{result['name']}: {result['norm']}, {result['architecture']}, rows of {result['max_length']:,}"
    table = titled_table(f"{title}, {result['target']}, planned for {result['clock_mhz']:g} MHz")
    table.add_column("method", style="bold", no_wrap=True)
    table.add_column("comes to", overflow="fold")
    table.add_column("rho,\nbits", justify="right")
    for heading in ("error of rho,\nproven", "\nmeasured", f"bound,\n{result['error_unit']}"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("promise\nkept")
    for heading in ("\nL1", "\nL2", "\nSS", "\ninterval", "multi-\npliers", "block\nRAMs"):
        table.add_column(heading, justify="right")
    for heading in ("root alone:\ncycles", "multi-\npliers", "block\nRAMs"):
        table.add_column(heading, justify="right")
    for method in methods:
        table.add_row(*_line(method))
    yield table
    yield Text("\n".join(_notes(methods)), style="dim")
    placed = [(method["name"], "root alone", one) for method in methods for one in method.get("placed_roots", ())]
    placed += [(method["name"], "unit", method["placed_unit"]) for method in methods if "placed_unit" in method]
    if placed:
        yield _placed(placed)
        for name, _, one in placed:
            if one["placed"] is None:
                yield Text(f"{name} on {one['target']}: {one['refusal']}", style="yellow")
    if errors:
        yield _lines_of_errors([method["name"] for method in methods], errors)


def _line(method: _Facts) -> Iterator[str]:
    error, bound = method["error"], method["error_bound_lsb"]
    yield escape(f"{method['name']} *" if method["chosen"] else method["name"])
    yield escape(method["about"])
    yield f"{method['rho_bits']}"
    yield power_of_two(error["proven"])
    yield power_of_two(error["measured"])
    yield "-" if bound is None else f"{bound:.3f}"
    kept = method["promise"] or "-"
    yield "[yellow]no: as-is[/yellow]" if method["keeps_promise"] is False else kept
    for name in ("L1", "L2", "SS", "interval", "multipliers", "block_rams"):
        yield f"{method[name]:,}"
    for name in ("cycles", "multipliers", "block_rams"):
        yield f"{method['root'][name]:,}"


def _notes(methods: Sequence[_Facts]) -> Iterator[str]:
    if any(method["chosen"] for method in methods):
        yield "*: the configuration's own"
    most = max((m["error"]["mantissas"] for m in methods if not m["error"]["every_mantissa"]), default=0)
    every = "every mantissa of even and odd exponents"
    yield f"measured over {every}" + (f", or {most:,} of them, evenly spread, where there are more" if most else "")


def power_of_two(error: float) -> str:
    """An error as a power of two, rounded to the worse side: ``2^-15.3``."""
    return f"2^{ceil(log2(error) * 100) / 100:.2f}" if error else "0"


def _placed(placed: Sequence[tuple[str, str, _Facts]]) -> RenderableType:
    table = titled_table("placed, register to register")
    table.add_column("method", style="bold", no_wrap=True)
    table.add_column("what")
    table.add_column("target", no_wrap=True)
    headings = ("cycles", "LUTs", "logic cells", "flip-flops", "multipliers", "block RAMs")
    for heading in (*headings, "MHz asked for", "reached", "seeds"):
        table.add_column(heading, justify="right")
    for name, what, one in placed:
        area, asked = one["placed"], f"{one['clock_mhz']:g}"
        cells = ["-"] * 7
        if area is not None:
            counts = [f"{area[key]:,}" if key in area else "-" for key in ("comb", "logic_cells", "ff", "dsp", "bram")]
            clocks = area["fmax_mhz"]
            reached = f"[{'green' if area['meets_clock'] else 'red'}]{clocks['min']:.1f}[/]"
            cells = [*counts, reached, ", ".join(clocks["seeds"])]
        table.add_row(escape(name), what, one["target"], f"{one['cycles']:,}", *cells[:5], asked, *cells[5:])
    return table


def _lines_of_errors(names: Sequence[str], errors: "Sequence[RootErrors]") -> RenderableType:
    table = titled_table("largest error from 1 to 4, as a share of its proven bound")
    table.add_column("method", style="bold", no_wrap=True)
    table.add_column("1 … 2", no_wrap=True)
    table.add_column("2 … 4", no_wrap=True)
    for name, of in zip(names, errors, strict=True):
        line = sparkline(of, 2 * _LETTERS)
        table.add_row(escape(name), line[:_LETTERS], line[_LETTERS:])
    return table


def sparkline(errors: "RootErrors", letters: int) -> str:
    """The largest magnitude in each part of 1 … 4, the halves alike, as blocks; a full block is the proven bound."""
    shares = errors.magnitude.reshape(letters, -1).max(axis=1) / errors.root.relative_error
    return "".join(_BLOCKS[min(ceil(share * (len(_BLOCKS) - 1)), len(_BLOCKS) - 1)] for share in shares)
