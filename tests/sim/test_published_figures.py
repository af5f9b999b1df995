"""Figures of the algorithms of the literature: plain numbers, of the units that they name."""

import json

import numpy as np
import pytest

from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm_sim import published_figures as module
from streamnorm_sim.check.accuracy import Accuracy
from streamnorm_sim.dataset import minilm_layers
from streamnorm_sim.published_figures import published_figures, published_unit
from streamnorm_sim.reference.golden import GoldenModel


@pytest.fixture
def two_layers(monkeypatch):
    layers = minilm_layers()[:2]
    monkeypatch.setattr(module, "minilm_layers", lambda: layers)
    return layers


def test_figures_are_those_of_model_and_plan(two_layers):
    figures = published_figures(algorithms=("streamnorm", "i-bert"))
    assert json.loads(json.dumps(figures)) == figures
    assert (figures["layers"], figures["rows"], figures["n"]) == (2, 128, 384)
    own, published = figures["algorithms"]["streamnorm"], figures["algorithms"]["i-bert"]
    assert own["promises"]
    assert not published["promises"]
    assert own["max_ulp"] < 1
    assert own["correctly_rounded"] > published["correctly_rounded"]
    configs = [published_unit(layer, "i-bert") for layer in two_layers]
    plans = [Plan.of(config) for config in configs]
    assert published["L1"] == max(plan.latency(384).L1 for plan in plans)
    assert published["SS"] == 96
    assert published["multipliers"] == max(sum(plan.multipliers.values()) for plan in plans)
    parts = []
    for config, layer in zip(configs, two_layers, strict=True):
        y = GoldenModel(config).normalize(layer.x)
        parts.append(Accuracy.of(config, y, layer.x, as_given=True))
    errors = np.abs(np.concatenate([part.errors for part in parts]))
    assert published["max_ulp"] == errors.max()
    assert published["mean_ulp"] == pytest.approx(errors.mean())
    assert published["elements"] == errors.size


def test_i_bert_of_wide_elements_has_two_passes_for_its_shift(two_layers):
    figures = published_figures(input_bits=16, algorithms=("i-bert",))["algorithms"]["i-bert"]
    assert figures["architecture"] == "two-pass"
    assert published_unit(two_layers[0], "i-bert", 8).architecture == "one-pass"
    assert figures["max_ulp"] < 1.5  # most of the error of int8 rows is the root's, of few bits


def test_formats_that_an_algorithm_cannot_take_are_refused(two_layers):
    with pytest.raises(ConfigError, match="does not go with algorithm = 'i-vit'"):
        published_figures(input_bits=16, algorithms=("i-vit",))
