"""The statistic of a row of floating-point numbers, or for results that are such: scale, centre and exponent."""

from collections.abc import Collection, Sequence

from amaranth.hdl import Module, Mux, Shape, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from streamnorm.logic.floating.side_by_side import field_of
from streamnorm.logic.leading_one import shift_left, shift_right
from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.logic.row_ring import data_delay
from streamnorm.precision.floating import FloatPrecision
from streamnorm.precision.interval import statistic_interval
from streamnorm.spec.config import NormConfig
from streamnorm.units.statistic import MomentSignals, Statistic
from streamnorm.units.timed_moments import TimedMoments

__all__ = ["FloatStatistic", "statistic_shapes"]


def statistic_shapes(config: NormConfig) -> dict[str, Shape]:
    """What the lanes need of a row, by name: ``scale``, RF; ``exponent``, R; ``centre``, KF, where a mean is
    subtracted; ``binade``, top, where z follows it; ``exceptions``, of rows of floats: bit 0, an element is NaN, bit 1,
    an element is infinite."""
    precision = FloatPrecision.of(config)
    shapes = {"scale": unsigned(precision.scale_bits), "exponent": signed(precision.exponent_bits)}
    if precision.is_centred:
        shapes["centre"] = unsigned(precision.normalized_bits + 1)
    if precision.follows_top and precision.sums is not None:
        shapes["binade"] = unsigned(precision.sums.top_max.bit_length())
    if config.input.is_float:
        shapes["exceptions"] = unsigned(2)
    return shapes


class _RowMoments(TimedMoments):
    """With epsilon in the unit of the row, see :class:`~streamnorm.precision.floating.row_epsilon.RowEpsilon`."""

    def __init__(self, precision: FloatPrecision, top: Timed | None, *moments: Timed | None) -> None:
        super().__init__(*moments)
        self._row_precision, self._top = precision, top

    def offset(self, p: Pipeline, precision: object) -> Timed | None:
        epsilon, sums = self._row_precision.epsilon, self._row_precision.sums
        if not epsilon.code:
            return None
        code = p.constant(epsilon.code, unsigned(epsilon.code.bit_length()))
        product = code if self._weight is None else p.multiply(self._weight, code)
        if epsilon.drop:
            product = product.bits(min(epsilon.drop, product.width - 1), product.width)
        bits = product.width + epsilon.up
        if sums is None or self._top is None or sums.top_max == sums.floor or not epsilon.degree:
            return p.concat(p.constant(0, unsigned(epsilon.up)), product) if epsilon.up else product
        above = p.add(
            self._top, p.constant(sums.floor, self._top.value.shape()), self._top.value.shape(), subtract=True
        )
        limit = -(-bits // epsilon.degree)
        amount = p.limited(above, min(above.width, limit.bit_length()))
        if epsilon.degree == 2:
            amount = p.concat(p.constant(0, unsigned(1)), amount)
        return field_of(p, product, p.registered(amount), bits)


class FloatStatistic(Statistic):
    """RF, KF and R of a row from its moments, as :class:`~streamnorm.precision.floating.FloatPrecision` has them.

    Parameters, inputs and attributes are those of :class:`~streamnorm.units.statistic.Statistic`; besides, of rows of
    floats, ``top`` and ``special`` as :class:`~streamnorm.units.floating.float_moments.FloatMoments` gives them.
    """

    outputs: tuple[str, ...]  # type: ignore[misc]
    early_outputs = 2
    _of_variance = "of the sums and epsilon, in the unit of the row"
    _of_scale = "times n and times S1, exponent"

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
        self._precision = FloatPrecision.of(config)  # type: ignore[assignment]
        self._target = target = config.device
        self._norm = norm = config.formula
        self._placement = config.placement
        names: Sequence[str] = moments.names
        shapes = statistic_shapes(config)
        self.outputs = tuple(shapes)
        starts = {"start": In(1)} if interval > 1 else {}
        inputs = {name: In(getattr(moments, name).shape()) for name in names}
        wiring.Component.__init__(self, {**starts, **inputs, **{name: Out(shape) for name, shape in shapes.items()}})
        self._m = m = Module()
        start = self.start if interval > 1 else None
        self._p = p = Pipeline(m, target, "statistic", interval=interval, start=start)
        delays = {name: data_delay(target) for name in from_ring}
        found = {
            name: p.input(getattr(self, name), cycle, delays.get(name, 0.0))
            for name, cycle in zip(names, cycles, strict=True)
        }
        count = n = None if norm.has_unit_weight else found["n"]
        s1 = found["s1"] if norm.has_sum else None
        s2 = found["s2"] if norm.has_squares or norm.has_absolute_sum else None
        self._top = found.get("top")
        special = found.get("special")
        centred = s1 if norm.centred else None
        if norm.has_factor:
            n, centred = self._with_factor(count, centred)
        # Sums of floats are wide: nothing is behind the carry of their last adder.
        variance = p.registered(self._variance(n, count, s1, s2))
        rho, k = self._reciprocal_root(variance)
        rho = self._without(rho, special)
        numerator, leading = self._numerator(n)
        scale, left = self._float_scale(numerator, leading, rho)
        values = {"scale": scale, "exponent": self._float_exponent(k, left)}
        if centred is not None:
            values["centre"] = self._float_centre(centred, rho, k)
        if self._floats.follows_top and self._top is not None:
            values["binade"] = self._top
        if special is not None:
            values["exceptions"] = special.bits(0, 2)
        self._finish(values, variance, rho, apart=apart)

    @classmethod
    def interval_of(cls, config: NormConfig) -> int:
        return statistic_interval(config, FloatPrecision.of(config).root)

    def _moments_of(
        self,
        n: Timed | None,
        count: Timed | None,
        total: Timed | None,
        subtracted: Timed | None,
        absolute: Timed | None,
    ) -> TimedMoments:
        return _RowMoments(self._floats, self._top, n, count, total, subtracted, absolute)

    @property
    def _floats(self) -> FloatPrecision:
        precision = self._precision
        assert isinstance(precision, FloatPrecision)
        return precision

    def _without(self, rho: Timed, special: Timed | None) -> Timed:
        """``rho``; 0 where all elements are the same, or one is infinite."""
        p, inputs = self._p, []
        if special is not None:
            inputs.append(p.operate("finite", 0.0, [special.bits(1, 2)], unsigned(1), lambda x: ~x))
            if special.width > 2:
                inputs.append(special.bits(2, 3))
        if not inputs:
            return rho

        def gate(x: Value, *conditions: Value) -> Value:
            kept = conditions[0] if len(conditions) == 1 else conditions[0] & conditions[1]
            return Mux(kept, x, 0)

        return p.registered(p.operate("gated", 1.4 * self._target.family.lut, [rho, *inputs], rho.value.shape(), gate))

    def _float_scale(self, numerator: Timed | None, leading: Timed, rho: Timed) -> tuple[Timed, Timed | None]:
        """``RF``, and the left shift of w if there is one."""
        p, precision = self._p, self._floats
        left = None
        if numerator is None:
            product = rho
        else:
            if precision.left_max:
                bits, most = precision.weight_bits.bit_length(), precision.left_max
                left = p.operate("left", p.target.adder(bits), [leading], unsigned(bits), lambda x: most - x)
                numerator = shift_left(p, self._target, numerator, p.registered(left), most, precision.weight_bits)
            elif precision.weight_root is not None:
                # Its exponent is that of a mantissa whose leading one is in its place.
                left = p.operate(
                    "left",
                    p.target.adder(leading.width + 2),
                    [leading],
                    signed(max(leading.width, precision.numerator_bits.bit_length()) + 2),
                    lambda x: precision.numerator_bits - 1 - x,
                )
            product = p.multiply(p.registered(numerator), rho, distance=self._target.family.shared_distance)
        return product.bits(precision.scale_drop, precision.scale_drop + precision.scale_bits), left

    def _float_exponent(self, k: Timed, left: Timed | None) -> Timed:
        """``R``."""
        p, precision = self._p, self._floats
        shape = signed(precision.exponent_bits)
        base = precision.unit_exponent + precision.rho_bits
        base -= precision.product_frac_bits if precision.is_fixed else precision.scale_drop
        exponent = p.add(k, p.constant(base, shape), shape, name="exponent")
        for more in (left, self._top):
            if more is not None:
                exponent = p.add(exponent, more, shape, name="exponent")
        return exponent

    def _float_centre(self, s1: Timed, rho: Timed, k: Timed) -> Timed:
        """``KF``."""
        p, precision = self._p, self._floats
        product = p.multiply(s1, rho, distance=self._target.family.shared_distance)
        down = precision.rho_bits - precision.product_frac_bits
        if down < 0:
            product = p.concat(p.constant(0, unsigned(-down)), product).as_signed()
        elif down:
            product = product.bits(min(down, product.width - 1), product.width).as_signed()
        most = (1 << k.width) - 1
        width = precision.normalized_bits + 1
        shifted = shift_right(p, self._target, product, p.registered(k), most, width)
        return p.add(shifted, p.constant(-1, signed(1)), unsigned(width), name="centre")
