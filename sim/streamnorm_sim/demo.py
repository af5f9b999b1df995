"""Real activations through the generated hardware: ``python -m streamnorm_sim.demo`` (``make demo``).

For each of the 13 LayerNorms of all-MiniLM-L6-v2, with its own γ, β, ε and scales, an int16→int16 and an
int16→int8 unit are generated and compiled, and the layer's rows run through them on the CXXRTL engine. What
comes out is compared with the golden model, the exact reference, and float64 LayerNorm of the float input.
"""

import argparse
import math
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from streamnorm.errors import CheckFailed, StreamnormError
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.paths import written_beside
from streamnorm.verilog.emit import verilog
from streamnorm_sim.check.accuracy import Accuracy, cosines, float_layernorm
from streamnorm_sim.draw.error_plot import ERROR_BINS, plot_errors
from streamnorm_sim.reference.golden import GoldenModel
from streamnorm_sim.streams.traffic import Traffic

from .dataset import LayerRows, minilm_layers
from .engines import run
from .engines.cxxrtl import compile_together

MODEL = "all-MiniLM-L6-v2"
INPUT_BITS = 16
OUTPUT_BITS = (16, 8)

MAX_ULP = 1.0
MIN_COSINE = {16: 0.99999}
"""By output bits; none for 8 bits, where the format alone loses far more than the unit."""


@dataclass(frozen=True)
class UnitResult:
    """What one unit did with the rows of its layer.

    Attributes
    ----------
    layer : str
        Name of the layer in the model.
    output_bits : int
    mismatches : int
        Elements that differ from the golden model.
    max_ulp, mean_ulp : float
        Error against the exact result, output LSB.
    max_ulp_as_given : float
        Largest error against the exact result with γ and β as given, not as stored.
    min_cosine : float
        Smallest cosine of a row with float64 LayerNorm of the float activations.
    measured, planned : dict of str to int
        L1 and SS, clock cycles.
    cycles : int
        Clock cycles simulated.
    histogram : int64 (len(ERROR_BINS) - 1,)
        Elements by error.
    """

    layer: str
    output_bits: int
    mismatches: int
    max_ulp: float
    mean_ulp: float
    max_ulp_as_given: float
    min_cosine: float
    measured: dict[str, int]
    planned: dict[str, int]
    cycles: int
    histogram: np.ndarray

    @property
    def failures(self) -> list[str]:
        """Return what is not as it must be, a sentence each."""
        name = f"{self.layer}, int{INPUT_BITS} to int{self.output_bits}"
        found = []
        if self.mismatches:
            found.append(f"{name}: {self.mismatches} elements differ from the golden model")
        if self.max_ulp > MAX_ULP:
            found.append(f"{name}: an error of {self.max_ulp:.3f} output LSB, at most {MAX_ULP:g} is allowed")
        if self.max_ulp_as_given > MAX_ULP:
            found.append(
                f"{name}: an error of {self.max_ulp_as_given:.3f} output LSB with gamma and beta as given, "
                f"at most {MAX_ULP:g} is allowed"
            )
        limit = MIN_COSINE.get(self.output_bits, 0.0)
        if self.min_cosine < limit:
            found.append(f"{name}: cosine {self.min_cosine:.7f} with float64, at least {limit} is required")
        if self.measured != self.planned:
            found.append(f"{name}: measured cycles {self.measured} are not the planned {self.planned}")
        return found


def unit_config(layer: LayerRows, index: int, output_bits: int) -> NormConfig:
    """Return the configuration of a layer's unit; its scales are those of the layer's largest magnitudes."""
    input_scale, output_scale = layer_scales(layer, INPUT_BITS, output_bits)
    return NormConfig(
        name=f"minilm_{index:02d}_int{INPUT_BITS}_int{output_bits}",
        norm="layernorm",
        lanes=4,
        max_length=layer.x.shape[1],
        input=IntFormat(INPUT_BITS, scale=input_scale),
        output=IntFormat(output_bits, scale=output_scale),
        epsilon=layer.epsilon,
        gamma=layer.gamma,
        beta=layer.beta,
        target="ecp5-85k-6",
        clock_mhz=180,
    )


def layer_scales(layer: LayerRows, input_bits: int, output_bits: int) -> tuple[float, float]:
    """Return the scales of formats that just hold a layer's rows, and their float64 LayerNorm."""
    reference = float_layernorm(layer.x, layer.gamma, layer.beta, layer.epsilon)
    return _scale(layer.x, input_bits), _scale(reference, output_bits)


def run_unit(index: int, output_bits: int, directory: Path) -> UnitResult:
    """Generate, write and simulate the unit of layer number ``index``; its Verilog goes to ``directory``.

    Raises
    ------
    CheckFailed
        If the unit hangs, or other than one row of the same length comes out for each that went in.
    """
    layer = minilm_layers()[index]
    config = unit_config(layer, index, output_bits)
    with written_beside(directory / f"{config.name}.v") as file:
        file.write_text(verilog(config), encoding="utf-8")
    x = config.input.quantize(layer.x)
    try:
        trace = run(config, Traffic(rows=x), engine="cxxrtl")
        y = trace.rows.x
    except CheckFailed as error:  # of a kind that cannot travel between processes
        raise CheckFailed(f"{config.name}: {error}") from error
    if y.shape != x.shape or trace.rows.errors.any():
        flags = np.count_nonzero(trace.rows.errors)
        raise CheckFailed(f"{config.name}: rows {x.shape} went in, {y.shape} came out, {flags} error flags")
    accuracy = Accuracy.of(config, y, x)
    reference = float_layernorm(layer.x, layer.gamma, layer.beta, layer.epsilon)
    ends = trace.output_cycles[trace.outputs.last]
    planned = Plan.of(config).latency(x.shape[1])
    return UnitResult(
        layer=layer.name,
        output_bits=output_bits,
        mismatches=int(np.count_nonzero(y != GoldenModel(config).normalize(x))),
        max_ulp=accuracy.max_ulp,
        mean_ulp=accuracy.mean_ulp,
        max_ulp_as_given=Accuracy.of(config, y, x, as_given=True).max_ulp,
        min_cosine=float(cosines(config.output.dequantize(y), reference).min()),
        measured={"L1": int(trace.output_cycles[0] - trace.input_cycles[0]), "SS": int(np.diff(ends).max())},
        planned={"L1": planned.L1, "SS": planned.SS},
        cycles=trace.cycles,
        histogram=np.histogram(np.clip(accuracy.errors, -1, 1), ERROR_BINS)[0],
    )


def run_together(units: Sequence[tuple[int, int]], directory: Path) -> list[UnitResult]:
    """Run units, given as layer number and output bits, as `run_unit` does, but compile them as one program."""
    layers = minilm_layers()
    compile_together([unit_config(layers[index], index, bits) for index, bits in units])
    return [run_unit(index, bits, directory) for index, bits in units]


def run_units(layers: Sequence[int], directory: Path, workers: int) -> Iterator[UnitResult]:
    """Run both units of each layer, several at a time, and yield each result as it comes."""
    units = [(index, bits) for index in layers for bits in OUTPUT_BITS]
    # Compiled together they take less work, but every worker wants some, and whoever looks on wants progress.
    size = min(7, -(-len(units) // (2 * workers)))
    with ProcessPoolExecutor(workers, initializer=_prepare_worker) as pool:
        jobs = [
            pool.submit(run_together, units[start : start + size], directory) for start in range(0, len(units), size)
        ]
        try:
            for job in as_completed(jobs):
                yield from job.result()
        finally:
            pool.shutdown(cancel_futures=True)


def result_table(results: Sequence[UnitResult]) -> Table:
    """Return one line per layer, 80 columns wide; ``results`` holds both units of each layer, in order."""
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("LayerNorm", no_wrap=True)
    for bits in OUTPUT_BITS:
        for title in (f"int{bits}\ndiff", "ulp\nmax", "\nmean", "cosine\nmin", "\nL1"):
            table.add_column(title, justify="right")
    for layer in dict.fromkeys(result.layer for result in results):
        cells = [_short_name(layer)]
        for unit in results:
            if unit.layer == layer:
                digits = 6 if unit.output_bits > 8 else 4
                cosine = math.floor(unit.min_cosine * 10**digits) / 10**digits
                cells += [str(unit.mismatches), f"{unit.max_ulp:.3f}", f"{unit.mean_ulp:.3f}"]
                cells += [f"{cosine:.{digits}f}", str(unit.measured["L1"])]
        table.add_row(*cells)
    return table


def demo(directory: Path, layers: Sequence[int], workers: int, console: Console) -> None:
    """Run the demo on some of the layers and print what it found.

    Raises
    ------
    CheckFailed
        If an element differs from the golden model, an error exceeds 1 LSB, a cosine of a 16-bit unit is too
        small, or a number of cycles is not the planned one.
    """
    start = time.monotonic()
    verilog_directory = directory / "verilog"
    verilog_directory.mkdir(parents=True, exist_ok=True)
    results = []
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("generate, compile, run", total=len(layers) * len(OUTPUT_BITS))
        for result in run_units(layers, verilog_directory, workers):
            results.append(result)
            progress.advance(task)
    order = {layer.name: index for index, layer in enumerate(minilm_layers())}
    results.sort(key=lambda result: (order[result.layer], OUTPUT_BITS.index(result.output_bits)))
    picture = directory / "errors.png"
    histograms = {
        f"int{INPUT_BITS} → int{bits}": [r.histogram for r in results if r.output_bits == bits] for bits in OUTPUT_BITS
    }
    plot_errors(
        picture,
        f"How far the results of {len(layers)} LayerNorms of {MODEL}, simulated, are off the exact ones",
        histograms,
    )
    console.print(f"{MODEL}, 64 rows of 384 elements for each LayerNorm, 4 lanes, int16 in")
    console.print(result_table(results))
    console.print(
        "\ndiff: elements that differ from the golden model. ulp: distance to the exact\n"
        "result in output LSB, half of one at best. cosine: of each row with float64\n"
        "LayerNorm of the float input. L1: cycles from first beat in to first beat out.\n"
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
    failures = [failure for result in results for failure in result.failures]
    if failures:
        raise CheckFailed("\n".join(failures))


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


def _prepare_worker() -> None:
    # Ctrl-C is for the parent, which then lets the units at work finish and starts no other.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A unit runs for 6000 cycles only: what optimizing would take is many times what it would save.
    os.environ.setdefault("CXXFLAGS", "-O0")


def _short_name(layer: str) -> str:
    """The layer's name without what all of them have in common."""
    return layer.removeprefix("encoder.layer.").removesuffix(".LayerNorm").replace("attention.output", "attention")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: must be a number, at least 1")
    return int(text)


def _scale(values: np.ndarray, bits: int) -> float:
    """The scale at which the largest magnitude just fits."""
    return float(np.abs(values).max()) / ((1 << (bits - 1)) - 1)


if __name__ == "__main__":
    sys.exit(main())
