"""The tables [[results]]: their keys, what does not go together, and the configurations that are made of them."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from streamnorm.errors import ConfigError
from streamnorm.plan import Plan, plan_rows
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.parameters import StoredParameters

INT16: dict[str, Any] = {"output": {"format": "int16", "scale": 0.001}}
GAMMA = np.linspace(0.5, 2, 12)


def unit(*results: object, **keys: Any) -> NormConfig:
    given: dict[str, Any] = {
        "norm": "layernorm", "lanes": 4, "max_length": 12, "epsilon": 1e-5,
        "input": {"format": "int8", "scale": 0.05}, "output": {"format": "int8", "scale": 0.04}, **keys,
    }  # fmt: skip
    return NormConfig(results=list(results), **{key: of for key, of in given.items() if of is not None})


@pytest.mark.parametrize(
    ("results", "message"),
    [
        (({},), "missing key in [[results]]: output, for example output = { format = "),
        ((3,), "results: 3: must be tables, for example [[results]] with output = { format = "),
        (({**INT16, "gama": 2.0},), "unknown key 'gama' in [[results]]; did you mean gamma or gamma_max?"),
        (({**INT16, "name": "Second"},), "in [[results]]: name = 'Second': must be up to 24 small letters, digits and"),
        (({**INT16, "name": "sum"},), "in [[results]]: name = 'sum': is taken by another stream; must be another name"),
        ((INT16, INT16), "in [[results]]: name = 'second': is there twice; each must have a name of its own"),
        (
            (INT16, {**INT16, "name": "beta_second"}),
            "in [[results]]: name = 'beta_second': is what is loaded for 'second",
        ),
        ([{**INT16, "name": f"r{i}"} for i in range(4)], "results: there are 4; must be at most 3"),
        (
            ({"output": "bf16"},),
            "in [results.second.output]: format = 'bf16': must be int4 to int24 or uint4 to uint24",
        ),
        (({"output": {"format": "int8", "scale": "row"}},), 'in [results.second.output]: scale = "row": only input'),
        (({**INT16, "gamma": [1, 2]},), "in [[results]], name = 'second': gamma: has shape (2,); must be (12,) or "),
        (({**INT16, "gamma_bits": 3},), "in [[results]], name = 'second': gamma_bits = 3: must be an integer from 4 "),
        (({"output": {"format": "int8", "scale": 99.0}},), "in [[results]], name = 'second': in [output]: scale = 99"),
        (({**INT16, "beta": 9.0, "beta_bits": 8},), "in [[results]], name = 'second': beta: 9 does not fit beta_bits"),
    ],
)
def test_what_is_not_right_is_refused(results: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        unit(*results)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"storage": "stream"}, 'results: storage = \'stream\': must be "rom" or "ram"; rows of the parameter stream'),
        (
            {"input": {"format": "int8", "scale": "row"}},
            'results: do not go with scale = "row" in [input]: what is seen',
        ),
        (
            {"banks": 2, "bank_order": "interpolated", "gamma": np.ones((2, 12))},
            'results: do not go with bank_order = "interpolated": one gamma',
        ),
        ({"architecture": "two-pass"}, "results: architecture = 'two-pass': only with 'one-pass'"),
        ({"norm": "affine", "epsilon": None}, "results: architecture = 'static': has no statistic to share"),
        ({"gamma_rounding": "output"}, 'results: gamma_rounding = "output": must be "once"; the normalized value'),
        ({"output": {"format": "int8", "scale": "row"}}, 'results: do not go with scale = "row" in [output]: its rows'),
        ({"output": {"format": "bf16"}}, "results: output = bf16: go with integers only"),
        ({"input": {"format": "bf16"}}, "results: input = bf16: go with integers only"),
        ({"algorithm": "i-bert", "epsilon": 0.0}, "results: algorithm = 'i-bert': must be 'streamnorm'; a publication"),
    ],
)
def test_what_does_not_go_together_is_refused(keys: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        unit(INT16, **keys)
    assert str(caught.value).startswith(why)


def test_each_result_has_a_configuration_in_which_it_is_the_first() -> None:
    config = unit({**INT16, "gamma": GAMMA, "gamma_bits": 20}, {**INT16, "name": "third", "beta": 2.0}, beta=0.5)
    second, third = config.by_result.values()
    assert second.output == third.output == IntFormat("int16", scale=0.001)
    assert second.gamma.tolist() == GAMMA.tolist()
    assert (second.gamma_bits, second.beta, third.gamma, third.beta) == (20, None, None, 2.0)
    assert [result.name for result in second.results] == ["second", "third"]
    assert second.results[0].number == config.output
    assert second.results[0].beta == 0.5
    assert second.margin == third.margin == config.margin
    assert [side.name for side in config.side_outputs] == ["second", "third"]


def test_each_result_that_is_loaded_has_limits_of_its_own() -> None:
    config = unit({**INT16, "gamma_max": 2.0}, {**INT16, "name": "third", "beta": 9.0}, storage="ram", beta_max=1.0)
    second, third = config.by_result.values()
    assert [(of.gamma_max, of.beta_max) for of in (config, second, third)] == [(4.0, 1.0), (2.0, 4.0), (4.0, 9.0)]
    own = second.results[0]
    assert (own.gamma_max, own.beta_max, own.gamma_bits) == (4.0, 1.0, config.gamma_bits)
    widths = [StoredParameters.of(of).gamma_frac_bits for of in (second, third)]
    assert widths[0] == widths[1] + 1
    assert config.digest() != unit(INT16, {**INT16, "name": "third", "beta": 9.0}, storage="ram", beta_max=1.0).digest()
    for results, keys, message in (
        ({"gamma_max": 2.5}, {}, 'gamma_max = 2.5: only goes with storage = "ram"'),
        ({"gamma_max": 0.0}, {"storage": "ram"}, "gamma_max = 0.0: must be a finite number greater than 0"),
        ({"gamma_max": 1.5, "gamma": GAMMA}, {"storage": "ram"}, "gamma_max = 1.5: must be at least 2, the largest"),
        ({"gamma_max": 1e9}, {"storage": "ram"}, "gamma_max = 1e+09 and beta_max = 4: even gamma_bits = 32 and"),
    ):
        with pytest.raises(ConfigError) as caught:
            unit({**INT16, **results}, **keys)
        assert str(caught.value).startswith(f"in [[results]], name = 'second': {message}")


def test_the_wider_result_decides_the_margin() -> None:
    keys = {"target": "ecp5-85k-6", "clock_mhz": 150.0, "lanes": 8}
    narrow, wide = unit(**keys), unit({"output": {"format": "int24", "scale": 1e-5}}, **keys)
    assert wide.margin > narrow.margin
    assert wide.margin == unit(**keys, output={"format": "int24", "scale": 1e-5}).margin


def test_digest_is_over_what_is_said_of_results() -> None:
    digests = {
        unit(*results).digest()
        for results in (
            (), (INT16,), ({**INT16, "name": "other"},), ({**INT16, "gamma": GAMMA},), ({**INT16, "gamma": 2 * GAMMA},),
            ({**INT16, "beta": 1.0},), ({**INT16, "gamma_bits": 21},), (INT16, {**INT16, "name": "other"}),
        )
    }  # fmt: skip
    assert len(digests) == 8
    config = unit({**INT16, "gamma": GAMMA})
    same = pickle.loads(pickle.dumps(config))
    assert same == config == config.replace(name="streamnorm")
    with pytest.raises(ValueError, match="read-only"):
        same.results[0].gamma[0] = 3
    assert config.replace(results=()) == unit()


def test_files_of_gamma_and_beta_are_relative_to_the_configuration(tmp_path: Path) -> None:
    np.save(tmp_path / "g.npy", GAMMA)
    text = (
        'norm = "layernorm"\nlanes = 4\nmax_length = 12\nepsilon = 1e-5\ninput = { format = "int8", scale = 0.05 }\n'
        'output = { format = "int8", scale = 0.04 }\n'
        '[[results]]\noutput = { format = "int16", scale = 0.001 }\ngamma = "g.npy"\n'
    )
    (tmp_path / "unit.toml").write_text(text)
    config = NormConfig.from_toml(tmp_path / "unit.toml")
    assert config == unit({**INT16, "gamma": GAMMA})
    with pytest.raises(ConfigError, match=r"g\.npy: the configuration is read from it"):
        config.refuse_overwriting([tmp_path / "g.npy"])


def test_the_plan_tells_a_bound_of_each_result() -> None:
    config = unit({**INT16, "gamma": GAMMA}, gamma=0.7)
    plan = Plan.of(config)
    second = plan.by_result["second"]
    lines = {row.name: row.value for row in plan_rows(plan)}
    assert lines["error bound"] == f"{plan.error_bound:.4f} LSB"
    assert lines["second: error bound"] == f"{second.error_bound:.4f} LSB"
    assert lines["second: promise"] == "faithful"
    assert plan.promise == "tight"
    told = plan.to_dict()["results"]["second"]
    assert told["error_bound_lsb"] == second.error_bound != plan.error_bound
    # The product with the scale is shared: a further result takes no more than its product with gamma.
    assert plan.multipliers["second"] < plan.multipliers["apply"]
