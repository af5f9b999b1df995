"""What a lane of the parameter stream holds: gamma and beta of the rows' own result, then those of further ones."""

from dataclasses import dataclass
from typing import Literal

from .config import NormConfig

__all__ = ["LanePart", "parameter_lane"]


@dataclass(frozen=True)
class LanePart:
    """One of the stored values that an element has.

    Attributes
    ----------
    name : "gamma", "beta", or with the name of the further result behind it, "gamma_second"
    key : which of the two it is
    config : the configuration that has the result for its own
    """

    name: str
    key: Literal["gamma", "beta"]
    config: NormConfig

    @property
    def bits(self) -> int:
        """Its width."""
        return self.config.gamma_bits if self.key == "gamma" else self.config.beta_bits

    @property
    def bytes(self) -> int:
        """Whole bytes that it takes of a lane."""
        return -(-self.bits // 8)


def parameter_lane(config: NormConfig) -> tuple[LanePart, ...]:
    """The values in each lane of a beat of the parameter stream, from the low bytes up: gamma and beta, then those of
    each further result, in the order of the configuration."""
    results = {"": config} | {f"_{name}": of for name, of in config.by_result.items()}
    return tuple(
        part
        for end, of in results.items()
        for part in (LanePart(f"gamma{end}", "gamma", of), LanePart(f"beta{end}", "beta", of))
    )
