"""The width search: what it depends on, that it skips nothing that could win, and what it finds."""

from pathlib import Path
from typing import Any

import pytest

from drawn import drawn_config
from family import WITH_STATISTIC
from streamnorm.errors import ConfigError
from streamnorm.precision.demand import Demand
from streamnorm.precision.precision import Precision, _precision
from streamnorm.precision.search import _places, _scale_widths, _Series, root_candidates, search
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat

EXAMPLES = Path(__file__).parents[3] / "examples"


def unit(**changes: Any) -> NormConfig:
    keys: dict[str, Any] = {
        "norm": "layernorm",
        "lanes": 4,
        "max_length": 32,
        "input": IntFormat(8, scale=2.0**-5),
        "output": IntFormat(8, scale=2.0**-5),
        "epsilon": 1e-5,
        "target": "ecp5-85k-6",
    }
    return NormConfig(**{**keys, **changes})


def refused(**changes: Any) -> NormConfig:
    """A gamma of 1e14 output steps."""
    beyond = {"gamma": 1e11, "gamma_bits": 32, "output": IntFormat(24, scale=1e-3), "accuracy": "tight"}
    return unit(**beyond, **changes)


def test_units_that_need_the_same_widths_share_one_search():
    precision = Precision.of(unit())
    for changes in ({"name": "other"}, {"clock_mhz": 12.5}, {"target": "ecp5-12k-8"}, {"min_length": 16}):
        assert Precision.of(unit(**changes)) is precision


@pytest.mark.parametrize(
    "changes",
    [
        {"norm": "rmsnorm"},
        {"lanes": 5},
        {"max_length": 33},
        {"input": IntFormat(8, scale=2.0**-4)},
        {"output": IntFormat(8, scale=2.0**-4)},
        {"epsilon": 1e-4},
        {"gamma": 0.75},
        {"beta": 0.37},
        {"gamma_bits": 20},
        {"storage": "ram"},
        {"output": IntFormat(10, scale=2.0**-5)},
        {"target": "ice40-hx8k"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_moves_a_width_is_searched_for_anew(changes):
    assert Demand.of(unit(**changes)) != Demand.of(unit())


def test_accuracy_is_asked_for_where_the_output_is_wide():
    wide, narrow = (
        [Demand.of(unit(output=IntFormat(bits), accuracy=accuracy)) for accuracy in ("faithful", "tight")]
        for bits in (9, 8)
    )
    assert wide[0] != wide[1]
    assert narrow[0] == narrow[1]


def test_a_refusal_is_remembered():
    messages = []
    for name in ("first", "second"):
        config = refused(name=name)
        searches = _precision.cache_info().misses
        with pytest.raises(ConfigError) as caught:
            Precision.of(config)
        messages.append(str(caught.value))
    assert _precision.cache_info().misses == searches
    assert messages[0] == messages[1]


def every_candidate(demand: Demand) -> list[tuple[_Series, int]]:
    return [
        (series, frac_bits)
        for root in root_candidates(demand)
        for places in _places(demand)
        for scale_bits in _scale_widths(demand, root, places)
        for series in [_Series(demand, root, places, scale_bits)]
        for frac_bits in series.frac_bits
    ]


@pytest.mark.parametrize("seed", range(15, 27))
def test_the_first_of_the_cheapest_wins(seed):
    """Of all candidates, none of them skipped."""
    demand = Demand.of(drawn_config(seed, members=WITH_STATISTIC))
    good = [
        (series, frac_bits)
        for series, frac_bits in every_candidate(demand)
        if series.error_bound(frac_bits) <= demand.error_limit
        and (series.is_tight(frac_bits) or not demand.tight)
        and (series.is_exact(frac_bits) or not demand.exact)
    ]
    # min() takes the first of equals.
    series, frac_bits = min(good, key=lambda it: it[0].cost(it[1], it[0].error_bound(it[1])))
    assert search(demand) == (series.widths(frac_bits),), f"seed {seed}"


def test_of_several_results_the_cheapest_that_keeps_all_their_promises_wins():
    config = unit(gamma=1.5, results=[{"output": IntFormat(12, scale=2.0**-9), "gamma": 0.3, "beta": 0.1}])
    demands = [Demand.of(each) for each in (config, *config.by_result.values())]
    others = {id(series): series for series, _ in every_candidate(demands[1])}.values()
    pairs = zip({id(series): series for series, _ in every_candidate(demands[0])}.values(), others, strict=True)
    good = [
        (pair, frac_bits)
        for pair in pairs
        for frac_bits in pair[0].frac_bits
        if all(series.keeps_promise(frac_bits, series.error_bound(frac_bits)) for series in pair)
    ]

    def cost(pair: tuple[_Series, _Series], frac_bits: int) -> float:
        worst = max(series.error_bound(frac_bits) for series in pair)
        return pair[0].cost(frac_bits, worst, pair[1].gamma_area(frac_bits))

    pair, frac_bits = min(good, key=lambda it: cost(*it))
    assert search(*demands) == tuple(series.widths(frac_bits) for series in pair)
    assert min(demand.error_limit for demand in demands) > max(series.error_bound(frac_bits) for series in pair)


def test_a_refusal_names_the_closest_candidate():
    demand = Demand.of(refused())
    assert search(demand) == min(series.error_bound(bits) for series, bits in every_candidate(demand))


# degree, rho_bits, radix, shift_count, scale_bits, normalized_frac_bits, error_bound, expected_error
FOUND = {
    "bert_int16": (1, 20, 6, 3, 35, 12, 0.228073, 0.0576158),
    "bert_int8": (1, 16, 4, 3, 18, 12, 0.0740747, 0.000769605),
    "ice40_int8": (1, 14, 3, 4, 26, 15, 0.0170987, 0.000576047),
    "icebreaker_rms": (1, 14, 4, 2, 30, 13, 0.0154738, 0.000694554),
    "llama_rms_int16": (1, 18, 6, 3, 35, 13, 0.266805, 0.014398),
    "minilm_int16": (1, 20, 6, 3, 36, 12, 0.2998, 0.038688),
    "minilm_int16_int8": (1, 18, 7, 3, 18, 10, 0.103232, 0.000715987),
    "orangecrab_tinyllama": (1, 20, 5, 3, 35, 11, 0.265935, 0.0596205),
    "short_rows": (1, 18, 3, 4, 18, 13, 0.0166125, 0.000909236),
    "ulx3s_bert_base": (1, 16, 6, 3, 34, 13, 0.00579184, 0.000733833),
}


@pytest.mark.parametrize("example", FOUND)
def test_widths_of_the_examples(example):
    """A change here changes hardware that people have built."""
    precision = Precision.of(NormConfig.from_toml(EXAMPLES / f"{example}.toml"))
    *widths, error_bound, expected_error = FOUND[example]
    assert [
        precision.root.degree,
        precision.root.rho_bits,
        precision.radix,
        precision.shift_count,
        precision.scale_bits,
        precision.normalized_frac_bits,
    ] == widths
    assert precision.error_bound == pytest.approx(error_bound, rel=1e-5)
    assert precision.expected_error == pytest.approx(expected_error, rel=1e-5)
