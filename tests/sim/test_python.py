"""What the packages offer to Python programs: what they take, what they refuse, and how they show themselves."""

from functools import partial
from itertools import count

import numpy as np
import pytest

from streamnorm import ConfigError, IntFormat, NormConfig, Plan, StreamnormError
from streamnorm.verilog.emit import generate, verilog
from streamnorm_sim import GoldenModel, simulate
from streamnorm_sim.check.accuracy import Accuracy
from streamnorm_sim.check.measure import measure_cycles
from streamnorm_sim.cycles import CycleModel
from streamnorm_sim.cycles.counts import computed
from streamnorm_sim.engines import run
from streamnorm_sim.reference.exact import exact_rows
from streamnorm_sim.reference.models import golden_model
from streamnorm_sim.streams.rows import RowBatch
from streamnorm_sim.streams.stalls import Stall, open_patterns
from streamnorm_sim.streams.traffic import Traffic
from streamnorm_sim.vectors import make_vectors

LENGTH = 16


def unit(**more) -> NormConfig:
    number_format = IntFormat("int8", scale=0.1)
    keys = {"norm": "layernorm", "lanes": 2, "max_length": LENGTH, "epsilon": 1e-5}
    return NormConfig(**{**keys, "input": number_format, "output": number_format, **more})


@pytest.fixture(scope="module")
def simulation():
    return simulate(unit(), rows=np.arange(3 * LENGTH).reshape(3, LENGTH), engine="pysim")


FORMS = {"array": np.load, "list": lambda path: np.load(path).tolist(), "str": str, "Path": lambda path: path}


@pytest.fixture(params=FORMS)
def form(request, tmp_path):
    """Give an array in one of the forms in which a user may have it."""
    numbers = count()

    def make(array) -> object:
        path = tmp_path / f"array_{next(numbers)}.npy"
        np.save(path, array)
        return FORMS[request.param](path)

    return make


def test_gamma_and_beta_may_be_arrays_and_files(form):
    values = np.linspace(0.5, 1.5, LENGTH)
    config = unit(gamma=form(values), beta=0.5)
    assert np.array_equal(config.gamma, values)
    assert config == unit(gamma=values, beta=0.5)
    assert unit(beta=form(values)) == unit(beta=values)


def test_rows_may_be_arrays_and_files_of_integers_or_floats(form):
    config, real = unit(), np.random.default_rng(0).normal(size=(3, LENGTH))
    integers = config.input.quantize(real)
    golden = GoldenModel(config)
    want = golden.normalize(integers)
    for rows in (real, integers):
        assert np.array_equal(RowBatch.of(config, form(rows)).x, integers)
        assert np.array_equal(golden.normalize(form(rows)), want)
        assert np.array_equal(exact_rows(config, form(rows)), exact_rows(config, integers))
        assert Accuracy.of(config, form(want), form(rows)).max_ulp < 1
    assert CycleModel(config).run(form([5, 16])).cycles == CycleModel(config).run([5, 16]).cycles
    stored = form(golden.parameters.gamma)
    assert np.array_equal(GoldenModel(config, gamma=stored).normalize(integers), want)


def test_rows_are_simulated_as_they_are_given(form, monkeypatch):
    """Up to the engine, which is told the same whatever they were given as."""
    config, real = unit(), np.random.default_rng(0).normal(size=(3, LENGTH))

    def run(config, traffic, *rest):
        raise RuntimeError(traffic.batch.x.tolist())

    monkeypatch.setattr("streamnorm_sim.check.simulate.run", run)
    with pytest.raises(RuntimeError) as error:
        simulate(config, rows=form(real))
    assert error.value.args[0] == config.input.quantize(real).tolist()


def test_a_file_of_rows_is_named_where_something_is_wrong(tmp_path):
    path = tmp_path / "rows.npy"
    np.save(path, np.full((2, LENGTH), 128))
    with pytest.raises(ConfigError) as error:
        GoldenModel(unit()).normalize(str(path))
    assert str(error.value) == f"{path}: row 0 element 0 is 128: must be from -128 to 127 (int8)"
    with pytest.raises(ConfigError, match=r'^gamma: "" is no file; the name of a \.npy file is needed$'):
        unit(gamma="")
    with pytest.raises(ConfigError, match=r"^the rows of the array must all have the same length$"):
        GoldenModel(unit()).normalize([[1, 2], [3]])


INTEGERS = {
    "lanes": lambda value: unit(lanes=value),
    "max_length": lambda value: unit(max_length=value),
    "banks": lambda value: unit(banks=value),
    "gamma_bits": lambda value: unit(gamma_bits=value),
    "zero_point": lambda value: IntFormat(8, zero_point=value),
    "n": lambda value: Plan.of(unit()).latency(value),
    "n of a measurement": lambda value: measure_cycles(unit(), value),
    "n of a count": lambda value: computed(unit(), value, 10),
    "rows": lambda value: simulate(unit(), rows=value),
    "rows of a count": lambda value: computed(unit(), 8, value),
    "vectors": lambda value: make_vectors(unit(), value),
    "seed": lambda value: simulate(unit(), seed=value),
    "seed of a measurement": lambda value: measure_cycles(unit(), seed=value),
    "seed of a traffic": lambda value: Traffic(rows=[[1]], seed=value),
    "seed of stalls": lambda value: open_patterns(Stall(), Stall(), value),
    "seed of test vectors": lambda value: make_vectors(unit(), 3, seed=value),
    "run of cycles": lambda value: Stall.burst(value, 2),
}
ALLOWED = {"seed": 0, "zero_point": -128}
"""The least that is allowed, where it is not 1 or more."""


@pytest.mark.parametrize("name", INTEGERS)
@pytest.mark.parametrize("value", [0, -1, 2.5, "2", True, float("nan"), None])
def test_what_is_no_integer_in_range_gets_the_projects_own_error(name, value):
    key = name if name in ("run of cycles", "vectors") else name.partition(" of ")[0]
    absent = value is None and name in ("gamma_bits", "n of a measurement")
    integer = isinstance(value, int) and not isinstance(value, bool)
    if absent or (integer and value >= ALLOWED.get(key, 1)):
        return
    with pytest.raises(StreamnormError) as error:
        INTEGERS[name](value)
    text = str(error.value)
    if (name, value) not in (("rows", "2"), ("rows", None)):  # the name of a file, and no array
        assert text.startswith(f"{key} = {value!r}: must be an integer ")
    assert error.value.exit_code == 2
    assert isinstance(error.value, ValueError)


@pytest.mark.parametrize("given", ["u.toml", None, {"norm": "layernorm"}], ids=["name", "none", "table"])
@pytest.mark.parametrize(
    "use",
    [
        *(simulate, Plan.of, GoldenModel, golden_model, CycleModel),
        *(lambda config: RowBatch.of(config, [[1]]), lambda config: computed(config, 8, 10)),
        *(verilog, lambda config: generate(config, "out")),
    ],
)
def test_what_is_no_configuration_is_told(use, given):
    with pytest.raises(ConfigError) as error:
        use(given)
    assert str(error.value) == f"config = {given!r}: must be a NormConfig; NormConfig.from_toml reads a file"


def test_masked_elements_are_refused():
    masked = np.ma.masked_equal(np.arange(LENGTH), 3)
    rows = (masked[None], [masked])
    for take in (lambda: unit(gamma=masked), *(partial(RowBatch.of, unit(), x) for x in rows)):
        with pytest.raises(ConfigError, match=r"elements of the array are masked; \.filled\(0\) gives them a value$"):
            take()
    assert unit(gamma=np.ma.array(np.ones(LENGTH))) == unit(gamma=np.ones(LENGTH))


def test_a_stall_may_be_a_number(monkeypatch):
    def run(config, traffic, *rest):
        raise RuntimeError(traffic.source, traffic.sink)

    monkeypatch.setattr("streamnorm_sim.check.simulate.run", run)
    with pytest.raises(RuntimeError) as told:
        simulate(unit(), stall=0.2)
    assert told.value.args == (Stall.random(0.2), Stall.random(0.2))


def test_more_rows_than_can_be_counted_are_refused():
    with pytest.raises(ConfigError, match=r"^rows = 10{30}: must be an integer from 1 to 1000000000$"):
        simulate(unit(), rows=10**30)


def test_objects_show_themselves_in_a_line(simulation):
    keys = {"architecture": "three-scan:welford", "clock_mhz": 203.125, "target": "ecp5-12k-6"}
    long = unit(name="n" * 64, max_length=16384, lanes=64, **keys)
    x = np.zeros((3, LENGTH), np.int64)
    trace = run(unit(), Traffic(rows=x), "pysim")
    shown = [
        *(kind(config) for config in (unit(gamma=np.ones(LENGTH)), long) for kind in (Plan.of, GoldenModel)),
        *(unit(gamma=np.ones(LENGTH)), long),
        *(simulation, trace, trace.traffic, trace.rows, simulation.accuracy),
        *(trace.outputs, computed(unit(), 8, 10), CycleModel(unit()).run([5, 16]), make_vectors(unit(), 3)),
        *(CycleModel(unit()), CycleModel(unit(name="n" * 64)).stream()),
        *(RowBatch.of(unit(), x), RowBatch.of(unit(), x[:0])),
    ]
    for thing in shown:
        text = repr(thing)
        assert type(thing).__name__ in text
        assert "\n" not in text
        assert "array" not in text
        assert len(text) <= (140 if "nnn" in text else 100), text
    assert repr(CycleModel(unit()).stream()) == "<CycleStream of streamnorm: 0 rows so far>"
    assert repr(simulation) == "<Simulation of 3 rows on pysim: all as planned>"
    assert repr(RowBatch.of(unit(), x, [2, 16, 3])) == "<RowBatch: 3 rows of 2 to 16 elements, int64>"


def test_a_simulation_that_failed_shows_it(simulation):
    object.__setattr__(simulation, "first_mismatch", "row 0 lane 0: got 1, want 2")
    assert repr(simulation).startswith("<Simulation of 3 rows on pysim: 0 elements differ from the golden model: row 0")
