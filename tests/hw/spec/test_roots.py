"""Every root method of the registry: its proven error, and the same integer from the model and from the hardware."""

import re
from itertools import pairwise

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.simulation import trace
from streamnorm.logic.pipeline import Pipeline
from streamnorm.spec.roots import ROOTS, RootMethod
from streamnorm.spec.targets import Target

PRECISIONS = (12, 16, 20, 26, 40)


@pytest.fixture(params=ROOTS.values(), ids=ROOTS)
def method(request) -> type[RootMethod]:
    return request.param


def mantissas(root: RootMethod, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The ends and random ones, even and odd, as Python integers where they need it."""
    rng = np.random.default_rng(root.rho_bits)
    top = (1 << root.mantissa_bits) - 1
    drawn = np.concatenate([[0, 0, top, top], rng.integers(0, top, count, endpoint=True)])
    odd = np.concatenate([[0, 1, 0, 1], rng.integers(2, size=count)])
    return (drawn.astype(object) if root.widest > 63 else drawn), odd


REACH = {"linear": 24, "quadratic": 36, "fast-inverse": 36, "vfrsqrt7": 28, "iterl2norm": 0}
"""The largest rho_bits at which a method is as exact as is wanted, where that is not all of them."""


def errors(root: RootMethod, mantissa: np.ndarray, odd: np.ndarray) -> np.ndarray:
    """``rho * sqrt(x) - 1`` at both ends of what a mantissa stands for, as floats."""
    rho = root.evaluate(mantissa, odd).astype(np.float64) * 2.0**-root.rho_bits
    ends = [(1 + (mantissa + more).astype(np.float64) * 2.0**-root.mantissa_bits) * (1 + odd) for more in (0, 1)]
    return np.concatenate([rho * np.sqrt(x) - 1 for x in ends])


@pytest.mark.parametrize("rho_bits", PRECISIONS)
def test_it_is_as_exact_as_it_says(method, rho_bits):
    root = method.smallest(rho_bits)
    assert root.rho_bits == rho_bits
    name = next(name for name, kind in ROOTS.items() if kind is method)
    assert (root.relative_error < method.wanted_error(rho_bits)) == (rho_bits <= REACH.get(name, 40))
    mantissa, odd = mantissas(root, 4000)
    rho = root.evaluate(mantissa, odd)
    assert (rho >= (1 - root.relative_error) * 2.0 ** (rho_bits - 1)).all()
    assert (rho < 1 << rho_bits).all()
    # The error at the low end of the bits that are not looked at, in integers: rho**2 * u against 1.
    for value, is_odd, got in zip(mantissa.tolist(), odd.tolist(), rho.tolist(), strict=True):
        u = ((1 << root.mantissa_bits) + value) << is_odd
        one = 1 << (2 * rho_bits + root.mantissa_bits)
        excess = (got * got * u - one) / one
        assert abs(excess) / 2 <= root.relative_error * 1.01, f"mantissa {value}, odd {is_odd}"


@pytest.mark.parametrize("rho_bits", [12, 16, pytest.param(20, marks=pytest.mark.slow)])
def test_every_mantissa_is_within_the_proven_error(method, rho_bits):
    """And the mean is below what the search of widths counts with."""
    root = method.smallest(rho_bits)
    every = np.arange(1 << root.mantissa_bits, dtype=object if root.widest > 63 else np.int64)
    worst, total = 0.0, 0.0
    for odd in (0, 1):
        found = np.abs(errors(root, every, np.full(len(every), odd)))
        worst, total = max(worst, found.max()), total + found.mean() / 2
    assert worst <= root.relative_error * (1 + 1e-9)
    assert total <= root.mean_share * root.relative_error


def test_a_number_of_steps_may_be_asked_for(method):
    """More steps are never less exact, but for what the rounding costs; and one more is better than none."""
    found = {steps: method.smallest(20, steps) for steps in method.steps_allowed}
    for steps, root in found.items():
        assert root.figures()["root_steps"] == steps
        mantissa, odd = mantissas(root, 2000)
        assert np.abs(errors(root, mantissa, odd)).max() <= root.relative_error * (1 + 1e-9)
    bounds = [root.relative_error for root in found.values()]
    assert all(after < before or after < method.wanted_error(20) for before, after in pairwise(bounds))


def test_it_states_its_cost(method):
    for rho_bits in PRECISIONS:
        root = method.smallest(rho_bits)
        assert all(a > 0 and b > 0 for a, b in root.products)
        assert root.word_width >= 0
        assert root.mantissa_bits >= rho_bits - 2
        assert all(isinstance(value, int) for value in root.figures().values())
        names = [name for name, *_ in root.lines()]
        assert names[-1] == "rho"
        assert len(set(names)) == len(names)
        assert root.about


def test_it_says_who_described_it(method):
    assert method.title
    assert re.search(r"(19|20)\d\d", method.source)


def multipliers(root: RootMethod, interval: int) -> int:
    p = Pipeline(Module(), Target("ecp5-85k-6", 100.0), "root", interval=interval, start=Signal())
    root.build(p, p.input(Signal(root.mantissa_bits)), p.input(Signal()))
    return p.multipliers


def test_rows_of_as_many_beats_as_it_says_share_all_there_is_to_share(method):
    root = method.smallest(16)
    shared = multipliers(root, root.turns)
    assert shared <= multipliers(root, 1)
    if root.turns > 1 and root.products:
        assert shared < len(root.products) or len(root.products) == 3
    assert shared == multipliers(root, 2 * root.turns)


class Bench(wiring.Component):
    """The method alone behind registers."""

    def __init__(self, root: RootMethod, target: Target, interval: int) -> None:
        super().__init__({"mantissa": In(root.mantissa_bits), "odd": In(1), "rho": Out(root.rho_bits)})
        self._m = m = Module()
        mantissa, odd = Signal(root.mantissa_bits), Signal()
        self.start, self.started = Signal(name="start"), Signal(name="started")
        m.d.sync += [mantissa.eq(self.mantissa), odd.eq(self.odd), self.started.eq(self.start)]
        p = Pipeline(m, target, "root", interval=interval, start=self.started)
        rho = p.registered(root.build(p, p.input(mantissa), p.input(odd)))
        m.d.comb += self.rho.eq(rho.value)
        self.latency = 1 + rho.cycle

    def elaborate(self, platform: object) -> Module:
        return self._m


@pytest.mark.parametrize(
    ("rho_bits", "interval", "target"),
    [
        (14, 1, Target("ecp5-85k-6", 200.0)),
        (14, 60, Target("ecp5-85k-6", 200.0)),
        (14, 7, Target("ice40-hx8k", 30.0)),
        *(
            pytest.param(rho_bits, interval, Target(*target), marks=pytest.mark.slow)
            for rho_bits, interval in ((24, 1), (26, 31))
            for target in (("ecp5-85k-6", 200.0), ("ice40-hx8k", 30.0))
        ),
    ],
)
def test_hardware_gives_the_same_integer(method, rho_bits, interval, target):
    """Also where steps go around in one piece of logic; mantissas come only with their start there."""
    root = method.smallest(rho_bits)
    bench = Bench(root, target, interval)
    mantissa, odd = mantissas(root, 60 if interval == 1 else 8)
    want = root.evaluate(mantissa, odd).tolist()
    inputs = []
    for u, o in zip(mantissa, odd, strict=True):
        inputs += [{"mantissa": int(u), "odd": int(o), "start": 1}]
        inputs += [{"mantissa": 0, "odd": 0, "start": 0}] * (interval - 1)
    inputs += [{}] * (bench.latency + 1)
    seen = trace(bench, inputs, ["rho"])
    got = [seen[cycle * interval + bench.latency]["rho"] for cycle in range(len(want))]
    assert got == want
