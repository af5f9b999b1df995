"""Patterns of names: ``*`` stands for any text, and what it stood for can be put into another pattern."""

import re
from functools import cached_property

__all__ = ["Glob"]


class Glob:
    """A pattern of names. ``*`` is any text, also none and also with dots; everything else is itself.

    Attributes
    ----------
    text : str
        As it was given.
    """

    def __init__(self, text: str) -> None:
        self.text = text

    @property
    def stars(self) -> int:
        """How many ``*`` there are."""
        return self.text.count("*")

    def stood_for(self, name: str) -> tuple[str, ...] | None:
        """Return what each ``*`` stands for in ``name``; None where it does not match."""
        found = self._expression.fullmatch(name)
        return None if found is None else found.groups()

    def matches(self, *names: str | None) -> bool:
        """Whether one of the names is matched; None is no name."""
        return any(name is not None and self.stood_for(name) is not None for name in names)

    def filled(self, texts: tuple[str, ...]) -> str:
        """Return the name in which each ``*`` stands for one of the texts."""
        parts = self.text.split("*")
        return parts[0] + "".join(text + part for text, part in zip(texts, parts[1:], strict=True))

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        return re.compile("(.*)".join(map(re.escape, self.text.split("*"))), re.DOTALL)
