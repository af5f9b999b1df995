"""The norms of a stack in the order in which a token meets them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from streamnorm.errors import ConfigError

from .kinds import NormKind, NormRule
from .model import Model, Stack
from .placement import EVERYTHING, Place
from .styles import PARTS, STYLES

__all__ = ["NormCall", "Step", "calls", "steps"]


@dataclass(frozen=True)
class NormCall:
    """One norm of a model.

    Attributes
    ----------
    site : what is normalized: a part's input (``attention-in``), its output before it is added (``attention-out``), the
        sum behind it (``attention-sum``), the same of ``cross-attention`` and ``ffn``; ``ffn-inner``; ``block-in`` for
        both of a parallel block; ``q``, ``k``, ``q-latent``, ``kv-latent``; ``embedding``, ``final``; or a name of the
        model's
    layer : counted from 0; None for ``embedding`` and ``final``
    length : elements of a row
    rows : rows of each token
    kind : what it works out
    sets : of gamma and beta, each for an equal share of the rows
    """

    site: str
    layer: int | None
    length: int
    rows: int
    kind: NormKind
    sets: int = 1


Step = tuple[NormCall, ...]
"""Norms that do not wait for each other: those of a step may run side by side, steps follow one another."""


def calls(model: Model) -> list[NormCall]:
    """Return every norm of a model, one after the other."""
    return [call for stack in model.stacks for step in steps(stack) for call in step]


def steps(stack: Stack) -> tuple[Step, ...]:
    """Return every norm of a stack, those of a parallel block, and those within attention, in one step.

    Raises
    ------
    ConfigError
        If an entry of ``pruned`` or ``norms`` names no norm that is there, or an added norm cannot be.
    """
    if EVERYTHING in stack.pruned:
        return ()
    plain = [step for layer in range(len(stack.layers)) for step in _layer(stack, layer)]
    ends = [("embedding", stack.embedding_norm), ("final", stack.final_norm)]
    first, last = ([(NormCall(site, None, stack.d_model, 1, stack.kind),)] if there else [] for site, there in ends)
    whole = _with_rules(stack, [*first, *plain, *last])
    for place in stack.pruned:
        _find("pruned", place, [step for step in whole if place.layers is None or step[0].layer is not None])
    kept = (tuple(call for call in step if not _left_out(stack, call)) for step in whole)
    return tuple(step for step in kept if step)


def _left_out(stack: Stack, call: NormCall) -> bool:
    return any(place.has(call.site, call.layer) for place in stack.pruned)


def _with_rules(stack: Stack, whole: list[Step]) -> list[Step]:
    """The steps, their norms changed, and those added, as the rules say one after the other."""
    for rule in stack.rules:
        if rule.behind is None:
            _find("norms", rule.place, whole)
            whole = [tuple(_changed(call, rule) for call in step) for step in whole]
        else:
            if any(call.site == rule.place.site for step in whole for call in step):
                raise ConfigError(
                    f"norms: {rule.place.site}: behind: there is such a norm; an added one needs a new name"
                )
            _find(f"norms: {rule.place.site}: behind", Place(rule.behind, rule.place.layers), whole)
            whole = [each for step in whole for each in (step, *_behind(step, rule))]
    return whole


def _changed(call: NormCall, rule: NormRule) -> NormCall:
    if not rule.place.has(call.site, call.layer):
        return call
    rows, sets = (call.rows, call.sets) if rule.rows is None else (rule.rows, 1)
    return replace(call, kind=rule.kind, length=rule.length or call.length, rows=rows, sets=sets)


def _behind(step: Step, rule: NormRule) -> list[Step]:
    """The step of a norm that is added behind this one, if it is."""
    if not any(call.site == rule.behind and rule.place.has(rule.place.site, call.layer) for call in step):
        return []
    assert rule.length is not None, rule
    return [(NormCall(rule.place.site, step[0].layer, rule.length, rule.rows or 1, rule.kind),)]


def _find(what: str, place: Place, whole: list[Step]) -> None:
    """Raise ConfigError where no norm stands at a place."""
    if not any(place.has(call.site, call.layer) for step in whole for call in step):
        sites = ", ".join(sorted({call.site for step in whole for call in step})) or "none"
        raise ConfigError(f"{what}: {place.site}: no such norm in these layers; the sites are {sites}")


def _layer(stack: Stack, layer: int) -> Iterator[Step]:
    built = stack.layers[layer]
    style = STYLES[built.style]

    def norm(site: str, length: int = stack.d_model) -> Step:
        return (NormCall(site, layer, length, 1, stack.kind),)

    within = tuple(
        NormCall(each.site, layer, each.length, each.rows, stack.kind, each.sets) for each in built.attention.norms
    )
    if style.block:
        yield tuple(call for site in style.block for call in norm(site))
    for part in PARTS:
        if part == "cross-attention" and (style.block or not stack.cross_attention):
            continue
        if part in style.before:
            yield norm(f"{part}-in")
        if part == "attention" and within:
            yield within
        if part == "ffn" and style.inside:
            yield norm("ffn-inner", built.feed_forward.inner)
        if part in style.after:
            yield norm(f"{part}-out")
        if part in style.on_sum:
            yield norm(f"{part}-sum")
