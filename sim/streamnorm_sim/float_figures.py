"""How near LayerNorm of floating-point numbers comes to the exact result on rows of a real model."""

from collections.abc import Sequence
from typing import Any

from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import FloatFormat

from .check.accuracy import Accuracy, cosines, float_layernorm
from .dataset import LayerRows, minilm_layers
from .demo import MODEL
from .reference.models import golden_model

__all__ = ["float_figures", "float_unit"]

LANES = 4


def float_unit(layer: LayerRows, number_format: str) -> NormConfig:
    """The unit of a layer, from a floating-point format to the same; gamma and beta as they are stored by default."""
    n = layer.x.shape[1]
    return NormConfig(
        norm="layernorm",
        lanes=LANES,
        max_length=n,
        input=FloatFormat(number_format),
        output=FloatFormat(number_format),
        epsilon=layer.epsilon,
        gamma=layer.gamma,
        beta=layer.beta,
    )


def float_figures(number_format: str, layers: Sequence[LayerRows] | None = None) -> dict[str, Any]:
    """Errors of the golden model on all layers of `minilm_layers`, or on those given.

    Errors are against the exact result of the quantized rows with gamma and beta as given, in units in the last place,
    see `Accuracy`; cosines are those of rows with float64 LayerNorm of the rows as they were.

    Returns
    -------
    dict of plain numbers and strings: "model", "layers", "rows", "n", "parameters" (the format of gamma and beta),
    "max_ulp", "mean_ulp", "correctly_rounded" (a share), "cosine" (the least)
    """
    layers = minilm_layers() if layers is None else layers
    parts, least = [], []
    configs = [float_unit(layer, number_format) for layer in layers]
    for config, layer in zip(configs, layers, strict=True):
        x = config.input.quantize(layer.x)
        y = golden_model(config).normalize(x)
        parts.append(Accuracy.of(config, y, x, as_given=True))
        truth = float_layernorm(layer.x, layer.gamma, layer.beta, layer.epsilon)
        least.append(float(cosines(config.output.dequantize(y), truth).min()))
    accuracy = Accuracy.join(parts)
    return {
        "model": MODEL,
        "layers": len(layers),
        "rows": sum(len(layer.x) for layer in layers),
        "n": layers[0].x.shape[1],
        "parameters": " and ".join(sorted({str(config.parameter_format.name) for config in configs})),  # type: ignore[union-attr]
        "max_ulp": accuracy.max_ulp,
        "mean_ulp": accuracy.mean_ulp,
        "correctly_rounded": accuracy.correctly_rounded,
        "cosine": min(least),
    }
