"""From one lane's element to its normalized value, where elements or results are floating-point numbers."""

from dataclasses import dataclass, replace

from amaranth.hdl import Value, signed, unsigned

from streamnorm.logic.floating.decode import normalized_mantissa
from streamnorm.logic.floating.exponent import Exponent, constant_exponent, difference, settled
from streamnorm.logic.floating.fine_shift import fine_bits, shifted_back, shifted_finely
from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.precision.floating import FloatPrecision
from streamnorm.spec.config import NormConfig

from .element import element_parts

__all__ = ["FixedLane", "LaneValue", "ProductLane"]


@dataclass(frozen=True)
class _Begun:
    """The product with the scale, its exponent if it has one, and what belongs to the element."""

    product: Timed
    exponent: Exponent
    negative: Timed
    is_nan: Timed
    is_infinite: Timed


@dataclass(frozen=True)
class LaneValue:
    """A normalized value, and what is to be known of its element and its row.

    Attributes
    ----------
    z : Z, signed where the lane is a :class:`FixedLane`
    exponent, exponent_offset : their sum is ez; the same in every lane there
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
    exponent_offset: int = 0


class _Lane:
    """What lanes have in common: the element, and what makes a z of its own of NaN and infinities."""

    def __init__(self, p: Pipeline, config: NormConfig) -> None:
        self._p, self._config = p, config
        self._precision = FloatPrecision.of(config)

    def _element(self, d: Timed) -> tuple[Timed, _Begun]:
        """The mantissa, and the rest but for the product."""
        parts = element_parts(self._p, self._config.input, self._precision.elements, d)
        return parts.mantissa, _Begun(d, parts.exponent, parts.negative, parts.is_nan, parts.is_infinite)

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

    def times_scale(self, d: Timed, row: dict[str, Timed]) -> _Begun:
        """``X * RF``, with the binary point of z as far as X is shifted for nothing; the rest is shifted behind it."""
        p, precision, scale = self._p, self._precision, row["scale"]
        if self._config.input.is_float:
            mantissa, begun = self._element(d)
            x = p.negated(mantissa, begun.negative, signed(mantissa.width + 1))
        else:
            _, begun = self._integer(d)
            x = d
        # What is added to the exponent is added for the row.
        exponent = settled(p, Exponent.of(row["exponent"], precision.pad_bits), begun.exponent.offset)
        down = settled(p, difference(p, exponent, begun.exponent)).value
        bits = (x.width + scale.width + precision.pad_bits).bit_length()
        down = p.registered(p.limited(down, bits))
        fine = fine_bits(p, scale.width, x.width, down)
        product = p.multiply(shifted_finely(p, x, down, fine), scale)
        width = precision.normalized_bits + precision.is_centred
        return replace(begun, product=shifted_back(p, product, down, fine, precision.pad_bits, width))

    def _integer(self, d: Timed) -> tuple[Timed, _Begun]:
        none = self._p.constant(0, unsigned(1))
        return d, _Begun(d, constant_exponent(self._p, 0), d.bits(d.width - 1, d.width), none, none)

    def normalized(self, begun: _Begun, row: dict[str, Timed]) -> LaneValue:
        """z, from the row's other numbers."""
        p, precision, z = self._p, self._precision, begun.product
        width = precision.normalized_bits + precision.is_centred
        if "centre" in row:
            z = p.add(z, row["centre"], signed(width), subtract=True, name="normalized").bits(1, width).as_signed()
        if precision.curve is not None:
            z = precision.curve.build(p, z, p.target.family.block_distance)
        place, none = precision.fixed_exponent, p.constant(0, unsigned(1))
        if "binade" in row:
            return replace(self._value(begun, row["exceptions"], z, row["binade"], none), exponent_offset=place)
        exponent = p.constant(place, signed(place.bit_length() + 1))
        return self._value(begun, row.get("exceptions"), z, exponent, none)


class ProductLane(_Lane):
    """z as a product with an exponent: step 4 of :class:`~streamnorm.precision.floating.FloatPrecision`."""

    def times_scale(self, d: Timed, row: dict[str, Timed]) -> _Begun:
        """``Z``, and its exponent; the binade is less by what the mantissa has been shifted."""
        p, precision = self._p, self._precision
        mantissa, begun = self._element(d)
        full, left = normalized_mantissa(p, mantissa)
        product = p.multiply(p.registered(full), row["scale"])
        kept = product.bits(precision.product_drop, precision.product_drop + precision.normalized_bits)
        binade = difference(p, begun.exponent, Exponent(left, 0, 0, mantissa.width - 1))
        exponent = difference(p, binade, Exponent.of(row["exponent"])).moved(precision.product_drop)
        return _Begun(kept, exponent, begun.negative, begun.is_nan, begun.is_infinite)

    def normalized(self, begun: _Begun, row: dict[str, Timed]) -> LaneValue:
        """z, from the row's other numbers."""
        exponent = begun.exponent
        value = self._value(begun, row.get("exceptions"), begun.product, exponent.value, begun.negative)
        return replace(value, exponent_offset=exponent.offset)
