"""The kinds of units that the demo runs for each layer: the formats on both sides, and what is asked of the results."""

from dataclasses import dataclass

import numpy as np

from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import NumberFormat, parse_format
from streamnorm.spec.formats.element_text import error_unit
from streamnorm_sim.check.accuracy import float_layernorm
from streamnorm_sim.dataset import LayerRows

MODEL = "all-MiniLM-L6-v2"
MAX_ULP = 1.0


@dataclass(frozen=True)
class UnitKind:
    """A pair of formats.

    Attributes
    ----------
    input, output : str
        Names of the formats.
    min_cosine : float
        Least cosine of a row with float64 LayerNorm of the float activations; 0 for formats that alone lose far more
        than the unit.
    min_correctly_rounded : float
        Least share of correctly rounded results, over all rows of all layers together.
    cosine_digits : int
        Digits of a cosine that tell something.
    """

    input: str
    output: str
    min_cosine: float = 0.0
    min_correctly_rounded: float = 0.0
    cosine_digits: int = 6

    def __str__(self) -> str:
        return f"{self.input} to {self.output}"

    @property
    def error_unit(self) -> str:
        """In what errors are told."""
        return error_unit(parse_format(self.output))


INTEGER_KINDS = (UnitKind("int16", "int16", min_cosine=0.99999), UnitKind("int16", "int8", cosine_digits=4))
FLOAT_KINDS = (
    UnitKind("bf16", "bf16", min_cosine=0.99998, min_correctly_rounded=0.999, cosine_digits=5),
    UnitKind("fp16", "fp16", min_cosine=0.99999, min_correctly_rounded=0.999, cosine_digits=5),
)
KINDS = (*INTEGER_KINDS, *FLOAT_KINDS)


def unit_config(layer: LayerRows, index: int, kind: UnitKind) -> NormConfig:
    """Return the configuration of a layer's unit of a kind."""
    source, result = layer_formats(layer, kind.input, kind.output)
    return NormConfig(
        name=f"minilm_{index:02d}_{kind.input}_{kind.output}",
        norm="layernorm",
        lanes=4,
        max_length=layer.x.shape[1],
        input=source,
        output=result,
        epsilon=layer.epsilon,
        gamma=layer.gamma,
        beta=layer.beta,
        target="ecp5-85k-6",
        clock_mhz=180,
    )


def layer_formats(layer: LayerRows, input_name: str, output_name: str) -> tuple[NumberFormat, NumberFormat]:
    """Return formats for a layer's rows and their float64 LayerNorm; integers have the scale that just holds them."""
    results = float_layernorm(layer.x, layer.gamma, layer.beta, layer.epsilon)
    return _that_holds(input_name, layer.x), _that_holds(output_name, results)


def _that_holds(name: str, values: np.ndarray) -> NumberFormat:
    number_format = parse_format(name)
    if number_format.is_float:
        return number_format
    return parse_format(name, scale=float(np.abs(values).max()) / number_format.max)
