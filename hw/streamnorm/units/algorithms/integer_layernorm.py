"""What the units of integer LayerNorms have in common: the mean and the sum of squares, and y in the lanes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Sequence
from typing import ClassVar

from amaranth.hdl import Module, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from streamnorm.logic.digits import divide
from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.logic.row_ring import data_delay
from streamnorm.precision.integer import IntegerPrecision
from streamnorm.spec.config import NormConfig
from streamnorm.units.dyadic_steps import DyadicSteps
from streamnorm.units.result_steps import result_ports
from streamnorm.units.statistic import MomentSignals, StatisticStep

__all__ = ["IntegerApply", "IntegerStatistic"]

_INTERVAL_MAX = 256
"""Cycles from row to row beyond which hardly anything more goes around in one piece of logic."""


class IntegerStatistic(wiring.Component):
    """What the lanes need of a row, from its moments, in integers: its mean and one number more.

    These are m and what stands between V and z in an :class:`~streamnorm.spec.algorithms.IntegerLayerNorm`.

    Takes a row every ``interval`` cycles. Divisions and roots go digit by digit: with an interval above 1, they go
    around in as little logic as it allows. All outputs are registers, there in cycle :attr:`latency`.

    Parameters, inputs and attributes are those of :class:`~streamnorm.units.statistic.Statistic`.

    Members
    -------
    as :attr:`outputs` says: Out, of the shapes of :meth:`shapes`
    """

    outputs: ClassVar[tuple[str, ...]]
    early_outputs: ClassVar[int] = 1

    def __init__(
        self,
        config: NormConfig,
        moments: MomentSignals,
        *,
        cycles: tuple[int, int, int],
        interval: int = 1,
        from_ring: Collection[str] = (),
        apart: bool = False,
    ) -> None:
        self._config = config
        self._precision = precision = IntegerPrecision.of(config)
        self._target = target = config.device
        starts = {"start": In(1)} if interval > 1 else {}
        inputs = {name: In(getattr(moments, name).shape()) for name in ("n", "s1", "s2")}
        shapes = self.shapes(precision)
        super().__init__({**starts, **inputs, **{name: Out(shapes[name]) for name in self.outputs}})
        self._m = m = Module()
        start = self.start if interval > 1 else None
        self._p = p = Pipeline(m, target, "statistic", interval=interval, start=start)
        delays = {name: data_delay(target) for name in from_ring}
        n, s1, s2 = (
            p.input(getattr(self, name), cycle, delays.get(name, 0.0))
            for name, cycle in zip(("n", "s1", "s2"), cycles, strict=True)
        )
        mean, variance = self._moments(n, s1, s2)
        values, steps = self._values(n, variance)
        found = [p.registered(value) for value in (*values, mean)]
        self.latency = self.scale_cycle = self.centre_cycle = max(value.cycle for value in found)
        for name, value in zip(self.outputs, found, strict=True):
            there = p.delayed(value, self.latency)
            m.d.comb += getattr(self, name).eq(there.value)
        self.steps = (
            StatisticStep("mean", mean.cycle, "S1 / n, rounded"),
            StatisticStep("variance", max(mean.cycle, variance.cycle), "S2 - 2 m S1 + n m²"),
            *steps[:-1],
            StatisticStep(steps[-1].name, self.latency, steps[-1].meaning),
        )
        self.tables: dict[str, int] = {}
        self.multipliers = p.multipliers
        self.block_rams = p.block_rams

    @classmethod
    def interval_of(cls, config: NormConfig) -> int:
        """Cycles that it may take from row to row."""
        return min(-(-config.min_length // config.lanes), _INTERVAL_MAX)

    @classmethod
    @abstractmethod
    def shapes(cls, precision: IntegerPrecision) -> dict[str, object]:
        """Shapes of the :attr:`outputs`, by name."""

    @abstractmethod
    def _mean(self, n: Timed, s1: Timed) -> Timed:
        """m, signed, of ``mean_bits``."""

    @abstractmethod
    def _values(self, n: Timed, variance: Timed) -> tuple[list[Timed], Sequence[StatisticStep]]:
        """The outputs besides the mean, which is the last, and what happens on the way to them."""

    def _moments(self, n: Timed, s1: Timed, s2: Timed) -> tuple[Timed, Timed]:
        """m and V, from registers."""
        mean = self._p.registered(self._mean(n, s1))
        return mean, self._p.registered(self._variance(n, s1, s2, mean))

    def _variance(self, n: Timed, s1: Timed, s2: Timed, mean: Timed) -> Timed:
        """``V = S2 - m*(2*S1 - n*m)``."""
        p = self._p
        product = p.multiply(mean, n)
        twice = p.concat(p.constant(0, unsigned(1)), s1).as_signed()
        rest = p.add(twice, product, signed(max(twice.width, product.width) + 1), subtract=True, name="rest")
        # The factor is about S1, whatever its product with n could have been.
        rest = p.reshape(rest, signed(self._precision.ranges.sum_bits + 2))
        return p.add(
            s2, p.multiply(mean, rest), unsigned(self._precision.variance_bits), subtract=True, name="variance"
        )

    def elaborate(self, platform: object) -> Module:
        return self._m


class IntegerApply(wiring.Component):
    """Each lane's element less the mean, from that to z, and its requantization; a beat a cycle.

    Parameters, ports and attributes are those of :class:`~streamnorm.units.apply.Apply`, with the outputs of the
    algorithm's statistic in the place of scale, centre and shift; all of them enter with ``d``.
    """

    statistic: ClassVar[type[IntegerStatistic]]
    about: ClassVar[str]
    gamma_cycle: int
    beta_cycle: int
    keep_cycle: int
    latency: int

    def __init__(
        self,
        config: NormConfig,
        *,
        d_delay: float,
        parameter_delay: float,
        parameter_cycle: int = 0,
        apart: bool = False,
    ) -> None:
        self._precision = precision = IntegerPrecision.of(config)
        self._target = target = config.device
        shapes, names = self.statistic.shapes(precision), self.statistic.outputs
        super().__init__(
            {
                "d": In(data.ArrayLayout(signed(precision.difference_bits), config.lanes)),
                **{name: In(shapes[name]) for name in names},
                **result_ports(config),
            }
        )
        self._m = m = Module()
        self._p = p = Pipeline(m, target, "apply")
        self.centre_cycle = 0
        *values, mean = (p.input(getattr(self, name), 0, data_delay(target)) for name in names)
        normalized = [
            self._normalized(self._centred(p.input(self.d[lane], 0, d_delay), mean), values)
            for lane in range(config.lanes)
        ]
        DyadicSteps(p, config).finish(
            self,
            normalized,
            parameter_delay=parameter_delay,
            distance=target.family.block_distance,
            earliest=parameter_cycle,
        )
        self.multipliers = p.multipliers

    def _centred(self, d: Timed, mean: Timed) -> Timed:
        """y; from a register, since it goes into products or comparisons."""
        p = self._p
        return p.registered(p.add(d, mean, signed(self._precision.centred_bits), subtract=True, name="centred"))

    @abstractmethod
    def _normalized(self, centred: Timed, values: Sequence[Timed]) -> Timed:
        """z, signed, of ``normalized_bits``, from y and the statistic's outputs but the mean."""

    def elaborate(self, platform: object) -> Module:
        return self._m


def half_even_mean(p: Pipeline, n: Timed, s1: Timed, bits: int) -> Timed:
    """S1 / n, half to even, of ``bits``."""
    target = p.target
    quotient, rest = divide(p, "mean", p.registered(p.magnitude(s1)), n, bits)
    twice = p.concat(p.constant(0, unsigned(1)), rest)
    less = p.add(n, twice, signed(max(n.width, twice.width) + 2), subtract=True, name="below_half")
    delay = target.logic(less.width + 1)

    def is_up(x: Value, q: Value) -> Value:
        return (x < 0) | ((x == 0) & q)

    up = p.operate("up", delay, [less, quotient.bits(0, 1)], unsigned(1), is_up)
    magnitude = p.add(quotient, up, unsigned(bits), name="magnitude")
    return p.negated(magnitude, s1.bits(s1.width - 1, s1.width), signed(bits))
