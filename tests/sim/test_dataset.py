"""The activations that come with the package are the ones its README describes."""

import hashlib
from importlib.resources import files

import numpy as np

from streamnorm_sim.dataset import minilm_layers

DATA = files("streamnorm_sim") / "data"


def test_layers():
    layers = minilm_layers()
    assert len(layers) == 13
    assert layers[0].name == "embeddings.LayerNorm"
    assert layers[-1].name == "encoder.layer.5.output.LayerNorm"
    for layer in layers:
        assert layer.x.shape == (64, 384)
        assert layer.gamma.shape == layer.beta.shape == (384,)
        assert layer.epsilon == 1e-12
        assert all(np.isfinite(array).all() for array in (layer.x, layer.gamma, layer.beta))


def test_checksum_and_licence():
    digest = hashlib.sha256((DATA / "minilm_layernorm_rows.npz").read_bytes()).hexdigest()
    assert digest in (DATA / "README.md").read_text(encoding="utf-8")
    assert "Apache License" in (DATA / "LICENSE-Apache-2.0.txt").read_text(encoding="utf-8")
