"""A session of ``streamnorm host`` with a board, simulated or real."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from streamnorm.errors import ConfigError
from streamnorm_cli.board_options import expected_signature

from .host_rows import longest_rows, user_rows

if TYPE_CHECKING:
    from streamnorm.spec.config import NormConfig
    from streamnorm.verilog.vector_files import Vectors
    from streamnorm_fpga.host.info import Info
    from streamnorm_fpga.host.link import BoardLink
    from streamnorm_fpga.host.report import HostReport
    from streamnorm_fpga.virtual_board import VirtualBoard

BIT_CYCLES = 8
"""Clock cycles of a bit on a simulated board's line: the fewer, the faster."""

_PATIENCE, _PATIENCE_VIRTUAL = 0.25, 0.5
_BACK_TO_BACK = 16  # rows; a board holds fewer of long ones, two at least

Show = Callable[[str, int, int | None], None]
"""Told what is being done, how much of it is done, and of how much."""


def session(
    args: argparse.Namespace, config: NormConfig | None, show: Show
) -> tuple[HostReport, dict[str, Any] | None]:
    """Open the port, run everything, and return the report, and what there is to tell of a simulated board."""
    from streamnorm_fpga.host.link import BoardLink
    from streamnorm_fpga.host.port import open_port

    if config is not None and args.board:
        from streamnorm_fpga.boards import board_named

        config = config.replace(target=board_named(args.board).target)
    vectors = None
    if config is not None:
        _check_rows(args, config)
        vectors = user_rows(args, config)  # a file that cannot be read is told of before anything is opened
    with ExitStack() as stack:
        virtual = None
        if args.virtual and config is not None:
            show("compiling the board", 0, None)
            virtual = stack.enter_context(_virtual_board(config, args.faults, args.seed))
        path = virtual.port if virtual else args.port
        port = stack.enter_context(open_port(path, args.baud))
        patience = _PATIENCE_VIRTUAL if virtual else _PATIENCE
        link = BoardLink(port, path, args.baud, patience)
        report = _Session(link, config, vectors, args, show, _line(args.baud, virtual)).report()
        return report, virtual and _told(virtual)


def _virtual_board(config: NormConfig, faults: float, seed: int) -> VirtualBoard:
    """Power up the very design that would go on a board, clock and pins aside."""
    from amaranth.back import rtlil

    from streamnorm.verilog.emit import verilog
    from streamnorm_fpga.top.board_top import BoardTop, info
    from streamnorm_fpga.virtual_board import Faults, VirtualBoard

    circuit = BoardTop(
        config,
        bit_cycles=BIT_CYCLES,
        expected_signature=expected_signature(config),
        info=info(config, config.clock_mhz),
        clock_mhz=config.clock_mhz,
    )
    text = rtlil.convert(circuit, name="top", emit_src=False)
    line = Faults(corrupt=faults, drop=faults, garbage=faults, seed=seed)
    return VirtualBoard(text, verilog(config), BIT_CYCLES, faults=line)


def _line(baud: int, virtual: VirtualBoard | None) -> Callable[[], float]:
    """Return a clock that counts the octets that the line could have carried so far."""
    if virtual is None:
        return lambda: time.monotonic() * baud / 10
    return lambda: virtual.cycle / (10 * BIT_CYCLES)


def _told(virtual: VirtualBoard) -> dict[str, Any]:
    return {
        "cycles": virtual.cycle,
        "cycles_per_second": round(virtual.cycles_per_second),
        "faults": virtual.faults_hit,
    }


def _check_rows(args: argparse.Namespace, config: NormConfig) -> None:
    """Refuse rows that cannot be sent, before anything is opened."""
    from streamnorm_sim.check.simulate import check_writable

    check_writable(args.output)
    for length in args.lengths or ():
        if length > config.max_length:
            raise ConfigError(f"--lengths: {length} is more than max_length = {config.max_length}")


@dataclass
class _Session:
    """The steps of a session with a board."""

    link: BoardLink
    config: NormConfig | None
    vectors: Vectors | None
    args: argparse.Namespace
    show: Show
    line: Callable[[], float]

    def report(self) -> HostReport:
        """Ask the board what it is, send the rows, count the cycles."""
        from streamnorm.plan import Plan
        from streamnorm_fpga.host.check import check_rows, measure_cycles
        from streamnorm_fpga.host.info import ask_info, run_self_test, self_test_of
        from streamnorm_fpga.host.report import HostReport
        from streamnorm_sim.check.simulate import write_rows

        link, config, vectors, args = self.link, self.config, self.vectors, self.args
        self.show("asking the board", 0, None)
        info, record = ask_info(link)
        if config is not None:
            self._check_board(info, config)
        if args.self_test:
            self.show("testing", 0, None)
            record = run_self_test(link)
        rows, cycles, cycle_rows, planned, line_octets = None, None, (), None, 0.0
        if config is not None and vectors is not None:
            if len(vectors.lengths):
                line_octets = -self.line()
                rows = check_rows(
                    link, info, config, vectors, stalls=args.stalls, progress=partial(self.show, "rows")
                )
                line_octets += self.line()
                if args.output is not None:
                    write_rows(args.output, config, rows.values)
            self.show("counting cycles", 0, None)
            back_to_back = min(_BACK_TO_BACK, info.memory_beats // config.max_beats)
            longest = longest_rows(config, 1 + back_to_back, args.seed)
            cycles, cycle_rows = measure_cycles(link, info, config, longest)
            record = cycle_rows[-1].record
            planned = Plan.of(config.replace(target=info.target, clock_mhz=info.planned_mhz)).latency(
                config.max_length
            )
        return HostReport(
            port=link.name,
            baud=link.baud,
            info=info,
            self_test=self_test_of(record),
            rows=rows,
            cycles=cycles,
            cycle_rows=cycle_rows,
            planned=planned,
            record=record,
            link=link.statistics,
            line_octets=line_octets,
        )

    def _check_board(self, info: Info, config: NormConfig) -> None:
        from streamnorm_fpga.top.board_top import identity

        info.check_identity(self.link.name, config.name, identity(config))
        if self.args.board and info.target != config.target:
            raise ConfigError(
                f"{self.link.name}: the bitstream is for {info.target}, {self.args.board} has {config.target}"
            )
