"""From a normalized value to a result in floating point: gamma, beta, and the one rounding."""

from dataclasses import dataclass, replace

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
       largest number it becomes what ``overflow`` says. The sign is that of sum, s and gamma together; of a P of 0 that
       of Z, s and gamma: a gamma of 0 leaves the sign of z. A sum of 0 has that of the one number that was not 0, if
       there is only one; of two zeros that of both, else none.

    Every ``>>`` is a floor, of P in two's complement. Where :attr:`is_sticky`, neither is signed, and the lowest bit of
    what has been shifted is 1 as well where a 1 has been shifted out.

    Attributes
    ----------
    rounds_first : whether z is rounded before gamma
    z_bits, z_is_signed : of Z, the sign included
    gamma_bits, beta_bits : of a mantissa of gamma and beta, the hidden one included; 0 where there is none
    gamma_exponent, beta_exponent : see above
    sum_bits : see above; those of P where there is no beta
    zeros : above the leading one of a gamma or beta that is a subnormal number, and no subnormal result, at most; its
        top is that much higher than it could be, and the field has as many bits more
    is_sticky : see above
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
    zeros: int = 0
    is_sticky: bool = False

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
        exponent = -output.scale_exponent
        gamma_bits = stored.format.precision if stored.has_gamma else 0
        beta_bits = stored.format.precision if stored.has_beta else 0
        of_parameters = exponent + stored.format.scale_exponent
        product_bits = z_bits + gamma_bits
        # Of a product no more than its high bits matter; of one with a rounded z all of them do.
        kept = product_bits if rounds_first else z_bits
        zeros = 0
        if beta_bits and not rounds_first and not _reaches(stored, output):
            zeros = max(stored.zeros("beta"), stored.zeros("gamma") if gamma_bits else 0)
        sum_bits = max(kept + _EXACT_BITS + zeros, beta_bits)
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
            zeros=zeros,
        )

    @staticmethod
    def exact(output: FloatFormat, stored: StoredFloats, *, z_bits: int, z_zeros: int) -> "FloatEnding":
        """An ending that is off by no more than :attr:`sum_error` before the result is rounded, and mostly by nothing.

        ``z_zeros``: zeros above the leading one of a Z that is not 0, at most.

        Proof. Of the two summands, let H be the one with the higher top h, and L the other one, shifted right by s.
        There are at most a zeros above the leading one of H, so ``|H| >= 2**(h - 1 - a)``, and ``|L| < 2**(h - s)``.
        Where ``s <= a + 1``, no bit of L is lost if the field has ``a + 1`` more than L. Elsewhere
        ``|sum| >= 2**(h - 2 - a)``, so that the bit below its last place is that of ``2**(h - 2 - a - precision)`` or
        higher. Where bits of L are lost, its lowest bit is 1, and that of H is 0 if the field is wider than H: the sum
        found is the odd one of the two numbers of the field's grid between which the exact sum lies. As long as that
        grid is twice as fine as the bit below the last place, no number where the rounding changes is odd, and none is
        between the two: ``h - field <= h - 3 - a - precision``.

        Where h is below the lowest normal number, both are shifted, and each may be off by less than one of the grid
        there, which is :attr:`sum_error` in all.

        A subnormal number has more zeros. Where the format of gamma and beta goes down no less far than the output's,
        a subnormal H that is beta is below the output's normal numbers, and so is the sum; their last place is that of
        subnormals, ``precision`` places below h at most, and no zeros of beta need to be counted.
        """
        ending = FloatEnding.of(output, stored, z_bits=z_bits, z_is_signed=False)
        if not ending.beta_bits:
            return ending
        product_zeros = z_zeros + (1 + stored.zeros("gamma") if ending.gamma_bits else 0)
        beta_zeros = 0 if _reaches(stored, output) else stored.zeros("beta")
        sum_bits = max(
            ending.product_bits + 1 + beta_zeros,
            ending.beta_bits + 1 + product_zeros,
            output.precision + 3 + max(product_zeros, beta_zeros),
        )
        return replace(ending, sum_bits=sum_bits, is_sticky=True)

    @property
    def sum_error(self) -> float:
        """What an exact ending may be off by beside subnormal results, in their unit; 0 without beta."""
        return 2.0 ** (self.output.fraction_bits + 1 - self.sum_bits) if self.beta_bits else 0.0

    @property
    def product_bits(self) -> int:
        """Bits of P, its sign included."""
        return self.z_bits + self.gamma_bits

    def figures(self) -> dict[str, int]:
        """Its widths by name."""
        return {"product_bits": self.product_bits, "float_sum_bits": self.sum_bits}


def _reaches(stored: StoredFloats, output: FloatFormat) -> bool:
    """Whether the normal numbers of gamma and beta go down no less far than the output's."""
    return stored.format.scale * 2.0**stored.format.fraction_bits <= output.scale * 2.0**output.fraction_bits
