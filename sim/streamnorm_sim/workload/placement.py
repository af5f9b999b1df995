"""Schedules: which style each layer of a stack has, and which norms are left out."""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

from streamnorm.errors import ConfigError
from streamnorm.spec.values import nearest, shown

from .styles import STYLES

__all__ = ["EVERYTHING", "SCHEDULES", "Place", "is_fixup", "parse_place", "parse_pruned", "parse_schedule"]

FIXUP = "fixup"
MIX = "mix"
SCHEDULES = {
    "mix:K": "Mix-LN (arXiv:2412.13795): post in the first K layers, pre in the others",
    MIX: "the same with a quarter of the layers, as its paper has it",
    FIXUP: "no norms at all, none of embeddings, queries, keys and outputs either: Fixup (arXiv:1901.09321), T-Fixup",
}
"""What a schedule may be besides styles, and what each means; it stands alone."""


def parse_schedule(text: object, layers: int) -> tuple[str, ...]:
    """Return the style of each of ``layers`` layers.

    ``text`` is a style (``pre``), one of `SCHEDULES`, or styles with how many layers each takes, from the first layer
    on: ``post:8, pre`` or ``post:8, pre:24``. One of them may go without a number and takes what is left.

    Raises
    ------
    ConfigError
        If a style is unknown, the numbers do not add up to ``layers``, or a style that must be that of all layers is
        not.
    """
    if is_fixup(text):
        return ("none",) * layers
    whole = re.fullmatch(rf"\s*{MIX}\s*(?::\s*([0-9]{{1,6}})\s*)?", str(text))
    if whole:
        first = int(whole[1]) if whole[1] else layers // 4
        if first > layers:
            raise ConfigError(f"placement = {shown(text)}: there are {layers} layers")
        return ("post",) * first + ("pre",) * (layers - first)
    counts: list[tuple[str, int | None]] = []
    for part in str(text).split(","):
        style, colon, count = (piece.strip() for piece in part.partition(":"))
        if style not in STYLES:
            raise ConfigError(f"placement = {shown(text)}: {_unknown(style)}")
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
    styles = tuple(style for style, count in counts for _ in range(left if count is None else count))
    for style in dict.fromkeys(styles):
        if STYLES[style].whole and len(set(styles)) > 1:
            raise ConfigError(
                f"placement = {shown(text)}: {style} must be the style of all layers; its constants are of all of them"
            )
    return styles


def is_fixup(text: object) -> bool:
    """Return whether a schedule is the one without any norm."""
    return isinstance(text, str) and text.strip() == FIXUP


def _unknown(style: str) -> str:
    """Say what there is instead of a style."""
    if style in (MIX, FIXUP):
        return f"{style} stands alone, as in {'mix or mix:8' if style == MIX else FIXUP}; or say post:8, pre"
    return (
        f"unknown style {shown(style)}{nearest(style, (*STYLES, *SCHEDULES))}; the styles are {', '.join(STYLES)}, "
        f"of all layers or of so many each, as in post:8,pre; or alone: {', '.join(SCHEDULES)}"
    )


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


EVERYTHING = Place("*", None)
"""Every norm there is."""


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
    """Return which norms are left out, each entry being ``SITE`` or ``SITE:LAYERS``, see :func:`parse_place`.

    Raises
    ------
    ConfigError
        If an entry is malformed or names a layer that is not there.
    """
    if not isinstance(entries, list | tuple):
        raise ConfigError(f'pruned = {shown(entries)}: must be a list, as in ["ffn-in:20-31"]')
    pruned = []
    for entry in entries:
        try:
            pruned.append(parse_place(str(entry), layers))
        except ConfigError as error:
            raise ConfigError(f"pruned: {shown(entry)}: {error}") from error
    return tuple(pruned)
