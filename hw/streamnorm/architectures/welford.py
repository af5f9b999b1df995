"""The statistic of a row by Welford's updates: one scan, at the pace of a loop with a product in it."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import wiring

from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.precision.precision import Precision
from streamnorm.precision.welford import WelfordPrecision
from streamnorm.spec.config import NormConfig
from streamnorm.units.statistic import MomentSignals, Statistic

from .connections import delays
from .statistic_scans import hold_statistic, scan_ports

__all__ = ["WelfordScan"]


class WelfordScan(wiring.Component):
    """Running mean and sum of squared deviations of a row, a beat at a time, and from them the statistic.

    What is computed is in :class:`WelfordPrecision`. The next beat's deviations need the mean that this beat's step, a
    sum over the lanes times a reciprocal from a table, has changed: beats follow each other at the pace of that loop.

    Parameters, members and attributes are those of :class:`~streamnorm.architectures.statistic_scans.ExactScans`.

    Ref
    ---
    B. P. Welford, Note on a method for calculating corrected sums of squares and products, Technometrics 4 (1962);
    for several elements at once T. F. Chan, G. H. Golub, R. J. LeVeque, Algorithms for computing the sample variance,
    The American Statistician 37 (1983).
    """

    def __init__(self, config: NormConfig, *, steps: int, base: int, d_delay: float) -> None:
        assert config.formula.has_variance
        self._base, self._config = base, config
        self._points = WelfordPrecision.of(config)
        super().__init__(scan_ports(config, 1 + steps))
        self._m = m = Module()
        self._p = p = Pipeline(m, config.device, "welford")
        self._valid = Signal()
        self._first = Signal()
        self._keep = Signal.like(self.keep)
        self._before = Signal.like(self.before)

        n, mean, squares, pace = self._updates(d_delay)
        s1, s2 = self._sum(n, mean), self._squares(squares)
        signals = _Signals(n, s1, s2)
        cycles = (n.cycle, s1.cycle, s2.cycle)
        self._statistic = _DeviationStatistic(
            config, signals, cycles=cycles, square_frac_bits=self._points.square_frac_bits
        )
        m.d.comb += [self._statistic.n.eq(n.value), self._statistic.s1.eq(s1.value), self._statistic.s2.eq(s2.value)]
        self.names = ("mean and variance",)
        self.waits = (self._statistic.latency + 1,)
        self.paces = (pace,)
        self.multipliers = p.multipliers + self._statistic.multipliers
        self.block_rams = p.block_rams + self._statistic.block_rams

    def _updates(self, d_delay: float) -> tuple[Timed, Timed, Timed, int]:
        """n, the mean and the sum of squares after a beat, and the cycles from one beat to the next."""
        p, m, config, points = self._p, self._m, self._config, self._points
        ranges = Precision.of(config).ranges
        target = config.device
        frac, lanes = points.mean_frac_bits, config.lanes
        kept = [p.input(self._keep[lane]) for lane in range(lanes)]
        length = unsigned(ranges.length_bits)
        n = p.registered(p.add(p.input(self._before), p.sum(kept, length), length, name="n"))
        width = points.reciprocal_frac_bits + 1
        table = points.reciprocals(config.max_length)
        reciprocal = p.registered(p.lookup("reciprocal", n, width, table))

        # The loop begins when all that does not depend on the mean is there.
        d = [p.registered(p.input(self.d[lane], 0, d_delay)) for lane in range(lanes)]
        start = max(1, reciprocal.cycle, d[0].cycle)
        mean_shape = signed(ranges.difference_bits + frac)
        delta_shape = signed(mean_shape.width + 1)
        register = Signal(mean_shape, reset_less=True, name="mean")
        mean = p.input(register, start)
        deltas = []
        for lane in range(lanes):
            point = p.concat(p.constant(0, unsigned(frac)), p.delayed(d[lane], start)).as_signed()
            delta = p.add(point, mean, delta_shape, subtract=True, name="delta")
            keep = p.delayed(kept[lane], start)
            deltas.append(p.operate("kept", target.family.lut, [delta, keep], delta_shape, _or_zero))
        lane_bits = (lanes - 1).bit_length()
        total = p.sum(deltas, signed(delta_shape.width + lane_bits))
        product = p.multiply(total, reciprocal)
        # With one bit below the point, and a half to round it away.
        step_and_half = product.bits(points.reciprocal_frac_bits - 1, product.width).as_signed()
        old = p.concat(p.constant(1, unsigned(1)), p.input(register, step_and_half.cycle)).as_signed()
        new = p.add(old, step_and_half, signed(mean_shape.width + 1), name="mean")
        new = new.bits(1, mean_shape.width + 1).as_signed()
        updates = delays(m, self._valid, new.cycle, "valid")
        begins = delays(m, self._valid & self._first, start - 1, "begins")
        with m.If(updates[new.cycle]):
            m.d.sync += register.eq(new.value)
        with m.If(begins[start - 1]):
            m.d.sync += register.eq(0)

        one = p.constant(1, unsigned(1))
        rounded = p.add(step_and_half, one, signed(delta_shape.width + 1), name="step")
        step = rounded.bits(1, delta_shape.width + 1).as_signed()
        q_shape = unsigned(2 * delta_shape.width + lane_bits)
        q = p.sum([p.square(delta) for delta in deltas], q_shape)
        more = p.add(q, p.multiply(total, step), signed(q_shape.width + 2), subtract=True, name="squares")
        square_shape = signed(ranges.square_sum_max.bit_length() + 2 * frac + 2)
        first, valid = p.input(self._first), p.input(self._valid)
        squares = p.accumulate("squares", more, first, valid, square_shape)
        return n, new, squares, new.cycle + 1 - start

    def _sum(self, n: Timed, mean: Timed) -> Timed:
        """``S1`` from the mean."""
        p, frac = self._p, self._points.mean_frac_bits
        shape = signed(Precision.of(self._config).ranges.sum_bits)
        product = p.multiply(mean, n)
        upper = product.bits(frac - 1, product.width).as_signed()
        one = p.constant(1, unsigned(1))
        rounded = p.add(upper, one, signed(shape.width + 1), name="sum")
        return p.registered(rounded.bits(1, shape.width + 1).as_signed())

    def _squares(self, squares: Timed) -> Timed:
        """``M``, not negative."""
        p, points = self._p, self._points
        ranges = Precision.of(self._config).ranges
        shape = unsigned(ranges.square_sum_max.bit_length() + points.square_frac_bits)
        drop = 2 * points.mean_frac_bits - points.square_frac_bits
        if drop >= 0:
            cut = squares.bits(drop, squares.width).as_signed()
        else:
            cut = p.concat(p.constant(0, unsigned(-drop)), squares).as_signed()
        lut = self._config.device.family.lut
        return p.registered(p.operate("positive", lut, [cut], shape, lambda x: Mux(x < 0, 0, x)))

    def elaborate(self, platform: object) -> Module:
        m, base = self._m, self._base
        m.submodules.statistic = statistic = self._statistic
        issued = Signal()
        ended = Signal()
        m.d.comb += [
            issued.eq(self.issue & (self.scan == 0)),
            ended.eq(issued & self.last),
            self._valid.eq(delays(m, issued, base, "issued")[base]),
            self._first.eq(delays(m, self.first, base, "first")[base]),
            self._keep.eq(delays(m, self.keep, base, "keep")[base]),
            self._before.eq(delays(m, self.before, base, "before")[base]),
        ]
        done = delays(m, ended, base + statistic.latency, "row_end")[-1]
        hold_statistic(m, self, statistic, done)
        return m


class _Signals(MomentSignals):
    """Moments that a pipeline gives."""

    def __init__(self, n: Timed, s1: Timed, s2: Timed) -> None:
        self.n = Signal(n.value.shape())
        self.s1 = Signal(s1.value.shape())
        self.s2 = Signal(s2.value.shape())


class _DeviationStatistic(Statistic):
    """The statistic where ``s2`` is the sum of squared deviations from the mean, with fraction bits."""

    def __init__(
        self, config: NormConfig, moments: MomentSignals, *, cycles: tuple[int, int, int], square_frac_bits: int
    ) -> None:
        self._square_frac_bits = square_frac_bits
        super().__init__(config, moments, cycles=cycles)

    def _variance(self, n: Timed | None, count: Timed | None, s1: Timed | None, s2: Timed | None) -> Timed:
        """``V``, ``variance_frac_bits`` fraction bits."""
        assert n is not None
        assert s2 is not None
        p, precision = self._p, self._precision
        frac, bits = precision.variance_frac_bits, precision.variance_bits
        drop = self._square_frac_bits - frac
        total = s2
        if precision.epsilon_code:
            code = p.constant(precision.epsilon_code, unsigned(precision.epsilon_code.bit_length()))
            product = p.multiply(n, code)
            offset = product.bits(min(precision.epsilon_drop, product.width - 1), product.width)
            width = max(s2.width, offset.width + drop) + 1
            total = p.add_shifted(s2, offset, drop, unsigned(width))
        product = p.extend(p.multiply(n, total), bits + frac + drop + 1)
        if drop:
            upper, half = product.bits(drop, product.width), product.bits(drop - 1, drop)
            product = p.add(upper, half, unsigned(bits + frac + 1), name="variance")

        def saturate(x: Value) -> Value:
            return x[:-1] | x[-1].replicate(bits + frac)

        lut = self._target.family.lut
        return p.operate("saturate", lut, [product], unsigned(bits + frac), saturate)


def _or_zero(value: Value, keep: Value) -> Value:
    return Mux(keep, value, 0)
