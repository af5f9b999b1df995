"""What there is to say about a placement of norms in a layer."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from streamnorm_sim.workload.calls import NormCall

__all__ = ["PARTS", "Constant", "LayersOfStyle", "Style"]

PARTS = ("attention", "cross-attention", "ffn")
"""The parts of a layer, in their order; a decoder attends to the encoder between its own attention and feed-forward."""


@dataclass(frozen=True)
class Constant:
    """A factor beside the norms that a style asks for, and where it is folded, so that no unit multiplies by it.

    Attributes
    ----------
    name, formula : as the paper has them; L is the number of layers of the stack
    sites : norms in front of which it stands, or into which it goes
    layers : counted from 0
    values : one for each of the layers; None: learned
    folded_into : what is multiplied by it before a unit is made or loaded
    remark : another way to the same numbers, or what else there is to say
    """

    name: str
    formula: str
    sites: tuple[str, ...]
    layers: tuple[int, ...]
    values: tuple[float, ...] | None
    folded_into: str
    remark: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON values."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in vars(self).items()}


@dataclass(frozen=True)
class LayersOfStyle:
    """The layers of a stack that have one style, as far as constants depend on them.

    Attributes
    ----------
    role : "encoder" or "decoder"
    depth, other_depth : layers of the stack, and of the other stack of an encoder-decoder, else 0
    layers : those of the style, counted from 0
    norms : in these layers
    """

    role: Literal["encoder", "decoder"]
    depth: int
    other_depth: int
    layers: tuple[int, ...]
    norms: "tuple[NormCall, ...]"

    def with_norms(self, sites: Iterable[str]) -> dict[str, tuple[int, ...]]:
        """Return which of some sites have norms, and in which layers."""
        there = {site: tuple(call.layer for call in self.norms if call.site == site) for site in sites}
        return {site: tuple(n for n in layers if n is not None) for site, layers in there.items() if layers}


@dataclass(frozen=True, kw_only=True)
class Style:
    """Where the norms of a layer stand; ``f`` is a part of it, ``N`` a norm, ``x`` what comes into the part.

    Attributes
    ----------
    name : what a schedule calls it
    formula : what a part puts out
    source : what it is known from, with arXiv numbers
    before, after, on_sum : the parts whose input is normalized; whose output is, before it is added; whose sum is
    inside : whether the inner row of the feed-forward is normalized, in front of its last matrix
    block : the norms of a block in which attention and feed-forward work side by side, all in one step
    whole : whether it is a style of all layers or none, since its constants are those of a whole stack
    """

    name: str
    formula: str
    source: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    on_sum: tuple[str, ...] = ()
    inside: bool = False
    block: tuple[str, ...] = ()
    whole: bool = False

    def constants(self, where: LayersOfStyle) -> list[Constant]:
        """Return the factors that stand beside the norms of the layers; most styles have none."""
        del where
        return []
