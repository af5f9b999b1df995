"""GroupNorm and InstanceNorm: elements that share gamma and beta, and banks that rows take in turn."""

from typing import Any

import numpy as np
import pytest

from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm.precision.demand import SHORTEST_ROW, Demand
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.parameters import StoredParameters
from streamnorm_sim.check.accuracy import Accuracy
from streamnorm_sim.reference.exact import exact_result, exact_rows
from streamnorm_sim.reference.golden import GoldenModel
from streamnorm_sim.reference.rows import random_rows
from streamnorm_sim.streams.rows import RowBatch
from streamnorm_sim.streams.traffic import Traffic


def config(**changes: Any) -> NormConfig:
    keys: dict[str, Any] = {
        "norm": "groupnorm",
        "lanes": 4,
        "max_length": 60,
        "input": IntFormat(8, scale=0.05),
        "output": IntFormat(8, scale=0.04),
        "epsilon": 1e-5,
    } | changes
    shape = (keys.get("banks", 1), -(-keys["max_length"] // keys.get("parameter_repeat", 1)))
    rng = np.random.default_rng(shape[1])
    return NormConfig(**{"gamma": rng.normal(1, 0.4, shape), "beta": rng.normal(0, 0.8, shape), **keys})


REPEATS = (2, 4, 7, 12, 20, 59, 60, 1000)  # dividing and not, within beats and across them, one number a row


@pytest.mark.parametrize("repeat", REPEATS)
@pytest.mark.parametrize("banks", [1, 3])
def test_shared_values_are_those_of_each_element_written_out(repeat, banks):
    """The same unit with a value for each element gives the same bits."""
    shared = config(parameter_repeat=repeat, banks=banks)
    written = config(
        banks=banks, **{key: np.repeat(getattr(shared, key), repeat, axis=1)[:, :60] for key in ("gamma", "beta")}
    )
    stored = [StoredParameters.of(one) for one in (shared, written)]
    assert stored[0].gamma.shape == (banks, -(-60 // repeat))
    batch = random_rows(written, 50, np.random.default_rng(repeat))
    rows = batch.x, batch.lengths, batch.banks
    np.testing.assert_array_equal(GoldenModel(shared).normalize(*rows), GoldenModel(written).normalize(*rows))
    for as_given in (False, True):
        both = [exact_result(one, *rows, as_given=as_given) for one in (shared, written)]
        np.testing.assert_array_equal(both[0].rounded, both[1].rounded)
        np.testing.assert_array_equal(both[0].scaled, both[1].scaled)
    assert Plan.of(shared).error_bound == Plan.of(written).error_bound
    assert Plan.of(shared).precision == Plan.of(written).precision
    assert Demand.of(shared) == Demand.of(written)


@pytest.mark.parametrize("repeat", REPEATS)
@pytest.mark.parametrize("falls", [False, True])
def test_the_gain_of_a_row_is_that_of_its_elements_written_out(repeat, falls):
    """Where gamma falls, a row of the shortest length that counts has the largest mean."""
    values = np.linspace(0.3, 1.9, -(-60 // repeat))[None, :: -1 if falls else 1]
    shared = config(parameter_repeat=repeat, gamma=values, beta=0.0)
    written = config(gamma=np.repeat(values, repeat, axis=1)[:, :60], beta=0.0)
    assert Demand.of(shared) == Demand.of(written)
    stored = StoredParameters.of(shared)
    means = [
        stored.gamma[0, np.arange(n) // repeat].sum() / n / 2.0**stored.gamma_frac_bits for n in range(SHORTEST_ROW, 61)
    ]
    assert Demand.of(shared).row_gain.mean == means[-1]
    assert Demand.of(shared).prefix_gain.mean == pytest.approx(max(means), rel=1e-12)


@pytest.mark.parametrize("repeat", REPEATS)
def test_golden_keeps_the_planned_distance_from_the_exact_result(repeat):
    unit = config(parameter_repeat=repeat, banks=4, bank_order="cyclic")
    for distribution in ("mixed", "normal"):
        batch = random_rows(unit, 1000, np.random.default_rng(repeat), distribution=distribution)
        y = GoldenModel(unit).normalize(batch.x, batch.lengths)
        assert Accuracy.of(unit, y, batch.x, batch.lengths, as_given=True).max_ulp <= 1
        accuracy = Accuracy.of(unit, y, batch.x, batch.lengths)
        assert accuracy.max_ulp <= Plan.of(unit).error_bound
        # A row of two levels has as many results as gamma has values: an unlucky one counts many times.
        assert distribution == "mixed" or accuracy.correctly_rounded >= 0.999


def test_layernorm_groupnorm_and_instancenorm_are_the_same_of_the_same_row():
    units = [config(norm=norm, parameter_repeat=7) for norm in ("layernorm", "groupnorm", "instancenorm")]
    batch = random_rows(units[0], 60, np.random.default_rng(3))
    exact = [exact_rows(unit, batch.x, batch.lengths) for unit in units]
    golden = [GoldenModel(unit).normalize(batch.x, batch.lengths) for unit in units]
    assert len({unit.digest() for unit in units}) == 3
    for one in (1, 2):
        np.testing.assert_array_equal(exact[0], exact[one])
        np.testing.assert_array_equal(golden[0], golden[one])


def group_normalization(x, scale, bias, num_groups, epsilon):
    """ONNX GroupNormalization, opset 21: per channel ``scale`` and ``bias``; in float64."""
    count = x.shape[0]
    groups = x.reshape(count, num_groups, -1)
    mean, variance = groups.mean(axis=-1, keepdims=True), groups.var(axis=-1, keepdims=True)
    normalized = ((groups - mean) / np.sqrt(variance + epsilon)).reshape(x.shape)
    shape = (1, -1, *(1,) * (x.ndim - 2))
    return normalized * scale.reshape(shape) + bias.reshape(shape)


def instance_normalization(x, scale, bias, epsilon):
    """ONNX InstanceNormalization: mean and variance over the positions of a channel of an instance; in float64."""
    axes = tuple(range(2, x.ndim))
    shape = (1, -1, *(1,) * (x.ndim - 2))
    mean, variance = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    return scale.reshape(shape) * (x - mean) / np.sqrt(variance + epsilon) + bias.reshape(shape)


def nearest(real, number_format):
    """Rounded half to even and saturated; and where the next step is so near that float64 could not tell."""
    steps = real / number_format.scale + number_format.zero_point
    doubtful = np.abs(np.abs(steps - np.rint(steps)) - 0.5) < 1e-9
    return np.clip(np.rint(steps), number_format.min, number_format.max).astype(np.int64), doubtful


TENSOR = (2, 12, 7, 5)


def tensor(unit: NormConfig) -> np.ndarray:
    return np.random.default_rng(5).integers(unit.input.min, unit.input.max, TENSOR, endpoint=True)


@pytest.mark.parametrize("groups", [1, 2, 3, 4, 6, 12])
@pytest.mark.parametrize("output", [IntFormat(8, scale=0.04, zero_point=3), IntFormat(16, scale=1e-3)])
def test_a_tensor_by_groups_is_onnx_group_normalization(groups, output):
    rng = np.random.default_rng(groups)
    count, channels, height, width = TENSOR
    gamma, beta = rng.normal(1, 0.3, channels), rng.normal(0, 0.5, channels)
    unit = config(
        max_length=channels // groups * height * width,
        parameter_repeat=height * width,
        banks=groups,
        bank_order="cyclic",
        gamma=gamma,  # as the model has them: channel after channel
        beta=beta,
        output=output,
    )
    x = tensor(unit)
    want, doubtful = nearest(group_normalization(unit.input.dequantize(x), gamma, beta, groups, unit.epsilon), output)
    rows = x.reshape(count * groups, -1)
    exact = exact_rows(unit, rows, as_given=True).reshape(TENSOR)
    np.testing.assert_array_equal(exact[~doubtful], want[~doubtful])
    golden = GoldenModel(unit).normalize(rows).reshape(TENSOR)
    assert np.abs(golden - want).max() <= 1
    assert (golden == want)[~doubtful].mean() >= (0.99 if output.bits == 8 else 0.5)


def test_a_tensor_by_channels_is_onnx_instance_normalization():
    rng = np.random.default_rng(1)
    count, channels, height, width = TENSOR
    gamma, beta = rng.normal(1, 0.3, channels), rng.normal(0, 0.5, channels)
    keys = {"norm": "instancenorm", "max_length": height * width, "parameter_repeat": height * width}
    unit = config(**keys, banks=channels, bank_order="cyclic", gamma=gamma, beta=beta)
    x = tensor(unit)
    want, doubtful = nearest(instance_normalization(unit.input.dequantize(x), gamma, beta, unit.epsilon), unit.output)
    rows = x.reshape(count * channels, -1)
    exact = exact_rows(unit, rows, as_given=True).reshape(TENSOR)
    np.testing.assert_array_equal(exact[~doubtful], want[~doubtful])
    assert np.abs(GoldenModel(unit).normalize(rows).reshape(TENSOR) - want).max() <= 1


class TestCyclicOrder:
    unit = config(banks=3, bank_order="cyclic", parameter_repeat=20)

    def test_row_r_takes_bank_r_modulo_banks(self):
        x = np.tile(random_rows(self.unit, 1, np.random.default_rng(1), lengths=[60]).x, (7, 1))
        given = self.unit.replace(bank_order="given")
        want = GoldenModel(given).normalize(x, banks=[0, 1, 2, 0, 1, 2, 0])
        assert len(np.unique(want, axis=0)) == 3
        np.testing.assert_array_equal(GoldenModel(self.unit).normalize(x), want)
        np.testing.assert_array_equal(exact_rows(self.unit, x), exact_rows(given, x, banks=[0, 1, 2, 0, 1, 2, 0]))
        assert RowBatch.of(self.unit, x).banks.tolist() == [0, 1, 2, 0, 1, 2, 0]
        assert RowBatch.pack(self.unit, list(x)).banks.tolist() == [0, 1, 2, 0, 1, 2, 0]
        assert Traffic(rows=x).received(self.unit).banks.tolist() == [0, 1, 2, 0, 1, 2, 0]

    @pytest.mark.parametrize("banks", [[1, 2, 0, 1], [2, 0, 0, 1], [0, 1, 2, 0]])
    def test_a_part_of_a_stream_may_be_given_with_its_banks(self, banks):
        """What follows 0 is as after a reset."""
        assert RowBatch.of(self.unit, np.zeros((4, 5), np.int64), banks=banks).banks.tolist() == banks

    def test_other_banks_are_refused(self):
        rows = np.zeros((3, 5), np.int64)
        message = 'banks: row 2 names bank 1 after bank 1: must be 2, with bank_order = "cyclic"; leave banks out'
        for made in (
            lambda: RowBatch.of(self.unit, rows, banks=[0, 1, 1]),
            lambda: GoldenModel(self.unit).normalize(rows, banks=[0, 1, 1]),
        ):
            with pytest.raises(ConfigError) as caught:
                made()
            assert str(caught.value) == message
        with pytest.raises(ConfigError) as caught:
            Traffic(rows=rows, banks=[1, 2, 0]).encode(self.unit)
        assert str(caught.value) == (
            'banks: row 0 names bank 1: must be 0, with bank_order = "cyclic"; leave banks out'
        )


def test_loaded_values_have_the_shape_of_a_bank():
    unit = config(parameter_repeat=7, banks=2, storage="ram")
    stored = StoredParameters.of(unit)
    GoldenModel(unit, gamma=stored.gamma, beta=stored.beta)
    with pytest.raises(ConfigError, match=r"must be integers of \(2, 9\)"):
        GoldenModel(unit, gamma=np.zeros((2, 60), np.int64))
