"""The statistic whose scale leaves the unit: a mantissa with its leading one, and an exponent."""

from amaranth.hdl import Cat, Const, Module, Mux, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from streamnorm.logic.leading_one import shift_left
from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.precision.deferred import DeferredPrecision
from streamnorm.spec.config import NormConfig

from .statistic import MomentSignals, Statistic, StatisticStep

__all__ = ["DeferredStatistic"]


class DeferredStatistic(Statistic):
    """A row's scale from its moments: the steps of :class:`~streamnorm.precision.deferred.DeferredPrecision`.

    Takes a row every cycle. Inputs, parameters and attributes are those of
    :class:`~streamnorm.units.statistic.Statistic`, less what is only for an ``interval``.

    Members
    -------
    n, s1, s2 : In
    scale : Out(bits of the format), :attr:`scale_cycle` cycles after the moment that ``cycles`` are counted from
    """

    outputs = ("scale",)

    def __init__(self, config: NormConfig, moments: MomentSignals, *, cycles: tuple[int, int, int]) -> None:
        self._deferred = precision = DeferredPrecision.of(config)
        self._precision = precision  # type: ignore[assignment]
        self._target = config.device
        self._norm = norm = config.formula
        self._placement = config.placement
        inputs = {name: In(getattr(moments, name).shape()) for name in moments.names}
        wiring.Component.__init__(self, {**inputs, "scale": Out(precision.number.bits)})
        self._m = m = Module()
        self._p = p = Pipeline(m, config.device, "statistic")
        n = None if norm.has_unit_weight else p.input(self.n, cycles[0])
        s1 = p.input(self.s1, cycles[1]) if norm.has_sum else None
        s2 = p.input(self.s2, cycles[2]) if norm.has_squares else None
        variance = self._variance(n, n, s1, s2)
        rho, k = self._reciprocal_root(variance)
        rho, k = self._in_steps(rho, k)
        mantissa, exponent = self._word(*self._numerator(n), rho, k)
        self._finish({"scale": p.concat(mantissa, exponent)}, variance, rho, apart=False)
        said = "times n, leading one, rounded" if n is not None else "leading one, rounded"
        self.steps = (*self.steps[:-1], StatisticStep("scale", self.scale_cycle, said))

    def _in_steps(self, rho: Timed, k: Timed) -> tuple[Timed, Timed]:
        """Both with the factor, if there is one: rho with its leading one in the highest bit, and k less u."""
        if self._precision.factor is None:
            return rho, k
        p, width = self._p, self._deferred.rho_bits
        product = p.extend(self._in_output_steps(rho), width)
        leads = product.bits(width - 1, width)

        def higher(x: Value, is_top: Value) -> Value:
            return Mux(is_top, x, x << 1)

        rho = p.operate("in_steps", self._target.family.mux, [product, leads], unsigned(width), higher)
        return p.registered(rho), p.add(k, leads, signed(k.width + 2), subtract=True, name="exponent")

    def _word(self, numerator: Timed | None, leading: Timed, rho: Timed, k: Timed) -> tuple[Timed, Timed]:
        """Mantissa and exponent."""
        p, precision, family = self._p, self._deferred, self._target.family
        product, width = rho, precision.product_bits
        if numerator is not None:
            most = precision.numerator_bits - 1
            if precision.weight_root is None and most:
                bits = precision.numerator_bits.bit_length()
                left = p.operate("left", p.target.adder(bits), [leading], unsigned(bits), lambda x: most - x)
                numerator = shift_left(p, self._target, numerator, p.registered(left), most, precision.numerator_bits)
            product = p.multiply(p.registered(numerator), rho, distance=family.shared_distance)
        product = p.extend(product, width)
        top = product.bits(width - 1, width)

        # The mantissa and the bit below it, which rounds; a bit more where the highest one may be 0.
        bits, low = precision.number.mantissa_bits, precision.drop - 2
        field = product.bits(low, width) if low >= 0 else p.concat(p.constant(0, unsigned(1)), product)

        def higher(x: Value, is_top: Value) -> Value:
            return Mux(is_top, x[1:], x[:-1])

        kept = p.operate("kept", family.mux, [field, top], unsigned(bits + 1), higher)
        rounded = p.add(kept.bits(1, bits + 1), kept.bits(0, 1), unsigned(bits + 1), name="rounded")

        def with_leading_one(x: Value) -> Value:
            overflows, leads = x[bits], x[bits - 1]
            return Cat((x[: bits - 1] & leads.replicate(bits - 1)) | overflows.replicate(bits - 1), Const(1, 1))

        mantissa = p.operate("mantissa", family.lut, [rounded], unsigned(bits), with_leading_one)

        base, room = precision.exponent_base + 1, precision.number.EXPONENT_BITS + 2
        shape = signed(max(room, leading.width + 2, k.width + 2))
        adder = p.target.adder(shape.width)
        exponent = p.operate("exponent", adder, [leading], shape, lambda x: x + base)
        exponent = p.add(exponent, k, shape, subtract=True, name="exponent")
        exponent = p.add(exponent, top, shape, name="exponent")
        return mantissa, exponent.bits(0, precision.number.EXPONENT_BITS)
