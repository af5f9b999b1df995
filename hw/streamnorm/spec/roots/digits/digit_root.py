"""What methods have in common that find a digit in each step."""

from __future__ import annotations

from typing import ClassVar

from streamnorm.spec.roots.root_method import RootMethod

__all__ = ["DigitRoot"]


class DigitRoot(RootMethod):
    """Additions and shifts only: no product, no table; a step for each bit, so many that they are worth sharing.

    Rows of :attr:`turns` beats and more leave time for a single piece of logic; shorter ones take several, one behind
    the other, and rows of one beat as many as there are steps.
    """

    mean_share: ClassVar[float] = 0.6

    @property
    def turns(self) -> int:
        return self.rho_bits

    @property
    def logic_bits(self) -> int:
        return self.rho_bits**2

    def lines(self) -> list[tuple[str, int, int, str]]:
        return [
            ("u", self.mantissa_bits, self.mantissa_bits, "V below its leading one"),
            ("rho", self.rho_bits, self.rho_bits, f"2^k / sqrt(V), between 1/2 and 1; {self.about}"),
        ]
