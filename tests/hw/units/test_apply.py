"""Normalize, scale, shift, round and saturate, against the formula in Python's integers."""

import random

import numpy as np
import pytest

from drawn import drawn_config
from family import WITH_STATISTIC
from hw.simulation import member, signed, trace
from hw.units.units import unit
from streamnorm.precision.precision import Precision
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.parameters import StoredParameters
from streamnorm.units.apply import Apply

GAMMA = np.linspace(-2, 2, 14)
CONFIGURATIONS = {
    "slow": unit(gamma=GAMMA, beta=GAMMA, clock_mhz=5.0),
    "fast": unit(gamma=GAMMA, beta=GAMMA, target="ecp5-85k-6", clock_mhz=200.0),
    "absent": unit(clock_mhz=200.0),
    "constants": unit(gamma=-1.7, beta=0.3, clock_mhz=100.0),
    "unsigned": unit(output=IntFormat(7, signed=False, scale=0.05, zero_point=50), beta=GAMMA),
    "in logic": unit(gamma=GAMMA, target="ice40-hx8k", clock_mhz=48.0, lanes=2),
    "wide": unit(gamma=GAMMA, input=IntFormat(24, scale=1e-4), output=IntFormat(24, scale=1e-5)),
    "ram": unit(storage="ram", clock_mhz=100.0),
    "rounded first": unit(gamma=GAMMA, beta=GAMMA, gamma_rounding="output", clock_mhz=100.0),
    "rounded first, absent": unit(gamma_rounding="output", target="ecp5-85k-6", clock_mhz=200.0),
    "rounded first, unsigned": unit(
        output=IntFormat(7, signed=False, scale=2.0**-4), gamma=GAMMA, gamma_rounding="output"
    ),
    "rounded first, zero point": unit(
        output=IntFormat(7, scale=0.05, zero_point=-21), gamma=GAMMA, gamma_rounding="output", target="ice40-hx8k"
    ),
    "rounded first, nothing above 0": unit(
        output=IntFormat(7, scale=0.05, zero_point=63), gamma=GAMMA, gamma_rounding="output"
    ),
    "rounded first, nothing below 0": unit(
        output=IntFormat(7, scale=0.05, zero_point=-64), gamma=GAMMA, gamma_rounding="output", clock_mhz=300.0
    ),
    "rounded first, steps beyond z": unit(output=IntFormat(24, scale=0.5), gamma=GAMMA, gamma_rounding="output"),
    "rounded first, a large step": unit(output=IntFormat(4, scale=3.0), gamma=GAMMA, gamma_rounding="output"),
}


def expected(config: NormConfig, d: int, scale: int, centre: int, shift: int, gamma: int, beta: int) -> int:
    """Steps 6 and 7 of Precision; ``centre`` is less the half of z's last bit, ``beta`` has half an output step."""
    precision = Precision.of(config)
    drop = precision.product_drop
    product = d * scale >> drop if drop >= 0 else d * scale << -drop
    difference = signed(product - centre & ((1 << precision.centre_bits) - 1), precision.centre_bits)
    z = difference >> (precision.normalize_shift + shift * precision.radix)
    z = signed(z & ((1 << precision.normalized_bits) - 1), precision.normalized_bits)
    if precision.grid is not None:
        z, rest = z >> precision.step_frac_bits, z & ((1 << precision.step_frac_bits) - 1)
        z = min(max(z & ~1 if rest == 0 else z, precision.grid.low), precision.grid.high)
    a = (z * gamma << precision.gamma_align) + (beta << precision.beta_align)
    y, rest = a >> precision.result_frac_bits, a & ((1 << precision.result_frac_bits) - 1)
    if rest == 0:
        y &= ~1
    return min(max(y, config.output.min), config.output.max)


def check(config: NormConfig, beats: int = 60, apart: bool = False) -> None:
    precision, parameters = Precision.of(config), StoredParameters.of(config)
    generator = random.Random(6)
    apply = Apply(config, d_delay=0.5, parameter_delay=0.5, apart=apart)
    assert apart or apply.centre_cycle == 0
    half = 1 << parameters.beta_frac_bits - 1
    constant = {"gamma": int(parameters.gamma[0, 0]), "beta": int(parameters.beta[0, 0]) + half}
    starts = {"gamma": apply.gamma_cycle, "beta": apply.beta_cycle}
    inputs: list[dict] = [{} for _ in range(beats + max(apply.latency, apply.centre_cycle, *starts.values()) + 1)]
    wanted = []
    for cycle in range(beats):
        scale = generator.getrandbits(precision.scale_bits)
        shift = generator.randrange(precision.shift_count)
        # Small values as often as large ones: they are those that do not saturate.
        d, z = [], []
        for _ in range(config.lanes):
            bits = generator.randint(1, precision.ranges.difference_bits)
            d.append(generator.randrange(-(1 << bits - 1), 1 << bits - 1))
        bits = generator.randint(2, precision.centre_bits)
        centre = generator.getrandbits(bits) - (1 << bits - 1)
        keep = generator.getrandbits(config.lanes)
        values = {}
        for name, bits in (("gamma", parameters.gamma_bits), ("beta", parameters.beta_bits)):
            stored = [generator.randrange(-(1 << bits - 1), 1 << bits - 1) for _ in range(config.lanes)]
            if name == "beta":
                stored = [value + half for value in stored]
            if hasattr(apply, name):
                inputs[cycle + starts[name]][name] = stored
            else:
                stored = [constant[name]] * config.lanes
            values[name] = stored
        mask = (1 << precision.centre_bits) - 1
        inputs[cycle] |= {"d": d, "scale": scale}
        inputs[cycle + apply.centre_cycle] |= {"centre": centre & mask, "shift": shift}
        inputs[cycle + apply.keep_cycle]["keep"] = keep
        z = [
            expected(config, d[i], scale, centre, shift, values["gamma"][i], values["beta"][i])
            for i in range(config.lanes)
        ]
        wanted.append([value if keep >> lane & 1 else 0 for lane, value in enumerate(z)])
    seen = trace(apply, inputs, ["y"])
    bits = len(member(apply, "y").as_value()) // config.lanes
    for cycle, want in enumerate(wanted):
        y = seen[cycle + apply.latency]["y"]
        fields = [y >> bits * lane & ((1 << bits) - 1) for lane in range(config.lanes)]
        got = [signed(field, bits) if config.output.signed else field for field in fields]
        assert got == want, f"cycle {cycle} of seed 6: {inputs[cycle]}"


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_results_are_those_of_the_formula(name):
    check(CONFIGURATIONS[name])


@pytest.mark.parametrize("clock_mhz", [50.0, 200.0])
def test_the_centre_comes_when_the_product_is_there(clock_mhz):
    config = unit(target="ecp5-85k-6", clock_mhz=clock_mhz)
    check(config, apart=True)
    apply = Apply(config, d_delay=0.0, parameter_delay=0.0, apart=True)
    assert (apply.centre_cycle > 0) == (clock_mhz == 200.0)


@pytest.mark.parametrize("seed", range(15, 21))
@pytest.mark.parametrize("gamma_rounding", ["once", "output"])
def test_results_of_any_configuration(seed, gamma_rounding):
    keys = {"target": "ecp5-85k-6", "clock_mhz": 150.0, "gamma_rounding": gamma_rounding}
    check(drawn_config(seed, members=WITH_STATISTIC, **keys), beats=40)


@pytest.mark.parametrize("zero_point", [0, 5])
def test_ties_before_gamma_go_to_even(zero_point):
    """All d that make z half a step, from beyond one end of the output to beyond the other."""
    output = IntFormat(4, scale=2.0**-2, zero_point=zero_point)
    config = unit(output=output, gamma_rounding="output", input=IntFormat(12), lanes=1, max_length=200)
    precision = Precision.of(config)
    assert precision.grid is not None
    apply = Apply(config, d_delay=0.0, parameter_delay=0.0)
    halves = range(-25, 26)
    # z = centre alone: its own half, and half a step, are in it.
    unit_bits = precision.normalize_shift + precision.step_frac_bits
    inputs = [{} for _ in range(len(halves) + apply.latency + 2)]
    mask = (1 << precision.centre_bits) - 1
    for cycle, half in enumerate(halves):
        centre = -(half << unit_bits - 1) - precision.half(0)
        inputs[cycle] |= {"d": [0], "scale": 0, "centre": centre & mask, "shift": 0}
        inputs[cycle + apply.keep_cycle]["keep"] = 1
    seen = trace(apply, inputs, ["y"])
    got = [signed(seen[cycle + apply.latency]["y"] & 15, 4) for cycle in range(len(halves))]
    assert got == [min(max(round(half / 2) + zero_point, -8), 7) for half in halves]


def test_ties_go_to_even():
    """gamma 0 leaves beta alone, here with a fraction of exactly one half."""
    config = unit(gamma=[0.0, 1.0] * 7, beta=np.arange(14) * 0.025, output=IntFormat(8, scale=0.05))
    parameters = StoredParameters.of(config)
    half = 1 << parameters.beta_frac_bits - 1
    halves = [int(value) for value in parameters.beta[0]]
    assert [value / (2 * half) for value in halves] == [i / 2 for i in range(14)]
    apply = Apply(config, d_delay=0.0, parameter_delay=0.0)
    inputs: list[dict] = [{} for _ in range(4 + apply.latency + 2)]
    for beat in range(4):
        inputs[beat] |= {"d": [0, 0, 0], "centre": 0, "scale": 0, "shift": 0}
        inputs[beat + apply.gamma_cycle]["gamma"] = [0, 0, 0]
        inputs[beat + apply.beta_cycle]["beta"] = [value + half for value in halves[3 * beat : 3 * beat + 3]]
        inputs[beat + apply.keep_cycle]["keep"] = 7
    seen = trace(apply, inputs, ["y"])
    got = [seen[beat + apply.latency]["y"] >> 8 * lane & 255 for beat in range(4) for lane in range(3)]
    assert got == [0, 0, 1, 2, 2, 2, 3, 4, 4, 4, 5, 6]
