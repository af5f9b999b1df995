"""The demo's units at work: generated, compiled and run on their layer's rows, and what is to be said of each."""

import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from streamnorm.errors import CheckFailed
from streamnorm.plan import Plan
from streamnorm.spec.paths import written_beside
from streamnorm.verilog.emit import verilog
from streamnorm_sim.check.accuracy import Accuracy, cosines, float_layernorm
from streamnorm_sim.dataset import minilm_layers
from streamnorm_sim.draw.error_plot import ERROR_BINS
from streamnorm_sim.engines import run
from streamnorm_sim.engines.cxxrtl import compile_together
from streamnorm_sim.reference.models import golden_model
from streamnorm_sim.streams.traffic import Traffic

from .kinds import MAX_ULP, UnitKind, unit_config


@dataclass(frozen=True)
class UnitResult:
    """What one unit did with the rows of its layer.

    Attributes
    ----------
    layer : str
        Name of the layer in the model.
    kind : UnitKind
    mismatches : int
        Elements that differ from the golden model.
    max_ulp, mean_ulp : float
        Error against the exact result, output LSB; of floating-point output, ulp.
    max_ulp_as_given : float
        Largest error against the exact result with γ and β as given, not as stored.
    elements, correctly_rounded : int
        Results, and how many of them are the correctly rounded ones.
    min_cosine : float
        Smallest cosine of a row with float64 LayerNorm of the float activations.
    measured, planned : dict of str to int
        L1 and SS, clock cycles.
    cycles : int
        Clock cycles simulated.
    histogram : int64 (len(ERROR_BINS) - 1,)
        Results by error.
    """

    layer: str
    kind: UnitKind
    mismatches: int
    max_ulp: float
    mean_ulp: float
    max_ulp_as_given: float
    elements: int
    correctly_rounded: int
    min_cosine: float
    measured: dict[str, int]
    planned: dict[str, int]
    cycles: int
    histogram: np.ndarray

    @property
    def failures(self) -> list[str]:
        """Return what is not as it must be, a sentence each."""
        name, unit = f"{self.layer}, {self.kind}", self.kind.error_unit
        found = []
        if self.mismatches:
            found.append(f"{name}: {self.mismatches} elements differ from the golden model")
        if self.max_ulp > MAX_ULP:
            found.append(f"{name}: an error of {self.max_ulp:.3f} {unit}, at most {MAX_ULP:g} is allowed")
        if self.max_ulp_as_given > MAX_ULP:
            found.append(
                f"{name}: an error of {self.max_ulp_as_given:.3f} {unit} with gamma and beta as given, "
                f"at most {MAX_ULP:g} is allowed"
            )
        least = self.kind.min_cosine
        if self.min_cosine < least:
            found.append(f"{name}: cosine {self.min_cosine:.7f} with float64, at least {least} is required")
        if self.measured != self.planned:
            found.append(f"{name}: measured cycles {self.measured} are not the planned {self.planned}")
        return found


def run_unit(index: int, kind: UnitKind, directory: Path) -> UnitResult:
    """Generate, write and simulate the unit of layer number ``index``; its Verilog goes to ``directory``.

    Raises
    ------
    CheckFailed
        If the unit hangs, or other than one row of the same length comes out for each that went in.
    """
    layer = minilm_layers()[index]
    config = unit_config(layer, index, kind)
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
        kind=kind,
        mismatches=int(np.count_nonzero(y != golden_model(config).normalize(x))),
        max_ulp=accuracy.max_ulp,
        mean_ulp=accuracy.mean_ulp,
        max_ulp_as_given=Accuracy.of(config, y, x, as_given=True).max_ulp,
        elements=accuracy.elements,
        correctly_rounded=round(accuracy.correctly_rounded * accuracy.elements),
        min_cosine=float(cosines(config.output.dequantize(y), reference).min()),
        measured={"L1": int(trace.output_cycles[0] - trace.input_cycles[0]), "SS": int(np.diff(ends).max())},
        planned={"L1": planned.L1, "SS": planned.SS},
        cycles=trace.cycles,
        histogram=np.histogram(np.clip(accuracy.errors, -1, 1), ERROR_BINS)[0],
    )


def run_together(units: Sequence[tuple[int, UnitKind]], directory: Path) -> list[UnitResult]:
    """Run units, given as layer number and kind, as `run_unit` does, but compile them as one program."""
    layers = minilm_layers()
    compile_together([unit_config(layers[index], index, kind) for index, kind in units])
    return [run_unit(index, kind, directory) for index, kind in units]


def run_units(layers: Sequence[int], kinds: Sequence[UnitKind], directory: Path, workers: int) -> Iterator[UnitResult]:
    """Run a unit of each kind for each layer, several at a time, and yield each result as it comes."""
    # Kind by kind: what is compiled together has the most in common then.
    units = [(index, kind) for kind in kinds for index in layers]
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


def _prepare_worker() -> None:
    # Ctrl-C is for the parent, which then lets the units at work finish and starts no other.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A unit runs for 6000 cycles only: what optimizing would take is many times what it would save.
    os.environ.setdefault("CXXFLAGS", "-O0")
