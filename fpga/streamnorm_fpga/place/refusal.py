"""Units that cannot exist are refused before minutes of synthesis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamnorm.plan import Limits, Plan

from .place_route import DoesNotFit

if TYPE_CHECKING:
    from streamnorm.spec.config import NormConfig
    from streamnorm_fpga.boards.board import Board

__all__ = ["refuse_impossible", "refuse_impossible_on"]


def refuse_impossible(config: NormConfig, where: str, clock_mhz: float) -> None:
    """Raise DoesNotFit, with what to change, if the plan says that a part has no room for a unit or is too slow.

    Parameters
    ----------
    where : str
        What the part is called.
    clock_mhz : float
        The clock it is to run at, 0 if it may be any; the pipeline is that of the configuration's clock.
    """
    if refusal := Limits(Plan.of(config)).refusal(clock_mhz):
        raise DoesNotFit(f"{config.name} does not fit {where}: {refusal}")


def refuse_impossible_on(board: Board, config: NormConfig, clock_mhz: float, *, allow_slow: bool) -> None:
    """Raise DoesNotFit if a board has no room for a unit, or unless ``allow_slow`` is too slow for the fabric's clock.

    The configuration may have another target than the board's.
    """
    on_board = config.replace(target=board.target)
    refuse_impossible(on_board, f"{board.name} ({board.part})", 0.0 if allow_slow else clock_mhz)
