"""Results with a scale for each row: the golden model against the exact results, and on rows of a real model."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm_sim.check.accuracy import Accuracy, cosines, float_layernorm
from streamnorm_sim.dataset import minilm_layers
from streamnorm_sim.reference.exact import exact_result
from streamnorm_sim.reference.exact_fusions import exact_steps
from streamnorm_sim.reference.golden import GoldenModel
from streamnorm_sim.reference.rows import corner_rows, random_rows
from streamnorm_sim.streams.rows import RowBatch

KINDS = ("float32", "power-of-two")


def unit(seed: int = 0, **keys: Any) -> NormConfig:
    rng = np.random.default_rng(seed)
    n = keys.setdefault("max_length", 40)
    base = {"norm": "layernorm", "lanes": 4, "epsilon": 1e-5, "input": {"format": "int16", "scale": 0.001}}
    given = {"gamma": rng.normal(1, 0.5, n), "beta": rng.normal(0, 0.3, n)}
    return NormConfig(**{**base, **given, "output": {"format": "int8", "scale": "row"}, **keys})


def rows_of(config: NormConfig, seed: int) -> RowBatch:
    """Random rows, and corners: constant, nearly constant, outliers."""
    rng = np.random.default_rng(seed)
    drawn = random_rows(config, 40, rng)
    if config.residual is not None:
        return drawn
    corners = [row for _, row in corner_rows(config, rng).values()]
    return RowBatch.pack(config, [*drawn.list(), *corners])


def check_bounds(config: NormConfig, batch: RowBatch) -> None:
    """Integers within the bound of the exact result over the scale, and the scale that of the largest exact result."""
    scale, plan, model = config.row_scale, Plan.of(config), GoldenModel(config)
    assert scale is not None
    rows = (batch.x, batch.lengths, batch.banks)
    q, codes = model.normalize(*rows, **batch.beside), model.beside(batch)["scale"].x
    for as_given, bound in ((False, plan.error_bound), (True, plan.error_bound_as_given)):
        exact = exact_result(config, *rows, as_given=as_given, **batch.beside).scaled
        steps = np.clip(exact_steps(config, exact, codes), config.output.min, config.output.max)
        assert np.abs(q - steps)[batch.valid].max() <= bound + 1e-9
    assert (q[~batch.valid] == 0).all()
    exact = exact_result(config, *rows, **batch.beside).scaled
    core_error = Plan.of(config.core).error_bound
    largest = np.abs(exact).max(axis=1, keepdims=True)
    ends = [scale.values(scale.codes(scale.limited(np.rint(largest + off).astype(np.int64)))) for off in (-1, 1)]
    assert core_error <= 1
    assert (ends[0] <= scale.values(codes)).all()
    assert (scale.values(codes) <= ends[1]).all()


@pytest.mark.parametrize("norm", ["layernorm", "rmsnorm", "crmsnorm"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["int4", "int8", "int11", "int16"])
def test_results_are_within_the_bound(norm: str, kind: str, name: str) -> None:
    config = unit(norm=norm, output={"format": name, "scale": "row", "scale_kind": kind})
    check_bounds(config, rows_of(config, 1))


@settings(max_examples=25)
@given(data=st.data())
def test_drawn_units_are_within_the_bound(data: st.DataObject) -> None:
    """Formats, limits of the scale, lengths, parameters, a residual or none, all drawn."""
    output = {
        "format": f"int{data.draw(st.integers(4, 16), 'bits')}",
        "scale": "row",
        "scale_kind": data.draw(st.sampled_from(KINDS), "kind"),
    }
    if data.draw(st.booleans(), "limited"):
        output["scale_max"] = data.draw(st.floats(1e-4, 1.0), "scale_max")
    source = {
        "format": f"int{data.draw(st.integers(6, 16), 'input')}",
        "scale": data.draw(st.floats(1e-3, 0.1), "scale"),
    }
    residual = {"residual": {"format": "int8", "scale": source["scale"] * 2}} if data.draw(st.booleans(), "sum") else {}
    norm = data.draw(st.sampled_from(["layernorm", "rmsnorm"]), "norm")
    seed = data.draw(st.integers(0, 1 << 16), "seed")
    length = data.draw(st.integers(1, 48), "max_length")
    config = unit(seed, norm=norm, output=output, input=source, max_length=length, **residual)
    check_bounds(config, rows_of(config, seed))


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_of_zeros_has_the_least_scale(kind: str) -> None:
    config = unit(beta=0.0, output={"format": "int8", "scale": "row", "scale_kind": kind})
    batch = RowBatch.of(config, np.full((2, 40), 1234))
    model = GoldenModel(config)
    assert not model.normalize(batch.x).any()
    values = config.row_scale.values(model.beside(batch)["scale"].x)
    assert values.ravel().tolist() == [float(config.row_scale.least_scale)] * 2


def test_the_largest_result_of_a_row_becomes_the_largest_code() -> None:
    config = unit()
    batch = random_rows(config, 50, np.random.default_rng(4), distribution="normal", lengths=np.full(50, 40))
    q = GoldenModel(config).normalize(batch.x)
    assert (np.abs(q).max(axis=1) == 127).all()
    assert {int(q.min()), int(q.max())} == {-127, 127}


def test_a_scale_is_never_above_its_limit_and_results_saturate_there() -> None:
    for kind in KINDS:
        config = unit(output={"format": "int8", "scale": "row", "scale_kind": kind, "scale_max": 0.01})
        batch = random_rows(config, 50, np.random.default_rng(4), distribution="normal", lengths=np.full(50, 40))
        model = GoldenModel(config)
        values = config.row_scale.values(model.beside(batch)["scale"].x)
        assert values.max() == float(config.row_scale.largest_scale) <= 0.01
        q = model.normalize(batch.x)
        assert Accuracy.of(config, q, batch.x).saturated > 0
        check_bounds(config, batch)


def test_scales_are_what_they_say_in_float32() -> None:
    config = unit()
    batch = random_rows(config, 50, np.random.default_rng(4))
    codes = GoldenModel(config).beside(batch)["scale"].x.ravel()
    values = codes.astype(np.uint32).view(np.float32)
    assert values.tolist() == config.row_scale.values(codes).tolist()
    # Exact: a multiple of the power of two that one LSB is worth.
    assert all((Fraction(float(value)) / Fraction(2) ** config.row_scale.exponent).denominator == 1 for value in values)


def test_every_real_row_keeps_its_direction() -> None:
    """Quantizing float64's own result, a scale for each row, gives cosines of 0.99887 and more."""
    for layer in minilm_layers():
        config = NormConfig(
            norm="layernorm",
            lanes=4,
            max_length=layer.x.shape[1],
            input={"format": "int16", "scale": float(np.abs(layer.x).max()) / 32767},
            output={"format": "int8", "scale": "row"},
            epsilon=layer.epsilon,
            gamma=layer.gamma,
            beta=layer.beta,
        )
        q = GoldenModel(config).normalize(config.input.quantize(layer.x))
        truth = float_layernorm(layer.x, layer.gamma, layer.beta, layer.epsilon)
        assert cosines(q, truth).min() >= 0.9988, layer.name
