"""Methods for the reciprocal square root: each is a class in a file of its own, entered here."""

from .digits.binary_search import BinarySearch
from .digits.cordic import Cordic
from .digits.non_restoring import NonRestoring
from .polynomial.linear import PiecewiseLinear
from .polynomial.quadratic import PiecewiseQuadratic
from .polynomial.table import RsqrtTable
from .refined.fast_inverse import FastInverse
from .refined.goldschmidt import Goldschmidt
from .refined.iterl2norm import IterL2Norm
from .refined.table_newton import TableNewton
from .refined.vfrsqrt7 import Vfrsqrt7
from .root_method import RootMethod

__all__ = ["ROOTS", "RootMethod"]

ROOTS: dict[str, type[RootMethod]] = {
    "table": RsqrtTable,
    "linear": PiecewiseLinear,
    "quadratic": PiecewiseQuadratic,
    "table-newton": TableNewton,
    "goldschmidt": Goldschmidt,
    "fast-inverse": FastInverse,
    "vfrsqrt7": Vfrsqrt7,
    "iterl2norm": IterL2Norm,
    "non-restoring": NonRestoring,
    "binary-search": BinarySearch,
    "cordic": Cordic,
}
"""Every method by its name."""
