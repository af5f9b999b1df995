"""A unit that suits a model, and what a unit holds."""

from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.parameters import StoredParameters

from .calls import steps
from .model import Model

__all__ = ["check_unit", "differences", "parameter_bits", "row_buffer_bytes", "unit_for"]

SPAN_IN, SPAN_OUT = 160.0, 32.0
"""Largest magnitudes in and out, in real units: a residual stream has outliers, normalized values few beyond 32."""


def unit_for(
    model: Model, *, lanes: int = 16, bits: int = 16, target: str = "ecp5-85k-6", clock_mhz: float = 150.0
) -> NormConfig:
    """Return the configuration of a unit for every norm of a model.

    Its rows are as long as the model's longest norm, and full rate is kept down to the shortest. Gamma and beta, where
    the model has them, are loaded at run time, for each norm has its own.

    Raises
    ------
    ConfigError
        If the model has no norm, or the values are no configuration's.
    """
    lengths = _lengths(model)
    stack = model.stacks[0]
    half = 1 << (bits - 1)
    return NormConfig(
        name="workload",
        norm=model.norm,
        lanes=lanes,
        max_length=max(lengths),
        min_length=min(lengths),
        input=IntFormat.parse(f"int{bits}", scale=SPAN_IN / half),
        output=IntFormat.parse(f"int{bits}", scale=SPAN_OUT / half),
        epsilon=stack.epsilon,
        gamma_offset=stack.gamma_offset,
        storage="ram" if stack.affine else "rom",
        target=target,
        clock_mhz=clock_mhz,
    )


def check_unit(model: Model, config: NormConfig) -> None:
    """Raise ConfigError where a unit cannot do the norms of a model: another norm, or rows that are too long."""
    longest = max(_lengths(model))
    if config.norm != model.norm:
        raise ConfigError(f"{config.name} is a {config.norm}, {model.name} needs {model.norm}")
    if config.max_length < longest:
        raise ConfigError(f"{config.name}: max_length = {config.max_length}: {model.name} has rows of {longest}")


def differences(model: Model, config: NormConfig) -> list[str]:
    """In what a unit that can do a model's norms differs from what the model asks for, a sentence each."""
    found = []
    epsilons = {stack.epsilon for stack in model.stacks} - {config.epsilon}
    if epsilons:
        asked = " and ".join(f"{epsilon:g}" for epsilon in sorted(epsilons))
        found.append(f"{config.name} has epsilon {config.epsilon:g}, {model.name} {asked}")
    stored = StoredParameters.of(config)
    norms = sum(len(step) for stack in model.stacks for step in steps(stack))
    own = not (stored.gamma_is_constant and stored.beta_is_constant)
    if config.storage == "rom" and own and norms > config.banks:
        found.append(
            f'{config.name} holds gamma and beta of {config.banks} of {norms} norms; storage = "ram" serves them all'
        )
    return found


def row_buffer_bytes(plan: Plan) -> int:
    """Bytes of a unit's row buffer: its beats, each ``lanes`` differences wide."""
    return -(-plan.buffer_beats * plan.config.lanes * plan.precision.ranges.difference_bits // 8)


def parameter_bits(plan: Plan) -> int:
    """Bits that a unit stores for gamma and beta of one element; a constant takes none."""
    stored = StoredParameters.of(plan.config)
    gamma = 0 if stored.gamma_is_constant else stored.gamma_bits
    return gamma + (0 if stored.beta_is_constant else stored.beta_bits)


def _lengths(model: Model) -> set[int]:
    lengths = {call.length for stack in model.stacks for step in steps(stack) for call in step}
    if not lengths:
        raise ConfigError(f"{model.name}: has no norm")
    return lengths
