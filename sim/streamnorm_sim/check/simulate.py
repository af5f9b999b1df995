"""The work behind ``streamnorm simulate``: rows through the hardware, values and cycle counts checked."""

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamnorm.errors import CheckFailed, ConfigError
from streamnorm.plan import Latency, Plan
from streamnorm.spec.arrays import ArrayOrFile
from streamnorm.spec.config import NormConfig, checked_config
from streamnorm.spec.file_identity import file_identity
from streamnorm.spec.formats import FloatFormat, NumberFormat, RowScaledInput
from streamnorm.spec.formats.element_text import error_unit
from streamnorm.spec.paths import given_path
from streamnorm.spec.values import integer_between, require_function, shortened
from streamnorm_sim.cells import GateNetlist
from streamnorm_sim.engines import DEFAULT_ENGINE, run
from streamnorm_sim.reference.exact_deferred import relative_errors
from streamnorm_sim.streams.rows import ROWS_MAX, RowBatch, fitted, require_side_inputs
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
    accuracy_beside : mapping of str to Accuracy
        Error of the rows that came out on each stream beside the results, by its name; a row's scale has none.
    scale_error : float or None
        With ``defer``, the largest error of a row's scale, relative to the exact one, over `exact_rows`.
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
    accuracy_beside: Mapping[str, Accuracy] = field(default_factory=dict)
    scale_error: float | None = None

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
        for name, accuracy in self.accuracy_beside.items():
            if (of := plan.by_result.get(name)) is not None:
                if accuracy.max_ulp > of.error_allowed + ERROR_TOLERANCE:
                    limit = f"at most {of.error_allowed:.4g} is allowed"
                    found.append(f"{name}: an error of {accuracy.max_ulp:.4f} LSB; {limit}")
            elif accuracy.correctly_rounded < 1:
                wrong = round((1 - accuracy.correctly_rounded) * accuracy.elements)
                found.append(f"{name}: {wrong} elements are not correctly rounded")
        if (self.scale_error or 0.0) > (bound := plan.scale_error_bound or 0.0):
            found.append(f"a scale is {self.scale_error:.3g} of itself off; at most {bound:.3g} is allowed")
        for name, value in self.measured.to_dict().items():
            planned = getattr(self.planned, name)
            if value != planned:
                found.append(f"{name} is {value:g} cycles; the plan says {planned}")
        return found

    def _beside_to_dict(self) -> dict[str, Any]:
        if not self.accuracy_beside:
            return {}
        found = {name: {"max_ulp": of.max_ulp, "mean_ulp": of.mean_ulp} for name, of in self.accuracy_beside.items()}
        return {"beside": found}

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
        results = {"": (self.accuracy, self.config.output)}
        results |= {
            f"{name}: ": (self.accuracy_beside[name], of.output)
            for name, of in self.config.by_result.items()
            if name in self.accuracy_beside
        }
        for name, (accuracy, output) in results.items():
            if saturated := accuracy.saturated:
                share = saturated / accuracy.elements
                said.append(
                    f"{name}{saturated:,} of {accuracy.elements:,} results ({share:.2%}) lie beyond what "
                    f"{_range(output)} can hold, and {_fate(output)}"
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
            **self._beside_to_dict(),
            **({} if self.scale_error is None else {"scale_error": self.scale_error}),
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
    beside: Mapping[str, ArrayOrFile] | None = None,
    stall: str | float = "none",
    seed: int = 0,
    waves: str | os.PathLike[str] | None = None,
    output: str | os.PathLike[str] | None = None,
    outputs_beside: Mapping[str, str | os.PathLike[str]] | None = None,
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
    beside : mapping of str to array (rows, n), or the name of a .npy file that holds one
        With given rows: those of each of the configuration's side inputs, by its name; (rows,) of one with an element
        of each row.
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
    outputs_beside : mapping of str to path, optional
        The same for some of the configuration's side outputs, by their names.
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
    written = {"waves": waves, "output": output} | {
        name: given_path(path, "a .npy file", name) for name, path in (outputs_beside or {}).items()
    }
    _check_written(config, written)
    seed = checked_seed(seed)
    given: RowParts
    if isinstance(rows, Real):
        if beside:
            raise ConfigError(
                f"{next(iter(beside))}: rows of its own go with rows that are given, not with random ones"
            )
        given, kept = RandomRows(config, integer_between("rows", rows, 1, ROWS_MAX), seed), None
    else:
        require_side_inputs(config, beside or {})
        given = GivenRows(config, rows, beside or {})
        for path in written.values():
            for file in given.files:
                refuse_input(path, file)
        kept = [] if given.path is None else None
    checked = _Checked(config, given.count, given.columns)
    tell("build", 0.0)
    formats = {"output": config.output} | {side.name: side.number for side in config.side_outputs}
    with ExitStack() as stack:
        files = {
            name: stack.enter_context(RowFile(path, formats[name], given.columns))
            for name, path in written.items()
            if path is not None and name != "waves"
        }
        for batch in given.parts(whole=waves is not None):  # one file of waves is of one run
            traffic = Traffic(
                rows=batch.x,
                lengths=batch.lengths,
                banks=batch.banks,
                beside=batch.beside,
                source=source,
                sink=sink,
                seed=seed,
            )
            told = partial(_tell_part, tell, checked.rows_in / given.count, len(batch) / given.count)
            try:
                trace = run(config, traffic, engine, waves, told, netlist)
            except CheckFailed as error:
                if len(batch) == given.count:
                    raise
                raise CheckFailed(f"from row {checked.rows_in} on: {error}") from error
            for name, file in files.items():
                file.append((trace.rows if name == "output" else trace.rows_beside[name]).x)
            if kept is not None:
                kept.append(fitted(trace.rows.x, given.columns))
            checked.add(trace, batch)
        tell("check", 1.0)
        for file in files.values():
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
        accuracy_beside={name: Accuracy.join(parts) for name, parts in checked.accuracies_beside.items()},
        scale_error=checked.scale_error,
    )


def _check_written(config: NormConfig, written: Mapping[str, Path | None]) -> None:
    """ConfigError if a file cannot be written, is read, is to be written twice, or has no stream."""
    names = ("waves", "output", *(side.name for side in config.side_outputs))
    for name in written:
        if name not in names:
            raise ConfigError(f"{name}: the unit has no stream of that name beside its results")
    paths = {name: path for name, path in written.items() if path is not None}
    for path in paths.values():
        check_writable(path)
    config.refuse_overwriting(paths.values())
    seen: dict[object, str] = {}
    for name, path in paths.items():
        before = seen.setdefault(file_identity(path), name)
        if before != name:
            plural = "waves are" if before == "waves" else f"{before} is"
            raise ConfigError(f"{name}: {path}: {plural} written there; choose another name")


def _range(number_format: NumberFormat) -> str:
    if isinstance(number_format, FloatFormat):
        return f"{number_format.name} ({-number_format.largest:g} … {number_format.largest:g})"
    if isinstance(number_format, RowScaledInput):
        return f"{number_format.name} in steps of the row's scale ({number_format.min} … {number_format.max})"
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
        self.accuracies_beside: dict[str, list[Accuracy]] = {
            side.name: [] for side in config.side_outputs if not side.per_row
        }
        self.scale_error = 0.0 if config.defer else None
        most = max(1, EXACT_ELEMENTS // columns)
        self._exact = np.arange(count) if count <= most else np.linspace(0, count - 1, most).astype(np.int64)

    def add(self, trace: Trace, batch: RowBatch) -> None:
        """Check the next rows, ``batch``, and what became of them."""
        difference = compare(trace, first_row=self.rows_in)
        self.mismatches += difference.mismatches
        self.first_mismatch = self.first_mismatch or difference.first
        self._measure_errors(trace, batch)
        self.rows_in += len(batch)
        self.rows += len(trace.rows)
        self.elements += int(trace.rows.lengths.sum())
        self.cycles += trace.cycles
        self.seconds += trace.seconds

    def _measure_errors(self, trace: Trace, batch: RowBatch) -> None:
        """Measure the error of the rows that came out whole, or of as many of them as `EXACT_ELEMENTS` allows."""
        got = trace.rows
        common = min(len(got), len(batch))
        wanted = self._exact - self.rows_in
        wanted = wanted[(wanted >= 0) & (wanted < common)]
        usable = wanted[got.lengths[wanted] == batch.lengths[wanted]]
        rows = batch.select(usable)
        y = fitted(got.x[usable], rows.x.shape[1])
        for accuracies, as_given in ((self.accuracies, False), (self.accuracies_as_given, True)):
            accuracies.append(
                Accuracy.of(self.config, y, rows.x, rows.lengths, rows.banks, as_given=as_given, **rows.beside)
            )
        for name, parts in self.accuracies_beside.items():
            came_out = trace.rows_beside[name]
            same = usable[usable < len(came_out)]
            values, rows = fitted(came_out.x[same], batch.x.shape[1]), batch.select(same)
            if (of := self.config.by_result.get(name)) is None:
                parts.append(Accuracy.of_sums(self.config, values, rows))
            else:
                given = (rows.x, rows.lengths, rows.banks)
                parts.append(Accuracy.of(of, values, *given, as_given=False, **rows.beside))
        if self.scale_error is not None:
            came_out = trace.rows_beside["scale"]
            same = usable[usable < len(came_out)]
            errors = relative_errors(self.config, came_out.x[same], batch.select(same))
            self.scale_error = max(self.scale_error, float(np.abs(errors).max(initial=0.0)))
        self.exact_rows += len(usable)
