"""What there is to say about a way to a reciprocal square root."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy.typing as npt

if TYPE_CHECKING:
    from streamnorm.logic.pipeline import Pipeline, Timed

__all__ = ["RootMethod"]

_Instance = TypeVar("_Instance", bound="RootMethod")


class RootMethod(ABC):
    """``rho(u, odd) = 1/sqrt(u)`` or, with ``odd``, ``1/sqrt(2*u)``, for a mantissa ``1 <= u < 2``; 1/2 < rho <= 1.

    An instance is one precision of a method. :meth:`evaluate` and :meth:`build` give the same integer.

    Attributes
    ----------
    title : what it is called, for documents
    source : who described it, and where
    steps_allowed : numbers of steps that may be asked for; none where it has no steps
    about : how this instance does it, in a few words
    rho_bits : fraction bits of rho, an unsigned number below ``2**rho_bits``
    mantissa_bits : bits of u below its leading one that are looked at
    relative_error : proven bound of ``|rho * 2**-rho_bits / exact - 1|`` over all mantissas, the bits that are not
        looked at included
    products : operand widths of its products, the signed operand first
    logic_bits : about how many bits its additions have together, or those between its products; 0 where they are few
    word_width : bits of a word of its table, in memory or in logic; 0 where it has none
    widest : bits of the widest intermediate
    mean_share : the mean magnitude of the relative error, at most, as a share of its bound
    turns : cycles from row to row beyond which sharing logic between its steps saves no more; 1 where none is shared
    """

    title: ClassVar[str]
    source: ClassVar[str]
    steps_allowed: ClassVar[Collection[int]] = ()
    mean_share: ClassVar[float] = 0.3
    rho_bits: int
    relative_error: float

    @classmethod
    @abstractmethod
    def smallest(cls, rho_bits: int, steps: int | None = None) -> RootMethod:
        """The cheapest instance that is off by less than `wanted_error`; the most exact one where none is.

        ``rho_bits`` is even, 12 to 40; ``steps``, one of `steps_allowed`, leaves no choice of their number.
        """

    @classmethod
    def first_exact_enough(cls, instances: Iterable[_Instance], rho_bits: int) -> _Instance:
        """The first that is off by less than `wanted_error`; the most exact one, the first of equals, where none is."""
        best = None
        for instance in instances:
            if instance.relative_error < cls.wanted_error(rho_bits):
                return instance
            if best is None or instance.relative_error < best.relative_error:
                best = instance
        assert best is not None
        return best

    @staticmethod
    def wanted_error(rho_bits: int) -> float:
        """The relative error that a rho of so many bits is to stay below: less than three units of its last place."""
        return 2.0 ** -(rho_bits - 1.5)

    @property
    @abstractmethod
    def about(self) -> str: ...

    @property
    def turns(self) -> int:
        return 1

    @property
    @abstractmethod
    def mantissa_bits(self) -> int: ...

    @property
    def products(self) -> tuple[tuple[int, int], ...]:
        return ()

    @property
    def logic_bits(self) -> int:
        return 0

    @property
    def word_width(self) -> int:
        return 0

    @property
    @abstractmethod
    def widest(self) -> int: ...

    @abstractmethod
    def evaluate(self, mantissa: npt.NDArray[Any], odd: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """rho of mantissas (``mantissa_bits`` below the leading one, which is left out) as the hardware computes it.

        ``mantissa`` is int64, or Python integers (dtype object) where :attr:`widest` passes 63 bits; so is rho.
        """

    @abstractmethod
    def build(self, p: Pipeline, mantissa: Timed, odd: Timed) -> Timed:
        """The same as hardware."""

    def figures(self) -> dict[str, int]:
        """What a plan's JSON says of it besides ``rho_bits``."""
        return {}

    @abstractmethod
    def lines(self) -> list[tuple[str, int, int, str]]:
        """What a plan's table says of it: name, bits, fraction bits and meaning of each value on the way to rho."""
