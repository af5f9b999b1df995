"""A configuration with another norm."""

import pytest

from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig, key_fields
from streamnorm.spec.norms import NORMS
from streamnorm.spec.other_norm import STAND_INS, with_norm


def unit(**keys):
    keys = {"norm": "layernorm", "epsilon": 1e-6, **keys}
    shape = {"lanes": 2, "max_length": 16, "input": {"format": "int8", "scale": 0.05}, "output": "int8"}
    return NormConfig(**{**shape, **keys})


@pytest.fixture(params=NORMS)
def norm(request):
    return request.param


def test_every_norm_from_every_norm(norm):
    """A norm that is registered, and a key of its own that must be said, join by themselves."""
    config = with_norm(unit(), norm).config
    assert config.norm == norm
    for other in NORMS:
        changed = with_norm(config, other).config
        assert changed.norm == other
        Plan.of(changed)


def test_the_same_norm_is_the_same_unit():
    config = unit(epsilon_placement="root")
    same = with_norm(config, "layernorm")
    assert (same.config, same.chosen, same.dropped, str(same)) == (config, {}, (), "")


def test_keys_that_both_take_stay():
    other = with_norm(unit(epsilon_placement="floor"), "rmsnorm")
    assert (other.config.epsilon, other.config.epsilon_placement, str(other)) == (1e-6, "floor", "")


def test_keys_that_the_other_does_not_take_are_dropped_and_said():
    other = with_norm(unit(epsilon_placement="floor"), "frozen")
    assert other.config == unit(norm="frozen", epsilon=None, deviation=1.6)
    assert str(other) == "deviation = 1.6, a quarter of the largest input; without epsilon, epsilon_placement"
    part = with_norm(unit(norm="rmsnorm", statistic_length=4), "layernorm")
    assert part.config == unit()
    assert str(part) == "without statistic_length"


def test_keys_that_only_the_other_takes_are_chosen_and_said():
    other = with_norm(unit(norm="frozen", epsilon=None, deviation=2.0), "l2norm")
    assert other.config == unit(norm="l2norm", epsilon=1e-5)
    assert str(other) == "epsilon = 1e-05, the default of PyTorch's LayerNorm; without deviation"


def test_floating_point_gives_no_deviation():
    other = with_norm(unit(input="bf16", output="bf16"), "frozen")
    assert (other.config.deviation, str(other)) == (1.0, "deviation = 1, as good as any; without epsilon")


@pytest.mark.parametrize("keys", [{"input": "bf16", "output": "bf16"}, {"output": "fp16"}])
def test_every_norm_of_floating_point(norm, keys):
    other = with_norm(unit(**keys), norm)
    assert other.config.is_floating
    Plan.of(other.config)


def test_what_does_not_go_with_the_other_keys_is_told():
    with pytest.raises(ConfigError, match="architecture = 'three-scan:welford'"):
        with_norm(unit(architecture="three-scan:welford"), "rmsnorm")
    with pytest.raises(ConfigError, match=r"norm = 'layernrom': must be one of .*did you mean layernorm"):
        with_norm(unit(), "layernrom")


def test_stand_ins_are_of_keys():
    assert set(STAND_INS) <= {key.name for key in key_fields()}
