"""Every root method of the registry: its proven error, and the same integer from the model and from the hardware."""

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


@pytest.mark.parametrize("rho_bits", PRECISIONS)
def test_it_is_as_exact_as_it_says(method, rho_bits):
    root = method.smallest(rho_bits)
    assert root.rho_bits == rho_bits
    pass
    mantissa, odd = mantissas(root, 4000)
    rho = root.evaluate(mantissa, odd)
    assert (rho >= 1 << (rho_bits - 1)).all()
    assert (rho < 1 << rho_bits).all()
    # The error at the low end of the bits that are not looked at, in integers: rho**2 * u against 1.
    for value, is_odd, got in zip(mantissa.tolist(), odd.tolist(), rho.tolist(), strict=True):
        u = ((1 << root.mantissa_bits) + value) << is_odd
        one = 1 << (2 * rho_bits + root.mantissa_bits)
        excess = (got * got * u - one) / one
        assert abs(excess) / 2 <= root.relative_error * 1.01, f"mantissa {value}, odd {is_odd}"


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


@pytest.mark.parametrize("target", [Target("ecp5-85k-6", 200.0), Target("ice40-hx8k", 30.0)], ids=str)
@pytest.mark.parametrize(("rho_bits", "interval"), [(14, 1), (24, 1), (14, 7), (14, 60)])
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
