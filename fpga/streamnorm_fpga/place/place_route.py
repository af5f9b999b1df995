"""Placing and routing a unit, or a whole design with pins, with nextpnr, once per seed, several seeds at a time."""

from __future__ import annotations

import json
import os
import re
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamnorm.errors import CheckFailed, last_line
from streamnorm_sim.toolchain.tools import interrupt

from .critical_path import CriticalPath, critical_path
from .resources import shortage

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Sequence

    from streamnorm_fpga.families import Device

    from .blocks import Blocks
    from .harness import Harness

__all__ = ["DoesNotFit", "NotRouted", "Placed", "Placements", "place_and_route", "read_report"]

_NETLIST = "netlist.json"
_CONSTRAINTS = "constraints"
_UTILISATION = re.compile(r"^Info:\s+(\w+):\s+(\d+)/\s*(\d+)\s+\d+%", re.MULTILINE)
_ROUTER1_BEGINS = re.compile(r"Info: Routing (\d+) arcs\.")
_ROUTER1_SEARCHED = re.compile(r"Info:\s+(\d+) \|")
_ROUTER2_ROUND = re.compile(r"Info:\s+iter=(\d+) ")
_ROUTER1_SEARCHES, _ROUTER1_SEARCHES_EACH, _ROUTER2_ROUNDS = 10_000, 8, 1000


class DoesNotFit(CheckFailed):
    """The part has too little of something, whatever the seed."""


class NotRouted(CheckFailed):
    """A seed with which the design cannot be routed; another one may do."""


class _Circles(NotRouted):
    """The router does not come to an end."""


@dataclass(frozen=True, kw_only=True)
class Placed:
    """What one seed gave.

    Members
    -------
    fmax_mhz : float
        The clock reached.
    path : CriticalPath
        What bounds it.
    used : dict of str to int
        Cells used by nextpnr's names, the harness' among them.
    configuration : str
        What the bitstream is made of; empty unless constraints were given.
    """

    seed: int
    fmax_mhz: float
    path: CriticalPath
    used: dict[str, int]
    configuration: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class Placements:
    """What several seeds gave.

    Members
    -------
    placed : tuple of Placed
        Those that could be routed, at least one, in the order of the seeds.
    unrouted : dict of int to str
        The other seeds, and why.
    """

    placed: tuple[Placed, ...]
    unrouted: dict[int, str]


def place_and_route(
    harness: Harness,
    device: Device,
    blocks: Blocks,
    *,
    clock_mhz: float,
    seeds: Sequence[int],
    constraints: str | None = None,
    progress: Callable[[Placed], None] | None = None,
) -> Placements:
    """Place and route the unit in its harness once per seed, as many at a time as there are processors.

    Parameters
    ----------
    clock_mhz : float
        The clock nextpnr aims at. Missing it is a result, no error.
    constraints : str, optional
        Pins and clocks of a design for a board.
    progress : callable
        Called with each seed's result as it comes, in any order.

    Returns
    -------
    Placements
        Of ``seeds``, each once.

    Raises
    ------
    DoesNotFit
        If the part has too little of something.
    NotRouted
        If the design cannot be routed with any of the seeds; also where the routers turn in circles.
    ToolMissing
        If nextpnr is not there.
    """
    device.family.nextpnr.version()  # YoWASP compiles itself at its first start: once, not once per seed
    seeds = tuple(dict.fromkeys(seeds))
    results: dict[int, Placed] = {}
    failures: dict[int, NotRouted] = {}
    with tempfile.TemporaryDirectory(prefix="streamnorm-") as name:
        run = _Run(Path(name), harness, device, blocks, clock_mhz, constraints)
        with ThreadPoolExecutor(max_workers=min(len(seeds), os.cpu_count() or 1)) as pool:
            futures = {pool.submit(run.place, seed): seed for seed in seeds}
            try:
                for future in as_completed(futures):
                    try:
                        placed = future.result()
                    except NotRouted as error:
                        failures[futures[future]] = error
                        continue
                    results[placed.seed] = placed
                    if progress is not None:
                        progress(placed)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                run.stop()
                raise
    if not results:
        raise failures[seeds[0]]
    return Placements(
        placed=tuple(results[seed] for seed in seeds if seed in results),
        unrouted={seed: str(failures[seed]) for seed in seeds if seed in failures},
    )


def read_report(report: dict[str, Any], seed: int, blocks: Blocks) -> Placed:
    """Read nextpnr's JSON report of a unit, which has one clock, on a board or alone."""
    if len(report["fmax"]) != 1:
        raise CheckFailed(f"nextpnr reports {len(report['fmax'])} clocks; a unit has one")
    ((clock, figures),) = report["fmax"].items()
    return Placed(
        seed=seed,
        fmax_mhz=round(figures["achieved"], 2),
        path=critical_path(report, clock, blocks),
        used={name: entry["used"] for name, entry in report["utilization"].items() if entry["used"]},
    )


class _CirclesOfRouter:
    """Tells from nextpnr's progress that its router does not come to an end.

    What routes takes router1 two searches for each connection, and router2 some dozens of rounds; these bounds are
    several times that, and counted, not timed, so that they mean the same on every machine.
    """

    def __init__(self) -> None:
        self._most_searches = _ROUTER1_SEARCHES

    def seen(self, line: str) -> bool:
        """Whether this next line shows it."""
        if found := _ROUTER1_BEGINS.match(line):
            self._most_searches = max(_ROUTER1_SEARCHES, _ROUTER1_SEARCHES_EACH * int(found[1]))
        elif found := _ROUTER1_SEARCHED.match(line):
            return int(found[1]) > self._most_searches
        elif found := _ROUTER2_ROUND.match(line):
            return int(found[1]) > _ROUTER2_ROUNDS
        return False


class _Run:
    """The nextpnr processes of one fit."""

    def __init__(
        self,
        directory: Path,
        harness: Harness,
        device: Device,
        blocks: Blocks,
        clock_mhz: float,
        constraints: str | None,
    ) -> None:
        self._directory = directory
        self._harness = harness
        self._device = device
        self._blocks = blocks
        self._clock_mhz = clock_mhz
        self._pinned = constraints is not None
        self._processes: list[subprocess.Popen[str]] = []
        self._stopped = False
        (directory / _NETLIST).write_text(json.dumps(harness.netlist.document), encoding="utf-8")
        if constraints is not None:
            (directory / _CONSTRAINTS).write_text(constraints, encoding="utf-8")

    def place(self, seed: int) -> Placed:
        """Place and route with a seed; where the family's usual router turns in circles, another one routes."""
        try:
            return self._place(seed)
        except _Circles:
            return self._place(seed, "--router", self._device.family.other_router)

    def _place(self, seed: int, *options: str) -> Placed:
        report = f"report_{seed}.json"
        arguments = [
            *self._device.nextpnr_arguments,
            *("--json", _NETLIST),
            *("--freq", f"{self._clock_mhz:g}"),
            "--timing-allow-fail",
            *("--seed", str(seed)),
            *("--report", report),
            *options,
        ]
        configuration = self._directory / f"configuration_{seed}"
        if self._pinned:
            files = {"constraints": _CONSTRAINTS, "configuration": configuration.name}
            arguments += [option.format_map(files) for option in self._device.family.pin_options]
        with self._device.family.nextpnr.start(arguments, self._directory) as process:
            self._processes.append(process)
            if self._stopped:  # between this seed's start and the line above
                interrupt(process)
            output = self._output(process, seed)
        if process.returncode != 0:
            raise self._failure(output, seed)
        placed = read_report(json.loads((self._directory / report).read_text(encoding="utf-8")), seed, self._blocks)
        return replace(placed, configuration=configuration.read_text(encoding="utf-8")) if self._pinned else placed

    def _output(self, process: subprocess.Popen[str], seed: int) -> str:
        """What nextpnr prints until it ends, or until its router turns in circles, which it never notices itself."""
        assert process.stdout is not None
        lines = []
        circles = _CirclesOfRouter()
        for line in process.stdout:
            lines.append(line)
            if circles.seen(line):
                process.kill()  # a router inside WebAssembly does not hear an interrupt
                process.wait()
                raise _Circles(
                    f"nextpnr cannot route {self._harness.netlist.top} on {self._device.part} with seed {seed}: "
                    "a few nets displace each other for ever"
                )
        process.wait()
        return "".join(lines)

    def stop(self) -> None:
        self._stopped = True
        for process in self._processes:
            interrupt(process)

    def _failure(self, output: str, seed: int) -> CheckFailed:
        part, top = self._device.part, self._harness.netlist.top
        counts = {kind: (int(used), int(available)) for kind, used, available in _UTILISATION.findall(output)}
        used = {kind: count for kind, (count, _) in counts.items()}
        available = {kind: count for kind, (_, count) in counts.items()}
        if missing := shortage(self._harness, self._device, used, available):
            return DoesNotFit(f"{top} does not fit {part}: {missing}")
        errors = re.findall(r"^ERROR: (.*)$", output, re.MULTILINE)
        reason = "; ".join(errors) or last_line(output)
        return NotRouted(f"nextpnr cannot place and route {top} on {part} with seed {seed}: {reason}")
