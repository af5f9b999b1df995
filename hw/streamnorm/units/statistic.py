"""The statistic: from a row's moments to its scale and centre, without a division."""

from collections.abc import Collection, Mapping
from typing import Any, ClassVar, NamedTuple, Protocol

from amaranth.hdl import Module, Signal, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from streamnorm.logic.leading_one import leading_one, normalized, shift_left, shift_right
from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.logic.row_ring import data_delay
from streamnorm.precision.interval import statistic_interval
from streamnorm.precision.precision import Precision
from streamnorm.spec.config import NormConfig
from streamnorm.spec.roots.squared import SQUARED_GUARD, squared_hardware

from .timed_moments import TimedMoments

__all__ = ["MomentSignals", "Statistic", "StatisticStep"]


class MomentSignals(Protocol):
    """Whatever has a row's moments and its weight, such as :class:`~streamnorm.units.moments.Moments`.

    In the place of s2 is M where a norm has that: see :class:`~streamnorm.units.absolute_sum.AbsoluteSum`.
    """

    names: ClassVar[tuple[str, ...]]
    n: Signal
    s1: Signal
    s2: Signal


class StatisticStep(NamedTuple):
    """A step of a statistic, for a report: its name, the cycle in which its result is there, what happens in it."""

    name: str
    cycle: int
    meaning: str


class Statistic(wiring.Component):
    """Scale, centre and shift of a row from its moments: variance, reciprocal square root, and their product with n.

    These are steps 1 to 5 of :class:`~streamnorm.precision.precision.Precision`: ``RF``, ``KF - half(s)`` and ``s``.

    Takes a row every ``interval`` cycles. The inputs come at their own cycles, counted from a moment of the caller's
    choice. All outputs are registers: ``scale`` is there in cycle :attr:`scale_cycle`, ``centre`` and ``shift`` in
    cycle :attr:`centre_cycle`, which is not earlier, and is :attr:`latency`.

    Parameters
    ----------
    config : NormConfig
    moments : what has signals of the inputs' shapes
    cycles : when n, s1 and s2, and whatever comes besides, are there
    interval : cycles from row to row, at least; above 1, products share multipliers
    from_ring : which of "n", "s1" and "s2" come out of a RowRing, not from a register
    apart : whether scale does not wait for centre and shift

    Members
    -------
    start : In(1); 1 in cycle 0 of a row; only with an interval above 1
    n : In(weight_bits), the weight of the row; s1 : In(signed(sum_bits)); s2 : In(bits of square_sum_max)
    scale : Out(scale_bits); centre : Out(centre_bits); shift : Out(bits of shift_count - 1)

    Attributes
    ----------
    outputs : names of the outputs, those that are there first before the others
    early_outputs : how many are there first, with scale
    steps : what happens, step by step, up to that one
    tables : block RAMs of the tables, by what they are called
    multipliers, block_rams : in all
    """

    outputs: ClassVar[tuple[str, ...]] = ("scale", "centre", "shift")
    early_outputs: ClassVar[int] = 1
    _of_variance: ClassVar[str] = "n S2 - S1² and epsilon"
    _of_scale: ClassVar[str] = "times n and times S1, shifts"
    """What happens in those steps, for a report."""

    def __init__(
        self,
        config: NormConfig,
        moments: MomentSignals,
        *,
        cycles: tuple[int, ...],
        interval: int = 1,
        from_ring: Collection[str] = (),
        apart: bool = False,
    ) -> None:
        self._precision = precision = Precision.of(config)
        self._target = target = config.device
        shift_bits = max(1, (precision.shift_count - 1).bit_length())
        starts = {"start": In(1)} if interval > 1 else {}
        super().__init__(
            {
                **starts,
                "n": In(moments.n.shape()),
                "s1": In(moments.s1.shape()),
                "s2": In(moments.s2.shape()),
                **self.members(moments),
                "scale": Out(precision.scale_bits),
                "centre": Out(precision.centre_bits),
                "shift": Out(shift_bits),
            }
        )
        self._m = m = Module()
        start = self.start if interval > 1 else None
        self._p = p = Pipeline(m, target, "statistic", interval=interval, start=start)
        delays = {name: data_delay(target) for name in from_ring}
        self._norm = norm = config.formula
        self._placement = config.placement
        self._take(cycles, delays)
        count = n = None if norm.has_unit_weight else p.input(self.n, cycles[0], delays.get("n", 0.0))
        s1 = p.input(self.s1, cycles[1], delays.get("s1", 0.0)) if norm.has_sum else None
        measured = norm.has_squares or norm.has_absolute_sum
        s2 = p.input(self.s2, cycles[2], delays.get("s2", 0.0)) if measured else None

        centred = s1 if norm.centred else None
        if norm.has_factor:
            n, centred = self._with_factor(count, centred)
        variance = self._variance(n, count, s1, s2)
        rho, half_position = self._reciprocal_root(variance)
        rho = self._in_output_steps(rho)
        numerator, leading = self._numerator(n)
        left, index = self._exponent(leading, half_position)
        scale = self._scale(numerator, left, rho)
        centre = self._centre(centred, left, rho, index)

        self._finish({"centre": centre, "shift": index, "scale": scale}, variance, rho, apart=apart)

    @staticmethod
    def members(moments: Any) -> Mapping[str, Any]:
        """What comes in besides, of ``moments``."""
        return {}

    def _take(self, cycles: tuple[int, ...], delays: Mapping[str, float]) -> None:
        """Takes that in, at the ``cycles`` and with the delays of the moments' names."""

    def _finish(self, values: Mapping[str, Timed], variance: Timed, rho: Timed, *, apart: bool) -> None:
        """Drives the outputs, whose ``values`` have their names, and sets everything that is told of the statistic.

        The registers in which values wait for one another come into the Verilog in the order of ``values``.
        """
        p = self._p
        ends = {name: p.registered(values[name]) for name in self.outputs}
        self.latency = self.centre_cycle = max(end.cycle for end in ends.values())
        early = self.outputs[: self.early_outputs]
        self.scale_cycle = max(ends[name].cycle for name in early) if apart else self.latency
        cycles = {name: self.scale_cycle if name in early else self.centre_cycle for name in self.outputs}
        there = {name: p.delayed(ends[name], cycles[name]) for name in values}
        for name in self.outputs:
            p.drive(getattr(self, name), there[name])
        self.variance_cycle, self.rho_cycle = variance.cycle, rho.cycle
        self.multipliers, self.block_rams = p.multipliers, p.block_rams
        # A root of the weight is a table, too.
        tables = "statistic tables" if self._norm.has_weight_root else "reciprocal square root table"
        self.tables = {tables: p.block_rams}
        of_root = f"leading one, normalize, {self._precision.root.about}"
        centre_follows = "until the scale is there, the centre may follow"
        self.steps = (
            StatisticStep("variance", self.variance_cycle, self._of_variance),
            StatisticStep("reciprocal square root", self.rho_cycle, of_root),
            StatisticStep("scale and centre", self.scale_cycle, f"{self._of_scale}; {centre_follows}"),
        )

    @classmethod
    def interval_of(cls, config: NormConfig) -> int:
        """Cycles that it may take from row to row: rows of several beats leave time to share its multipliers."""
        return statistic_interval(config, Precision.of(config).root)

    def _with_factor(self, count: Timed | None, s1: Timed | None) -> tuple[Timed, Timed]:
        """n and S1 times the norm's factor."""
        assert count is not None
        assert s1 is not None
        p, width = self._p, count.width
        factor = count
        if self._norm.has_sample_variance:
            factor = p.operate("rest", self._target.adder(width), [count], unsigned(width), self._norm.factor)
        # Both go far, and the weight to several places: from a register each.
        weight, centred = (p.registered(p.multiply(value, factor)) for value in (count, s1))
        return p.extend(weight, self._precision.weight_bits), centred

    def _variance(self, n: Timed | None, count: Timed | None, s1: Timed | None, s2: Timed | None) -> Timed:
        """``V`` or its root, ``variance_frac_bits`` fraction bits."""
        p, norm = self._p, self._norm
        if norm.has_absolute_sum:
            return self._placement.build(p, self._precision, self._moments_of(n, count, None, None, s2))
        total = s2
        if norm.has_squared_sum:
            assert s1 is not None
            assert s2 is not None
            squared = p.square(s1)
            total = p.add(s2, squared, unsigned(max(s2.width, squared.width) + 1), name="total")
        subtracted = s1 if norm.centred and norm.has_squares else None
        return self._placement.build(p, self._precision, self._moments_of(n, count, total, subtracted, None))

    def _moments_of(
        self,
        n: Timed | None,
        count: Timed | None,
        total: Timed | None,
        subtracted: Timed | None,
        absolute: Timed | None,
    ) -> TimedMoments:
        return TimedMoments(n, count, total, subtracted, absolute)

    def _numerator(self, n: Timed | None) -> tuple[Timed | None, Timed]:
        """What d is multiplied by, and the position of its leading one, less its fraction bits."""
        p, root = self._p, self._precision.weight_root
        if n is None:
            return None, p.constant(0, unsigned(1))
        return (n, leading_one(p, self._target, n)) if root is None else root.build(p, n)

    def _reciprocal_root(self, variance: Timed) -> tuple[Timed, Timed]:
        """``rho`` and k, half the position of V's leading one."""
        p, precision, root = self._p, self._precision, self._precision.root
        bits, frac = precision.root_bits
        if precision.gives_deviation:
            mantissa, position = normalized(p, self._target, variance, bits, frac, root.mantissa_bits + SQUARED_GUARD)
            return root.build(p, *squared_hardware(p, mantissa, root.mantissa_bits)), position
        mantissa, position = normalized(p, self._target, variance, bits, frac, root.mantissa_bits)
        return root.build(p, mantissa, position.bits(0, 1)), p.extend(position, position.width + 1).bits(
            1, position.width + 1
        )

    def _in_output_steps(self, rho: Timed) -> Timed:
        """``rho``, times the output factor if there is one."""
        p, factor = self._p, self._precision.factor
        if factor is None:
            return rho
        product = p.multiply(rho, p.constant(factor.value, unsigned(factor.bits)))
        if not factor.drop:
            return product
        upper, half = product.bits(factor.drop, product.width), product.bits(factor.drop - 1, factor.drop)
        return p.add(upper, half, unsigned(factor.rho_bits), name="divided")

    def _exponent(self, leading: Timed, half_position: Timed) -> tuple[Timed, Timed]:
        """The left shift ``b`` of the weight and S1, and the shift index ``s``."""
        p, precision, ranges = self._p, self._precision, self._precision.ranges
        bits = max(ranges.weight_bits.bit_length(), half_position.width, abs(precision.exponent_base).bit_length()) + 2
        shape = signed(bits)
        # h = exponent_base - (leading + 1) + k
        base = p.operate(
            "exponent", self._target.adder(bits), [leading], shape, lambda x: precision.exponent_base - 1 - x
        )
        h = p.add(base, half_position, shape, name="exponent")
        span = ranges.exponent_max - ranges.exponent_min
        pairs = [precision.split(i) for i in range(span + 1)]
        low = h.bits(0, max(1, span.bit_length()))
        fine_bits = max(1, precision.fine_max.bit_length())
        index = p.choose("index", low, [shift for shift, _ in pairs], unsigned(len(self.shift)))
        spare = p.choose("spare", low, [precision.fine_max - fine for _, fine in pairs], unsigned(fine_bits))
        if precision.weight_root is not None:
            return p.registered(spare), p.registered(index)
        room = p.operate(
            "room", self._target.adder(bits), [leading], unsigned(bits), lambda x: ranges.weight_bits - 1 - x
        )
        left = p.add(room, spare, unsigned(precision.left_max.bit_length()), name="left")
        return p.registered(left), p.registered(index)

    def _scale(self, numerator: Timed | None, left: Timed, rho: Timed) -> Timed:
        """``RF``."""
        p, precision = self._p, self._precision
        left_max = precision.left_max
        if numerator is None:
            product = shift_left(p, self._target, rho, left, left_max, precision.exact_scale_bits)
        else:
            bits = precision.numerator_bits + precision.fine_max
            shifted = shift_left(p, self._target, numerator, left, left_max, bits)
            product = p.multiply(p.registered(shifted), rho, distance=self._target.family.shared_distance)
        drop = precision.scale_drop
        if not drop:
            return p.extend(product, precision.scale_bits)
        upper = product.bits(drop, precision.exact_scale_bits)
        half = product.bits(drop - 1, drop)
        rounded = p.add(upper, half, unsigned(precision.scale_bits + 1), name="scale")

        if not precision.scale_may_overflow:
            return rounded.bits(0, precision.scale_bits)

        def saturate(x: Value) -> Value:
            return x[:-1] | x[-1].replicate(precision.scale_bits)

        return p.operate("saturate", self._target.family.lut, [rounded], unsigned(precision.scale_bits), saturate)

    def _centre(self, s1: Timed | None, left: Timed, rho: Timed, index: Timed) -> Timed:
        """``KF - half(s)``; only the low ``centre_bits`` matter."""
        p, precision = self._p, self._precision
        width = precision.centre_bits
        halves = [precision.half(s) for s in range(precision.shift_count)]
        half = p.choose("half", index, halves, unsigned(width))
        if s1 is None:
            return p.operate("centre", self._target.adder(width), [half], unsigned(width), lambda x: -x)
        product = p.multiply(s1, rho, distance=self._target.family.shared_distance)
        left_max = precision.left_max
        # ((S1 * rho) << b) >> drop, the wiring part of the shifts first
        up = left_max - precision.centre_drop
        if up >= 0:
            padded = p.concat(p.constant(0, unsigned(up)), product).as_signed() if up else product
        else:
            padded = product.bits(min(-up, product.width - 1), product.width).as_signed()
        bits = left_max.bit_length()
        down = p.operate("down", self._target.adder(bits), [left], unsigned(bits), lambda x: left_max - x)
        shifted = shift_right(p, self._target, padded, p.registered(down), left_max, width)
        return p.add(shifted, half, unsigned(width), subtract=True, name="centre")

    def elaborate(self, platform: object) -> Module:
        return self._m
