"""What the packages offer to Python programs: what they take, what they refuse, and how they show themselves."""

import os
import subprocess
import sys
from functools import partial
from itertools import count

import numpy as np
import pytest

from streamnorm import ConfigError, IntFormat, NormConfig, Plan, StreamnormError
from streamnorm.spec.parameters import StoredParameters
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
from streamnorm_sim.streams.stimulus import Stimulus
from streamnorm_sim.streams.traffic import ParameterLoad, Traffic
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
    "length of a count": lambda value: computed(unit(), value, 10),
    "rows": lambda value: simulate(unit(), rows=value),
    "rows of a count": lambda value: computed(unit(), 8, value),
    "vectors": lambda value: make_vectors(unit(), value),
    "seed": lambda value: simulate(unit(), seed=value),
    "seed of a measurement": lambda value: measure_cycles(unit(), seed=value),
    "seed of a traffic": lambda value: Traffic(rows=[[1]], seed=value),
    "seed of stalls": lambda value: open_patterns(Stall(), Stall(), value),
    "seed of a count": lambda value: computed(unit(), 8, 10, seed=value),
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
        *(verilog, lambda config: generate(config, "out"), lambda config: make_vectors(config, 1)),
    ],
)
def test_what_is_no_configuration_is_told(use, given):
    with pytest.raises(ConfigError) as error:
        use(given)
    assert str(error.value) == f"config = {given!r}: must be a NormConfig; NormConfig.from_toml reads a file"


def test_nothing_that_was_read_is_overwritten(tmp_path):
    """By whatever way the names came into the configuration."""
    gamma, source = tmp_path / "g.npy", tmp_path / "unit.toml"
    np.save(gamma, np.ones(LENGTH))
    said = 'gamma = "g.npy"\nnorm = "rmsnorm"\nlanes = 2\nmax_length = 16\nepsilon = 1e-5\n'
    source.write_text(f"{said}[input]\nformat = 'int8'\n[output]\nformat = 'int8'\n")
    before = {path: path.read_bytes() for path in (gamma, source)}
    read = NormConfig.from_toml(source)
    for config, path in ((read, gamma), (read.replace(lanes=4), source), (unit(gamma=gamma), gamma)):
        for option in ("output", "waves"):
            with pytest.raises(ConfigError, match=f"^{path}: the configuration is read from it; choose another name"):
                simulate(config, rows=1, engine="pysim", **{option: path})
    with pytest.raises(ConfigError, match="waves are written there; choose another name"):
        simulate(read, rows=1, engine="pysim", waves=tmp_path / "a", output=tmp_path / "a")
    assert before == {path: path.read_bytes() for path in (gamma, source)}


def test_what_was_read_is_told_from_anywhere(tmp_path, monkeypatch):
    """From another directory, and of arrays that are mapped from a file."""
    monkeypatch.chdir(tmp_path)
    np.save("g.npy", np.ones(LENGTH))
    np.save("rows.npy", np.zeros((2, LENGTH), np.int8))
    mapped = np.load("rows.npy", mmap_mode="r")
    before = (tmp_path / "rows.npy").read_bytes()
    with pytest.raises(ConfigError, match="the rows that go in are there"):
        simulate(unit(), rows=mapped[:1], engine="pysim", output="rows.npy")
    config = unit(gamma="g.npy")
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    for given in (config, unit(gamma=np.load("../g.npy", mmap_mode="r"))):
        with pytest.raises(ConfigError, match="the configuration is read from it"):
            simulate(given, rows=1, engine="pysim", output="../g.npy")
    assert (tmp_path / "rows.npy").read_bytes() == before


def test_what_is_read_is_not_removed_either(tmp_path):
    generate(unit(), tmp_path, make_vectors(unit(), 1))
    np.save(tmp_path / "vectors/input.npy", np.ones(LENGTH))
    with pytest.raises(ConfigError, match="the configuration is read from it"):
        generate(unit(gamma=tmp_path / "vectors/input.npy"), tmp_path)
    assert (tmp_path / "vectors/input.npy").exists()
    other = tmp_path / "other"
    other.mkdir()
    (other / "vectors").write_text("mine")
    with pytest.raises(ConfigError, match=r"other/vectors: is a file; a directory is needed$"):
        generate(unit(), other, make_vectors(unit(), 1))
    (other / "vectors").unlink()
    (other / "vectors").symlink_to(tmp_path / "nothing")
    with pytest.raises(ConfigError, match=r"other/vectors: is a link to .*/nothing, which is not there; a"):
        generate(unit(), other, make_vectors(unit(), 1))
    assert [path.name for path in other.iterdir()] == ["vectors"]


def test_generate_neither_waits_for_a_pipe_nor_replaces_one(tmp_path):
    for name in ("manifest.json", f"{unit().name}.v"):
        pipe = tmp_path / name
        os.mkfifo(pipe)
        with pytest.raises(ConfigError, match=rf"/{name}: is no regular file; a file of that name would be written$"):
            generate(unit(), tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == [name]
        pipe.unlink()


def test_rows_that_do_not_fit_the_disk_leave_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "o.npy"
    path.write_bytes(b"before")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("streamnorm_sim.check.row_files._save", full)
    with pytest.raises(ConfigError, match=r"o\.npy: cannot be written: No space left on device$"):
        simulate(unit(), rows=1, engine="pysim", output=path)
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("o.npy", b"before")]


def test_vectors_of_another_configuration_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"^vectors: were made for another configuration than streamnorm's$"):
        generate(unit(), tmp_path / "out", make_vectors(unit(storage="ram"), 1))
    assert not (tmp_path / "out").exists()


def test_masked_elements_are_refused():
    masked = np.ma.masked_equal(np.arange(LENGTH), 3)
    rows = (masked[None], [masked])
    for take in (lambda: unit(gamma=masked), *(partial(RowBatch.of, unit(), x) for x in rows)):
        with pytest.raises(ConfigError, match=r"elements of the array are masked; \.filled\(0\) gives them a value$"):
            take()
    assert unit(gamma=np.ma.array(np.ones(LENGTH))) == unit(gamma=np.ones(LENGTH))


ARRAYS = {
    "quantize": IntFormat(8).quantize,
    "dequantize": IntFormat(8).dequantize,
    "gamma": lambda value: unit(gamma=value),
    "gamma to load": lambda value: StoredParameters.of(unit()).quantize_gamma(value),
    "beta to load": lambda value: StoredParameters.of(unit()).quantize_beta(value),
    "stored gamma": lambda value: GoldenModel(unit(), gamma=value),
    "stored beta": lambda value: GoldenModel(unit(), beta=value),
    "rows": lambda value: RowBatch.of(unit(), value),
    "row": lambda value: Traffic(rows=[value]),
    "lengths": lambda value: RowBatch.of(unit(), [[1, 2], [3, 4]], value),
    "banks": lambda value: RowBatch.of(unit(), [[1, 2], [3, 4]], None, value),
    "results": lambda value: Accuracy.of(unit(), value, [[1, 2], [3, 4]]),
    "rows of cycles": lambda value: CycleModel(unit()).run(value),
    "offered": lambda value: CycleModel(unit()).run([2, 2], value),
    "source": lambda value: CycleModel(unit()).run([2, 2], source=value),
    "sink": lambda value: CycleModel(unit()).run([2, 2], sink=value),
    "stall": Stall.explicit,
    "gamma of a load": lambda value: Stimulus.of(
        unit(storage="ram"), Traffic(rows=[[1]], loads=[ParameterLoad(-1, value, np.zeros(2, int))])
    ),
}
TWO = np.ma.masked_equal([1, 2], 2)
NO_NUMBERS = {
    "ragged": [1, [2]],
    "complex": [1j, 1],
    "object": object(),
    "dict": {1: 2},
    "strings": ["1", "2"],
    "None": [None, None],
    "huge": [10**400, 1],
    "date": np.array(["2026-01-01"] * 2, "M8[D]"),
    "masked": TWO,
    "masked row": [TWO, TWO],
    "masked element": [[1, np.ma.masked]],
}


@pytest.mark.filterwarnings("error::RuntimeWarning", "error::UserWarning")
@pytest.mark.parametrize("value", NO_NUMBERS)
@pytest.mark.parametrize("name", ARRAYS)
def test_what_is_no_array_of_numbers_gets_the_projects_own_error(name, value):
    with pytest.raises(ConfigError) as error:
        ARRAYS[name](NO_NUMBERS[value])
    if "masked" in value and name not in ("source", "sink"):
        assert "are masked" in str(error.value)
    if value == "ragged":
        assert str(error.value).endswith("the rows of the array must all have the same length")


@pytest.mark.parametrize("name", [name for name in ARRAYS if name not in ("source", "sink", "stall")])
def test_bools_are_no_numbers(name):
    with pytest.raises(ConfigError, match=r"bool|integers of 16 bits"):
        ARRAYS[name](np.ones((2, 2) if name in ("rows", "results") else 2, bool))


WIDE = 2**64 - 1


@pytest.mark.parametrize(
    ("take", "message"),
    [
        (lambda: Traffic(rows=[np.array([WIDE, 1], "u8")]), f"rows[0][0] = {WIDE}: must be from {-(2**63)} to"),
        (lambda: RowBatch.of(unit(), np.array([[1, WIDE]], "u8")), f"row 0 element 1 is {WIDE}: must be from -128 to"),
        (lambda: RowBatch.of(unit(), [[1]], [WIDE]), f"lengths[0] = {WIDE}: must be from 1 to 1"),
        (lambda: RowBatch.of(unit(), [[1]], None, WIDE), f"banks[0] = {WIDE}: must be from 0 to 0"),
        (lambda: Traffic(rows=[[1]], banks=[WIDE]), f"banks[0] = {WIDE}: must be from 0 to 4095"),
        (lambda: Traffic(rows=3), "rows = 3: must be integers (rows, n), or a sequence of integers (n,)"),
        (lambda: CycleModel(unit()).run([WIDE]), f"lengths[0] = {WIDE}: must be from 1 to 16 (max_length)"),
        (lambda: CycleModel(unit()).run([2**63 - 1], cut=True), f"lengths[0] = {2**63 - 1}: must be from 1 to {2**53}"),
        (lambda: CycleModel(unit()).run([2**53, 8], cut=True), f"lengths are of more than {2**53} (2**53) elements"),
        (lambda: CycleModel(unit()).run([8], [2**63 - 1]), f"offered[0] = {2**63 - 1}: must be from 0 to {2**53}"),
        (lambda: CycleModel(unit()).run([8], [WIDE]), f"offered[0] = {WIDE}: must be from 0 to {2**53} (2**53)"),
        (lambda: CycleModel(unit()).run([8], sink=[[0, 2**62]]), f"sink[0, 1] = {2**62}: must be from 0 to {2**53}"),
        (lambda: CycleModel(unit()).run([8], cut="no"), "cut = 'no': must be true or false"),
        (lambda: CycleModel(unit()).run("no.npy"), "lengths: no.npy: no such file"),
        (
            lambda: GoldenModel(unit(), gamma=np.full((1, LENGTH), 2**62)),
            f"gamma[0, 0] = {2**62}: must be from -32768 to 32767 (gamma_bits = 16)",
        ),
        (
            lambda: GoldenModel(unit(beta_bits=20), beta=np.full((1, LENGTH), -(2**19) - 1)),
            f"beta[0, 0] = {-(2**19) - 1}: must be from -524288 to 524287 (beta_bits = 20)",
        ),
        (lambda: simulate(unit(), rows=3, progress=5), "progress = 5: must be a function of a stage and a share"),
        (lambda: simulate(unit(), rows=3, netlist=5), "netlist = 5: must be a GateNetlist"),
        (lambda: simulate(unit(), rows=3, engine=[]), "engine = []: must be one of cxxrtl, "),
        (lambda: simulate(unit(), rows=3, engine={}), "engine = {}: must be one of cxxrtl, "),
        (lambda: simulate(unit(), rows=3, engine=10**5000), "engine = <int>: must be one of cxxrtl, "),
        (lambda: run(unit(), [[1]]), "traffic = [[1]]: must be a Traffic"),
        (lambda: StoredParameters.of("x"), "config = 'x': must be a NormConfig"),
        (lambda: generate(unit(), "d", netlist=5), "netlist = 5: must be a function of a configuration and "),
        (lambda: generate(unit(), "d", vectors=5), "vectors = 5: must be Vectors, as streamnorm_sim.vectors.make_"),
    ],
)
def test_what_does_not_fit_is_told_as_it_was_given(take, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as error:
        take()
    assert str(error.value).startswith(message)
    assert list(tmp_path.iterdir()) == []


def test_the_last_cycle_that_may_be_named_is_counted_from():
    model, last = CycleModel(unit()), 2**53
    for source, sink in ((None, None), ([True, False, False], [[5, last]]), ([[0, last]], [False] * 999 + [True])):
        trace = model.run([8, 8], [last - 1, last], source=source, sink=sink)
        assert last <= trace.first_in[0] + 1 < trace.last_out[0] < trace.last_out[1] < last + 20_000


PATHS = {
    "directory": lambda value: generate(unit(), value),
    "output": lambda value: simulate(unit(), rows=3, output=value),
    "waves": lambda value: simulate(unit(), rows=3, waves=value),
    "waves of an engine": lambda value: run(unit(), Traffic(rows=[[1]]), waves=value),
    "configuration": NormConfig.from_toml,
}


@pytest.mark.parametrize("value", [1, True, b"o", ["x"], "", "a\0b", "a" * 5000], ids=lambda value: repr(value)[:9])
@pytest.mark.parametrize("name", PATHS)
def test_what_is_no_path_gets_the_projects_own_error(name, value, monkeypatch):
    monkeypatch.setattr("streamnorm_sim.check.simulate.run", lambda *_: pytest.fail("ran"))
    with pytest.raises(ConfigError, match=r'must be the name of|"" is no (file|directory)|is no name|File name too'):
        PATHS[name](value)


def test_the_file_of_rows_that_come_out_is_closed(tmp_path):
    code = (
        "from streamnorm import NormConfig; from streamnorm_sim import simulate;"
        "c = NormConfig(norm='rmsnorm', lanes=1, max_length=2, epsilon=1, input='int4', output='int4')\n"
        "try: simulate(c, rows=2, engine='none', output='y.npy')\n"
        "except ValueError: pass"
    )
    done = subprocess.run([sys.executable, "-W", "always", "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert (done.stderr, done.returncode) == ("", 0)


def test_a_plan_has_plain_integers():
    assert {type(cycles) for cycles in vars(Plan.of(unit()).latency(np.int64(8))).values()} == {int}


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
        *(RowBatch.of(unit(), x), RowBatch.of(unit(), x[:0]), Traffic(rows=[]), StoredParameters.of(unit())),
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
