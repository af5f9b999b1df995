"""How long a row's statistic may take until the next row's begins."""

from streamnorm.spec.architectures import ONE_PASS, TWO_PASS
from streamnorm.spec.config import NormConfig
from streamnorm.spec.roots import RootMethod

__all__ = ["statistic_interval"]

INTERVAL_MAX = 8
"""Cycles from row to row beyond which no more multipliers would be saved."""

SERIAL_INTERVAL_MIN, SERIAL_INTERVAL_MAX = 16, 40
"""The same where products are worked off bit by bit: shorter ones are not worth the queue of moments, and none has more
steps than the longer."""


def statistic_interval(config: NormConfig, root: RootMethod) -> int:
    """Cycles that the statistic may take from row to row: in a one-pass unit, rows of several beats leave time to share
    its multipliers, and the steps of its root; others work it out at once."""
    if config.architecture != ONE_PASS and (config.architecture != TWO_PASS or config.formula.has_spread):
        return 1
    family = config.device.family
    beats = -(-config.min_length // config.lanes)
    if family.serial_products and beats >= SERIAL_INTERVAL_MIN:
        return min(beats, max(SERIAL_INTERVAL_MAX, root.turns))
    # Products made of logic all at once gain nothing: the queue of moments is as large as what it saves.
    return min(beats, max(INTERVAL_MAX if family.tile is not None else 1, root.turns))
