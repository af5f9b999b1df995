"""The work behind ``streamnorm simulate``: rows through the hardware, values and cycle counts checked."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamnorm.errors import ConfigError
from streamnorm.plan import Latency, Plan
from streamnorm.spec.architectures import ARCHITECTURES
from streamnorm.spec.arrays import ArrayOrFile
from streamnorm.spec.config import NormConfig
from streamnorm.spec.values import integer_at_least, shortened
from streamnorm_sim.cells import GateNetlist
from streamnorm_sim.engines import DEFAULT_ENGINE, run
from streamnorm_sim.reference.rows import random_rows
from streamnorm_sim.streams.rows import RowBatch, fitted
from streamnorm_sim.streams.seeds import seeded
from streamnorm_sim.streams.stalls import parse_stalls
from streamnorm_sim.streams.trace import Trace
from streamnorm_sim.streams.traffic import Traffic

from .accuracy import Accuracy
from .compare import compare
from .measure import Measured, measure_cycles

ELEMENTS_MAX = 1 << 27
"""Elements of random rows, at most: all of them are in memory at once."""

EXACT_ELEMENTS = 4_000_000
"""More than these are not all compared: the exact reference takes about a second for two million elements."""

Progress = Callable[[str, float], None]
"""Told what is being done ("build", "run", "check" or "measure") and the share of it that is done, 0 to 1."""


@dataclass(frozen=True, eq=False)
class Simulation:
    """What a simulation found.

    Attributes
    ----------
    config : NormConfig
    trace : Trace
        The run itself.
    stall : str
        As given.
    mismatches : int
        Elements that differ from the golden model.
    first_mismatch : str or None
        The first of them, in words.
    accuracy : Accuracy
        Error of what came out against the exact reference.
    exact_rows : int
        Rows that this error is taken over: all of them, unless they have more than `EXACT_ELEMENTS` elements.
    measured : Measured
        Cycles of the longest rows, from a run of their own without stalls.
    planned : Latency
        The plan's.
    netlist : str or None
        Family of the netlist that ran in place of the generated unit.
    """

    config: NormConfig
    trace: Trace
    stall: str
    mismatches: int
    first_mismatch: str | None
    accuracy: Accuracy
    exact_rows: int
    measured: Measured
    planned: Latency
    netlist: str | None = None

    def __repr__(self) -> str:
        found = "; ".join(self.failures) or "all as planned"
        return f"<Simulation of {len(self.trace.rows)} rows on {self.trace.engine}: {shortened(found, 60)}>"

    @property
    def failures(self) -> list[str]:
        """Return what is not as it must be, a sentence each; nothing if all is well."""
        found = []
        if self.first_mismatch is not None:
            found.append(f"{self.mismatches} elements differ from the golden model: {self.first_mismatch}")
        if self.accuracy.max_ulp > 1 and ARCHITECTURES[self.trace.config.architecture].exact:
            found.append(f"an error of {self.accuracy.max_ulp:.4f} output LSB; at most 1 is allowed")
        for name, value in self.measured.to_dict().items():
            planned = getattr(self.planned, name)
            if value != planned:
                found.append(f"{name} is {value:g} cycles; the plan says {planned}")
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the report that ``--json`` prints."""
        trace = self.trace
        return {
            "name": self.config.name,
            "engine": trace.engine,
            "architecture": trace.config.architecture,
            "netlist": self.netlist,
            "seed": trace.traffic.seed,
            "stall": self.stall,
            "rows": len(trace.rows),
            "elements": int(trace.rows.lengths.sum()),
            "mismatches": self.mismatches,
            "first_mismatch": self.first_mismatch,
            "max_ulp": self.accuracy.max_ulp,
            "mean_ulp": self.accuracy.mean_ulp,
            "correctly_rounded": self.accuracy.correctly_rounded,
            "exact_rows": self.exact_rows,
            "measured": self.measured.to_dict(),
            "planned": {name: getattr(self.planned, name) for name in ("L1", "L2", "L3", "SS")},
            "cycles": trace.cycles,
            "cycles_per_second": round(trace.cycles_per_second),
        }


def simulate(
    config: NormConfig,
    *,
    engine: str = DEFAULT_ENGINE,
    rows: int | ArrayOrFile = 200,
    stall: str = "none",
    seed: int = 0,
    waves: str | os.PathLike[str] | None = None,
    output: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    netlist: GateNetlist | None = None,
) -> Simulation:
    """Run rows through the hardware of a configuration and check what comes out.

    Parameters
    ----------
    engine : str
        One of `streamnorm_sim.engines.ENGINES`.
    rows : int, array (rows, n), or the name of a .npy file that holds one
        How many random rows, at least 1, of mixed length, statistics and bank; or the rows, see `read_rows`, which
        take bank 0.
    stall : str
        Stalls of source and sink, see `streamnorm_sim.streams.stalls.parse_stalls`.
    seed : int
        Seed of the random rows and stalls, at least 0.
    waves : path, optional
        Where a VCD file of the run is written.
    output : path, optional
        Where the rows that came out are written as a .npy file: integers of the output format, (rows, n),
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
        If an argument is not valid, or a file cannot be read or written.
    ToolMissing
        If the engine needs a program that is not installed.
    CheckFailed
        If the unit hangs, or its output stream is malformed.
    """
    tell: Progress = progress or (lambda stage, share: None)
    source, sink = parse_stalls(stall)
    waves, output = (None if path is None else Path(path) for path in (waves, output))
    for path in (waves, output):
        check_writable(path)
    rng = seeded(seed)
    count = integer_at_least("rows", rows, 1) if isinstance(rows, Real) else None
    if count is not None and count * config.max_length > ELEMENTS_MAX:
        raise ConfigError(
            f"rows = {rows}: at most {ELEMENTS_MAX // config.max_length:,} of up to {config.max_length} elements"
        )
    batch = RowBatch.of(config, read_rows(config, rows)) if count is None else random_rows(config, count, rng)
    traffic = Traffic(rows=batch.x, lengths=batch.lengths, banks=batch.banks, source=source, sink=sink, seed=seed)
    tell("build", 0.0)
    trace = run(config, traffic, engine, waves, lambda share: tell("run", share), netlist)
    tell("check", 0.0)
    if output is not None:
        write_rows(output, config, trace.rows.x)
    difference = compare(trace)
    accuracy, exact_rows = _accuracy(config, trace, batch)
    tell("measure", 0.0)
    measured = measure_cycles(config, engine=engine, seed=seed, netlist=netlist)
    tell("measure", 1.0)
    return Simulation(
        config=config,
        trace=trace,
        stall=stall,
        mismatches=difference.mismatches,
        first_mismatch=difference.first,
        accuracy=accuracy,
        exact_rows=exact_rows,
        measured=measured,
        planned=Plan.of(config).latency(config.max_length),
        netlist=None if netlist is None else netlist.family,
    )


def read_rows(config: NormConfig, rows: ArrayOrFile) -> NDArray[np.integer]:
    """Return rows given as an array of shape (rows, n), or as the .npy file that holds one.

    Floats are real values, quantized by the input format's scale and zero point; integers are taken as they
    are.

    Raises
    ------
    ConfigError
        If the file is not such an array, rows are too long, or an element is not finite or outside the input
        format.
    """
    batch = RowBatch.of(config, rows)
    if not len(batch):
        raise ConfigError(f"{f'{rows}: ' if isinstance(rows, str | os.PathLike) else ''}there are no rows")
    return batch.x


def _accuracy(config: NormConfig, trace: Trace, batch: RowBatch) -> tuple[Accuracy, int]:
    """Measure the error of the rows that came out whole, or of as many of them as `EXACT_ELEMENTS` allows."""
    got = trace.rows
    common = min(len(got), len(batch))
    usable = np.flatnonzero(got.lengths[:common] == batch.lengths[:common])
    most = max(1, EXACT_ELEMENTS // batch.x.shape[1])
    if len(usable) > most:
        usable = usable[np.linspace(0, len(usable) - 1, most).astype(np.int64)]
    rows = batch.select(usable)
    y = fitted(got.x[usable], rows.x.shape[1])
    return Accuracy.of(config, y, rows.x, rows.lengths, rows.banks), len(usable)


def check_writable(path: Path | None) -> None:
    """Refuse, before a long run, a file that cannot be written after it."""
    if path is not None and (path.is_dir() or not path.absolute().parent.is_dir()):
        why = "is a directory" if path.is_dir() else f"there is no directory {path.absolute().parent}"
        raise ConfigError(f"{path}: cannot be written: {why}")


def write_rows(path: Path, config: NormConfig, values: NDArray[np.integer]) -> None:
    """Write elements of the output format to a .npy file, as the narrowest integers that hold them.

    Raises
    ------
    ConfigError
        If the file cannot be written.
    """
    number_format = config.output
    width = next(width for width in (8, 16, 32) if width >= number_format.bits)
    integers = values.astype(f"{'i' if number_format.signed else 'u'}{width // 8}")
    try:
        with path.open("wb") as file:  # np.save would add .npy to another name
            np.save(file, integers)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error
