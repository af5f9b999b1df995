"""``streamnorm rsqrt``: the methods for the reciprocal square root, and a unit with each of them side by side."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from streamnorm.errors import ConfigError
from streamnorm.spec.values import shown
from streamnorm_cli.options import (
    Commands,
    add_architecture,
    add_common,
    add_output,
    extra,
    file_path,
    formatter,
    print_json,
    print_result,
    print_tables,
    read_config,
    refuse_overwriting,
    whole_number,
)
from streamnorm_cli.progress import progress_bar
from streamnorm_cli.tables.rsqrt import compared, overview
from streamnorm_cli.terminal import output_console

from .fit import seed_list

if TYPE_CHECKING:
    from rich.progress import Progress

    from streamnorm.spec.config import NormConfig
    from streamnorm.spec.root_choice import RootChoice
    from streamnorm_fpga.place.place_route import Placed
    from streamnorm_sim.roots import RootErrors

_SEEDS = (1, 2, 3)
_OF_FIT = ("targets", "seeds")

_EPILOG = """\
examples:
  streamnorm rsqrt                                      the methods: where they come from, steps that may be chosen
  streamnorm rsqrt compare examples/bert_int8.toml      a unit with each: error, cycles, multipliers, block RAMs

A configuration chooses one with rsqrt = { method = "cordic" }. docs/rsqrt.md says what to choose when.
"""

_COMPARE_EPILOG = """\
examples:
  streamnorm rsqrt compare examples/bert_int8.toml
  streamnorm rsqrt compare examples/bert_int8.toml --methods table,cordic,iterl2norm:8    8 steps of that one
  streamnorm rsqrt compare examples/bert_int8.toml --plot errors.svg                  errors over all mantissas
  streamnorm rsqrt compare examples/hx8k_layernorm.toml --fit --seeds 1               the roots alone, placed
  streamnorm rsqrt compare examples/bert_int8.toml --fit --targets ecp5-25k-6:150,ice40-up5k:20
  streamnorm rsqrt compare examples/bert_int8.toml --methods table,non-restoring --fit-unit    whole units: minutes each
  streamnorm rsqrt compare examples/bert_int8.toml --json | jq '.methods[] | [.method, .L1, .error.measured]'

Everything is of the unit as configured, but for the method. The error of rho is relative to the exact root, the bits of
the mantissa that are not looked at included: proven, and measured over every mantissa, or over as many as --mantissas
allows, evenly spread. A method that cannot keep the unit's promise is planned with accuracy = "as-is", and marked.
L1 is first beat in to first beat out, L2 last in to first out, SS from row to row, of rows of max_length; shorter rows
take interval cycles at least. The root alone is counted from a mantissa in a register to rho in one. Exit code 4 if an
error is measured beyond its proven bound.
"""


def add_parser(commands: Commands) -> None:
    """Declare the command, what it compares, and its options."""
    parser = commands.add_parser(
        "rsqrt",
        help="list the methods for the reciprocal square root, and compare a unit with each",
        description="List the methods for the reciprocal square root; compare, below, has a unit with each.",
        epilog=_EPILOG,
        formatter_class=formatter,
    )
    add_output(parser)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions")
    compare = actions.add_parser(
        "compare",
        help="a unit with each method: error, cycles, cost, area and clock",
        description="Plan a unit with each method for the reciprocal square root, measure the error of each root,\n"
        "and with --fit place it.",
        epilog=_COMPARE_EPILOG,
        formatter_class=formatter,
        argument_default=argparse.SUPPRESS,  # so that --json in front of the action is not unsaid behind it
    )
    add_common(compare)
    compare.argument_default = None
    add_architecture(compare)
    compare.add_argument(
        "--methods",
        type=method_list,
        metavar="LIST",
        help="only these, such as table,iterl2norm:8; a number behind a colon is that of its steps (default: all, the "
        "configuration's own as it says)",
    )
    compare.add_argument(
        "--mantissas",
        type=_mantissa_count,
        metavar="N",
        help="over how many the error is measured, at most (default: 16777216)",
    )
    compare.add_argument(
        "--fit", action="store_true", help="place and route each root alone, register to register, on --targets"
    )
    compare.add_argument(
        "--fit-unit", action="store_true", help="place and route the whole unit with each, on its own target"
    )
    compare.add_argument(
        "--targets",
        type=target_list,
        metavar="LIST",
        help="with --fit: where, and the clock asked for, MHz, such as ecp5-25k-6:150,ice40-hx8k (default: the unit's "
        "target and clock, and a part of the other family)",
    )
    compare.add_argument(
        "--seeds",
        type=seed_list,
        metavar="LIST",
        help="with --fit or --fit-unit: placements to try, such as 1 or 1-8 (default: 1,2,3)",
    )
    compare.add_argument(
        "--plot",
        type=file_path,
        metavar="FILE",
        help="draw the errors over all mantissas, a panel a method (.png or .svg)",
    )


def method_list(text: str) -> tuple[tuple[str, int | None], ...]:
    """Return the methods that ``table,iterl2norm:8`` lists, each with its steps if they are said."""
    methods = []
    for part in text.split(","):
        name, colon, steps = part.strip().partition(":")
        if not name or (colon and not (steps.isdecimal() and len(steps) < 10)):
            raise argparse.ArgumentTypeError(f"{shown(part)} is no method such as cordic or iterl2norm:8")
        methods.append((name, int(steps) if colon else None))
    return tuple(methods)


def target_list(text: str) -> tuple[tuple[str, float | None], ...]:
    """Return the targets that ``ecp5-25k-6:150,ice40-hx8k`` lists, each with its clock in MHz if it is said."""
    targets = []
    for part in text.split(","):
        name, colon, mhz = part.strip().partition(":")
        try:
            clock = float(mhz) if colon else None
        except ValueError:
            clock = -1.0
        if not name or not (clock is None or 1 <= clock <= 1000):
            raise argparse.ArgumentTypeError(
                f"{shown(part)} is no target such as ice40-hx8k, and no target with its clock in MHz, 1 to 1000, such "
                "as ecp5-25k-6:150"
            )
        targets.append((name, clock))
    return tuple(targets)


def _mantissa_count(text: str) -> int:
    from streamnorm_sim.roots import MANTISSAS_MAX, MANTISSAS_MIN  # with NumPy, which --help need not wait for

    return whole_number(MANTISSAS_MIN, MANTISSAS_MAX)(text)


def run(args: argparse.Namespace) -> int:
    """List the methods, or compare a unit with each."""
    if args.action == "compare":
        return _compare(args)
    from streamnorm.spec.roots import ROOTS
    from streamnorm_sim.roots import method_facts

    methods = [method_facts(name) for name in ROOTS]
    if args.json:
        print_json({"methods": methods})
    elif not args.quiet:
        print_tables(overview(methods))
    return 0


def _compare(args: argparse.Namespace) -> int:
    refuse_overwriting({"--plot": args.plot}, [args.file])
    if args.plot is not None:
        from streamnorm_sim.check.row_files import check_writable

        if args.plot.suffix not in (".png", ".svg"):
            raise ConfigError(f"--plot: {args.plot}: the name must end in .png or .svg")
        check_writable(args.plot)
    for option in _OF_FIT:
        if getattr(args, option) is not None and not (args.fit or (option == "seeds" and args.fit_unit)):
            raise ConfigError(f"--{option}: only with --fit" + (" or --fit-unit" if option == "seeds" else ""))
    config = read_config(args)
    targets, seeds = _targets(args, config), args.seeds or _SEEDS
    choices = _choices(args, config)
    from streamnorm_sim.roots import MANTISSAS_MAX, measure_errors, root_facts, root_of, unit_with

    rows: list[dict[str, Any]] = []
    measured: list[tuple[RootErrors, dict[str, Any]]] = []
    with progress_bar(args, counted=True) as bar:
        task = bar.add_task("planning", total=len(choices))
        for choice in choices:
            bar.update(task, description=f"measuring {choice.method}")
            unit = unit_with(config, choice)
            errors = measure_errors(root_of(unit), args.mantissas or MANTISSAS_MAX)
            facts = root_facts(config, choice, unit, errors)
            rows.append(facts)
            measured.append((errors, facts))
            bar.advance(task)
    if args.plot is not None:
        with extra("sim"):
            from streamnorm_sim.draw.root_errors import plot_root_errors
        named = [(f"{facts['method']}: {facts['about']}", errors) for errors, facts in measured]
        plot_root_errors(args.plot, f"{config.name}, {config.norm}", named)
    if args.fit or args.fit_unit:
        with _placing(args, len(choices) * (len(targets) + args.fit_unit), len(seeds)) as show:
            for choice, facts in zip(choices, rows, strict=True):
                _place(args, config, choice, facts, targets, seeds, show)
    result = {
        "name": config.name,
        "norm": config.norm,
        "architecture": config.architecture,
        "target": config.target,
        "clock_mhz": config.clock_mhz,
        "max_length": config.max_length,
        "accuracy": config.accuracy,
        "error_unit": "ulp" if config.output.is_float else "LSB",
        "methods": rows,
    }
    drawn = [errors for errors, _ in measured] if args.verbose or output_console().is_terminal else []
    print_result(
        args, lambda: result, lambda: compared(result, drawn), [failure for facts in rows for failure in _beyond(facts)]
    )
    if args.plot is not None and not args.quiet and not args.json:
        output_console().print(f"{args.plot}", soft_wrap=True)
    return 0


def _choices(args: argparse.Namespace, config: "NormConfig") -> "list[RootChoice]":
    """The methods to compare; of one that is named, its steps hold if they are said."""
    from streamnorm.spec.root_choice import RootChoice
    from streamnorm_sim.roots import root_choices

    if args.methods is None:
        return root_choices(config)
    try:
        found = []
        for name, steps in dict.fromkeys(args.methods):
            own = root_choices(config, [name])
            found += own if steps is None else [RootChoice.of({"method": name, "steps": steps})]
    except ConfigError as error:
        raise ConfigError(f"--methods: {error}") from error
    return list(dict.fromkeys(found))


def _targets(args: argparse.Namespace, config: "NormConfig") -> list[tuple[str, float]]:
    """Where roots are placed, all of it checked before anything is; nowhere without --fit."""
    if not (args.fit or args.fit_unit):
        return []
    with extra("fpga"):
        from streamnorm_fpga.devices import device_for
        from streamnorm_fpga.place.roots import default_clock, default_targets
    if args.fit_unit:
        device_for(config.target)
    if not args.fit:
        return []
    if args.targets is None:
        return default_targets(config)
    targets = []
    for name, clock in dict.fromkeys(args.targets):
        device_for(name)
        own = config.clock_mhz if name == config.target else default_clock(name)
        targets.append((name, own if clock is None else clock))
    return targets


def _place(
    args: argparse.Namespace,
    config: "NormConfig",
    choice: "RootChoice",
    facts: dict[str, Any],
    targets: Sequence[tuple[str, float]],
    seeds: Sequence[int],
    show: "Callable[[str], Callable[[Placed | None], None]]",
) -> None:
    """Add to the facts of a method what placing its root, and the unit, gives."""
    from streamnorm_fpga.place.roots import fit_root, fit_unit
    from streamnorm_sim.roots import unit_with

    if args.fit:
        facts["placed_roots"] = [
            fit_root(
                unit_with(config.replace(target=target, clock_mhz=clock), choice),
                seeds,
                show(f"{choice.method} on {target}"),
            ).to_dict()
            for target, clock in targets
        ]
    if args.fit_unit:
        told = show(f"{config.name} with {choice.method}")
        facts["placed_unit"] = fit_unit(unit_with(config, choice), seeds, told).to_dict()


def _beyond(facts: dict[str, Any]) -> Iterator[str]:
    error = facts["error"]
    if error["measured"] > error["proven"]:
        yield f"{facts['method']}: an error of {error['measured']:.4g} is measured, {error['proven']:.4g} is proven"


@contextmanager
def _placing(
    args: argparse.Namespace, designs: int, seeds: int
) -> "Iterator[Callable[[str], Callable[[Placed | None], None]]]":
    """Yield what begins the placements of a design, and returns what is to be told of each of its steps."""
    with progress_bar(args, counted=True) as bar:
        task = bar.add_task("synthesizing", total=designs * seeds)
        begun = 0

        def begin(what: str) -> "Callable[[Placed | None], None]":
            nonlocal begun
            # Of a design that could not be placed, no seed was told.
            bar.update(task, completed=begun * seeds, description=f"synthesizing {escape(what)}")
            begun += 1
            return lambda placed: _show(bar, task, what, placed)

        yield begin


def _show(bar: "Progress", task: Any, what: str, placed: "Placed | None") -> None:
    if placed is None:
        bar.update(task, description=f"placing {escape(what)}")
        return
    bar.advance(task)
    if not bar.disable:
        bar.console.print(f"{what}, seed {placed.seed}: {placed.fmax_mhz:.1f} MHz", highlight=False, markup=False)
