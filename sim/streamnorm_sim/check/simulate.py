"""The work behind ``streamnorm simulate``: rows through the hardware, values and cycle counts checked."""

import os
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamnorm.errors import CheckFailed, ConfigError
from streamnorm.plan import Latency, Plan
from streamnorm.spec.arrays import ArrayOrFile
from streamnorm.spec.config import NormConfig, checked_config
from streamnorm.spec.file_identity import file_identity
from streamnorm.spec.formats import FloatFormat, NumberFormat
from streamnorm.spec.formats.element_text import error_unit
from streamnorm.spec.paths import given_path
from streamnorm.spec.values import integer_between, require_function, shortened
from streamnorm_sim.cells import GateNetlist
from streamnorm_sim.engines import DEFAULT_ENGINE, run
from streamnorm_sim.streams.rows import ROWS_MAX, RowBatch, fitted
from streamnorm_sim.streams.seeds import checked_seed
from streamnorm_sim.streams.stalls import parse_stalls
from streamnorm_sim.streams.trace import Trace
from streamnorm_sim.streams.traffic import Traffic

from .accuracy import Accuracy
from .compare import compare
from .measure import Measured, measure_cycles
from .row_files import RowFile, check_writable, refuse_input
from .row_parts import GivenRows, RandomRows, RowParts

EXACT_ELEMENTS = 4_000_000
"""More than these are not all compared: the exact reference takes about a second for two million elements."""

ERROR_TOLERANCE = 1e-6
"""What the float64 of a measured error may be off by, in its unit."""

Progress = Callable[[str, float], None]
"""Told what is being done ("build", "run", "check" or "measure") and the share of it that is done, 0 to 1."""


@dataclass(frozen=True, eq=False)
class Simulation:
    """What a simulation found.

    Attributes
    ----------
    config : NormConfig
    engine, stall, seed :
        As given.
    rows, elements : int
        Rows that came out, and elements in them.
    cycles : int
        Simulated, those of `measured` not counted.
    seconds : float
        Wall time of these cycles.
    mismatches : int
        Elements that differ from the golden model.
    first_mismatch : str or None
        The first of them, in words.
    accuracy : Accuracy
        Error of what came out against the exact reference, with γ and β as they are stored.
    accuracy_as_given : Accuracy
        The same with γ and β as the configuration has them.
    exact_rows : int
        Rows that this error is taken over: all of them, unless they have more than `EXACT_ELEMENTS` elements.
    measured : Measured
        Cycles of the longest rows, from a run of their own without stalls.
    planned : Latency
        The plan's.
    netlist : str or None
        Family of the netlist that ran in place of the generated unit.
    y : integers (rows, n) or None
        What came out, where the rows were given as an array; as many columns. Other rows are not kept, ``output`` of
        `simulate` takes them.
    saturated_inputs : int
        Real elements beyond the input format's range; 0 where the rows are integers.
    """

    config: NormConfig
    engine: str
    stall: str
    seed: int
    rows: int
    elements: int
    cycles: int
    seconds: float
    mismatches: int
    first_mismatch: str | None
    accuracy: Accuracy
    accuracy_as_given: Accuracy
    exact_rows: int
    measured: Measured
    planned: Latency
    netlist: str | None = None
    y: NDArray[np.integer] | None = None
    saturated_inputs: int = 0

    def __repr__(self) -> str:
        found = "; ".join(self.failures) or "all as planned"
        return f"<Simulation of {self.rows} rows on {self.engine}: {shortened(found, 60)}>"

    @property
    def cycles_per_second(self) -> float:
        """Simulated cycles per second of wall time."""
        return self.cycles / max(self.seconds, 1e-9)

    @property
    def failures(self) -> list[str]:
        """Return what is not as it must be, a sentence each; nothing if all is well."""
        found = []
        if self.first_mismatch is not None:
            found.append(f"{self.mismatches} elements differ from the golden model: {self.first_mismatch}")
        plan = Plan.of(self.config)
        for where, error, allowed in (
            ("", self.accuracy.max_ulp, plan.error_allowed),
            ("with gamma and beta as given, ", self.accuracy_as_given.max_ulp, max(1.0, plan.error_bound_as_given)),
        ):
            if error > allowed + ERROR_TOLERANCE:
                unit = error_unit(self.config.output)
                found.append(f"{where}an error of {error:.4f} {unit}; at most {allowed:.4g} is allowed")
        for name, value in self.measured.to_dict().items():
            planned = getattr(self.planned, name)
            if value != planned:
                found.append(f"{name} is {value:g} cycles; the plan says {planned}")
        return found

    @property
    def notices(self) -> list[str]:
        """Return what is hardly meant in the rows and their results, a sentence each."""
        said = []
        if self.saturated_inputs:
            share = self.saturated_inputs / max(self.elements, 1)
            said.append(
                f"{self.saturated_inputs:,} of the input elements ({share:.2%}) lie beyond what "
                f"{_range(self.config.input)} can hold, and {_fate(self.config.input)}"
            )
        if saturated := self.accuracy.saturated:
            share = saturated / self.accuracy.elements
            said.append(
                f"{saturated:,} of {self.accuracy.elements:,} results ({share:.2%}) lie beyond what "
                f"{_range(self.config.output)} can hold, and {_fate(self.config.output)}"
            )
        return said

    def to_dict(self) -> dict[str, Any]:
        """Return the report that ``--json`` prints."""
        return {
            "name": self.config.name,
            "engine": self.engine,
            "architecture": self.config.architecture,
            "netlist": self.netlist,
            "seed": self.seed,
            "stall": self.stall,
            "rows": self.rows,
            "elements": self.elements,
            "mismatches": self.mismatches,
            "first_mismatch": self.first_mismatch,
            "max_ulp": self.accuracy.max_ulp,
            "mean_ulp": self.accuracy.mean_ulp,
            "correctly_rounded": self.accuracy.correctly_rounded,
            "max_ulp_as_given": self.accuracy_as_given.max_ulp,
            "mean_ulp_as_given": self.accuracy_as_given.mean_ulp,
            "correctly_rounded_as_given": self.accuracy_as_given.correctly_rounded,
            "exact_rows": self.exact_rows,
            "measured": self.measured.to_dict(),
            "planned": {name: getattr(self.planned, name) for name in ("L1", "L2", "L3", "SS")},
            "cycles": self.cycles,
            "cycles_per_second": round(self.cycles_per_second),
            "notices": self.notices,
        }


def simulate(
    config: NormConfig,
    *,
    engine: str = DEFAULT_ENGINE,
    rows: int | ArrayOrFile = 200,
    stall: str | float = "none",
    seed: int = 0,
    waves: str | os.PathLike[str] | None = None,
    output: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    netlist: GateNetlist | None = None,
) -> Simulation:
    """Run rows through the hardware of a configuration and check what comes out.

    Many rows are run a part at a time, with a reset between the parts, so that memory does not grow with them.

    Parameters
    ----------
    engine : str
        One of `streamnorm_sim.engines.ENGINES`.
    rows : int, array (rows, n), or the name of a .npy file that holds one
        How many random rows, 1 to `ROWS_MAX`, of mixed length, statistics and bank; or the rows, see
        `streamnorm_sim.check.row_files.read_rows`, which take bank 0, or all banks in turn.
    stall : str or float
        Stalls of source and sink, see `streamnorm_sim.streams.stalls.parse_stalls`; a number is the share of stalled
        cycles.
    seed : int
        Seed of the random rows and stalls, 0 to `streamnorm_sim.streams.seeds.SEED_MAX`.
    waves : path, optional
        Where a VCD file of the run is written; all rows are one part then.
    output : path, optional
        Where the rows that came out are written as a .npy file: integers of the output format, or codes, (rows, n),
        shorter rows filled up with 0.
    progress : Progress, optional
    netlist : GateNetlist, optional
        Run in place of the generated unit; see `streamnorm_sim.engines.run`.

    Returns
    -------
    Simulation
        Whatever differs is in its `failures`, not raised.

    Raises
    ------
    ConfigError
        If an argument is not valid, a file cannot be read or written, or one would be written over another or over what
        is read.
    ToolMissing
        If the engine needs a program that is not installed.
    CheckFailed
        If the unit hangs, or its output stream is malformed.
    """
    checked_config(config)
    require_function("progress", progress, "a stage and a share")
    tell: Progress = progress or (lambda stage, share: None)
    source, sink = parse_stalls(stall)
    waves = None if waves is None else given_path(waves, "a VCD file", "waves")
    output = None if output is None else given_path(output, "a .npy file", "output")
    for path in (waves, output):
        check_writable(path)
    config.refuse_overwriting(path for path in (waves, output) if path is not None)
    if waves is not None and output is not None and file_identity(waves) == file_identity(output):
        raise ConfigError(f"output: {output}: waves are written there; choose another name")
    seed = checked_seed(seed)
    given: RowParts
    if isinstance(rows, Real):
        given, kept = RandomRows(config, integer_between("rows", rows, 1, ROWS_MAX), seed), None
    else:
        given = GivenRows(config, rows)
        for written in (waves, output):
            refuse_input(written, given.file)
        kept = [] if given.path is None else None
    checked = _Checked(config, given.count, given.columns)
    tell("build", 0.0)
    with nullcontext() if output is None else RowFile(output, config, given.columns) as file:
        for batch in given.parts(whole=waves is not None):  # one file of waves is of one run
            traffic = Traffic(
                rows=batch.x, lengths=batch.lengths, banks=batch.banks, source=source, sink=sink, seed=seed
            )
            told = partial(_tell_part, tell, checked.rows_in / given.count, len(batch) / given.count)
            try:
                trace = run(config, traffic, engine, waves, told, netlist)
            except CheckFailed as error:
                if len(batch) == given.count:
                    raise
                raise CheckFailed(f"from row {checked.rows_in} on: {error}") from error
            if file is not None:
                file.append(trace.rows.x)
            if kept is not None:
                kept.append(fitted(trace.rows.x, given.columns))
            checked.add(trace, batch)
        tell("check", 1.0)
        if file is not None:
            file.write()
    tell("measure", 0.0)
    measured = measure_cycles(config, engine=engine, seed=seed, netlist=netlist)
    tell("measure", 1.0)
    return Simulation(
        config=config,
        engine=engine,
        stall=str(stall),
        seed=seed,
        rows=checked.rows,
        elements=checked.elements,
        cycles=checked.cycles,
        seconds=checked.seconds,
        mismatches=checked.mismatches,
        first_mismatch=checked.first_mismatch,
        accuracy=Accuracy.join(checked.accuracies),
        accuracy_as_given=Accuracy.join(checked.accuracies_as_given),
        exact_rows=checked.exact_rows,
        measured=measured,
        planned=Plan.of(config).latency(config.max_length),
        netlist=None if netlist is None else netlist.family,
        y=None if kept is None else np.concatenate(kept),
        saturated_inputs=given.saturated,
    )


def _range(number_format: NumberFormat) -> str:
    if isinstance(number_format, FloatFormat):
        return f"{number_format.name} ({-number_format.largest:g} … {number_format.largest:g})"
    low, high = number_format.dequantize([number_format.min, number_format.max]).tolist()
    return f"{number_format.name} of scale {number_format.scale:g} ({low:g} … {high:g})"


def _fate(number_format: NumberFormat) -> str:
    """What became of numbers beyond a format."""
    if not isinstance(number_format, FloatFormat):
        return "were saturated"
    return {"infinity": "became infinite", "nan": "became NaN", "saturate": "were saturated"}[number_format.overflow]


def _tell_part(tell: Progress, done: float, share: float, part: float) -> None:
    tell("run", done + share * part)


class _Checked:
    """What is known of the rows that have been run so far."""

    def __init__(self, config: NormConfig, count: int, columns: int) -> None:
        self.config = config
        self.rows_in = self.rows = self.elements = self.cycles = self.mismatches = self.exact_rows = 0
        self.seconds = 0.0
        self.first_mismatch: str | None = None
        self.accuracies: list[Accuracy] = []
        self.accuracies_as_given: list[Accuracy] = []
        most = max(1, EXACT_ELEMENTS // columns)
        self._exact = np.arange(count) if count <= most else np.linspace(0, count - 1, most).astype(np.int64)

    def add(self, trace: Trace, batch: RowBatch) -> None:
        """Check the next rows, ``batch``, and what became of them."""
        difference = compare(trace, first_row=self.rows_in)
        self.mismatches += difference.mismatches
        self.first_mismatch = self.first_mismatch or difference.first
        self._measure_errors(trace.rows, batch)
        self.rows_in += len(batch)
        self.rows += len(trace.rows)
        self.elements += int(trace.rows.lengths.sum())
        self.cycles += trace.cycles
        self.seconds += trace.seconds

    def _measure_errors(self, got: RowBatch, batch: RowBatch) -> None:
        """Measure the error of the rows that came out whole, or of as many of them as `EXACT_ELEMENTS` allows."""
        common = min(len(got), len(batch))
        wanted = self._exact - self.rows_in
        wanted = wanted[(wanted >= 0) & (wanted < common)]
        usable = wanted[got.lengths[wanted] == batch.lengths[wanted]]
        rows = batch.select(usable)
        y = fitted(got.x[usable], rows.x.shape[1])
        for accuracies, as_given in ((self.accuracies, False), (self.accuracies_as_given, True)):
            accuracies.append(Accuracy.of(self.config, y, rows.x, rows.lengths, rows.banks, as_given=as_given))
        self.exact_rows += len(usable)
