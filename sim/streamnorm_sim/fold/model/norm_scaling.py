"""LayerNorm Scaling, for every norm of a model."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from numpy.typing import ArrayLike

from streamnorm.errors import ConfigError
from streamnorm.spec.values import integer_at_least, shown

from ..layernorm_scaling import fold_layernorm_scaling
from .change import FoldedModel, Folding, as_arrays
from .glob import Glob
from .modules import Module, modules_of
from .naming import Naming
from .stream import some

__all__ = ["scale_norms"]


def scale_norms(
    tensors: Mapping[str, ArrayLike],
    *namings: Naming,
    norms: Sequence[str] = (),
    first_layer: int = 0,
    gamma_offset: float = 0.0,
) -> FoldedModel:
    """Return a model whose norms have the factor of LayerNorm Scaling in gamma and beta.

    Each norm as by :func:`~streamnorm_sim.fold.fold_layernorm_scaling`, its layer's number being what a ``*`` of its
    pattern stands for. Norms without such a number, as that at the end, stay.

    Source: Sun, Song, Li, Yin, Zheng, Liu: The Curse of Depth in Large Language Models, 2025, arXiv:2502.05795.

    Parameters
    ----------
    tensors : mapping of str to array-like
    namings : Naming
        Their norms, those of ``reads``, are scaled.
    norms : sequence of str
        Patterns of further norms.
    first_layer : int
        The number that the model gives its first layer: 0 or more.
    gamma_offset : float
        What the model adds to what is stored of gamma.

    Returns
    -------
    FoldedModel
        What was changed is float64, each number at most 1/2 ulp from the formula's exact value.

    Raises
    ------
    ConfigError
        If nothing is matched, a pattern has no star or several that stand for numbers, or as
        ``fold_layernorm_scaling``.
    """
    first = integer_at_least("first_layer", first_layer, 0)
    arrays = as_arrays(tensors)
    modules = modules_of(arrays)
    found: dict[str, int] = {}
    for pattern, naming in _patterns(namings, norms):
        matched = list(_numbered(modules.values(), pattern))
        if not matched and not naming.may_miss:
            raise ConfigError(f"{shown(pattern)}: matches no norm with a layer's number for a star; {some(modules)}")
        for module, number in matched:
            if number < first:
                raise ConfigError(f"{module.name}: is of layer {number}; the first is {first}")
            found[module.name] = number - first + 1
    if not found:
        raise ConfigError("no norm of a numbered layer is matched; norms are named by patterns")
    folding = Folding(arrays)
    for name, layer in found.items():
        module = modules[name]
        try:
            scaled = fold_layernorm_scaling(
                arrays[module.weight],
                None if module.bias is None else arrays[module.bias],
                layer=layer,
                gamma_offset=gamma_offset,
            )
        except ConfigError as error:
            raise ConfigError(f"{name}: {error}") from error
        folding.put(module.weight, scaled.gamma, f"times 1 / sqrt({layer})")
        if module.bias is not None and scaled.beta is not None:
            folding.put(module.bias, scaled.beta, f"times 1 / sqrt({layer})")
    return folding.done()


def _patterns(namings: Sequence[Naming], norms: Sequence[str]) -> Iterator[tuple[str, Naming]]:
    for naming in namings:
        for read in dict.fromkeys(read.norm for read in naming.reads):
            yield read, naming
    for pattern in norms:
        yield pattern, Naming()


def _numbered(modules: Iterable[Module], pattern: str) -> Iterator[tuple[Module, int]]:
    """Norms that a pattern matches, with the number of their layer; those without a number are none of a layer."""
    glob = Glob(pattern)
    for module in modules:
        texts = glob.stood_for(module.name) or glob.stood_for(module.weight)
        numbers = [int(text) for text in texts or () if text.isdecimal()]
        if len(numbers) > 1:
            raise ConfigError(f"{shown(pattern)}: has several numbers in {module.name}; one has to be the layer's")
        if numbers:
            yield module, numbers[0]
