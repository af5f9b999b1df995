"""From a normalized value to a result in floating point: gamma, beta, and the one rounding."""

from dataclasses import dataclass
from math import frexp

from streamnorm.spec.formats import FloatFormat
from streamnorm.spec.stored_floats import StoredFloats

__all__ = ["EXACT_ENDING", "FloatEnding"]


EXACT_ENDING = 2.0**-3
"""What a sum with a z that was rounded first is off by at most before it is rounded, in units in the last place."""

_EXACT_BITS = 4
"""Bits of a sum beyond those of Z."""


@dataclass(frozen=True, kw_only=True)
class FloatEnding:
    """The widths of a lane from z on. z is ``(-1)**s * Z * 2**ez``; Z is signed where z has a fixed binary point.

    With ``gamma_rounding = "output"``, z is first rounded to the output format as in step 3, but to the largest number
    at most; Z is the mantissa of that then, and ez its binade.

    1. ``P = Z * g``, g being the mantissa of gamma; its unit is ``2**eP`` smallest output numbers,
       ``eP = ez + binade of gamma + gamma_exponent``. Without gamma P is Z.
    2. With beta, of mantissa b and ``eB = binade of beta + beta_exponent``: each is set to the top of a field of
       ``sum_bits`` bits, ``A = P << (sum_bits - product_bits)`` and ``B = b << (sum_bits - beta_bits)`` (a negative
       shift to the left is one to the right), where their tops are ``tA = eP + product_bits`` and
       ``tB = eB + beta_bits``, and shifted right to the same top t, the higher of these two, of which that of a P or b
       of 0 does not count; and no lower than the lowest binade of normal numbers, so that the field holds all that is
       left of a subnormal result. ``sum = A + B``, or ``A - B`` where the signs of ``(-1)**s * gamma`` and beta differ;
       its unit is ``2**(t - sum_bits)``. Without beta, sum is P.
    3. The magnitude of sum is rounded to the output format, to nearest even, where its leading one says: in the binade
       that puts that one at the head of a mantissa, but not below the first, that of the subnormal numbers. Beyond the
       largest number it becomes what ``overflow`` says. The sign is that of sum, s and gamma together. A sum of 0 has
       that of the one number that was not 0, if there is only one; of two zeros that of both, else none.

    Every ``>>`` is a floor, of P in two's complement.

    Attributes
    ----------
    rounds_first : whether z is rounded before gamma
    z_bits, z_is_signed : of Z, the sign included
    gamma_bits, beta_bits : of a mantissa of gamma and beta, the hidden one included; 0 where there is none
    gamma_exponent, beta_exponent : see above
    sum_bits : see above; those of P where there is no beta
    """

    output: FloatFormat
    rounds_first: bool
    z_bits: int
    z_is_signed: bool
    gamma_bits: int
    beta_bits: int
    gamma_exponent: int
    beta_exponent: int
    sum_bits: int

    @staticmethod
    def of(output: FloatFormat, stored: StoredFloats, *, z_bits: int, z_is_signed: bool) -> "FloatEnding":
        """The ending for a Z."""
        return FloatEnding._of(output, stored, z_bits, z_is_signed, rounds_first=False)

    @staticmethod
    def of_rounded(output: FloatFormat, stored: StoredFloats) -> "FloatEnding":
        """The ending for a z that is rounded first."""
        return FloatEnding._of(output, stored, output.precision, False, rounds_first=True)

    @staticmethod
    def _of(
        output: FloatFormat, stored: StoredFloats, z_bits: int, z_is_signed: bool, *, rounds_first: bool
    ) -> "FloatEnding":
        exponent = -_exponent(output.scale)
        gamma_bits = stored.format.precision if stored.has_gamma else 0
        beta_bits = stored.format.precision if stored.has_beta else 0
        of_parameters = exponent + _exponent(stored.format.scale)
        product_bits = z_bits + gamma_bits
        # Of a product no more than its high bits matter; of one with a rounded z all of them do.
        kept = product_bits if rounds_first else z_bits
        sum_bits = max(kept + _EXACT_BITS, beta_bits)
        return FloatEnding(
            output=output,
            rounds_first=rounds_first,
            z_bits=z_bits,
            z_is_signed=z_is_signed,
            gamma_bits=gamma_bits,
            beta_bits=beta_bits,
            gamma_exponent=of_parameters if gamma_bits else exponent,
            beta_exponent=of_parameters,
            sum_bits=sum_bits if beta_bits else product_bits,
        )

    @property
    def product_bits(self) -> int:
        """Bits of P, its sign included."""
        return self.z_bits + self.gamma_bits

    def figures(self) -> dict[str, int]:
        """Its widths by name."""
        return {"product_bits": self.product_bits, "float_sum_bits": self.sum_bits}


def _exponent(power: float) -> int:
    """Of a power of two."""
    return frexp(power)[1] - 1
