"""Where in a layer the norms stand: styles, and schedules of them over the layers.

``f`` is attention or feed-forward, ``N`` a norm, ``x`` what comes into the part:

================  =============================  =====================================================
style             a part puts out                known from
================  =============================  =====================================================
``pre``           x + f(N(x))                    GPT-2, Llama (arXiv 2002.04745 compares it with post)
``post``          N(x + f(x))                    the first transformer, BERT (arXiv 1706.03762)
``peri``          x + N(f(N(x)))                 a sandwich: Gemma 2 (arXiv 2408.00118, 2502.02732)
``output``        x + N(f(x))                    OLMo 2 (arXiv 2501.00656), Swin 2
``parallel``      x + attention(N(x)) + ffn(N(x))    one norm for both: GPT-J, Falcon 7B, phi-2
``parallel-two``  x + attention(N(x)) + ffn(M(x))    two norms at the same time: GPT-NeoX, Falcon 40B
``none``          x + f(x)                       layers whose norms were pruned
================  =============================  =====================================================
"""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

from streamnorm.errors import ConfigError
from streamnorm.spec.values import nearest, shown

__all__ = ["STYLES", "Place", "parse_place", "parse_pruned", "parse_schedule"]

STYLES = ("pre", "post", "peri", "output", "parallel", "parallel-two", "none")
MIX = "mix"
"""The schedule of Mix-LN (arXiv 2412.13795): the first quarter of the layers post, the others pre."""


def parse_schedule(text: object, layers: int) -> tuple[str, ...]:
    """Return the style of each of ``layers`` layers.

    ``text`` is a style (``pre``), ``mix``, or styles with how many layers each takes, from the first layer on:
    ``post:8, pre`` or ``post:8, pre:24``. One of them may go without a number and takes what is left.

    Raises
    ------
    ConfigError
        If a style is unknown or the numbers do not add up to ``layers``.
    """
    if text == MIX:
        text = f"post:{layers // 4}, pre"
    counts: list[tuple[str, int | None]] = []
    for part in str(text).split(","):
        style, colon, count = (piece.strip() for piece in part.partition(":"))
        if style == MIX:
            raise ConfigError(f"placement = {shown(text)}: {MIX} stands alone, without a number; or say post:8, pre")
        if style not in STYLES:
            allowed = nearest(style, (*STYLES, MIX)) or f"; the styles are {', '.join((*STYLES, MIX))}"
            raise ConfigError(f"placement = {shown(text)}: unknown style {shown(style)}{allowed}")
        if colon and not re.fullmatch(r"[0-9]{1,6}", count):
            raise ConfigError(f"placement = {shown(text)}: {shown(count)} is no number of layers, as in post:8")
        counts.append((style, int(count) if colon else None))
    left = layers - sum(count or 0 for _, count in counts)
    open_ends = sum(count is None for _, count in counts)
    if left < 0 or open_ends > 1 or (left > 0 and not open_ends):
        raise ConfigError(
            f"placement = {shown(text)}: must say what each of {layers} layers does, "
            "with at most one style without a number"
        )
    return tuple(style for style, count in counts for _ in range(left if count is None else count))


@dataclass(frozen=True)
class Place:
    """Some norms of a stack.

    Attributes
    ----------
    site : a name such as ``attention-in``, or a pattern such as ``ffn-*`` or ``*``
    layers : counted from 0; None: all, and what is in front of them and behind
    """

    site: str
    layers: range | None

    def has(self, site: str, layer: int | None) -> bool:
        """Return whether the norm at a site of a layer (None: at an end of the stack) is among them."""
        return (self.layers is None or layer in self.layers) and fnmatchcase(site, self.site)


def parse_place(text: str, layers: int) -> Place:
    """Return what ``SITE`` or ``SITE:LAYERS`` names, LAYERS being ``7`` or ``20-31`` (both included, from 0 on).

    Raises
    ------
    ConfigError
        If it is malformed or names a layer that is not there.
    """
    match = re.fullmatch(r"([a-z*?-]+)(?::([0-9]{1,6})(?:-([0-9]{1,6}))?)?", text)
    if not match:
        raise ConfigError("must be SITE or SITE:LAYERS, as in ffn-in:20-31")
    if match[2] is None:
        return Place(match[1], None)
    first = int(match[2])
    last = int(match[3] or first)
    if not first <= last < layers:
        raise ConfigError(f"layers go from 0 to {layers - 1}")
    return Place(match[1], range(first, last + 1))


def parse_pruned(entries: object, layers: int) -> tuple[Place, ...]:
    """Return which norms are left out, each entry being ``SITE:LAYERS``, see :func:`parse_place`.

    Raises
    ------
    ConfigError
        If an entry is malformed or names a layer that is not there.
    """
    if not isinstance(entries, list | tuple):
        raise ConfigError(f'pruned = {shown(entries)}: must be a list, as in ["ffn-in:20-31"]')
    pruned = []
    for entry in entries:
        if ":" not in str(entry):
            raise ConfigError(f"pruned: {shown(entry)}: must be SITE:LAYERS, as in ffn-in:20-31")
        try:
            pruned.append(parse_place(str(entry), layers))
        except ConfigError as error:
            raise ConfigError(f"pruned: {shown(entry)}: {error}") from error
    return tuple(pruned)
