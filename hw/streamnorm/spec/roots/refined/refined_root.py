"""A method that refines an estimate in steps: which estimate, how many steps, how many bits."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, Any, ClassVar

import numpy.typing as npt
from amaranth.hdl import unsigned

from streamnorm.spec.roots.root_method import RootMethod
from streamnorm.spec.roots.rounding import Rounding, relative_error_of

from .estimate import Estimate
from .refinement import Refinement, Widths

if TYPE_CHECKING:
    from streamnorm.logic.pipeline import Pipeline, Timed

__all__ = ["RefinedRoot"]

_GUARD_BITS = range(1, 7)
_CYCLES_A_STEP = 16


@dataclass(frozen=True, eq=False)
class RefinedRoot(RootMethod):
    """An :class:`Estimate`, cut to ``work_bits`` fraction bits, then the steps of a :class:`Refinement`, then a
    :class:`~streamnorm.spec.roots.rounding.Rounding`; without steps, the estimate cut to ``rho_bits``.

    All steps have the same widths, so that they can be done in the same hardware one after the other.
    """

    refinement: ClassVar[Refinement]
    mean_share: ClassVar[float] = 0.5

    rho_bits: int
    relative_error: float
    estimate: Estimate
    steps: int
    widths: Widths
    rounding: Rounding

    @classmethod
    @abstractmethod
    def estimates(cls, mantissa_bits: int) -> Iterable[Estimate]:
        """What the steps may begin with, the cheapest first."""

    @classmethod
    def usual_steps(cls) -> Iterable[int]:
        """Numbers of steps that are tried, one after the other, where none is asked for."""
        return cls.steps_allowed

    @classmethod
    def smallest(cls, rho_bits: int, steps: int | None = None) -> RefinedRoot:
        return _smallest(cls, rho_bits, steps)

    @property
    def about(self) -> str:
        return f"{self.estimate.about}, {self.steps} step{'' if self.steps == 1 else 's'}"

    @property
    def turns(self) -> int:
        return max(1, _CYCLES_A_STEP * self.steps)

    @property
    def mantissa_bits(self) -> int:
        return self.widths.mantissa_bits

    @property
    def products(self) -> tuple[tuple[int, int], ...]:
        return self.refinement.products(self.widths, self.steps) if self.steps else ()

    @property
    def logic_bits(self) -> int:
        return sum(a + b for a, b in self.products)

    @property
    def word_width(self) -> int:
        return self.estimate.bits if self.estimate.entries else 0

    @property
    def widest(self) -> int:
        return 2 * self.widths.work_bits + 4 if self.steps else self.widths.mantissa_bits + 4

    def evaluate(self, mantissa: npt.NDArray[Any], odd: npt.NDArray[Any]) -> npt.NDArray[Any]:
        estimate = self.estimate.evaluate(mantissa, odd, self.mantissa_bits).astype(mantissa.dtype)
        work = self.widths.work_bits
        up = work - self.estimate.bits
        r = estimate << up if up >= 0 else estimate >> -up
        if self.steps:
            r = self.refinement.evaluate(r, mantissa, odd, self.widths, self.steps)
        return self.rounding.evaluate(r)

    def build(self, p: Pipeline, mantissa: Timed, odd: Timed) -> Timed:
        estimate, work = self.estimate.build(p, mantissa, odd), self.widths.work_bits
        up = work - self.estimate.bits
        r = p.concat(p.constant(0, unsigned(up)), estimate) if up > 0 else estimate.bits(-up, estimate.width)
        if self.steps:
            r = self.refinement.build(p, r, mantissa, odd, self.widths, self.steps)
        return self.rounding.build(p, r)

    def figures(self) -> dict[str, int]:
        table = {"table_entries": self.estimate.entries, "table_word_bits": self.word_width}
        return {"root_steps": self.steps, **(table if self.estimate.entries else {})}

    def lines(self) -> list[tuple[str, int, int, str]]:
        work, lines = self.widths.work_bits, [("u", self.mantissa_bits, self.mantissa_bits, "V below its leading one")]
        lines.append(("r", self.estimate.bits, self.estimate.bits, f"first estimate: {self.estimate.about}"))
        if self.steps:
            lines.append(("r'", work, work, f"after each of {self.steps} steps"))
        return [*lines, ("rho", self.rho_bits, self.rho_bits, f"2^k / sqrt(V), between 1/2 and 1; {self.about}")]


@lru_cache(maxsize=1024)
def _smallest(kind: type[RefinedRoot], rho_bits: int, steps: int | None) -> RefinedRoot:
    return kind.first_exact_enough(_candidates(kind, rho_bits, steps), rho_bits)


def _candidates(kind: type[RefinedRoot], rho_bits: int, steps: int | None) -> Iterator[RefinedRoot]:
    """The cheapest first; two bits more of the mantissa are looked at only where nothing else does."""
    for more in (0, 2):
        counts = kind.usual_steps() if steps is None else (steps,)
        for count, estimate in product(counts, kind.estimates(rho_bits + more)):
            for guard_bits in _GUARD_BITS if count else (0,):
                yield _with(kind, rho_bits, rho_bits + more, guard_bits, estimate, count)


def _with(
    kind: type[RefinedRoot], rho_bits: int, mantissa_bits: int, guard_bits: int, estimate: Estimate, steps: int
) -> RefinedRoot:
    work_bits = rho_bits + guard_bits
    unit, segments = 2.0**-work_bits, estimate.segments
    cut = 2 * unit if estimate.bits > work_bits else 0.0
    errors = kind.refinement.errors(segments, segments.low - cut, segments.high, steps, unit)
    low, high = (float(extreme) for extreme in (errors[-1][0].min(), errors[-1][1].max()))
    rounding = Rounding.of(rho_bits, guard_bits, low, high)
    widths = Widths(mantissa_bits, work_bits, Refinement.residual_bits(errors, unit))
    error = relative_error_of(rounding.low, rounding.high, mantissa_bits)
    return kind(rho_bits, error, estimate, steps, widths, rounding)
