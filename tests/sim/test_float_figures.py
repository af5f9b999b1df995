"""LayerNorm of floating-point numbers on rows of a real model: what is promised of them, and what the figures say."""

import json

import numpy as np
import pytest

from streamnorm_sim.check.accuracy import Accuracy
from streamnorm_sim.dataset import minilm_layers
from streamnorm_sim.float_figures import float_figures, float_unit
from streamnorm_sim.reference.golden import GoldenModel

CORRECTLY_ROUNDED = 0.999
COSINE = 0.99998


@pytest.mark.parametrize("number_format", ["bf16", "fp16"])
def test_real_rows(number_format):
    """All of them: a second. Hardly farther than half a unit from the exact result, and nearly always the nearest."""
    figures = float_figures(number_format)
    assert (figures["layers"], figures["rows"]) == (13, 832)
    assert figures["correctly_rounded"] >= CORRECTLY_ROUNDED
    assert figures["cosine"] >= COSINE
    assert figures["max_ulp"] <= 0.501


def test_figures_are_those_of_the_model():
    layers = minilm_layers()[2:4]
    figures = float_figures("fp32", layers)
    assert json.loads(json.dumps(figures)) == figures
    errors = []
    for layer in layers:
        config = float_unit(layer, "fp32")
        y = GoldenModel(config).normalize(layer.x)  # quantized by itself, exactly
        errors.append(Accuracy.of(config, y, layer.x).errors)
    together = np.abs(np.concatenate(errors))
    assert figures["max_ulp"] == together.max() < 1
    assert figures["mean_ulp"] == pytest.approx(together.mean())
    assert (figures["rows"], figures["n"], figures["parameters"]) == (128, 384, "fp32")
