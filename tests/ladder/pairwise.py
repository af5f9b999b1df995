"""Few configurations in which any two values of any two keys meet.

Nearly every fault of a generator shows with one value of one key, or with two values of two keys together. All
combinations of the values below are billions; `pairs` finds some thirty of them in which every two values come together
at least once. A new norm, or a new family of devices, joins by itself.

``python tests/ladder/pairwise.py`` prints them.
"""

import random
from collections import Counter
from collections.abc import Iterator
from itertools import combinations, product
from typing import Any

import family
from family import BUILT
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.targets import TARGETS

ANY = "any"
"""In place of gamma or beta: random values, one for each element and bank."""

Choice = dict[str, Any]
"""A value of each factor."""

CLOCKS = {
    "generic": {"slow": 10, "usual": 100, "fast": 400},
    "ecp5": {"slow": 25, "usual": 120, "fast": 250},
    "ice40": {"slow": 10, "usual": 48, "fast": 100},
    "ice40-up5k": {"slow": 6, "usual": 20, "fast": 40},
}
"""MHz by family; one that is not here takes those of the iCE40."""

BITS = {"int4": (4, True), "uint8": (8, False), "uint16": (16, False), "int24": (24, True)}

FACTORS: dict[str, tuple[Any, ...]] = {
    "input": tuple(BITS),
    "output": tuple(BITS),
    "lanes": (1, 2, 3, 4),
    "length": ("a beat", "two beats and one", "whole beats", "long"),
    "norm": BUILT,
    "target": tuple({family.primitives: name for name, family in reversed(TARGETS.items())}.values()),
    "clock": ("slow", "usual", "fast"),
    "input zero": ("0", "inside", "end"),
    "output zero": ("0", "inside", "end"),
    "epsilon": ("0", "tiny", "small", "leads"),
    "gamma": (None, -1.25, ANY, "with offset"),
    "beta": (None, 0.7, ANY),
    "memory": ("rom", "rom, banks", "ram", "ram, banks"),
    "accuracy": ("faithful", "tight"),
    "sharing": ("none", "half", "full"),
    "parameter bits": ("computed", "few", "many"),
}


SIZES = ("output", "clock", "lanes", "input", "parameter bits", "accuracy")
"""Factors whose values stand in order of what they add to a unit, which is what it takes to compile."""

WIDE_PART = {"norm": family.PART, "output": "int24", "parameter bits": "computed"}


def can_be(choice: Choice) -> bool:
    """Whether a choice, made in part maybe, is no configuration that is refused.

    Fixed banks have to differ, and not every norm takes every epsilon. Where that alone limits z, a gamma of up to 4
    that may be loaded has no width in which results of 24 bits are right.
    """
    loaded = choice.get("memory", "").startswith("ram") and choice.get("epsilon") == "small"
    if loaded and WIDE_PART.items() <= choice.items():
        return False
    epsilon = {"0": 0.0, "tiny": 1e-30}.get(choice.get("epsilon", ""), 1e-5)
    fixed = {choice.get("gamma", ANY), choice.get("beta", ANY)} <= {None, -1.25, 0.7}
    return not (choice.get("memory") == "rom, banks" and fixed) and (
        "norm" not in choice or family.can_be(choice["norm"], epsilon)
    )


def pairs(tries: int = 8) -> list[Choice]:
    """Return choices in which every two values of two factors meet, the same ones every time.

    One after the other: of `tries` choices the one with most new pairs. Each begins with a pair that is still missing;
    each further factor, in random order, takes the value that makes most new pairs with those before it. At the end
    each is made as small as it can be.
    """
    rng = random.Random(1)
    missing = dict.fromkeys(every_pair())
    found = []
    while missing:
        candidates = [_candidate(rng, missing) for _ in range(tries)]
        best = max(candidates, key=lambda choice: sum(pair in missing for pair in _pairs_of(choice)))
        for pair in _pairs_of(best):
            missing.pop(pair, None)
        found.append(best)
    _make_small(found)
    return found


Pair = tuple[tuple[str, Any], tuple[str, Any]]


def every_pair() -> Iterator[Pair]:
    """Every two values of two factors, in the order of `FACTORS`."""
    for first, second in combinations(FACTORS, 2):
        for one, other in product(FACTORS[first], FACTORS[second]):
            if can_be({first: one, second: other}):
                yield (first, one), (second, other)


def _pairs_of(choice: Choice) -> Iterator[Pair]:
    return combinations([(factor, choice[factor]) for factor in FACTORS], 2)


def _candidate(rng: random.Random, missing: dict[Pair, None]) -> Choice:
    choice = dict(next(iter(missing)))
    rest = [factor for factor in FACTORS if factor not in choice]
    places = {factor: place for place, factor in enumerate(FACTORS)}
    for factor in rng.sample(rest, len(rest)):
        values = [value for value in FACTORS[factor] if can_be({**choice, factor: value})]
        new = {}
        for value in rng.sample(values, len(values)):
            one = (factor, value)
            new[value] = sum(
                ((one, other) if places[factor] < places[other[0]] else (other, one)) in missing
                for other in choice.items()
            )
        choice[factor] = max(new, key=new.__getitem__)
    return choice


def _make_small(found: list[Choice]) -> None:
    """Let each factor of a choice take its smallest value, as long as every two values still meet somewhere.

    So wide products without multipliers in many lanes and stages, which take longer to compile than all the others, do
    not come together by chance.
    """
    met = Counter(pair for choice in found for pair in _pairs_of(choice))
    for choice, factor in product(found, SIZES):
        before = set(_pairs_of(choice))
        for value in FACTORS[factor][: FACTORS[factor].index(choice[factor])]:
            smaller = {**choice, factor: value}
            after = set(_pairs_of(smaller))
            if can_be(smaller) and all(met[pair] > 1 for pair in before - after):
                met.subtract(before - after)
                met.update(after - before)
                choice[factor] = value
                break


def keys(choice: Choice) -> dict[str, Any]:
    """The keys of the configuration that a choice stands for."""
    lanes, primitives = choice["lanes"], TARGETS[choice["target"]].primitives
    length = {"a beat": lanes, "two beats and one": 2 * lanes + 1, "whole beats": 32 * lanes, "long": 16 * lanes + 263}[
        choice["length"]
    ]
    source = _format(choice["input"], choice["input zero"])
    full_scale = source.scale * (source.max - source.min)
    output = _format(choice["output"], choice["output zero"])
    few = {"gamma_bits": max(4, output.bits // 2), "beta_bits": output.bits + 3}
    many = {"gamma_bits": 32, "beta_bits": 36}
    epsilon = {"0": 0.0, "tiny": 1e-30, "small": 1e-5, "leads": full_scale**2}[choice["epsilon"]]
    storage, _, banks = choice["memory"].partition(", ")
    return {
        **family.keys_of(choice["norm"], longest=length, epsilon=epsilon, reach=full_scale / 2),
        "lanes": lanes,
        "max_length": length,
        "min_length": {"none": 1, "half": (length + 1) // 2, "full": length}[choice["sharing"]],
        "target": choice["target"],
        "clock_mhz": CLOCKS.get(primitives, CLOCKS["ice40"])[choice["clock"]],
        "input": source,
        "output": output,
        "gamma": ANY if choice["gamma"] == "with offset" else choice["gamma"],
        "gamma_offset": 1.0 if choice["gamma"] == "with offset" else 0.0,
        "beta": choice["beta"],
        "storage": storage,
        "banks": 3 if banks else 1,
        "accuracy": choice["accuracy"],
        **{"computed": {}, "few": few, "many": many}[choice["parameter bits"]],
    }


def _format(name: str, zero: str) -> IntFormat:
    """A format that reaches from -6 to 6, or as far as its zero point lets it."""
    bits, signed = BITS[name]
    plain = IntFormat(bits, signed)
    # Where 0 is no inner value by itself, as of unsigned formats, nothing but the zero point makes it one.
    zero_point = {"0": 0, "inside": (plain.min + 3 * plain.max) // 4, "end": plain.max}[zero]
    return IntFormat(bits, signed, scale=12 / 2**bits, zero_point=zero_point)


if __name__ == "__main__":
    for number, choice in enumerate(pairs()):
        print(f"pair_{number:02}", *(f"{factor}: {value}" for factor, value in choice.items()), sep=", ")
