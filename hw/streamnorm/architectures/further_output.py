"""The way of a further result beside the lanes: its gamma and beta, its queue, and the room that there is in it."""

from amaranth.hdl import Elaboratable, Module, Signal

from streamnorm.logic.level import Level
from streamnorm.logic.primitives.queue import whole_columns
from streamnorm.spec.config import NormConfig
from streamnorm.units import dispatch
from streamnorm.units.apply import Apply
from streamnorm.units.dispatch import Dispatch
from streamnorm.units.output_queue import OutputQueue
from streamnorm.units.parameter_store import ParameterStore
from streamnorm.units.streams import side_layout

from .connections import connect_parameters, connect_results

__all__ = ["FurtherOutput"]


class FurtherOutput(Elaboratable):
    """Gamma and beta of a further result, and the queue that takes it.

    The lanes, which are in :class:`Apply`, and the dispatch are connected here.

    Attributes
    ----------
    name, port : of the result and of the unit's stream
    store : ParameterStore; where gamma and beta are loaded, it follows that of the unit's own result
    queue : OutputQueue, whose ``o`` is that stream
    room : whether the queue has room for one more beat, those sent before counted: a register
    depth : entries of the queue; issue_to_write : cycles from a beat's issue to its being written there
    reads : cycles from a beat's issue until it has its gamma and beta
    multipliers : tiles; block_rams : of gamma and beta, and of the queue

    Parameters
    ----------
    config : NormConfig, of the unit
    name : of the result
    apply : has the lanes
    issue : Dispatch, gated
    base : cycles from a beat's issue to ``apply``
    """

    def __init__(self, config: NormConfig, name: str, apply: Apply, issue: Dispatch, *, base: int) -> None:
        (side,) = (result.side for result in config.results if result.name == name)
        self.name, self.port = name, side.port
        self._config = config.by_result[name]
        self._lanes = lanes = apply.further[name]
        self._issue, self._base = issue, base
        self.room = Signal()
        self.store = ParameterStore(self._config, follows=True)
        self.reads = base + max(lanes.gamma_cycle, lanes.beta_cycle)
        self.issue_to_write = base + lanes.latency
        self.depth = depth = whole_columns(self.issue_to_write + 1 + dispatch.CREDIT_RETURN)
        family = config.device.primitives
        self.queue = OutputQueue(side_layout(config, side, flagged=True), depth=depth, family=family)
        self._credits = Level(maximum=depth, init=depth)
        self.multipliers = lanes.multipliers
        self.block_rams = self.store.block_rams, self.queue.block_rams

    def elaborate(self, platform: object) -> Module:
        m, issue = Module(), self._issue
        m.submodules.parameter_store = self.store
        m.submodules.output_queue = queue = self.queue
        m.submodules.credits = credits = self._credits
        connect_parameters(m, self.store, issue, self._config.banks, self._lanes, self._base)
        connect_results(m, self._config, issue, issue.issue, self._lanes, self._base, queue)
        m.d.sync += credits.up.eq(queue.released)
        m.d.comb += [credits.down.eq(issue.sent), self.room.eq(credits.some)]
        return m
