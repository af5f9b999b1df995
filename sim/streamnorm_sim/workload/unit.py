"""Units that suit a model, and what a unit holds."""

from collections.abc import Iterable, Sequence

from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm.precision.stored_words import stored_words
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.stored_floats import stored_parameters
from streamnorm.spec.values import integer_between

from .calls import NormCall, calls
from .model import Model

__all__ = ["differences", "loaded", "parameter_bits", "row_buffer_bytes", "serving", "units_for"]

SPAN_IN, SPAN_OUT = 160.0, 32.0
"""Largest magnitudes in and out, in real units: a residual stream has outliers, normalized values few beyond 32."""


def units_for(
    model: Model,
    *,
    lanes: int = 16,
    bits: int = 16,
    target: str = "ecp5-85k-6",
    clock_mhz: float = 150.0,
    banks: int = 1,
) -> tuple[NormConfig, ...]:
    """Return the configurations of units for every norm of a model, one for each norm and epsilon that it has;
    none if it has no norm.

    Rows of a unit are as long as the longest it serves, and full rate is kept down to the shortest. Gamma and beta,
    where its norms have them, are loaded at run time, into ``banks`` banks, for each norm has its own.

    Raises
    ------
    ConfigError
        If the values are no configuration's.
    """
    half = 1 << (integer_between("bits", bits, IntFormat.BITS_MIN, IntFormat.BITS_MAX) - 1)
    groups = _groups(model)
    norms = [norm for norm, _ in groups]
    result = []
    for number, ((norm, epsilon), served) in enumerate(groups.items()):
        affine = any(call.kind.affine for call in served)
        same = norms[:number].count(norm)
        name = "workload" if len(groups) == 1 else f"workload_{norm}{same + 1 if same else ''}"
        result.append(
            NormConfig(
                name=name,
                norm=norm,
                lanes=lanes,
                max_length=max(call.length for call in served),
                min_length=min(call.length for call in served),
                input=IntFormat.parse(f"int{bits}", scale=SPAN_IN / half),
                output=IntFormat.parse(f"int{bits}", scale=SPAN_OUT / half),
                epsilon=epsilon,
                gamma_offset=served[0].kind.gamma_offset,
                storage="ram" if affine else "rom",
                banks=banks if affine else 1,
                target=target,
                clock_mhz=clock_mhz,
            )
        )
    return tuple(result)


def serving(model: Model, configs: Sequence[NormConfig]) -> dict[tuple[str, float], int]:
    """Return which of the units serves norms of each norm and epsilon: that with the same epsilon, else any.

    Raises
    ------
    ConfigError
        If there is none, its rows are too short, one serves nothing, or clocks differ.
    """
    for config in configs:
        if config.clock_mhz != configs[0].clock_mhz:
            raise ConfigError(
                f"{config.name}: clock_mhz = {config.clock_mhz:g}: must be that of {configs[0].name}, "
                f"{configs[0].clock_mhz:g}; cycles of unlike length cannot be added"
            )
    result = {}
    for (norm, epsilon), served in _groups(model).items():
        able = [i for i, config in enumerate(configs) if config.norm == norm]
        if not able:
            have = ", ".join(f"{config.name} is a {config.norm}" for config in configs)
            raise ConfigError(f"{have}, {model.name} needs {norm}")
        index = result[norm, epsilon] = min(able, key=lambda i: configs[i].epsilon != epsilon)
        config, longest = configs[index], max(call.length for call in served)
        if config.max_length < longest:
            raise ConfigError(f"{config.name}: max_length = {config.max_length}: {model.name} has rows of {longest}")
    for index, config in enumerate(configs):
        if index not in result.values():
            raise ConfigError(f"{config.name}: {model.name} has no norm for it")
    return result


def differences(model: Model, configs: Sequence[NormConfig]) -> list[str]:
    """In what units that can do a model's norms differ from what the model asks for, a sentence each."""
    found = []
    for index, config in enumerate(configs):
        served = [kind for kind, by in serving(model, configs).items() if by == index]
        epsilons = {epsilon for _, epsilon in served} - {config.epsilon}
        if epsilons:
            asked = " and ".join(f"{epsilon:g}" for epsilon in sorted(epsilons))
            found.append(f"{config.name} has epsilon {config.epsilon:g}, {model.name} {asked}")
        sets = sum(
            call.sets for call in calls(model) if call.kind.affine and (call.kind.norm, call.kind.epsilon) in served
        )
        stored = stored_parameters(config)
        own = not (stored.gamma_is_constant and stored.beta_is_constant)
        if config.parameter_repeat > 1 and sets:
            found.append(
                f"{config.name} has one gamma for {config.parameter_repeat} elements, {model.name} one for each"
            )
        own_calls = [call for call in calls(model) if (call.kind.norm, call.kind.epsilon) in served]
        alone = [call.site for call in own_calls if _is_behind_no_add(call.site)]
        if config.residual is not None and alone:
            sites = ", ".join(dict.fromkeys(alone))
            found.append(f"{config.name} adds a residual to each row; {model.name} has norms behind no add: {sites}")
        held = 1 if config.banks_are_interpolated else config.banks
        if config.parameters_are_known and own and sets > held:
            cure = "" if config.banks_are_interpolated else '; storage = "ram" serves them all'
            found.append(f"{config.name} holds gamma and beta of {held} of {sets} norms{cure}")
    return found


def row_buffer_bytes(plan: Plan) -> int:
    """Bytes of a unit's row buffer: its beats, each ``lanes`` differences wide."""
    return -(-plan.buffer_beats * plan.config.lanes * plan.precision.difference_bits // 8)


def parameter_bits(plan: Plan) -> int:
    """Bits that a unit stores for gamma and beta of one element; a constant takes none, nor what comes with the row."""
    if plan.config.parameters_are_streamed:
        return 0
    if plan.config.computed.is_dyadic:
        return sum(words.bits for words in stored_words(plan.config).values() if not words.is_constant)
    bits = 0
    for config in (plan.config, *plan.config.by_result.values()):
        stored = stored_parameters(config)
        bits += 0 if stored.gamma_is_constant else stored.gamma_bits
        bits += 0 if stored.beta_is_constant else stored.beta_bits
    return bits


def loaded(sets: Iterable[tuple[object, ...]], config: NormConfig) -> list[bool]:
    """Return of sets of gamma and beta, by name and in the order of their use, which a unit has to load first.

    If there are no more sets than banks, all stay, and none is loaded again. Else the first ones fill all banks but
    one, through which the others go.
    """
    order = list(sets)
    known = list(dict.fromkeys(order))
    if not config.parameters_are_loaded or len(known) <= config.banks:
        return [False] * len(order)
    staying, last, result = set(known[: config.banks - 1]), None, []
    for each in order:
        result.append(each not in staying and each != last)
        last = last if each in staying else each
    return result


def _is_behind_no_add(site: str) -> bool:
    """Whether what is normalized there is no sum of a residual stream and what a part gave."""
    return site.endswith("-out") or site in ("embedding", "q", "k", "q-latent", "kv-latent", "ffn-inner")


def _groups(model: Model) -> dict[tuple[str, float], list[NormCall]]:
    """The norms of a model by norm and epsilon, which are built into a unit."""
    result: dict[tuple[str, float], list[NormCall]] = {}
    for call in calls(model):
        result.setdefault((call.kind.norm, call.kind.epsilon), []).append(call)
    return result
