"""``streamnorm workload``: the norms of a whole model on one or many units."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamnorm.errors import ConfigError
from streamnorm_cli.options import (
    Commands,
    add_output,
    file_path,
    formatter,
    number,
    options_named,
    positive,
    print_csv,
    print_json,
    print_tables,
)
from streamnorm_cli.tables.workload import model_list, tables, within_attention
from streamnorm_cli.terminal import output_console

if TYPE_CHECKING:
    from streamnorm.spec.config import NormConfig
    from streamnorm_sim.workload import Model, Workload

_EPILOG = """\
examples:
  streamnorm workload                                          the models, where their norms stand, how many
  streamnorm workload llama-3.1-8b --tokens 2048 --units 4     prefill and decode on four units
  streamnorm workload llama-3.1-405b --flops 100T --memory hbm3 --link 400gbe
  streamnorm workload gemma-3-4b --lanes 64 --bits 8 --clock 200
  streamnorm workload llama-2-7b --placement mix:8             Mix-LN; see what a schedule costs
  streamnorm workload bert-large --placement deepnorm          and the constants that it brings
  streamnorm workload gpt2 --prune 'ffn-in:6-11'               without the norms of some layers
  streamnorm workload deepseek-v3 --tokens 32768 --memory hbm3  latent norms, and the latents as cache
  streamnorm workload chameleon-7b                             LayerNorm among RMSNorm: units of both kinds
  streamnorm workload bert-base --config examples/bert_int8.toml
  streamnorm workload my_model.toml --json | jq '.phases[].busy_per_token'

docs/workload.md tells what the figures mean, and the keys of a model's file.
"""

_UNIT = {"lanes": "lanes", "bits": "bits", "banks": "banks", "target": "target", "clock": "clock_mhz"}
"""What the options say of the units, by what it is called there."""

_PASS = {"tokens": "tokens", "batch": "sequences", "units": "units", "weight-bits": "weight_bits"}
"""The same of the pass."""


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "workload",
        help="count the norm cycles of a whole model, and the units that keep up",
        description="Count the rows that a model normalizes, the cycles they take on one or many units, and what\n"
        "of them the model waits for.",
        epilog=_EPILOG,
        formatter_class=formatter,
    )
    parser.add_argument(
        "model", nargs="?", metavar="MODEL", help="a name, a TOML file, or FILE:NAME; without it: list the models"
    )
    parser.add_argument("--list", action="store_true", help="list the models")
    _add_pass(parser)
    _add_unit(parser)
    parser.add_argument("--csv", action="store_true", help="print lines of comma-separated values and nothing else")
    add_output(parser, verbose="tell the source of the model's sizes")


def _add_pass(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the pass")
    group.add_argument(
        "--tokens", type=positive, metavar="T", help="tokens of the input (default: usual for the model)"
    )
    group.add_argument("--batch", type=positive, default=1, metavar="B", help="sequences at once (default: 1)")
    group.add_argument(
        "--placement",
        metavar="SCHEDULE",
        help="where the norms stand, such as peri, mix:8, deepnorm or post:8,pre; a wrong one names them all",
    )
    group.add_argument(
        "--prune",
        action="append",
        metavar="SITE:LAYERS",
        help="leave norms out, such as 'ffn-in:20-31', or 'final', or '*'; may be repeated",
    )
    group.add_argument("--flops", metavar="RATE", help="units that keep up with a matrix unit, such as 100T a second")
    group.add_argument(
        "--memory", metavar="RATE", help="… with a memory that weights are read from: hbm3, or bytes such as 819G"
    )
    group.add_argument("--link", metavar="RATE", help="… with rows that a link brings: 400gbe, or bytes such as 50G")
    group.add_argument(
        "--weight-bits", type=positive, default=16, metavar="N", help="of a weight in memory (default: 16)"
    )


def _add_unit(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the units")
    group.add_argument(
        "--units", type=positive, default=1, metavar="U", help="of each kind, that take rows in turn (default: 1)"
    )
    group.add_argument(
        "--config",
        type=file_path,
        action="append",
        metavar="FILE",
        help="the unit's configuration, instead of the five below; once for each norm that the model has",
    )
    group.add_argument("--lanes", type=positive, metavar="P", help="elements in a beat (default: 16)")
    group.add_argument("--bits", type=positive, metavar="N", help="of elements in and out (default: 16)")
    group.add_argument(
        "--banks", type=positive, metavar="B", help="sets of gamma and beta that a unit holds (default: 1)"
    )
    group.add_argument("--target", metavar="NAME", help="device (default: ecp5-85k-6)")
    group.add_argument("--clock", type=number, metavar="MHZ", help="(default: 150)")


def run(args: argparse.Namespace) -> int:
    """Print the workload of a model, or the models."""
    if args.json and args.csv:
        raise ConfigError("--json and --csv: one of them only")
    if args.list or args.model is None:
        if args.model is not None:
            raise ConfigError("--list: names all models; leave MODEL out")
        for option in ("tokens", "placement", "prune", "flops", "memory", "link", "config", *_UNIT):
            if getattr(args, option) is not None:
                raise ConfigError(f"--{option}: needs a MODEL; streamnorm workload --list names them all")
        _list(args)
        return 0
    workload = _workload(args)
    if args.json:
        print_json(_with_area(workload))
    elif args.csv:
        print_csv(
            {"phase": phase.name, "units": workload.units, **vars(site)}
            for phase in workload.phases()
            for site in phase.sites
        )
    elif not args.quiet:
        print_tables(tables(workload, details=args.verbose))
    return 0


def _list(args: argparse.Namespace) -> None:
    from streamnorm_sim.workload import find_model, model_names

    models = [find_model(name) for name in model_names()]
    if args.json:
        print_json({"models": [_facts(model) for model in models]})
    elif args.csv:
        print_csv(_facts(model) for model in models)
    elif not args.quiet:
        output_console().print(model_list(models))


def _facts(model: "Model") -> dict[str, Any]:
    from streamnorm_sim.workload import calls

    norms = calls(model)
    last = model.stacks[-1]
    return {
        "name": model.name,
        "norm": " ".join(dict.fromkeys(call.kind.norm for call in norms)),
        "epsilon": last.kind.epsilon,
        "layers": sum(len(stack.layers) for stack in model.stacks),
        "d_model": last.d_model,
        "placement": " ".join(dict.fromkeys(style for stack in model.stacks for style in stack.schedule)),
        "within_attention": " ".join(within_attention(model)),
        "window": max(layer.attention.window for layer in last.layers),
        "norms": len(norms),
        "rows": sum(call.rows for call in norms),
        "longest": max(call.length for call in norms),
        "source": model.source,
    }


def _with_area(workload: "Workload") -> dict[str, Any]:
    """The workload as JSON values, with the area of a unit of each kind, of all, and of those that keep up."""
    from streamnorm_fpga.place.area import units_area

    result, area = workload.to_dict(), units_area(workload.configs)
    for phase in result["phases"]:
        for need in phase["needs"]:
            need["area"] = None if need["units"] is None else area.times(need["units"]).to_dict()
    links = workload.line_units()
    return {
        **result,
        "area": {"one": area.to_dict(), "all": area.times(workload.units).to_dict()},
        "link_area": None if links is None else area.times(links).to_dict(),
    }


def _workload(args: argparse.Namespace) -> "Workload":
    from streamnorm_sim.workload import Workload, bandwidth
    from streamnorm_sim.workload.pace import rate

    model = _model(args)
    configs = _configs(args, model)
    with options_named(_PASS):
        return Workload(
            model=model,
            configs=configs,
            tokens=args.tokens or model.tokens,
            sequences=args.batch,
            units=args.units,
            flops=_read("--flops", args.flops, rate),
            memory=_read("--memory", args.memory, bandwidth),
            link=_read("--link", args.link, bandwidth),
            weight_bits=args.weight_bits,
        )


def _read(option: str, text: str | None, read: Callable[[str], float]) -> float | None:
    try:
        return None if text is None else read(text)
    except ConfigError as error:
        raise ConfigError(f"{option}: {error}") from None


def _model(args: argparse.Namespace) -> "Model":
    from streamnorm_sim.workload import find_model, read_model

    changes = {"placement": args.placement, "pruned": args.prune}
    changes = {key: value for key, value in changes.items() if value is not None}
    file, colon, name = args.model.rpartition(".toml:")
    if colon:
        return read_model(Path(f"{file}.toml"), name, **changes)
    if args.model.endswith(".toml"):
        return read_model(Path(args.model), **changes)
    return find_model(args.model, **changes)


def _configs(args: argparse.Namespace, model: "Model") -> "tuple[NormConfig, ...]":
    from streamnorm.spec.config import NormConfig
    from streamnorm_sim.workload import units_for

    given = {key: value for option, key in _UNIT.items() if (value := getattr(args, option)) is not None}
    if args.config is None:
        with options_named(_UNIT):
            return units_for(model, **given)
    if given:
        raise ConfigError(
            "--config: goes without --lanes, --bits, --banks, --target and --clock, the file has them all"
        )
    return tuple(NormConfig.from_toml(path) for path in args.config)
