"""Norms of a user's own: what is entered, and what is refused."""

import copy
from typing import Any

import pytest

from streamnorm.errors import ConfigError
from streamnorm.spec.config import NormConfig
from streamnorm.spec.norms import NORMS, Norm
from streamnorm.spec.norms.register import register
from streamnorm.spec.norms.rmsnorm import RmsNorm
from streamnorm_sim.reference.exact import FORMULAS
from streamnorm_sim.reference.register import register_norm

UNIT: dict[str, Any] = {"lanes": 2, "max_length": 8, "input": "int8", "output": "int8", "epsilon": 1.0}


@pytest.fixture(autouse=True)
def as_before():
    """No other test sees what is registered here."""
    norms, formulas = dict(NORMS), dict(FORMULAS)
    yield
    for registry, before in ((NORMS, norms), (FORMULAS, formulas)):
        registry.clear()
        registry.update(before)


def own(**attributes: Any) -> Norm:
    return type("Own", (RmsNorm,), {"name": "own", "title": "a norm of one's own", **attributes})()


def formula(row: list[int]) -> tuple[list[int], int, int]:
    return row, 0, 1


def refusal(norm: Any, exact: Any = formula) -> str:
    before = dict(NORMS), dict(FORMULAS)
    with pytest.raises(ConfigError) as caught:
        register_norm(norm, exact)
    assert before == (NORMS, FORMULAS)
    return str(caught.value)


def test_a_registered_norm_is_known_wherever_norms_are_asked_for() -> None:
    unknown = "^norm = 'own': must be one of layernorm, "
    with pytest.raises(ConfigError, match=unknown):
        NormConfig(norm="own", **UNIT)
    norm = own()
    register(norm)
    config = NormConfig(norm="own", **UNIT)
    assert config.formula is norm
    assert config.digest() != NormConfig(norm="rmsnorm", **UNIT).digest()
    with pytest.raises(ConfigError, match=r"^norm = 'owm': must be one of layernorm, .*, own; did you mean own\?$"):
        NormConfig(norm="owm", **UNIT)
    with pytest.raises(ConfigError, match=r"norm = 'l2norm' has no use for it; goes with: rmsnorm, own$"):
        NormConfig(norm="l2norm", statistic_length=3, **UNIT)


def test_epsilon_that_alone_limits_z_must_not_be_0() -> None:
    def no_limit(self: Norm, n: int) -> None:
        return None

    register(own(keys=Norm.keys, length_weight=None, of=Norm.of, square_limit=no_limit, epsilon_weight=no_limit))
    with pytest.raises(ConfigError) as caught:
        NormConfig(**{**UNIT, "norm": "own", "epsilon": 0.0})
    assert str(caught.value) == (
        "epsilon = 0: must be greater than 0 with norm = 'own'; a row that is not 0 would be divided by 0"
    )
    with pytest.raises(ConfigError, match=r"^epsilon_placement = 'root': does not go with norm = 'own'; allowed: "):
        NormConfig(norm="own", epsilon_placement="root", **UNIT)


def test_what_is_no_norm_is_refused() -> None:
    assert refusal("own") == "norm 'own': must be an object of a class that is derived from Norm"
    assert refusal(RmsNorm).endswith("must be an object of a class that is derived from Norm")
    assert refusal(own(), None) == "formula = None: must be a function of the elements of one row"


@pytest.mark.parametrize("name", ["", "Own", "own norm", "2norm", "own, part", "ö", 3, "n" * 33])
def test_a_name_that_no_file_or_module_could_have_is_refused(name: Any) -> None:
    assert refusal(own(name=name)).endswith("its name must be a letter, then letters, digits and _, all small")


def test_what_there_is_already_is_refused() -> None:
    there = f"there is one of that name; those there are: {', '.join(NORMS)}"
    assert refusal(own(name="layernorm")) == f"norm 'layernorm': {there}"
    register(own())
    assert refusal(own(title="another")).startswith("norm 'own': there is one of that name; ")
    assert refusal(own(name="other")) == "norm 'other': title = \"a norm of one's own\" is that of own; choose another"


def test_an_attribute_that_is_missing_is_named() -> None:
    class Bare(RmsNorm):
        name = "bare"

        def __init__(self) -> None:
            pass

    assert refusal(Bare()).endswith(": has no length_weight; see Norm for what each of them says")


def test_keys_that_no_configuration_has_are_refused() -> None:
    message = refusal(own(keys=Norm.keys | {"lanes", "colour"}))
    allowed = ", ".join(sorted({key for norm in NORMS.values() for key in norm.keys}))
    assert message == f"norm 'own': keys has 'colour', 'lanes', which no norm takes; allowed: {allowed}"


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"weight_offset": -1}, "weight_offset = -1: must be at least 0"),
        ({"has_squares": False, "has_squared_sum": True}, "has_squared_sum: goes with has_squares only"),
        ({"has_squares": False}, "has_squares = False: must be True, or centred; there is no hardware for other norms"),
        ({"counts_steps": True}, "counts_steps = True: does not go with a statistic"),
        ({"centred": True, "weight_offset": 2}, "weight_offset = 2: does not go with centred; "),
        (
            {"has_weight_root": True, "has_unit_weight": True},
            "has_weight_root = True: does not go with has_unit_weight; ",
        ),
        ({"centred": True, "has_weight_root": True}, "has_weight_root = True: does not go with centred; "),
        ({"centred": True, "has_unit_weight": True}, "has_unit_weight = True: does not go with centred; "),
        ({"centred": True, "has_squared_sum": True}, "has_squared_sum = True: does not go with centred; "),
    ],
)
def test_attributes_that_exclude_each_other_are_refused(attributes: dict[str, Any], message: str) -> None:
    assert refusal(own(**attributes)).startswith(f"norm 'own': {message}")


@pytest.mark.parametrize("norm", [norm for norm in NORMS.values() if norm.has_statistic], ids=lambda norm: norm.name)
def test_every_norm_that_comes_along_could_be_registered(norm: Norm) -> None:
    again = copy.copy(norm)
    again.name, again.title = "again", "the same again"
    register(again)
    assert NORMS["again"] is again
