"""A session with a board, simulated or real: what it is, its self-test, rows through it, its cycle counts."""

from __future__ import annotations

import time
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm_fpga.bitstream.design import BAUD
from streamnorm_fpga.top.board_top import identity
from streamnorm_sim.check.row_files import check_writable, read_rows, refuse_input, write_rows
from streamnorm_sim.streams.rows import RowBatch, require_side_inputs
from streamnorm_sim.vectors import vectors_of

from .check import check_rows, measure_cycles
from .info import ask_info, run_self_test, self_test_of
from .link import BoardLink
from .port import open_port
from .report import HostReport, Simulated
from .vectors import longest_vectors, mixed_vectors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from streamnorm.spec.config import NormConfig
    from streamnorm_fpga.boards import Board
    from streamnorm_fpga.virtual_board import VirtualBoard

__all__ = ["session"]

_PATIENCE, _PATIENCE_VIRTUAL = 0.25, 0.5
_BACK_TO_BACK = 16  # rows; a board holds fewer of long ones, two at least


def session(
    config: NormConfig | None,
    port: str | None,
    *,
    board: Board | None = None,
    baud: int = BAUD,
    input: Path | None = None,
    rows: int = 200,
    lengths: Sequence[int] = (),
    seed: int = 0,
    output: Path | None = None,
    beside: Mapping[str, Path] | None = None,
    outputs_beside: Mapping[str, Path] | None = None,
    stalls: bool = False,
    self_test: bool = False,
    faults: float = 0.0,
    progress: Callable[[str, int, int | None], None] = lambda step, done, total: None,
) -> HostReport:
    """Ask a board what it is and, if its configuration is known, check rows and cycle counts.

    Parameters
    ----------
    config : NormConfig or None
        Of the unit on the board. Where absent, the board only tells of itself.
    port : str or None
        The board's serial port. Where absent, the design is compiled and run, which takes a ``config``.
    board : Board, optional
        Its part takes the place of the configuration's target.
    input : Path, optional
        A .npy file with the rows to send, see `streamnorm_sim.check.row_files.read_rows`. Where absent, ``rows``
        corner and random rows, or random rows of ``lengths``, drawn with ``seed``.
    output : Path, optional
        Where the rows that came out are written as a .npy file.
    beside : mapping of str to Path, optional
        With ``input``: the same for each of the configuration's side inputs, by its name.
    outputs_beside : mapping of str to Path, optional
        The same as ``output`` for some of the configuration's side outputs, by their names.
    stalls : bool
        Let source and sink of the unit stall at random.
    self_test : bool
        Let the board test itself once more, first.
    faults : float
        Chance of each octet on a simulated board's line to be corrupted, lost, or preceded by garbage.
    progress : function of str, int, int or None
        Told what is being done, how much of it is done, and of how much.

    Returns
    -------
    HostReport
        Whatever is wrong with values, cycles or the self-test is in its `failures`, not raised.

    Raises
    ------
    ConfigError
        If an argument is not valid, a file cannot be read or written, or the board holds another unit.
    ToolMissing
        If there is no port, nobody answers, or a tool is missing that a simulated board needs.
    CheckFailed
        If the board does not understand a request, or its self-test does not end.
    """
    vectors, formats, beside = None, {}, beside or {}
    written = ({} if output is None else {"": output}) | {**(outputs_beside or {})}
    if config is not None:
        config = config if board is None else config.replace(target=board.target)
        # What cannot be sent, read or written is told of before anything is opened.
        formats = {"": config.output} | {side.name: side.number for side in config.side_outputs}
        for name, path in written.items():
            if name not in formats:
                raise ConfigError(f"{name}: the unit has no stream of that name beside its results")
            check_writable(path)
            for given in (input, *beside.values()):
                refuse_input(path, given)
        for length in lengths:
            if length > config.max_length:
                raise ConfigError(f"--lengths: {length} is more than max_length = {config.max_length}")
        if input is not None:
            require_side_inputs(config, beside)
            batch = RowBatch.of(config, read_rows(config, input, **beside), None, None, **beside)
            vectors = vectors_of(config, batch)
        else:
            vectors = mixed_vectors(config, rows, lengths=lengths, seed=seed)
    with ExitStack() as stack:
        virtual = None
        if port is None:
            if config is None:
                raise ValueError("a simulated board needs a configuration")
            progress("compiling the board", 0, None)
            virtual = stack.enter_context(_virtual_board(config, faults, seed))
            port = virtual.port
        patience = _PATIENCE if virtual is None else _PATIENCE_VIRTUAL
        link = BoardLink(stack.enter_context(open_port(port, baud)), port, baud, patience)
        progress("asking the board", 0, None)
        info, record = ask_info(link)
        if config is not None:
            info.check_identity(port, config.name, identity(config))
            if board is not None and info.target != board.target:
                raise ConfigError(f"{port}: the bitstream is for {info.target}, {board.name} has {board.target}")
        if self_test:
            progress("testing", 0, None)
            record = run_self_test(link)
        checked, cycles, cycle_rows, planned, line_octets = None, None, (), None, 0.0
        if config is not None and vectors is not None:
            if len(vectors.lengths):
                line_octets = -_line_octets(link, virtual)
                checked = check_rows(link, info, config, vectors, stalls=stalls, progress=partial(progress, "rows"))
                line_octets += _line_octets(link, virtual)
                for name, path in written.items():
                    write_rows(path, formats[name], checked.beside[name] if name else checked.values)
            progress("counting cycles", 0, None)
            back_to_back = min(_BACK_TO_BACK, info.memory_beats // config.max_beats)
            longest = longest_vectors(config, 1 + back_to_back, seed=seed)
            cycles, cycle_rows = measure_cycles(link, info, config, longest)
            record = cycle_rows[-1].record
            planned = Plan.of(config.replace(target=info.target, clock_mhz=info.planned_mhz)).latency(config.max_length)
        return HostReport(
            port=port,
            baud=baud,
            info=info,
            self_test=self_test_of(record),
            rows=checked,
            cycles=cycles,
            cycle_rows=cycle_rows,
            planned=planned,
            record=record,
            link=link.statistics,
            line_octets=line_octets,
            virtual=virtual and Simulated.of(virtual),
        )


def _virtual_board(config: NormConfig, faults: float, seed: int) -> VirtualBoard:
    # Not with the other imports: a real board needs no pseudo-terminals, and not every system has them.
    from streamnorm_fpga.virtual_board import BIT_CYCLES, Faults, VirtualBoard, board_text

    line = Faults(corrupt=faults, drop=faults, garbage=faults, seed=seed)
    return VirtualBoard(*board_text(config), BIT_CYCLES, faults=line)


def _line_octets(link: BoardLink, virtual: VirtualBoard | None) -> float:
    """A clock that counts the octets that the line could have carried so far."""
    return time.monotonic() * link.baud / 10 if virtual is None else virtual.line_octets
