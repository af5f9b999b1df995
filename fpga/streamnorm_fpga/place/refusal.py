"""Units that cannot exist are refused before minutes of synthesis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamnorm.plan import Limits, Plan

from .place_route import DoesNotFit

if TYPE_CHECKING:
    from streamnorm.spec.config import NormConfig

__all__ = ["refuse_impossible"]


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
