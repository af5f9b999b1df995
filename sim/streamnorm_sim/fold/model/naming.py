"""Which modules of a model write to the residual stream, which read it behind a norm, and which are no matter."""

from dataclasses import dataclass

from ..linear import LAYOUTS

__all__ = ["Naming", "Read", "Tied"]


@dataclass(frozen=True)
class Read:
    """Layers that take what a norm of the stream puts out.

    Attributes
    ----------
    layers : pattern of their names
    norm : pattern of the norm's name. Each ``*`` in it stands for what that of ``layers`` stands for; where one of
        the two has none, it has to match one name
    """

    layers: str
    norm: str


@dataclass(frozen=True)
class Tied:
    """A table of embeddings that is the weight of the output head, too.

    Attributes
    ----------
    table : pattern of the table's name
    head : name of the head; where the model has no such tensor, it is made
    norm : pattern of the norm that the head reads, which has to match one name
    """

    table: str
    head: str
    norm: str


@dataclass(frozen=True)
class Naming:
    """Patterns of the names of a model's modules; see :class:`~.glob.Glob`.

    A pattern may give the name of the module, ``*h.*.attn.c_proj``, or of its weight, ``*h.*.attn.c_proj.weight``.

    Attributes
    ----------
    tables : what is added to the stream as it is, its last axis the features: embeddings of tokens and places
    writers : layers whose outputs are added to the stream
    reads : layers that read the stream behind a norm, and that norm
    heads : such layers whose weight is (outputs, inputs) whatever the layout
    tied : tables that are heads, too
    left : tensors that have to do with no stream, though they may be of its width
    layout : of the weights of ``writers`` and ``reads``: "out-in" or "in-out"
    may_miss : patterns may match nothing, as those of a preset do, which serves several models
    """

    tables: tuple[str, ...] = ()
    writers: tuple[str, ...] = ()
    reads: tuple[Read, ...] = ()
    heads: tuple[Read, ...] = ()
    tied: tuple[Tied, ...] = ()
    left: tuple[str, ...] = ()
    layout: str = LAYOUTS[0]
    may_miss: bool = False
