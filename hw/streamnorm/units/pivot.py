"""The pivot: what a row's elements are taken relative to."""

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import data

from streamnorm.spec.config import NormConfig

__all__ = ["Pivot"]


class Pivot:
    """``d = x - pivot``, exact.

    The pivot is the row's first element where the norm has ``pivot_in_row``, for the reason that
    :class:`~streamnorm.spec.norms.Norm` gives; else the input's zero point. Floats are left as they are. It is there
    from the cycle behind that in which the row's first beat was accepted, in which that beat's own differences are
    taken.

    Parameters
    ----------
    m : Module, where the logic goes
    config : NormConfig
    begins : the next beat that is accepted begins a row
    elements : the lanes of the beat that is offered
    """

    def __init__(self, m: Module, config: NormConfig, begins: Signal, elements: data.View) -> None:
        shape = elements[0].shape()
        self._value: Value
        if config.formula.pivot_in_row and not config.is_floating:
            self._value = Signal(shape, reset_less=True, name="pivot")
            # Followed between rows, not only taken with a row's first beat: nothing waits for the handshake.
            with m.If(begins):
                m.d.sync += self._value.eq(elements[0])
        else:
            self._value = Const(config.input.zero_point, shape)

    def difference(self, x: Value, keep: Value) -> Value:
        """``x - pivot``; 0 in a lane that is not kept.

        Where that is registered, the flip-flop's own synchronous reset clears it: no logic behind the subtractor.
        """
        return Mux(keep, x - self._value, 0)
