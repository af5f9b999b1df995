"""The residual stream of a model: what writes to it, and what reads it behind which norm."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamnorm.errors import ConfigError
from streamnorm.spec.values import counted, nearest, one_of, shown

from ..linear import LAYOUTS
from .glob import Glob
from .modules import Module, modules_of
from .naming import Naming, Read

__all__ = ["Layer", "Stream", "features_axis", "some", "stream_of"]

_NAMED = 3
"""So many names are told in a message."""


@dataclass(frozen=True)
class Layer:
    """A module that writes to the stream or reads it.

    Attributes
    ----------
    module : its tensors
    layout : of its weight; a table's is "in-out"
    copied_from : for a head that is a table, too, and no tensor yet: the weight of that table
    """

    module: Module
    layout: str
    copied_from: str | None = None

    @property
    def source(self) -> str:
        """The tensor that its weight is made of."""
        return self.copied_from or self.module.weight


@dataclass(frozen=True)
class Stream:
    """A residual stream.

    Attributes
    ----------
    width : features of a token
    writers : layers and tables that add to it
    norms : norms that read it, by name
    readers : the layers behind each norm, by the norm's name
    separated : pairs (table's weight, head's weight) that were one
    """

    width: int
    writers: tuple[Layer, ...]
    norms: dict[str, Module]
    readers: dict[str, tuple[Layer, ...]]
    separated: tuple[tuple[str, str], ...]


def stream_of(tensors: Mapping[str, NDArray], namings: Sequence[Naming]) -> Stream:
    """Return the stream that the patterns of all ``namings`` together describe.

    Raises
    ------
    ConfigError
        If a pattern that may not miss matches nothing, a norm is not there, a module has two parts to play, a shape
        does not fit, or a tensor of the stream's width is matched by no pattern: what it does to the stream, and
        whether that can be folded, is not known then.
    """
    modules = modules_of(tensors)
    for naming in namings:
        one_of("layout", naming.layout, LAYOUTS)
    norm_of: dict[str, str] = {}
    layers: dict[str, Layer] = {}
    for module, layout, norm in _reading(modules, namings):
        if norm_of.setdefault(module.name, norm) != norm:
            raise ConfigError(f"{module.name}: is said to read {norm_of[module.name]} and {norm}; it can read one")
        layers[module.name] = Layer(module, layout)
    separated = []
    for table, head, norm in _tied(modules, namings):
        if head.name not in modules:
            norm_of[head.name], layers[head.name] = norm, Layer(head, LAYOUTS[0], table.weight)
        if head.name not in modules or np.array_equal(tensors[head.weight], tensors[table.weight]):
            separated.append((table.weight, head.weight))
    if not norm_of:
        raise ConfigError(f"no layer that reads a norm is matched; {some(modules)}")
    norms = {name: modules[name] for name in dict.fromkeys(norm_of.values())}
    width = _width(tensors, norms.values())
    writers = {module.name: Layer(module, layout) for module, layout in _writing(modules, namings)}
    if not writers:
        raise ConfigError(f"nothing that writes to the stream is matched; {some(modules)}")
    _require_one_part({"writes to the stream": writers, "is a norm of it": norms, "reads a norm": layers})
    for layer in writers.values():
        _require_features(tensors, layer, width, writes=True)
    for layer in layers.values():
        _require_features(tensors, layer, width, writes=False)
    _require_known(tensors, modules, {*writers, *layers, *norms}, namings, width)
    readers = {norm: tuple(layers[name] for name, of in norm_of.items() if of == norm) for norm in norms}
    return Stream(width, tuple(writers.values()), norms, readers, tuple(separated))


def some(names: Iterable[str]) -> str:
    """Return words on what names there are, for a message that none of them will do."""
    first = list(names)[:_NAMED]
    return f"the first are {', '.join(map(shown, first))}" if first else "it has none"


def _require_match(found: Sequence[object], pattern: str, naming: Naming, modules: Iterable[str]) -> None:
    """Check that a pattern matches something, if it has to."""
    if not found and not naming.may_miss:
        raise ConfigError(f"{shown(pattern)}: matches none of the model's names; {some(modules)}")


def _matched(modules: Mapping[str, Module], pattern: str, naming: Naming) -> list[Module]:
    glob = Glob(pattern)
    found = [module for module in modules.values() if glob.matches(module.name, module.weight)]
    _require_match(found, pattern, naming, modules)
    return found


def _reading(modules: Mapping[str, Module], namings: Sequence[Naming]) -> Iterator[tuple[Module, str, str]]:
    """Layers that read, the layout of each, and the name of its norm."""
    for naming in namings:
        for reads, layout in ((naming.reads, naming.layout), (naming.heads, LAYOUTS[0])):
            for read in reads:
                for module in _matched(modules, read.layers, naming):
                    yield module, layout, _norm(modules, read, module)
        for tied in naming.tied:
            if tied.head in modules:
                head = modules[tied.head]
                yield head, LAYOUTS[0], _norm(modules, Read(tied.head, tied.norm), head)


def _norm(modules: Mapping[str, Module], read: Read, reader: Module) -> str:
    """The name of the norm that a layer reads."""
    layers, norm = Glob(read.layers), Glob(read.norm)
    texts = layers.stood_for(reader.name) or layers.stood_for(reader.weight)
    if texts and norm.stars:
        if layers.stars != norm.stars:
            raise ConfigError(
                f"{shown(read.norm)}: has {counted(norm.stars, 'star')}; must have {layers.stars}, as "
                f"{shown(read.layers)}, whose stars it repeats"
            )
        name = norm.filled(texts)
        found = [module.name for module in modules.values() if name in (module.name, module.weight)]
        if not found:
            raise ConfigError(f"{reader.name}: is to read {name}, which is not there{nearest(name, modules)}")
        return found[0]
    found = [name for name, module in modules.items() if norm.matches(name, module.weight)]
    if len(found) != 1:
        there = f"matches {', '.join(found[:_NAMED])}" if found else "matches none of the model's names"
        raise ConfigError(f"{shown(read.norm)}: {there}; must be the one norm that {reader.name} reads")
    return found[0]


def _tied(modules: Mapping[str, Module], namings: Sequence[Naming]) -> Iterator[tuple[Module, Module, str]]:
    """Tables that are heads, too: the table, the head, whether or not it is there, and the name of its norm."""
    for naming in namings:
        for tied in naming.tied:
            tables = _matched(modules, tied.table, naming)
            if len(tables) > 1:
                both = f"{tables[0].name} and {tables[1].name}"
                raise ConfigError(f"{shown(tied.table)}: matches {both}; must be one table")
            for table in tables:
                head = modules.get(tied.head) or Module(tied.head, f"{tied.head}.weight", None, f"{tied.head}.bias")
                yield table, head, _norm(modules, Read(tied.head, tied.norm), head)


def _writing(modules: Mapping[str, Module], namings: Sequence[Naming]) -> Iterator[tuple[Module, str]]:
    for naming in namings:
        for patterns, layout in ((naming.tables, LAYOUTS[1]), (naming.writers, naming.layout)):
            for pattern in patterns:
                for module in _matched(modules, pattern, naming):
                    yield module, layout


def _width(tensors: Mapping[str, NDArray], norms: Iterable[Module]) -> int:
    widths: dict[int, str] = {}
    for norm in norms:
        for tensor in (norm.weight, norm.bias):
            if tensor is not None:
                shape = tensors[tensor].shape
                if len(shape) != 1:
                    raise ConfigError(f"{tensor}: has shape {shape}; must be (n,), as it belongs to a norm")
                widths.setdefault(shape[0], tensor)
    if len(widths) > 1:
        (one, first), (other, second) = list(widths.items())[:2]
        raise ConfigError(f"{second}: has {counted(other, 'value')}; must have {one}, as {first}: norms of one stream")
    return next(iter(widths))


def features_axis(layer: Layer, dimensions: int, *, writes: bool) -> int:
    """Return the axis of a layer's weight that is the stream: of outputs where it writes, of inputs where it reads."""
    first = (layer.layout == LAYOUTS[0]) == writes
    return 0 if first and dimensions > 1 else dimensions - 1


def _require_one_part(parts: Mapping[str, Iterable[str]]) -> None:
    seen: dict[str, str] = {}
    for part, names in parts.items():
        for name in names:
            if name in seen:
                raise ConfigError(f"{name}: {seen[name]}, by one pattern, and {part}, by another; it can do one")
            seen[name] = part


def _require_features(tensors: Mapping[str, NDArray], layer: Layer, width: int, *, writes: bool) -> None:
    shape, name = tensors[layer.source].shape, layer.source
    if not writes and len(shape) != 2:
        raise ConfigError(f"{name}: has shape {shape}; must be two dimensions, as a linear layer's weight")
    side = "outputs" if writes else "inputs"
    axis = features_axis(layer, len(shape), writes=writes)
    if not shape or shape[axis] != width:
        has = counted(shape[axis], side.removesuffix("s")) if shape else "no dimensions"
        raise ConfigError(
            f"{name}: has shape {shape}, {has} as {layer.layout}; must have {width}, the width of the norms"
        )
    bias = layer.module.bias
    if bias is not None:
        features = width if writes else shape[1 - axis]
        if tensors[bias].shape != (features,):
            raise ConfigError(f"{bias}: has shape {tensors[bias].shape}; must be ({features},), as outputs of {name}")


def _require_known(
    tensors: Mapping[str, NDArray],
    modules: Mapping[str, Module],
    known: set[str],
    namings: Sequence[Naming],
    width: int,
) -> None:
    taken = {tensor for name in known if name in modules for tensor in (modules[name].weight, modules[name].bias)}
    for naming in namings:
        for pattern in naming.left:
            glob = Glob(pattern)
            found = [tensor for tensor in tensors if glob.matches(tensor)]
            found += [each for module in modules.values() if glob.matches(module.name) for each in _tensors(module)]
            _require_match(found, pattern, naming, tensors)
            taken.update(found)
    unknown = [tensor for tensor, array in tensors.items() if tensor not in taken and width in array.shape]
    if unknown:
        raise ConfigError(
            f"{unknown[0]}: has shape {tensors[unknown[0]].shape}, {width} is the width of the stream, and no pattern "
            f"says what it does there{_others(unknown)}: it may write to the stream, read it behind a norm, be such a "
            "norm, whose readers tell of it, or be left alone"
        )


def _tensors(module: Module) -> list[str]:
    return [module.weight] if module.bias is None else [module.weight, module.bias]


def _others(names: Sequence[str]) -> str:
    return f" (so {len(names) - 1} more: {', '.join(names[1 : 1 + _NAMED])})" if len(names) > 1 else ""
