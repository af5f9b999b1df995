"""Verilog that people can read: what a back end wrote, with names for what it numbered, comments, and short lines.

Amaranth names every signal, but not what is a part of one: a port that carries some bits of a signal is
``port$275$0``, the second signal of a name is ``index$36``, and the result of an operator is ``$12``. Here a part is
called after its whole (``d_35_0``: bits 35 to 0 of ``d``), and no name holds a ``$``. The circuit stays what it was.
"""

import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from amaranth.hdl import Fragment, Module

from streamnorm.spec.names import must_be_escaped

__all__ = ["purposes", "readable"]

_WIDTH = 120
_DIGITS = 96  # of a hexadecimal literal in one line
_NAME = r"(?:\\\S+ |[A-Za-z_]\w*)"
_WORD = re.compile(_NAME)
_HEADER = re.compile(rf"module ({_NAME})")
_DECLARATION = re.compile(rf"  (?:input|output|wire|reg)(?: signed)? (?:\[(\d+):0\] )?({_NAME})(?: = .*)?;")
_ASSIGNMENT = re.compile(rf"  assign ({_NAME}) = (.*);")
_EMPTY = re.compile(r"  wire \[-1:0\] ")  # declares a signal of no bits, of which Verilog makes two
_INSTANCE = re.compile(rf"  ({_NAME}) (?:#\(|{_NAME} ?\()$")
_PIN = re.compile(rf"(    \.)({_NAME})(\(.*)")
_CONNECTED = re.compile(rf"\(({_NAME})\),?$")
_ITEM = re.compile(rf"({_NAME})|{_NAME}\[(\d+)(?::(\d+))?\]|(\d+)'h[0-9a-f]+")
_NUMBERED = re.compile(r"\\(\S*\$\S*) ")
_LITERAL = re.compile(r"(\d+)'h([0-9a-f]{96,})")
_SHORTER_LITERAL = re.compile(r"(\d+)'h([0-9a-f]{16,})")
_REPEATED = re.compile(rf"(?<!\w)((?:{_NAME})(?:\[\d+\])?)(?:, \1){{2,}}(?!\w| ?\[)")


def purposes(fragment: Fragment, name: str) -> dict[str, str]:
    """Return what each module of a design is for: the first line of the docstring of the class that describes it.

    Parameters
    ----------
    fragment : Fragment
        Of the top module.
    name : str
        Name of the top module; that of each other one is its path, with dots.
    """
    found = {}
    described = next((origin for origin in fragment.origins or () if not isinstance(origin, Module)), None)
    if described is not None and (text := inspect.getdoc(type(described))):
        found[name] = re.sub(r"(?::\w+:)?`+~?(?:[\w.]+\.)?([^`]*)`+", r"\1", text.splitlines()[0])
    for below, its_name, _ in fragment.subfragments:
        found |= purposes(below, f"{name}.{its_name}")
    return found


def readable(text: str, comments: Mapping[str, str]) -> str:
    """Return Verilog with names without ``$``, a comment above each module, and lines of up to 120 characters.

    Parameters
    ----------
    text : str
        What :mod:`amaranth.back.verilog` wrote.
    comments : mapping of str to str
        What is said above each module, by its name.
    """
    parts = list(_parts(text.splitlines()))
    modules = {part.name: part for part in parts if isinstance(part, _ModuleText)}
    assert not [name for name in modules if "$" in name], "every submodule needs a name"
    for module in modules.values():
        module.find_connections(modules)
    for module in modules.values():
        module.choose_names()
    lines = []
    for part in parts:
        if isinstance(part, _ModuleText):
            comment = comments.get(_plain(part.name), "A part of the module above.")
            lines += textwrap.wrap(comment, _WIDTH, initial_indent="// ", subsequent_indent="// ")
            lines += [short for line in part.renamed(modules) if not _EMPTY.match(line) for short in _wrapped(line)]
        else:
            lines.append(part)
    return "\n".join(lines) + "\n"


@dataclass
class _ModuleText:
    """The lines of a module, and what is known of its names; escaped ones as they stand, with backslash and space."""

    name: str
    lines: list[str]
    widths: dict[str, int] = field(default_factory=dict)
    assigned: list[tuple[str, str]] = field(default_factory=list)
    """What is assigned combinationally, and the text of its value."""
    connected: dict[str, str] = field(default_factory=dict)
    """Ports that a parent connects to a signal as a whole, and the signal's name there."""
    new_names: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for line in self.lines:
            if declared := _DECLARATION.fullmatch(line):
                self.widths[declared[2]] = int(declared[1] or 0) + 1
            elif assigned := _ASSIGNMENT.fullmatch(line):
                self.assigned.append((assigned[1], assigned[2]))
        self.assigned.sort(key=lambda pair: "$" in pair[0])  # what has a name of its own first

    def find_connections(self, modules: "Mapping[str, _ModuleText]") -> None:
        """Tell the modules that are instantiated here what their ports are connected to."""
        for line, of in self._with_instances(modules):
            if of is not None and (pin := _PIN.fullmatch(line)) and (signal := _CONNECTED.match(pin[3])):
                of.connected[pin[2]] = signal[1]

    def choose_names(self) -> None:
        """Choose a name for everything whose name has a ``$``."""
        taken = {_plain(name) for line in self.lines for name in _WORD.findall(line)}
        for name in dict.fromkeys(found[0] for line in self.lines for found in _NUMBERED.finditer(line)):
            wanted = self._wanted(name)
            while wanted in taken:
                wanted += "_"
            taken.add(wanted)
            self.new_names[name] = f"\\{wanted} " if must_be_escaped(wanted) else wanted

    def renamed(self, modules: "Mapping[str, _ModuleText]") -> Iterator[str]:
        """Yield the lines with the new names."""
        for line, of in self._with_instances(modules):
            pin = _PIN.fullmatch(line)
            if of is not None and pin is not None:
                yield f"{pin[1]}{of.new_names.get(pin[2], pin[2])}{self._translated(pin[3])}"
            else:
                yield self._translated(line)

    def _wanted(self, name: str) -> str:
        """The name that something should have."""
        plain = _plain(name)
        if re.fullmatch(r"\$\d+", plain):
            return f"_{plain[1:]}_"
        if plain.startswith("$auto$"):
            return f"start_{plain.rpartition('$')[2]}"
        if not plain.startswith("port$"):
            return plain.replace("$", "_")
        signal = _plain(self.connected.get(name, "$"))
        if "$" not in signal:
            return signal
        return self._part_of_a_whole(name) or self._whole_of_parts(name) or f"part_{plain[5:].replace('$', '_')}"

    def _part_of_a_whole(self, name: str) -> str | None:
        """The name of a signal that holds a port besides others, with the bits that the port is."""
        same = {name.strip()}
        for target, value in self.assigned:
            if target == name and "$" not in value and _ITEM.fullmatch(value):
                return re.sub(r"\W+", "_", _plain(value)).rstrip("_")
            if target == name:
                same.add(value.strip())
        for target, value in self.assigned:
            if target.startswith(("\\$", "\\port$")) or not value.startswith("{ "):
                continue
            low = 0
            for item in reversed(value[2:-2].split(", ")):
                width = self._width(item)
                if width is None:
                    break
                if item.strip() in same:
                    bits = f"{low + width - 1}_{low}" if width > 1 else f"{low}"
                    return f"{_plain(target).replace('$', '_')}_{bits}"
                low += width
        return None

    def _whole_of_parts(self, name: str) -> str | None:
        """The names of the signals that a port holds, side by side, the highest bits' first."""
        parts: dict[int, tuple[int, str]] = {}
        for target, value in self.assigned:
            if value.startswith(name) and "$" not in target and (taken := _ITEM.fullmatch(value)) and taken[2]:
                low = int(taken[3] or taken[2])
                parts[low] = max(parts.get(low, (0, "")), (int(taken[2]) + 1 - low, _plain(target)))
        position, names = 0, []
        while position in parts:
            width, part = parts[position]
            names.insert(0, part)
            position += width
        return "_".join(names) if position == self.widths.get(name) else None

    def _width(self, item: str) -> int | None:
        """Bits of an item of a concatenation, where it is a signal, bits of one, or a literal."""
        found = _ITEM.fullmatch(item) or _ITEM.fullmatch(f"{item} ")
        if found is None:
            return None
        if found[1]:
            return self.widths.get(found[1])
        if found[4]:
            return int(found[4])
        return int(found[2]) - int(found[3] or found[2]) + 1

    def _translated(self, text: str) -> str:
        def new(found: re.Match[str]) -> str:
            name = self.new_names.get(found[0], found[0])
            return name if name.endswith(" ") or _ends_a_word(text, found.end()) else f"{name} "

        return _NUMBERED.sub(new, text) if "$" in text else text

    def _with_instances(self, modules: "Mapping[str, _ModuleText]") -> "Iterator[tuple[str, _ModuleText | None]]":
        """Yield each line, and the module whose instance it connects, if that is one of ``modules``."""
        of = None
        for line in self.lines:
            if started := _INSTANCE.fullmatch(line):
                of = modules.get(started[1])
            elif line == "  );":
                of = None
            yield line, of


def _plain(name: str) -> str:
    return name[1:-1] if name.startswith("\\") else name


def _ends_a_word(text: str, end: int) -> bool:
    """Whether no space is needed behind a name that ends at ``end``."""
    return end >= len(text) or text[end] in "),;[ "


def _parts(lines: list[str]) -> "Iterator[str | _ModuleText]":
    """Yield modules, and the lines between them."""
    position = 0
    while position < len(lines):
        if not lines[position].startswith("module "):
            yield lines[position]
            position += 1
            continue
        body = position
        while not lines[body].endswith(";"):
            body += 1  # a long list of ports
        header = " ".join(lines[position : body + 1])
        end = lines.index("endmodule", body) + 1
        named = _HEADER.match(header)
        assert named is not None
        yield _ModuleText(named[1], [header, *lines[body + 1 : end]])
        position = end


def _wrapped(line: str) -> Iterator[str]:
    """Yield a line in pieces of up to `_WIDTH` characters."""
    if len(line) <= _WIDTH:
        yield line
        return
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    for whole in _LITERAL.sub(partial(_in_pieces, _DIGITS), line).split("\n"):
        rest = _REPEATED.sub(_replicated, whole)
        while len(rest) > _WIDTH and (cut := rest.rfind(", ", len(indent) + 1, _WIDTH)) > 0:
            yield rest[: cut + 1]
            rest = indent + rest[cut + 2 :]
        if len(rest) > _WIDTH:  # a literal behind a long name
            yield from _SHORTER_LITERAL.sub(partial(_in_pieces, _DIGITS // 2), rest).split("\n")
        else:
            yield rest


def _replicated(found: re.Match[str]) -> str:
    count = found[0].count(", ") + 1
    return f"{{ {count}{{ {found[1]} }} }}"


def _in_pieces(most: int, found: re.Match[str]) -> str:
    """A literal as a concatenation of shorter ones, of ``most`` digits; as it is where all of it is 0."""
    bits, digits = int(found[1]), found[2]
    if not digits.strip("0"):
        return f"{bits}'h0"
    digits = digits.rjust(-(-bits // 4), "0")
    first = len(digits) % most or most
    pieces = [digits[:first], *(digits[at : at + most] for at in range(first, len(digits), most))]
    sizes = [bits - 4 * (len(digits) - first), *[4 * most] * (len(pieces) - 1)]
    return "{\n" + ",\n".join(f"      {size}'h{piece}" for size, piece in zip(sizes, pieces, strict=True)) + " }"
