import errno
import json
import os
import re
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from streamnorm.errors import CheckFailed, ConfigError
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm_sim.check import row_parts
from streamnorm_sim.check import simulate as module
from streamnorm_sim.check.row_files import read_rows
from streamnorm_sim.check.simulate import simulate
from streamnorm_sim.reference.golden import GoldenModel


@pytest.fixture
def config():
    return NormConfig(
        name="simulated",
        norm="layernorm",
        lanes=2,
        max_length=30,
        input=IntFormat(8, scale=0.5, zero_point=3),
        output=IntFormat(12, scale=0.01),
        epsilon=1e-5,
        gamma=np.linspace(0.5, 1.5, 30),
        beta=np.linspace(-1, 1, 30),
    )


SHAPE = "must be integers or floats of shape (rows, n), n > 0"

KEYS = [
    *("name", "engine", "architecture", "netlist", "seed", "stall", "rows", "elements", "mismatches", "first_mismatch"),
    *("max_ulp", "mean_ulp", "correctly_rounded"),
    *("max_ulp_as_given", "mean_ulp_as_given", "correctly_rounded_as_given", "exact_rows"),
    *("measured", "planned", "cycles", "cycles_per_second", "notices"),
]


@pytest.mark.parametrize(
    ("engine", "stall"), [("cxxrtl", "none"), ("cxxrtl", "source:0.3,sink:burst:4/2"), ("pysim", "0.2")]
)
def test_the_report(config, engine, stall):
    simulation = simulate(config, engine=engine, rows=60, stall=stall, seed=3)
    report = json.loads(json.dumps(simulation.to_dict(), allow_nan=False))
    assert list(report) == KEYS
    assert report["rows"] == report["exact_rows"] == 60
    assert (report["engine"], report["stall"], report["seed"]) == (engine, stall, 3)
    assert report["mismatches"] == 0
    assert report["first_mismatch"] is None
    assert 0.4 < report["max_ulp"] < 1
    assert 0.2 < report["mean_ulp"] < 0.3
    assert 0.98 < report["correctly_rounded"] <= 1
    assert report["measured"] == report["planned"] == vars(Plan.of(config).latency(30))
    assert simulation.failures == []


@pytest.mark.parametrize(
    "architecture", ["two-pass", pytest.param("five-scan", marks=pytest.mark.slow), "three-scan:welford"]
)
def test_other_architectures_have_models_and_plans_of_their_own(config, architecture):
    simulation = simulate(config.replace(architecture=architecture), rows=40, stall="0.2")
    report = simulation.to_dict()
    assert report["architecture"] == architecture
    assert report["mismatches"] == 0
    planned = Plan.of(config.replace(architecture=architecture)).latency(30)
    assert report["measured"] == report["planned"] == vars(planned)
    assert planned.L1 > Plan.of(config).latency(30).L1
    assert simulation.failures == []
    # Welford's error is told, but no bound of it is promised.
    worse = replace(simulation, accuracy=replace(simulation.accuracy, max_ulp=1.5))
    assert len(worse.failures) == (not architecture.endswith("welford"))


def test_what_gamma_and_beta_as_given_promise(config):
    simulation = simulate(config, engine="pysim", rows=3)
    given = simulation.accuracy_as_given
    assert given.max_ulp != simulation.accuracy.max_ulp
    assert simulation.to_dict()["max_ulp_as_given"] == given.max_ulp <= Plan.of(config).error_bound_as_given <= 1
    worse = replace(simulation, accuracy_as_given=replace(given, max_ulp=1.5))
    assert worse.failures == ["with gamma and beta as given, an error of 1.5000 output LSB; at most 1 is allowed"]
    # Too few bits, given by hand, promise nothing.
    assert replace(worse, config=config.replace(gamma_bits=6)).failures == []


def test_what_saturates_is_counted(config):
    narrow = config.replace(output=IntFormat(12, scale=0.0005))
    real = np.array([[1.0, 70.0, -500.0, 0.0], [1.0, 2.0, 60.0, 62.0]])  # up to (127 - 3) / 2
    simulation = simulate(narrow, engine="pysim", rows=real)
    y = GoldenModel(narrow).normalize(real)
    ends = int(((y == -2048) | (y == 2047)).sum())
    assert simulation.notices == [
        "2 of the input elements (25.00%) lie beyond what int8 of scale 0.5 (-65.5 … 62) can hold, and were saturated",
        f"{ends} of 8 results ({ends / 8:.2%}) lie beyond what int12 of scale 0.0005 (-1.024 … 1.0235) can hold, and "
        "were saturated",
    ]
    assert simulation.to_dict()["notices"] == simulation.notices
    integers = simulate(config, engine="pysim", rows=config.input.quantize(real))
    assert integers.notices == []


def test_the_seed_decides_the_rows(config):
    same, again, other = (simulate(config, rows=5, seed=seed).accuracy.errors.tolist() for seed in (1, 1, 2))
    assert same == again != other


def test_rows_from_a_file_and_to_a_file(config, tmp_path):
    real = np.random.default_rng(0).normal(0, 10, (7, 21)).astype(np.float32)
    np.save(tmp_path / "x.npy", real)
    simulation = simulate(config, rows=tmp_path / "x.npy", output=tmp_path / "y")
    written = np.load(tmp_path / "y")
    assert written.dtype == np.int16
    assert written.tolist() == GoldenModel(config).normalize(config.input.quantize(real)).tolist()
    assert simulation.to_dict()["rows"] == 7
    assert simulation.to_dict()["elements"] == 7 * 21


def test_integer_rows_are_taken_as_they_are(config, tmp_path):
    x = np.random.default_rng(0).integers(-128, 127, (3, 30), endpoint=True).astype(np.int8)
    np.save(tmp_path / "x.npy", x)
    assert read_rows(config, tmp_path / "x.npy").tolist() == x.tolist()


def test_waves_are_written(config, tmp_path):
    simulate(config, rows=2, waves=tmp_path / "out.vcd")
    assert "$enddefinitions" in (tmp_path / "out.vcd").read_text()


def test_progress_tells_every_stage_in_order(config):
    told = []
    simulate(config, rows=3, progress=lambda stage, share: told.append((stage, share)))
    assert list(dict(told)) == ["build", "run", "check", "measure"]
    assert all(0 <= share <= 1 for _, share in told)


def test_many_rows_are_compared_with_the_exact_reference_in_part(config, monkeypatch):
    monkeypatch.setattr(module, "EXACT_ELEMENTS", 10 * 30)
    simulation = simulate(config, rows=50)
    assert simulation.exact_rows == 10
    assert simulation.mismatches == 0
    assert simulation.accuracy.elements < 10 * 30 + 1


@pytest.mark.parametrize("part", [1 << 20, 60])
def test_what_differs_is_reported(config, part, monkeypatch, tmp_path):
    true_rows, seen = module.compare.__globals__["golden_rows"], []

    def wrong_rows(trace):
        rows = true_rows(trace)
        if (row := 2 - sum(seen)) in range(len(rows)):
            rows.x[row, 1] += 1
        seen.append(len(rows))
        return rows

    monkeypatch.setitem(module.compare.__globals__, "golden_rows", wrong_rows)
    monkeypatch.setattr(row_parts, "PART_ELEMENTS", part)
    simulation = simulate(config, rows=5, seed=9, output=tmp_path / "y.npy")
    assert seen == ([5] if part > 60 else [2, 2, 1])
    got = np.load(tmp_path / "y.npy")[2, 1]
    message = f"row 2 lane 1: got {got}, want {got + 1} in beat 0 (seed 9)"
    assert simulation.to_dict()["mismatches"] == 1
    assert simulation.first_mismatch == message
    assert simulation.failures == [f"1 elements differ from the golden model: {message}"]


def test_many_rows_are_run_in_parts(config, monkeypatch, tmp_path):
    """The same rows, values and errors in parts as in one, and shares of the work that only grow."""
    real = np.random.default_rng(0).normal(0, 10, (50, 21))
    np.save(tmp_path / "x.npy", real)
    whole = simulate(config, rows=tmp_path / "x.npy", stall="0.2")
    monkeypatch.setattr(row_parts, "PART_ELEMENTS", 12 * 21)
    told = []
    parts = simulate(
        config,
        rows=tmp_path / "x.npy",
        output=tmp_path / "y.npy",
        stall="0.2",
        progress=lambda stage, share: told.append(share) if stage == "run" else None,
    )
    assert np.load(tmp_path / "y.npy").tolist() == GoldenModel(config).normalize(config.input.quantize(real)).tolist()
    assert (parts.rows, parts.elements, parts.exact_rows) == (50, 50 * 21, 50)
    np.testing.assert_allclose(parts.accuracy.errors, whole.accuracy.errors, rtol=0, atol=1e-9)
    assert parts.accuracy.correctly_rounded == whole.accuracy.correctly_rounded
    assert whole.cycles < parts.cycles < whole.cycles + 5 * 200
    assert told == sorted(told)
    assert told[-1] == 1


def test_waves_are_of_the_same_rows(config, monkeypatch, tmp_path):
    monkeypatch.setattr(row_parts, "PART_ELEMENTS", 60)
    for name, more in (("a", {}), ("b", {"waves": tmp_path / "w.vcd", "engine": "pysim"})):
        simulate(config, rows=5, seed=4, output=tmp_path / name, **more)
    assert np.load(tmp_path / "a").tolist() == np.load(tmp_path / "b").tolist()


def test_what_comes_out_is_not_written_over_what_goes_in(config, tmp_path):
    np.save(tmp_path / "x.npy", np.ones((2, 5), np.int8))
    before = (tmp_path / "x.npy").read_bytes()
    (tmp_path / "hard.npy").hardlink_to(tmp_path / "x.npy")
    for output in ("x.npy", "hard.npy"):
        for option in ("output", "waves"):
            with pytest.raises(ConfigError, match="the rows that go in are there; choose another name"):
                simulate(config, rows=tmp_path / "x.npy", **{option: tmp_path / output})
    assert (tmp_path / "x.npy").read_bytes() == before


def test_memory_does_not_grow_with_the_rows(config, monkeypatch):
    monkeypatch.setattr(row_parts, "PART_ELEMENTS", 1 << 14)
    monkeypatch.setattr(module, "EXACT_ELEMENTS", 1 << 10)

    def peak(rows):
        tracemalloc.start()
        try:
            simulate(config, rows=rows)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    simulate(config, rows=1)  # compiles
    part = (1 << 14) // 30
    assert peak(6 * part) < 1.2 * peak(2 * part)


def test_a_file_that_fails_in_its_last_part_is_refused_before_anything_runs(config, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "run", lambda *_: pytest.fail("ran"))
    monkeypatch.setattr(row_parts, "PART_ELEMENTS", 60)
    for array, message in (
        (np.full((9, 30), 127) + np.eye(9, 30, 21, dtype=int), "row 0 element 21 is 128: must be"),
        (np.where(np.arange(9)[:, None] == 8, np.inf, np.ones((9, 30))), "element [8, 0] is inf; every"),
    ):
        np.save(tmp_path / "x.npy", array)
        with pytest.raises(ConfigError, match=re.escape(f"x.npy: {message}")):
            simulate(config, rows=tmp_path / "x.npy", output=tmp_path / "y.npy")
    assert not (tmp_path / "y.npy").exists()


def test_a_part_that_hangs_is_told_by_its_first_row(config, monkeypatch):
    monkeypatch.setattr(row_parts, "PART_ELEMENTS", 60)
    true_run, calls = module.run, []

    def hang(*arguments):
        calls.append(arguments)
        if len(calls) == 3:
            raise CheckFailed("hangs")
        return true_run(*arguments)

    monkeypatch.setattr(module, "run", hang)
    with pytest.raises(CheckFailed, match=r"^from row 4 on: hangs$"):
        simulate(config, rows=10)


def test_other_cycles_than_planned_are_a_failure(config):
    simulation = simulate(config, rows=2)
    longer = type(simulation.planned)(**{**vars(simulation.planned), "L1": 7})
    changed = type(simulation)(**{**vars(simulation), "planned": longer})
    assert changed.failures == [f"L1 is {simulation.measured.L1} cycles; the plan says 7"]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones(5), f"rows are an array of float64 of shape (5,): {SHAPE}"),
        (np.ones((0, 5)), "there are no rows"),
        (np.ones((2, 31)), "rows have 31 elements: must have at most max_length = 30"),
        (np.ones((2, 3), bool), f"rows are an array of bool of shape (2, 3): {SHAPE}"),
        (np.ones((0, 0)), f"rows are an array of float64 of shape (0, 0): {SHAPE}"),
        (np.array([[0, 1], [2, 128]]), "row 1 element 1 is 128: must be from -128 to 127 (int8)"),
        (np.array([[0, np.nan]]), "element [0, 1] is nan; every value must be finite"),
    ],
)
def test_rows_that_cannot_be_run(config, tmp_path, array, message):
    path = tmp_path / "x.npy"
    np.save(path, array)
    with pytest.raises(ConfigError) as error:
        simulate(config, rows=path)
    assert str(error.value) == f"{path}: {message}"


def test_files_that_are_no_rows(config, tmp_path):
    missing, text, archive = tmp_path / "missing.npy", tmp_path / "text.npy", tmp_path / "archive.npz"
    text.write_text("1 2 3")
    np.savez(archive, x=np.ones((1, 2)))
    objects = tmp_path / "objects.npy"
    np.save(objects, np.array([{}, {}]), allow_pickle=True)
    for path, message in [
        (missing, "no such file"),
        (tmp_path, "is a directory; a .npy file is needed"),
        (text, "is not a .npy file of numbers"),
        (archive, "is an archive, as .npz files are; a .npy file, which holds one array, is needed"),
        (objects, "holds Python objects, which are not read; numbers are needed"),
    ]:
        with pytest.raises(ConfigError) as error:
            simulate(config, rows=path)
        assert str(error.value) == f"{path}: {message}"


@pytest.mark.parametrize("key", ["waves", "output"])
def test_a_file_that_cannot_be_written_is_refused_before_anything_runs(config, tmp_path, key, monkeypatch):
    monkeypatch.setattr(module, "run", lambda *_: pytest.fail("ran"))
    path = tmp_path / "missing" / "file"
    with pytest.raises(ConfigError) as error:
        simulate(config, **{key: path})
    assert str(error.value) == f"{path}: cannot be written: there is no directory {path.parent}"
    link = tmp_path / "link"
    link.symlink_to(path)
    with pytest.raises(ConfigError, match=f"link: cannot be written: there is no directory {path.parent}$"):
        simulate(config, **{key: link})
    with pytest.raises(ConfigError, match="cannot be written: is a directory"):
        simulate(config, **{key: tmp_path})
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(ConfigError, match=f"loop: cannot be written: {os.strerror(errno.ELOOP)}$"):
        simulate(config, **{key: loop})
    assert loop.is_symlink()


@pytest.mark.parametrize(
    "seed", [-1, 1 << 63, 10**5000, 2.5, True], ids=lambda seed: f"{float(seed)}" if seed < 1 << 64 else "huge"
)
def test_a_seed_that_is_none_is_refused(config, seed):
    with pytest.raises(ConfigError, match=rf"^seed = .{{1,90}}: must be an integer from 0 to {(1 << 63) - 1}$"):
        simulate(config, rows=2, seed=seed)


def test_a_stall_that_is_none_is_refused(config):
    with pytest.raises(ConfigError, match="stall 'often'"):
        simulate(config, stall="often")


@pytest.mark.parametrize("storage", ["rom", "ram"])
def test_a_beta_of_a_fraction_of_an_output_step_is_added(storage):
    rng = np.random.default_rng(0)
    number_format = IntFormat(8, scale=0.05)
    config = NormConfig(
        norm="layernorm", lanes=2, max_length=8, epsilon=1e-5, input=number_format, output=number_format,
        gamma=rng.normal(1, 0.1, 8), beta=rng.normal(0, 0.002, 8).clip(-0.004, 0.004), storage=storage,
    )  # fmt: skip
    assert simulate(config, rows=20, engine="pysim").failures == []
