"""Every width of a unit whose elements come in or go out as floating-point numbers, and what they mean."""

from dataclasses import dataclass

from streamnorm.precision.curve import Curve
from streamnorm.spec.config import NormConfig
from streamnorm.spec.roots import RootMethod
from streamnorm.spec.weight_root import WeightRoot

from .constant_deviation import ConstantDeviation
from .elements import Elements
from .float_ending import FloatEnding
from .row_epsilon import RowEpsilon
from .row_sums import RowSums

__all__ = ["FloatPrecision"]


@dataclass(frozen=True, kw_only=True)
class FloatPrecision:
    """The binary points and widths of the datapath; hardware and golden model are built from the same object.

    An element is ``(-1)**s * m * 2**q`` units, see :class:`Elements`; ``X = (-1)**s * m``. Integers have q = 0.

    1. moments: w, the weight; S1 and S2, the sums of x and of x**2 in the unit of the row, and ``top``, its largest
       binade, as :class:`RowSums` has them; of integers exact, as differences to the zero point, and top is 0.
       ``a = top - row_bits + mantissa_bits`` is the unit of the row (0 of integers). Where a norm has absolute
       deviations, ``M = 2 * sum(max(0, A - S1))`` with ``A = (n * X << row_bits - mantissa_bits) >> (top - q)``,
       once S1 and top of the whole row are there; of integers ``A = n * X``.
    2. statistic: E of :class:`RowEpsilon`, and from there V, with ``variance_frac_bits``, as for integers.
       ``rho`` and the position p of the leading one of V: ``1 / sqrt(V) = rho * 2**-(rho_bits + k)``, ``k = p >> 1``;
       where V may be less than 1 and z is not 0, that one is sought ``2 * root_guard`` bits farther down, and k is less
       by ``root_guard``.
    3. Where :attr:`is_fixed`, as a mean is subtracted or the output is of integers, z has G = ``normalized_frac_bits``
       fraction bits. With a mean there is one bit more on the way, F = ``product_frac_bits`` in all, and the unit gives
       for the row ``RF = w * rho``, exact, ``KF = (((S1 * rho) << pad) >> (k + pad + rho_bits - F)) - 1``, of which
       the low ``normalized_bits + 1`` count, and ``R = a + k + rho_bits - F``; KF is -1 and RF 0 where all elements of
       floats have the same code, so that z is exactly 0 whatever sums have dropped.
       The lane: ``z = ((((X * RF) << pad) >> (R + pad - q)) - KF) >> 1`` in ``normalized_bits`` bits, two's complement:
       both parts may be far larger than z, but their low bits suffice. Without a mean z is the product. With a
       :class:`ConstantDeviation`, which is all there is in V, what is found so is z', in the unit of the row, and the
       exponent of z is :attr:`fixed_exponent` and, of rows of floats, ``top``.
    4. Elsewhere, ``RF = (w << left) * rho >> scale_drop`` has ``scale_bits``, and
       ``R = a + k + rho_bits + left - scale_drop``. The lane: ``Z = m * RF >> product_drop``, and z is
       ``(-1)**s * Z * 2**(q - R + product_drop)``, where m has been shifted left to fill its ``mantissa_bits``, and q
       is less by as much: small elements are as exact as large ones.
    5. lane: z times gamma plus beta, rounded: :class:`FloatEnding`; for integer output as in step 7 of
       :class:`~streamnorm.precision.precision.Precision`.

    Every ``>>`` is a floor.

    Attributes
    ----------
    elements, sums : of a row; sums is None for integers
    sum_bits, square_bits : two's complement bits of S1, bits of S2, or of M
    length_bits, weight_bits, count_bits : bits of n, of w and of what w is made of
    weight_root : where V is divided by w, the root of w that stands for it
    is_centred, is_fixed : whether a mean is subtracted; whether z has a binary point of its own, see step 3
    deviation : where it is constant; epsilon stands for it then
    root : the root's method
    curve : of a norm with a curvature, whose u takes the place of z behind step 3
    ending : None for integer output
    promise, error_bound, expected_error : as of every precision
    """

    elements: Elements
    sums: RowSums | None
    is_centred: bool
    is_fixed: bool
    sum_bits: int
    square_bits: int
    length_bits: int
    count_bits: int
    weight_bits: int
    weight_root: WeightRoot | None
    epsilon: RowEpsilon
    deviation: ConstantDeviation | None
    variance_bits: int
    gives_deviation: bool
    root_guard: int
    root: RootMethod
    scale_bits: int
    scale_drop: int
    product_drop: int
    normalized_bits: int
    normalized_frac_bits: int
    curve: Curve | None
    gamma_align: int
    beta_align: int
    result_frac_bits: int
    ending: FloatEnding | None
    promise: str
    error_bound: float
    expected_error: float

    @staticmethod
    def of(config: NormConfig) -> "FloatPrecision":
        """The cheapest widths that keep the promise of ``config`` (cached).

        Raises
        ------
        ConfigError
            If no supported width reaches the asked accuracy, or there is no such unit for floating point.
        """
        from .float_search import found_precision  # it makes these

        assert config.is_floating
        assert config.formula.has_statistic
        return found_precision(config)

    @property
    def difference_bits(self) -> int:
        """Two's complement bits of X."""
        return self.elements.mantissa_bits + 1

    @property
    def numerator_bits(self) -> int:
        """Bits of what an element is multiplied by: of w, or of its root's mantissa."""
        return self.weight_bits if self.weight_root is None else self.weight_root.bits

    @property
    def epsilon_code(self) -> int:
        """That of :attr:`epsilon`; 0 where there is none."""
        return self.epsilon.code

    @property
    def variance_frac_bits(self) -> int:
        """Fraction bits of V, or of its root where that is given."""
        return self.epsilon.frac_bits

    @property
    def left_max(self) -> int:
        """The largest left shift of w before it is multiplied by rho, which gives that product its leading one."""
        return 0 if self.is_fixed or self.weight_root is not None else self.weight_bits - 1

    @property
    def rho_bits(self) -> int:
        return self.root.rho_bits

    @property
    def multiplied_bits(self) -> int:
        """Bits of what gamma multiplies: z, or u."""
        return self.normalized_bits if self.curve is None else self.curve.bits

    @property
    def pad_bits(self) -> int:
        """Fraction bits that products are given, so that they are only ever shifted right: by R, which is no less than
        k and the unit of the row, and by k. A constant deviation may leave k far less than where it is the row's."""
        up = 2 if self.deviation is None else max(2, -self.unit_exponent - self.deviation.half_position)
        return max(0, self.product_frac_bits - self.rho_bits + up)

    @property
    def product_frac_bits(self) -> int:
        """Fraction bits of a product from which a mean is subtracted; of z where there is none."""
        return self.normalized_frac_bits + self.is_centred

    @property
    def unit_exponent(self) -> int:
        """``a`` where ``top`` is 0, less what :attr:`root_guard` takes from k."""
        unit = 0 if self.sums is None else self.elements.mantissa_bits - self.sums.row_bits
        return unit - self.root_guard

    @property
    def follows_top(self) -> bool:
        """Whether the exponent of a z of step 3 is that of its row: :attr:`fixed_exponent` and ``top``."""
        return self.deviation is not None and self.sums is not None

    @property
    def fixed_exponent(self) -> int:
        """``ez`` of a z of step 3, without ``top``."""
        unit = 0 if self.deviation is None else self.unit_exponent - self.deviation.exponent
        return unit - self.normalized_frac_bits

    @property
    def exponent_bits(self) -> int:
        """Two's complement bits of R."""
        top_max = 0 if self.sums is None else self.sums.top_max
        most = top_max + self.variance_bits + self.rho_bits + self.numerator_bits
        least = abs(self.unit_exponent) + self.normalized_frac_bits + self.scale_drop
        return max(most, least).bit_length() + 1

    @property
    def root_bits(self) -> tuple[int, int]:
        """Integer and fraction bits of V, or of its root, where its leading one is sought."""
        bits, guard = (self.variance_bits + 1) // 2 if self.gives_deviation else self.variance_bits, 2 * self.root_guard
        return bits + guard, self.variance_frac_bits - guard

    def figures(self) -> dict[str, int]:
        """Everything that is an integer, by name, for a plan's JSON."""
        windows = {} if self.sums is None else {
            "window_binades": self.sums.window, "windows": self.sums.count, "row_bits": self.sums.row_bits,
        }  # fmt: skip
        return {
            "mantissa_bits": self.elements.mantissa_bits,
            **windows,
            **{name: value for name, value in vars(self).items() if isinstance(value, int)},
            "rho_bits": self.root.rho_bits,
            **self.root.figures(),
            **({} if self.ending is None else self.ending.figures()),
        }
