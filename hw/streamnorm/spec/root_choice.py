"""Which method for the reciprocal square root a configuration asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streamnorm.errors import ConfigError

from .roots import ROOTS, RootMethod
from .values import one_of, refuse_unknown, shown

__all__ = ["AUTO", "RootChoice"]

AUTO = "auto"
"""The method that costs least where the unit is built; see :mod:`streamnorm.precision.automatic_root`."""

_KEYS = ("method", "steps")


@dataclass(frozen=True)
class RootChoice:
    """The table ``[rsqrt]`` of a configuration.

    Attributes
    ----------
    method : name of one of :data:`~streamnorm.spec.roots.ROOTS`, or "auto"
    steps : how many steps it takes, for methods that have steps; None: as many as it needs
    """

    method: str = "table"
    steps: int | None = None

    @staticmethod
    def of(value: Any) -> RootChoice:
        """A choice, the name of a method, or a table of a configuration file.

        Raises
        ------
        ConfigError
            If there is no such method, a key is unknown, or the method has no such number of steps.
        """
        if isinstance(value, RootChoice):
            value = value.to_dict()
        if isinstance(value, str):
            value = {"method": value}
        if not isinstance(value, Mapping):
            raise ConfigError(f'rsqrt = {shown(value)}: must be a table, for example [rsqrt] with method = "table"')
        try:
            refuse_unknown(value, _KEYS)
            method, steps = value.get("method", RootChoice.method), value.get("steps")
            one_of("method", method, (*ROOTS, AUTO))
            if steps is not None:
                _refuse_steps(method, steps)
        except ConfigError as error:
            raise ConfigError(f"in [rsqrt]: {error}") from None
        return RootChoice(method, steps)

    def to_dict(self) -> dict[str, Any]:
        """The keys, those that are None left out."""
        return {"method": self.method} if self.steps is None else {"method": self.method, "steps": self.steps}

    @property
    def kind(self) -> type[RootMethod]:
        """The method; not of "auto"."""
        return ROOTS[self.method]

    def smallest(self, rho_bits: int) -> RootMethod:
        """The cheapest instance for a precision; not of "auto"."""
        return self.kind.smallest(rho_bits, self.steps)

    def __repr__(self) -> str:
        return f"{{{self}}}"

    def __str__(self) -> str:
        steps = "" if self.steps is None else f", steps = {self.steps}"
        return f'method = "{self.method}"{steps}'


def _refuse_steps(method: str, steps: Any) -> None:
    allowed = () if method == AUTO else ROOTS[method].steps_allowed
    if not allowed:
        with_steps = ", ".join(f'"{name}"' for name, kind in ROOTS.items() if kind.steps_allowed)
        raise ConfigError(
            f'steps = {shown(steps)}: method = "{method}" has no steps to choose; those that have: {with_steps}'
        )
    if isinstance(steps, bool) or not isinstance(steps, int) or steps not in allowed:
        raise ConfigError(
            f'steps = {shown(steps)}: must be an integer from {min(allowed)} to {max(allowed)} for method = "{method}"'
        )
