"""From one lane's element to its normalized value, where elements or results are floating-point numbers."""

from dataclasses import dataclass
from typing import ClassVar

from amaranth.hdl import Value, signed, unsigned

from streamnorm.logic.floating.decode import normalized_mantissa
from streamnorm.logic.leading_one import shift_right
from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.precision.floating import FloatPrecision
from streamnorm.spec.config import NormConfig

from .element import element_parts

__all__ = ["FixedLane", "LaneValue", "ProductLane"]


@dataclass(frozen=True)
class _Begun:
    """The product with the scale, and what belongs to the element."""

    product: Timed
    binade: Timed
    negative: Timed
    is_nan: Timed
    is_infinite: Timed


@dataclass(frozen=True)
class LaneValue:
    """A normalized value, and what is to be known of its element and its row.

    Attributes
    ----------
    z : Z, signed where the lane is a :class:`FixedLane`
    exponent : ez; constant there
    negative : s; constant 0 there
    element_negative : the sign of the element
    is_nan, is_infinite : the element is
    gives_nan, gives_infinity : z is, whatever Z is
    """

    z: Timed
    exponent: Timed
    negative: Timed
    element_negative: Timed
    is_nan: Timed
    is_infinite: Timed
    gives_nan: Timed
    gives_infinity: Timed


class _Lane:
    """What lanes have in common: the element, and what makes a z of its own of NaN and infinities."""

    before_product: ClassVar[int] = 0
    """Cycles before the product is there in which the row's other numbers are wanted."""

    def __init__(self, p: Pipeline, config: NormConfig) -> None:
        self._p, self._config = p, config
        self._precision = FloatPrecision.of(config)

    def _element(self, d: Timed) -> tuple[Timed, _Begun]:
        """The mantissa, and the rest but for the product."""
        parts = element_parts(self._p, self._config.input, self._precision.elements, d)
        return parts.mantissa, _Begun(d, parts.binade, parts.negative, parts.is_nan, parts.is_infinite)

    def _value(self, begun: _Begun, special: Timed | None, z: Timed, exponent: Timed, negative: Timed) -> LaneValue:
        p, lut = self._p, self._p.target.family.lut
        gives_nan = gives_infinity = p.constant(0, unsigned(1))
        if special is not None:
            centred = self._config.formula.centred

            def nan(row: Value, is_nan: Value, is_infinite: Value) -> Value:
                return row[0] | is_nan | (row[1] if centred else row[1] & is_infinite)

            inputs = [special, begun.is_nan, begun.is_infinite]
            gives_nan = p.registered(p.operate("gives_nan", 1.4 * lut, inputs, unsigned(1), nan))
            if self._config.formula.statistic_length is not None:

                def infinity(row: Value, is_infinite: Value) -> Value:
                    return is_infinite & ~row.any()

                inputs = [special, begun.is_infinite]
                gives_infinity = p.registered(p.operate("gives_infinity", lut, inputs, unsigned(1), infinity))
        return LaneValue(
            z, exponent, negative, begun.negative, begun.is_nan, begun.is_infinite, gives_nan, gives_infinity
        )


class FixedLane(_Lane):
    """z with a binary point of its own: step 3 of :class:`~streamnorm.precision.floating.FloatPrecision`."""

    before_product = 1

    def times_scale(self, d: Timed, scale: Timed) -> _Begun:
        """``X * RF``."""
        p = self._p
        if self._config.input.is_float:
            mantissa, begun = self._element(d)
            x = p.negated(mantissa, begun.negative, signed(mantissa.width + 1))
        else:
            _, begun = self._integer(d)
            x = d
        product = p.multiply(x, scale)
        return _Begun(product, begun.binade, begun.negative, begun.is_nan, begun.is_infinite)

    def _integer(self, d: Timed) -> tuple[Timed, _Begun]:
        none = self._p.constant(0, unsigned(1))
        return d, _Begun(d, none, d.bits(d.width - 1, d.width), none, none)

    def normalized(self, begun: _Begun, row: dict[str, Timed]) -> LaneValue:
        """z, from the row's other numbers."""
        p, precision = self._p, self._precision
        product, pad = begun.product, precision.pad_bits
        shape = signed(precision.exponent_bits + 2)
        down = row["exponent"]
        if pad:
            down = p.add(down, p.constant(pad, shape), shape, name="down")
        if precision.elements.are_floats:
            down = p.add(down, begun.binade, shape, subtract=True, name="down")
        down = p.extend(down, shape.width)
        if pad:
            product = p.concat(p.constant(0, unsigned(pad)), product).as_signed()
        amount = p.registered(p.limited(down, product.width.bit_length()))
        most = (1 << amount.width) - 1
        z = shift_right(p, p.target, product, amount, most, precision.normalized_bits).as_signed()
        if "centre" in row:
            z = p.add(z, row["centre"], signed(precision.normalized_bits), subtract=True, name="normalized")
        if precision.curve is not None:
            z = precision.curve.build(p, z, p.target.family.block_distance)
        exponent = p.constant(-precision.normalized_frac_bits, signed(precision.normalized_frac_bits.bit_length() + 1))
        return self._value(begun, row.get("exceptions"), z, exponent, p.constant(0, unsigned(1)))


class ProductLane(_Lane):
    """z as a product with an exponent: step 4 of :class:`~streamnorm.precision.floating.FloatPrecision`."""

    def times_scale(self, d: Timed, scale: Timed) -> _Begun:
        """``Z``; the binade is less by what the mantissa has been shifted."""
        p, precision = self._p, self._precision
        mantissa, begun = self._element(d)
        full, left = normalized_mantissa(p, mantissa)
        product = p.multiply(p.registered(full), scale)
        kept = product.bits(precision.product_drop, precision.product_drop + precision.normalized_bits)
        shape = signed(precision.exponent_bits + 2)
        binade = p.add(begun.binade, left, shape, subtract=True, name="binade")
        return _Begun(kept, binade, begun.negative, begun.is_nan, begun.is_infinite)

    def normalized(self, begun: _Begun, row: dict[str, Timed]) -> LaneValue:
        """z, from the row's other numbers."""
        p, precision = self._p, self._precision
        shape = signed(precision.exponent_bits + 3)
        exponent = p.add(begun.binade, row["exponent"], shape, subtract=True, name="exponent")
        if precision.product_drop:
            exponent = p.add(exponent, p.constant(precision.product_drop, shape), shape, name="exponent")
        return self._value(begun, row.get("exceptions"), begun.product, exponent, begun.negative)
