"""The plan for people: one table, section by section, for the command line and the documents."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite, log2

from streamnorm.precision.deferred import DeferredPrecision
from streamnorm.precision.floating import FloatPrecision, StaticFloatPrecision
from streamnorm.precision.integer import IntegerPrecision
from streamnorm.precision.precision import Precision
from streamnorm.precision.requantization import Requantization
from streamnorm.precision.static import StaticPrecision
from streamnorm.precision.stored_words import stored_words
from streamnorm.precision.welford import WelfordPrecision
from streamnorm.spec.algorithms import OWN_ALGORITHM
from streamnorm.spec.algorithms.dyadic import MULTIPLIER_BITS
from streamnorm.spec.architectures import ARCHITECTURES, ONE_PASS
from streamnorm.spec.config import NormConfig
from streamnorm.spec.epsilon_placements import EpsilonPlacement, RowVariancePlacement, weighed
from streamnorm.spec.formats import FloatFormat, NumberFormat
from streamnorm.spec.fusions import DeferredScale, InputScale, InterpolatedBanks, RowScale
from streamnorm.spec.fusions.row_scale import STEP_LSB
from streamnorm.spec.norms import Norm
from streamnorm.spec.parameters import StoredParameters
from streamnorm.spec.root_choice import RootChoice
from streamnorm.spec.stored_floats import StoredFloats

from .float_exactness import float_exactness, last_place_of
from .float_widths import float_widths
from .limits import Limits
from .luts import LUT_ERROR
from .plan import Plan

__all__ = ["PlanRow", "plan_rows"]


@dataclass(frozen=True)
class PlanRow:
    """One line of the plan for people: where it belongs, what it is called, its value, what it means."""

    section: str
    name: str
    value: str
    meaning: str


def plan_rows(plan: Plan) -> list[PlanRow]:
    """Every line of the plan; its sections are Unit, Accuracy, Latency, Pipeline, Widths and Cost; of a unit for
    floating-point numbers Exactness as well, and of one whose scales leave beside the rows Scale."""
    sections = {
        "Unit": _unit(plan),
        "Accuracy": _accuracy(plan),
        "Exactness": _exactness(plan),
        "Latency": _latency(plan),
        "Pipeline": _pipeline(plan),
        "Scale": _scale(plan),
        "Widths": _widths(plan),
        "Cost": _cost(plan),
    }
    return [PlanRow(section, *line) for section, lines in sections.items() for line in lines]


_Lines = Iterator[tuple[str, str, str]]
"""Name, value, meaning."""


def _unit(plan: Plan) -> _Lines:
    config = plan.config
    yield "module", config.name, "name of the top module"
    yield ("norm", config.norm, config.formula.about)
    if config.algorithm != OWN_ALGORITHM:
        yield "algorithm", config.algorithm, config.computed.about
    if config.architecture != ONE_PASS:
        yield "architecture", plan.architecture, ARCHITECTURES[plan.report.architecture].about
    yield ("row", f"1 … {config.max_length} elements", f"{config.lanes} a beat: at most {config.max_beats} beats")
    if plan.interval > 1:
        yield (
            "full rate",
            f"rows of {plan.interval} beats and more",
            "the statistic shares multipliers; shorter rows wait for each other",
        )
    if config.input_scale is None:
        yield "input", _format(config.input), _span(config.input)
    else:
        yield from _scaled_input(config, config.input_scale)
    yield from _residual(config)
    if config.row_scale is None:
        yield "output", _format(config.output), _span(config.output)
    else:
        yield from _scaled_output(config.row_scale)
    for result in config.results:
        yield result.name, _format(result.number), f"on m_axis_{result.name}: {_span(result.number)}"
    steps = "steps of the sum" if config.residual is not None else "input steps"
    in_steps = "" if config.input.is_float else f"{float(config.epsilon_in_steps):.4g} squared {steps}"
    if config.input_scale is not None:
        in_steps = "over the square of the row's scale in squared input steps"
    for key, about in (("epsilon", config.placement.about), ("deviation", "a constant")):
        if key in config.formula.keys:
            placed = "" if config.epsilon_placement == "variance" or key == "deviation" else about
            yield key, f"{getattr(config, key):g}", ": ".join(part for part in (placed, in_steps) if part)
    if config.alpha is not None:
        step = config.alpha * config.input.scale
        yield "alpha", f"{config.alpha:g}", "" if config.input.is_float else f"tanh of {step:.4g} for an input step"
    if config.statistic_length is not None:
        yield "statistic", f"first {config.statistic_length} elements", "of a row, or all of a shorter one"
    if isinstance(plan.precision, DeferredPrecision):
        number = plan.precision.number
        about = f"of each row: {number.mantissa_bits} bits of mantissa, above them {number.EXPONENT_BITS} of exponent"
        yield "scale", number.name, about
    else:
        yield from _dyadic_numbers(config) if config.computed.is_dyadic else _stored(config)
    for name, of in config.by_result.items():
        yield from _named(name, _stored(of))
    if config.banks_are_interpolated:
        (blend,) = InterpolatedBanks.inputs
        yield blend.name, blend.number.name, "of each row: gamma and beta of bank 0 at 0, those of bank 1 at 1"
    if config.rsqrt != RootChoice():
        assert isinstance(plan.precision, Precision | FloatPrecision | DeferredPrecision)
        yield "root", config.rsqrt.method, plan.precision.root.title
    target = config.device
    limit = target.family.block_ram_limit_mhz
    yield ("target", config.target, f"block RAM allows {limit:g} MHz" if limit else f"{target.primitives} primitives")
    yield "clock", f"{config.clock_mhz:g} MHz", f"{target.budget:.2f} ns of logic between two registers"


def _scaled_input(config: NormConfig, scale: InputScale) -> _Lines:
    """Rows that bring their scale."""
    number, placement = config.input, config.core.placement
    assert isinstance(placement, RowVariancePlacement)
    zero = f", zero point {number.zero_point}" if number.zero_point else ""
    yield "input", f"{number.name}, scale by row{zero}", f"from {number.min} to {number.max}"
    none = "; 0, negative, NaN and infinite ones are none: the row is beta" if scale.fraction_bits else ""
    yield "input scale", scale.name, f"{scale.about} with each row{none}"
    if placement.least_scale is not None:
        value = f"from {placement.least_scale:.4g}"
        yield "row seen", value, f"rows with a smaller scale are beta, less than {placement.cut:.2g} LSB off: epsilon"


def _named(name: str, lines: _Lines) -> _Lines:
    """Lines of a further result."""
    return ((f"{name}: {line}", value, meaning) for line, value, meaning in lines)


def _scaled_output(scale: RowScale) -> _Lines:
    """Results with a scale for each row."""
    yield (
        "output",
        f"{scale.number.name}, scale by row",
        f"from {scale.number.min} to {scale.number.max}; {scale.about}",
    )
    ends = f"{float(scale.least_scale):.4g} … {float(scale.largest_scale):.4g}"
    limit = "" if scale.number.scale_max is None else ", as far as scale_max lets it"
    yield "row scale", ends, f"the row's largest result over {scale.number.max}{limit}; no less for a row of zeros"
    step = f"{scale.core.name}, scale {scale.core.scale:.4g}"
    yield "quantized", f"from {step}", f"a step of any row is worth {STEP_LSB} of these at least"


def _residual(config: NormConfig) -> _Lines:
    """What is added to the rows, and how the sum is formed and sent out."""
    residual = config.residual
    if residual is None:
        return
    yield "residual", _format(residual.number), _span(residual.number)
    yield "sum", *residual.sums(config.input).formed(residual.alpha)
    if residual.emit_sum:
        assert residual.sum_number is not None
        grid = residual.sum_grid(config.input)
        rounding = "what is normalized" if grid is None else f"{grid.ratio} of a step, rounded half to even, saturated"
        yield "sum out", _format(residual.sum_number), rounding


def _dyadic_numbers(config: NormConfig) -> _Lines:
    """Gamma and beta as multipliers, exponents and addends."""
    dyadic = Requantization.of(config)
    exponents = f"{dyadic.frac_bits - dyadic.shift_max} … {dyadic.frac_bits}" if dyadic.shift_max else dyadic.frac_bits
    meanings = {
        "gamma": f"m / 2^e with m of {MULTIPLIER_BITS} bits, e = {exponents}",
        "beta": f"{dyadic.bias_bits} bits, in steps of z, which are worth {dyadic.step:.4g}",
    }
    for key, words in stored_words(config).items():
        banks = f"{config.banks} banks of " if config.banks > 1 else ""
        constant = "absent" if getattr(config, key) is None else "one constant"
        yield key, constant if words.is_constant else f"rom, {banks}{config.bank_values} values", meanings[key]


def _stored(config: NormConfig) -> _Lines:
    """Gamma and beta as they are stored."""
    if config.output.is_float:
        yield from _stored_codes(config)
        return
    stored = StoredParameters.of(config)
    worth = {"gamma": _worth(config.formula), "beta": ""}
    for key, values, bits, frac_bits, constant in (
        ("gamma", stored.gamma, stored.gamma_bits, stored.gamma_frac_bits, stored.gamma_is_constant),
        ("beta", stored.beta, stored.beta_bits, stored.beta_frac_bits, stored.beta_is_constant),
    ):
        steps = "" if key == "gamma" and config.output_grid is not None else " output steps"
        if constant:
            value = "absent" if getattr(config, key) is None else "one constant"
            yield key, value, f"stored as {int(values[0, 0])} · 2^{-frac_bits}{steps}{worth[key]}"
        else:
            yield key, _place(config), f"{bits} bits, in steps of 2^{-frac_bits}{steps}{worth[key]}"


def _place(config: NormConfig) -> str:
    """Where gamma or beta is that is no constant, and of how many values."""
    banks = f"{config.banks} banks of " if config.banks > 1 else ""
    each = " of each row" if config.parameters_are_streamed else ""
    return f"{config.storage}, {banks}{config.bank_values} values{each}"


def _stored_codes(config: NormConfig) -> _Lines:
    """The same with floating-point output."""
    stored = StoredFloats.of(config)
    for key, codes, constant in (
        ("gamma", stored.gamma, stored.gamma_is_constant),
        ("beta", stored.beta, stored.beta_is_constant),
    ):
        if constant:
            value = stored.format.dequantize(codes[0, 0]).item()
            yield (
                key,
                "absent" if getattr(config, key) is None else "one constant",
                f"{value:g} as {stored.format.name}",
            )
        else:
            yield key, _place(config), f"numbers of {stored.format.name}"


def _format(number_format: NumberFormat) -> str:
    if isinstance(number_format, FloatFormat):
        return number_format.name
    zero = f", zero point {number_format.zero_point}" if number_format.zero_point else ""
    return f"{number_format.name}, scale {number_format.scale:g}{zero}"


def _span(number_format: NumberFormat) -> str:
    if isinstance(number_format, FloatFormat):
        largest, least = number_format.largest, number_format.scale
        return f"{number_format.precision} significant bits; up to {largest:g}, in steps of {least:.3g} around 0"
    low, high = (number_format.dequantize([number_format.min, number_format.max])).tolist()
    return f"real values {low:g} … {high:g}"


def _accuracy(plan: Plan) -> _Lines:
    yield from _accuracy_of_results(plan)
    for name, of in plan.by_result.items():
        yield from _named(name, _accuracy_of_results(of))


def _accuracy_of_results(plan: Plan) -> _Lines:
    config = plan.config
    if isinstance(plan.precision, DeferredPrecision):
        yield from _accuracy_of_scales(plan, plan.precision)
        return
    if not isfinite(plan.error_bound):
        why = "mean and variance are updated with every beat" if config.computed.promises else "that of a publication"
        yield "promise", "none", f"{why}: no bound of the error is proven"
        return
    unit = "ulp" if config.output.is_float else "LSB"
    if plan.promise == "as-is":
        assert isinstance(plan.precision, Precision | FloatPrecision)
        off = plan.precision.root.relative_error
        meaning = f"less than is promised elsewhere; the reciprocal square root is off by up to {off:.2g}"
        yield "promise", "as-is", meaning
        yield "error bound", f"{plan.error_bound:.4f} {unit}", "proven for every row; 0.5 of it is the final rounding"
        return
    tight = ", 99.9 % correctly rounded" if plan.promise == "tight" else ""
    if config.output_grid is None:
        yield "promise", config.accuracy, f"at most 1 {unit} off{tight}"
        meaning = "proven for every row; 0.5 of it is the final rounding"
        meaning += "" if config.row_scale is None else "; in steps of the row's scale"
    else:
        yield "promise", config.accuracy, f"z rounded to an output step at most 1 off{tight}; then one rounding"
        bound = 0.5 + plan.precision.error_bound
        yield (
            "z, rounded",
            f"{bound:.4f} {unit}",
            "proven error for every row, in output steps; 0.5 of it is that rounding",
        )
        meaning = "proven for every row; 0.5 where z is rounded right, else |gamma| more"
    yield "error bound", f"{plan.error_bound:.4f} {unit}", meaning
    if plan.interpolation_error:
        meaning = "part of that: gamma and beta between the banks are rounded to the steps of those that are stored"
        meaning += "" if config.row_scale is None else "; in LSB of what is quantized"
        yield "between banks", f"{plan.interpolation_error:.4f} {unit}", meaning
    if config.output.is_float:
        yield "ulp", "the last place", last_place_of(config)
    if plan.error_bound_as_given - plan.error_bound >= 0.00005:
        meaning = "the same with gamma and beta as given, not as stored"
        yield ("… as given", f"{plan.error_bound_as_given:.4f} {unit}", meaning)
    share = 100 * (1 - plan.expected_error)
    if plan.expected_error:
        meaning = "expected over many ordinary rows, where gamma is largest"
        if config.row_scale is not None:
            meaning = "expected of rows with the least scale; others have more"
        yield "correctly rounded", f"{share:.3f} %", meaning
    else:
        yield "correctly rounded", "all", "for gamma and beta as stored: there is no other rounding"


def _accuracy_of_scales(plan: Plan, precision: DeferredPrecision) -> _Lines:
    config, rows = plan.config, precision.rows
    if precision.promise == "as-is":
        off = precision.root.relative_error
        yield (
            "promise",
            "as-is",
            f"less than is promised elsewhere; the reciprocal square root is off by up to {off:.2g}",
        )
    else:
        wanted = log2(DeferredScale.wanted_error(config))
        elements = "elements as they are" if rows is None else "x - mean at most 1 LSB off"
        yield "promise", config.accuracy, f"{elements}; scales less than 2^{wanted:.0f} of themselves off"
    if rows is not None:
        yield "error bound", f"{plan.error_bound:.4f} LSB", "of x - mean, proven; 0.5 of it is the rounding"
        share = 100 * (1 - plan.expected_error)
        yield "correctly rounded", f"{share:.3f} %", "expected of x - mean where it is no tie, over many ordinary rows"
    bound = f"2^{log2(precision.relative_error):.2f} = {precision.relative_error:.3g}"
    but = "is not all zeros" if rows is None else "has two elements that differ"
    yield "scale error", bound, f"proven for every row that {but}, relative to the exact scale"


def _exactness(plan: Plan) -> _Lines:
    if isinstance(plan.precision, FloatPrecision | StaticFloatPrecision):
        yield from float_exactness(plan.config.core, plan.precision)


def _latency(plan: Plan) -> _Lines:
    config = plan.config
    longest, shortest = plan.latency(config.max_length), plan.latency(min(config.lanes, config.max_length))
    meanings = {
        "L1": "cycles, first beat in to first beat out",
        "L2": "cycles, last beat in to first beat out",
        "L3": "cycles, first beat in to last beat out",
        "SS": "cycles from row to row",
    }
    for name, formula in plan.latency_formulas().items():
        long, short = getattr(longest, name), getattr(shortest, name)
        value = f"{formula} = {long}" if formula != str(long) else formula
        at = f"; n = {config.max_length} ({short} for one beat)" if short != long else ""
        yield name, value, meanings[name] + at
    if plan.scale_latency is not None:
        yield "scale", _count(plan.scale_latency, "cycle"), "last beat in to its row's scale out"
    rate = config.clock_mhz * 1e6
    if Limits(plan).why_not():
        yield "rates", "-", "there can be no such unit: see the note on its cost"
        return
    yield "delay", f"{longest.L1 / config.clock_mhz:.3g} µs", f"L1 at n = {config.max_length}"
    yield "rows", f"{_si(rate / longest.SS)}/s", f"of {config.max_length} elements, back to back"
    yield "elements", f"{_si(rate * config.max_length / longest.SS)}/s", "in such rows"


def _si(value: float) -> str:
    for factor, prefix in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= factor:
            return f"{value / factor:.4g}{prefix}"
    return f"{value:.4g} "


def _pipeline(plan: Plan) -> _Lines:
    for stage in plan.report.stages:
        if stage.meaning:
            yield stage.name, _count(stage.cycles, "cycle"), stage.meaning
    report = plan.report
    flat = report.beats_before_output == 0 and report.statistic_beats is None
    yield "all", _count(plan.latency_cycles, "cycle"), "L2" if flat else "L2 of a row of one beat"


def _scale(plan: Plan) -> _Lines:
    if plan.scale_latency is None:
        return
    for stage in plan.report.scale_stages:
        if stage.meaning:
            yield stage.name, _count(stage.cycles, "cycle"), stage.meaning
    yield "all", _count(plan.scale_latency, "cycle"), "last beat in to its row's scale out"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _widths(plan: Plan) -> _Lines:
    precision = plan.precision
    if isinstance(precision, FloatPrecision | StaticFloatPrecision):
        yield from float_widths(plan.config.core, precision)
        return
    if isinstance(precision, DeferredPrecision):
        yield from _widths_of_scale(plan, precision)
        return
    if isinstance(precision, IntegerPrecision):
        yield from _widths_of_integers(precision)
    elif isinstance(precision, Precision):
        yield from _widths_of_statistic(plan, precision)
    else:
        assert isinstance(precision, StaticPrecision)
        yield "d", _bits(precision.difference_bits, 0), "element less the zero point, exact"
        about = "d itself" if precision.table is None else f"tanh(alpha x), off by {precision.table.error:.2g} at most"
        yield "z", _bits(precision.normalized_bits, precision.normalized_frac_bits), about
    if plan.config.computed.is_dyadic:
        yield from _widths_of_dyadic(plan.config)
        return
    yield from _widths_of_result(plan)
    for name, of in plan.by_result.items():
        yield from _named(name, _widths_of_result(of))


def _widths_of_result(plan: Plan) -> _Lines:
    """What becomes of z."""
    precision, stored = plan.precision, StoredParameters.of(plan.config)
    assert isinstance(precision, Precision | StaticPrecision)
    once = plan.config.output_grid is None
    meaning = f"as stored, in output steps{_worth(plan.config.formula)}"
    if not once:
        meaning = "as stored, not divided by the output scale"
    yield "gamma", _bits(stored.gamma_bits, stored.gamma_frac_bits), meaning
    yield ("beta", _bits(stored.beta_bits, stored.beta_frac_bits), "as stored, in output steps, zero point included")
    yield "A", f"{precision.result_frac_bits} fraction bits", f"{'z' if once else 'q'} gamma + beta, exact"
    scale = plan.config.row_scale
    if scale is None:
        yield "y", f"{plan.config.output.bits} bits", "A rounded half to even, saturated"
        return
    yield "c", f"{scale.core.bits} bits", "A rounded half to even"
    yield "f", f"{scale.factor_bits} bits", f"factor of the row, {scale.frac_bits} fraction bits"
    yield "y", f"{scale.number.bits} bits", "c f rounded half to even" + (", saturated" if scale.saturates else "")


def _widths_of_integers(precision: IntegerPrecision) -> _Lines:
    ranges = precision.ranges
    yield "x", _bits(precision.difference_bits, 0), "element less the zero point, exact"
    yield "S1", _bits(ranges.sum_bits, 0), "sum of x, exact"
    yield "S2", _bits(ranges.square_sum_max.bit_length(), 0), "sum of x², exact"
    yield "n", _bits(ranges.count_bits, 0), "length of the row"
    yield "m", _bits(precision.mean_bits, 0), "S1 / n, rounded to an integer"
    yield "V", _bits(precision.variance_bits, 0), "S2 - 2 m S1 + n m², exact"
    for value in precision.way:
        yield value.name, _bits(value.bits, 0), value.meaning
    yield "y", _bits(precision.centred_bits, 0), "x - m, exact"
    yield "z", _bits(precision.normalized_bits, 0), "normalized value"


def _widths_of_dyadic(config: NormConfig) -> _Lines:
    dyadic = Requantization.of(config)
    if dyadic.has_bias:
        yield "z + bias", _bits(dyadic.sum_bits, 0), "bias is beta / gamma in steps of z, floor"
    yield "m", _bits(MULTIPLIER_BITS, 0), "multiplier of a channel"
    shifted = f", shifted left by 0 … {dyadic.shift_max}" if dyadic.shift_max else ""
    yield "A", _bits(dyadic.product_bits, dyadic.frac_bits), f"product with m{shifted}"
    yield "result", f"{config.output.bits} bits", "A rounded half to even, plus the zero point, saturated"


def _widths_of_scale(plan: Plan, precision: DeferredPrecision) -> _Lines:
    config, norm, number = plan.config, plan.config.formula, precision.number
    yield from _widths_to_root(config, precision)
    if precision.factor is not None:
        yield "step", _bits(precision.factor.bits, precision.factor.bits), "constant: of x - mean, in input steps"
        yield "rho step", _bits(precision.rho_bits, precision.rho_bits), "rho times that, rounded"
    bits = precision.product_bits
    yield "P", _bits(bits, bits - 1), f"{_numerator(norm)} rho, its leading one one of the two highest bits"
    yield "mantissa", _bits(number.mantissa_bits, 0), "bits of P from its leading one on, rounded"
    steps = "" if precision.rows is None else ", times the step of x - mean"
    yield "exponent", _bits(number.EXPONENT_BITS, 0), f"of 2: mantissa 2^exponent = {_numerator(norm)} / sqrt(V){steps}"
    if precision.rows is not None:
        assert config.centred_rows is not None
        of_rows = Plan(config=config.centred_rows, precision=precision.rows, report=plan.report)
        yield from _named("x - mean", _widths_of_statistic(of_rows, precision.rows))


def _widths_to_root(config: NormConfig, precision: Precision | DeferredPrecision) -> _Lines:
    """From d to rho."""
    norm, placement = config.formula, config.placement
    ranges, centred = precision.ranges, norm.centred
    pivot = "the row's first element" if centred else "the zero point"
    yield "d", _bits(ranges.difference_bits, 0), f"element less {pivot}, exact"
    if norm.has_sum:
        yield "S1", _bits(ranges.sum_bits, 0), "sum of d, exact"
    if norm.has_squares:
        yield "S2", _bits(ranges.square_sum_max.bit_length(), 0), "sum of d², exact"
    if norm.has_absolute_sum:
        yield "M", _bits(ranges.square_sum_max.bit_length(), 0), "sum of abs(n d - S1), exact"
    if norm.has_factor:
        yield "n", _bits(ranges.count_bits, 0), "length of the row"
        yield _weight(norm), _bits(ranges.weight_bits, 0), "n (n - 1)" if norm.has_sample_variance else "n²"
    elif not norm.has_unit_weight:
        yield _weight(norm), _bits(ranges.weight_bits, 0), "length of the row" + _less_and_more(norm)
    if precision.weight_root is not None:
        meaning = "root of w, looked up: the bits from its leading one on, and the place of that one"
        yield "sqrt(w)", _bits(precision.weight_root.bits, 0), meaning
    if not ARCHITECTURES[config.architecture].exact:
        points = WelfordPrecision.of(config)
        yield "mean", f"{points.mean_frac_bits} fraction bits", "updated with every beat; S1 is made of it in the end"
        yield "M", f"{points.square_frac_bits} fraction bits", "squared deviations, in the place of S2 - S1² / n"
    if precision.epsilon_code:
        value = _bits(precision.epsilon_code.bit_length(), precision.variance_frac_bits + precision.epsilon_drop)
        yield "epsilon", value, f"constant, in {'' if precision.gives_deviation else 'squared '}input steps"
    elif isinstance(precision, Precision) and precision.row_epsilon is not None:
        of_row = precision.row_epsilon
        yield "m", _bits(of_row.mantissa_bits, of_row.frac_bits), "epsilon over the square of the scale, its first bits"
        yield "epsilon", _bits(of_row.widest, of_row.frac_bits), "w² m, shifted by twice the exponent of the scale"
    else:
        yield "epsilon", "none", "too small to change any result" if config.epsilon else "zero"
    yield from _widths_of_variance(norm, placement, precision)
    for name, bits, frac_bits, meaning in precision.root.lines():
        yield name, _bits(bits, frac_bits), meaning


def _widths_of_statistic(plan: Plan, precision: Precision) -> _Lines:
    norm, ranges = plan.config.formula, precision.ranges
    centred = norm.centred
    frac, guard = precision.normalized_frac_bits, precision.normalize_shift
    shifts = f" + {precision.radix} s" if precision.shift_count > 1 else ""
    yield from _widths_to_root(plan.config, precision)
    if precision.factor is not None:
        yield "1 / scale", _bits(precision.factor.bits, precision.factor.bits), "constant, less its power of two"
        yield "rho / scale", _bits(precision.rho_bits, precision.rho_bits), "rho times that, rounded"
    yield "s", f"0 … {precision.shift_count - 1}", f"coarse exponent, in steps of 2^{precision.radix}"
    shifted = f"{_weight(norm)} and {_factor(norm)} S1" if norm.has_factor else "n and S1"
    what = f"{shifted}: fine exponent and length" if precision.weight_root is None else "sqrt(w): fine exponent"
    yield "b", f"0 … {precision.left_max}", f"left shift of {what}"
    most = frac + guard + precision.product_drop
    yield "RF", _bits(precision.scale_bits, most, shifts), f"scale, {_numerator(norm)} / sqrt(V)"
    centre = f"{_factor(norm)} S1" if norm.has_factor else "S1"
    meaning = f"centre, {centre} / sqrt(V), and half a step of z" if centred else "half a step of z"
    yield "KF", _bits(precision.centre_bits, frac + guard, shifts), meaning
    yield (
        "z",
        _bits(precision.normalized_bits, frac),
        f"normalized value, rounded half up; |z| <= {ranges.normalized_max}",
    )
    if precision.grid is not None:
        value = "z" if precision.curve is None else "z - k z²"
        meaning = (
            f"{value} in output steps, of {precision.step_frac_bits} fraction bits, rounded half to even, saturated"
        )
        yield "q", _bits(precision.grid.bits, 0), meaning


def _widths_of_variance(norm: Norm, placement: EpsilonPlacement, precision: Precision | DeferredPrecision) -> _Lines:
    bits, frac_bits = precision.root_bits
    position = _bits((bits - 2 * precision.ranges.root_guard - 1).bit_length() or 1, 0)
    width = _bits(bits + frac_bits, precision.variance_frac_bits)
    total, weight, less = _terms(norm)
    if precision.gives_deviation:
        deviation = "M" if norm.has_absolute_sum else f"sqrt({weighed(total, weight)}{less})"
        yield "sqrt(V)", width, placement.deviation_in_terms(deviation, weight)
        yield "k", position, "position of its leading one; the mantissa below is squared"
    else:
        yield "V", width, placement.in_terms(total, weight, less, in_variance=not norm.has_weight_root)
        yield "p", position, "position of V's leading one; k = p >> 1"


def _worth(norm: Norm) -> str:
    """What a stored gamma is for, where that is not a z of 1."""
    return " for an input step" if norm.counts_steps else ""


def _weight(norm: Norm) -> str:
    plain = norm.weight_offset == 0 and norm.statistic_length is None and not norm.has_factor
    return "n" if plain else "w"


def _numerator(norm: Norm) -> str:
    """What d is multiplied by in z."""
    if norm.has_unit_weight:
        return "1"
    return "sqrt(w)" if norm.has_weight_root else _weight(norm)


def _factor(norm: Norm) -> str:
    """What S1 is taken times, where it is."""
    return "(n - 1)" if norm.has_sample_variance else "n"


def _less_and_more(norm: Norm) -> str:
    most = "" if norm.statistic_length is None else f", at most {norm.statistic_length}"
    return most + (f" and {norm.weight_offset}" if norm.weight_offset else "")


def _terms(norm: Norm) -> tuple[str, str, str]:
    """What V is made of, in terms of what the table has: a sum, its weight, and what is subtracted."""
    if norm.has_sample_variance:
        return "n S2 - S1²", _weight(norm), ""
    terms = [*(["S2"] if norm.has_squares else []), *(["S1²"] if norm.has_squared_sum else [])]
    weight = "" if norm.has_unit_weight else _weight(norm)
    return " + ".join(terms), weight, " - S1²" if norm.has_variance else ""


def _bits(bits: int, frac_bits: int, more: str = "") -> str:
    if not frac_bits and not more:
        return _count(bits, "bit")
    return f"{_count(bits, 'bit')}, {frac_bits}{more} fraction"


def _cost(plan: Plan) -> _Lines:
    tile = plan.config.device.family.tile
    kind = f"multipliers of {tile[0]} × {tile[1]} bits" if tile else "the target has none: built from logic"
    for name, count in plan.multipliers.items():
        yield f"multipliers: {name}", str(count) if tile else "in logic", kind
    limits = Limits(plan)
    has = limits.capacity
    if tile:
        yield (
            "multipliers: all",
            str(sum(plan.multipliers.values())),
            f"the target has {has.multipliers}" if has else "",
        )
    for name, count in plan.block_rams.items():
        yield f"block RAM: {name}", str(count), ""
    yield "block RAM: all", str(sum(plan.block_rams.values())), f"the target has {has.block_rams}" if has else ""
    if has and limits.luts is not None:
        yield has.logic, f"about {limits.luts}", f"estimated, ± {LUT_ERROR:.0%}; the target has {has.luts}"
    for notice in limits.notices:
        yield "note", "", notice
    if plan.buffer_beats:
        yield ("row buffer", f"{plan.buffer_beats} beats", "a row, and what comes in while its statistic is worked out")
        yield "statistic queue", f"{plan.row_slots} rows", "may be on their way at once"
    if plan.report.scale_stages:
        yield "scale queue", f"{plan.row_slots} rows", "may wait for their scales, or these for the receiver"
    yield ("output queue", f"{plan.output_entries} beats", "all that can be on its way when the receiver stalls")
