"""The demo's command line."""

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from streamnorm.errors import CheckFailed, StreamnormError
from streamnorm_sim.dataset import minilm_layers
from streamnorm_sim.draw.error_plot import plot_errors

from .kinds import KINDS, MODEL
from .tables import FLOATS, INTEGERS, result_table
from .units import UnitResult, run_units


def demo(directory: Path, layers: Sequence[int], workers: int, console: Console) -> None:
    """Run the demo on some of the layers and print what it found.

    Raises
    ------
    CheckFailed
        If an element differs from the golden model, an error exceeds 1 LSB or ulp, a cosine is too small, too few
        results of a kind are correctly rounded, or a number of cycles is not the planned one.
    """
    start = time.monotonic()
    verilog_directory = directory / "verilog"
    verilog_directory.mkdir(parents=True, exist_ok=True)
    results = []
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("generate, compile, run", total=len(layers) * len(KINDS))
        for result in run_units(layers, KINDS, verilog_directory, workers):
            results.append(result)
            progress.advance(task)
    order = {layer.name: index for index, layer in enumerate(minilm_layers())}
    results.sort(key=lambda result: (order[result.layer], KINDS.index(result.kind)))
    picture = directory / "errors.png"
    plot_errors(
        picture,
        f"How far the results of {len(layers)} LayerNorms of {MODEL}, simulated, are off the exact ones",
        {f"{kind.input} → {kind.output}": [r.histogram for r in results if r.kind == kind] for kind in KINDS},
    )
    console.print(f"{MODEL}, 64 rows of 384 elements for each LayerNorm, 4 lanes, int16 in")
    console.print(result_table(results, INTEGERS))
    console.print("\nThe same rows in floating point, bf16 in and out, fp16 in and out")
    console.print(result_table(results, FLOATS))
    console.print(
        "\ndiff: elements that differ from the golden model. ulp: distance to the exact\n"
        "result in output LSB, or in ulp (docs/floating.md), half of one at best. right:\n"
        "correctly rounded. cosine: of each row with float64 LayerNorm of the float\n"
        "input. L1: cycles from first beat in to first beat out.\n"
    )
    worst = max(result.max_ulp_as_given for result in results)
    console.print(
        f"Against the exact results with γ and β as given, not as stored, the largest error is {worst:.3f} ulp."
    )
    steady = sorted({result.measured["SS"] for result in results})
    console.print(f"Back to back, a row takes {' or '.join(map(str, steady))} cycles: 384 elements, 4 a cycle.")
    console.print(
        f"{len(results)} units, {sum(result.cycles for result in results)} cycles simulated, "
        f"{time.monotonic() - start:.0f} s in all."
    )
    console.print(f"Verilog:          {verilog_directory}/", soft_wrap=True)
    console.print(f"error histograms: {picture}", soft_wrap=True)
    if found := list(failures(results)):
        raise CheckFailed("\n".join(found))


def failures(results: Sequence[UnitResult]) -> Iterator[str]:
    """Yield what is not as it must be, of each unit and of each kind, a sentence each."""
    for result in results:
        yield from result.failures
    for kind in KINDS:
        units = [result for result in results if result.kind == kind]
        right, elements = sum(unit.correctly_rounded for unit in units), sum(unit.elements for unit in units)
        if right < kind.min_correctly_rounded * elements:
            yield (
                f"{kind}: {right} of {elements} results are correctly rounded, "
                f"at least {kind.min_correctly_rounded:.1%} is promised"
            )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo from the command line and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m streamnorm_sim.demo",
        description="Normalize real activations of all-MiniLM-L6-v2 in the generated hardware.",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("build/demo"),
        metavar="DIR",
        help="directory to write to (default: %(default)s)",
    )
    parser.add_argument(
        "--layers", type=_count, default=13, metavar="N", help="only the first N layers (default: all %(default)s)"
    )
    parser.add_argument(
        "--workers",
        type=_count,
        default=os.cpu_count() or 1,
        metavar="N",
        help="units to build at a time (default: %(default)s)",
    )
    args = parser.parse_args(argv)
    try:
        demo(args.output, range(len(minilm_layers()))[: args.layers], args.workers, Console())
    except StreamnormError as error:
        print(f"streamnorm: error: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"streamnorm: error: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("streamnorm: error: interrupted", file=sys.stderr)
        return 130
    return 0


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: must be a number, at least 1")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
