"""A row's moments on their way to V."""

from amaranth.hdl import unsigned

from streamnorm.logic.leading_one import normalized, shift_left, shift_right
from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.precision.precision import Precision

__all__ = ["TimedMoments"]


class TimedMoments:
    """What V is made of, as values of a pipeline, and the steps that placements of epsilon have in common.

    Parameters
    ----------
    weight, count : w and what it is made of; None where both are 1
    total : ``B*S2 + A*S1**2``; None where a norm has neither
    subtracted : S1 where its square is subtracted
    absolute : M where a norm has it
    scaled : what follows from the row's scale, where each has its own
    """

    def __init__(
        self,
        weight: Timed | None,
        count: Timed | None,
        total: Timed | None,
        subtracted: Timed | None,
        absolute: Timed | None = None,
        scaled: Timed | None = None,
    ) -> None:
        self._weight, self._count, self._total, self._subtracted = weight, count, total, subtracted
        self.absolute, self.scaled = absolute, scaled

    def offset(self, p: Pipeline, precision: Precision) -> Timed | None:
        """``E``; None where epsilon is lost."""
        if not precision.epsilon_code:
            return None
        code = p.constant(precision.epsilon_code, unsigned(precision.epsilon_code.bit_length()))
        if self._weight is None:
            return code
        product = p.multiply(self._weight, code)
        return product.bits(min(precision.epsilon_drop, product.width - 1), product.width)

    def times_weight(self, p: Pipeline, precision: Precision, value: Timed) -> Timed:
        """``w * value``; the value itself where V is divided by w."""
        if self._weight is None or precision.weight_root is not None:
            return value
        return p.multiply(self._weight, value)

    def squared_weight(self, p: Pipeline, precision: Precision) -> Timed | None:
        """``w**2``, or w where V is divided by w; None where it is 1."""
        if self._weight is None or precision.weight_root is not None:
            return self._weight
        return p.square(self._weight)

    def variance(self, p: Pipeline, precision: Precision, frac: int, offset: Timed | None) -> Timed:
        """``w * (total + offset) - square`` with ``frac`` fraction bits; of a sample, ``w * (n * total - square)``."""
        if self._count is not self._weight:
            assert offset is None
            assert self._count is not None
            assert self._total is not None
            assert self._subtracted is not None
            product, square = p.multiply(self._count, self._total), p.square(self._subtracted)
            spread = p.add(product, square, unsigned(product.width), subtract=True, name="spread")
            return p.extend(self.times_weight(p, precision, spread), precision.variance_bits)
        bits = precision.variance_bits
        total = self._total
        if total is None:
            assert offset is not None
            total = offset
        elif offset is not None:
            width = max(total.width + frac, offset.width) + 1
            total = p.add_shifted(offset, total, frac, unsigned(width))
        product = p.extend(self.times_weight(p, precision, total), bits + frac)
        if self._subtracted is None:
            return product
        square = p.extend(p.square(self._subtracted), bits)
        upper = p.add(product.bits(frac, bits + frac), square, unsigned(bits), subtract=True, name="variance")
        return p.concat(product.bits(0, frac), upper) if frac else upper

    @staticmethod
    def normalized(p: Pipeline, value: Timed, bits: int, mantissa_bits: int) -> tuple[Timed, Timed]:
        """``mantissa_bits`` bits below the leading one of an integer of ``bits`` bits, and its position."""
        return normalized(p, p.target, value, bits, 0, mantissa_bits)

    @staticmethod
    def shift_left(p: Pipeline, value: Timed, amount: Timed, amount_max: int, width: int) -> Timed:
        """``value << amount``, ``width`` bits."""
        return shift_left(p, p.target, value, amount, amount_max, width)

    @staticmethod
    def shift_right(p: Pipeline, value: Timed, amount: Timed, amount_max: int, step: int) -> Timed:
        """``value >> step * amount``, as wide as the value."""
        return shift_right(p, p.target, value, amount, amount_max, value.width, step)
