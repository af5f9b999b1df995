"""How near the algorithms of the literature come to the exact result on rows of a real model, and what they cost."""

from collections.abc import Iterable
from typing import Any

from streamnorm.plan import Plan
from streamnorm.spec.algorithms import ALGORITHMS, IntegerLayerNorm
from streamnorm.spec.architectures import ONE_PASS, TWO_PASS
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat

from .check.accuracy import Accuracy
from .dataset import LayerRows, minilm_layers
from .demo.kinds import MODEL, layer_formats
from .reference.golden import GoldenModel

__all__ = ["published_figures", "published_unit"]

LANES = 4
TARGET, CLOCK_MHZ = "ecp5-85k-6", 100.0


def published_unit(layer: LayerRows, algorithm: str, input_bits: int = 8, output_bits: int = 8) -> NormConfig:
    """The unit of a layer with an algorithm, for rows of the layer's length; without epsilon, which few of them have.

    It has one pass, or two where the algorithm shifts the deviations of such rows before it squares them.

    Raises
    ------
    ConfigError
        If there is no such algorithm, or it does not go with the formats.
    """
    n = layer.x.shape[1]
    source, result = layer_formats(layer, f"int{input_bits}", f"int{output_bits}")
    about = ALGORITHMS.get(algorithm)
    shifts = isinstance(about, IntegerLayerNorm) and about.shift(source, n) > 0
    return NormConfig(
        norm="layernorm",
        algorithm=algorithm,
        architecture=TWO_PASS if shifts else ONE_PASS,
        lanes=LANES,
        max_length=n,
        min_length=n,
        input=source,
        output=result,
        epsilon=0.0,
        gamma=layer.gamma,
        beta=layer.beta,
        target=TARGET,
        clock_mhz=CLOCK_MHZ,
    )


def published_figures(
    input_bits: int = 8, output_bits: int = 8, algorithms: Iterable[str] = tuple(ALGORITHMS)
) -> dict[str, Any]:
    """Errors of each algorithm's golden model on all layers of `minilm_layers`, and its units' cycles and cost.

    Errors are against the exact result of the quantized rows with gamma and beta as given, in output LSB. Cycles,
    multipliers and block RAMs are those of the plan; where layers differ, the largest.

    Returns
    -------
    dict of plain numbers and strings: what was run, and under "algorithms", by name: "title", "source", "promises",
    "architecture", "max_ulp", "mean_ulp", "correctly_rounded" (a share), "L1", "SS" (of the longest rows), "interval",
    "multipliers", "block_rams"

    Raises
    ------
    ConfigError
        As `published_unit`.
    """
    layers = minilm_layers()
    return {
        "model": MODEL,
        "layers": len(layers),
        "rows": sum(len(layer.x) for layer in layers),
        "n": layers[0].x.shape[1],
        "lanes": LANES,
        "input": IntFormat(input_bits).name,
        "output": IntFormat(output_bits).name,
        "target": TARGET,
        "clock_mhz": CLOCK_MHZ,
        "algorithms": {
            name: _figures([published_unit(layer, name, input_bits, output_bits) for layer in layers], layers)
            for name in algorithms
        },
    }


def _figures(configs: list[NormConfig], layers: tuple[LayerRows, ...]) -> dict[str, Any]:
    about = configs[0].computed
    errors = []
    for config, layer in zip(configs, layers, strict=True):
        x = config.input.quantize(layer.x)
        errors.append(Accuracy.of(config, GoldenModel(config).normalize(x), x, as_given=True))
    accuracy = Accuracy.join(errors)
    plans = [Plan.of(config) for config in configs]
    latencies = [plan.latency(plan.config.max_length) for plan in plans]
    return {
        "title": about.title,
        "source": about.source,
        "promises": about.promises,
        "architecture": configs[0].architecture,
        "elements": accuracy.elements,
        "max_ulp": accuracy.max_ulp,
        "mean_ulp": accuracy.mean_ulp,
        "correctly_rounded": accuracy.correctly_rounded,
        "L1": max(latency.L1 for latency in latencies),
        "SS": max(latency.SS for latency in latencies),
        "interval": max(plan.interval for plan in plans),
        "multipliers": max(sum(plan.multipliers.values()) for plan in plans),
        "block_rams": max(sum(plan.block_rams.values()) for plan in plans),
    }
