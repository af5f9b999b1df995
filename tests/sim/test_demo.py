"""The demo: its configurations, what it calls a failure, and one layer from end to end."""

import pickle
from types import SimpleNamespace

import numpy as np
import pytest

from streamnorm.errors import CheckFailed
from streamnorm_sim.check.accuracy import float_layernorm
from streamnorm_sim.dataset import minilm_layers
from streamnorm_sim.demo import __main__ as demo
from streamnorm_sim.demo import units
from streamnorm_sim.demo.__main__ import failures, main
from streamnorm_sim.demo.kinds import FLOAT_KINDS, INTEGER_KINDS, KINDS, unit_config
from streamnorm_sim.demo.units import UnitResult, run_unit, run_units
from streamnorm_sim.draw.error_plot import ERROR_BINS
from streamnorm_sim.streams.stimulus import HangError

WIDE, NARROW = INTEGER_KINDS
BF16, FP16 = FLOAT_KINDS


def result(index=0, kind=WIDE, **changes):
    keywords = {
        "layer": minilm_layers()[index].name,
        "kind": kind,
        "mismatches": 0,
        "max_ulp": 0.53,
        "mean_ulp": 0.25,
        "max_ulp_as_given": 0.61,
        "elements": 24576,
        "correctly_rounded": 24569,
        "min_cosine": 0.994 if kind == NARROW else 0.999995,
        "measured": {"L1": 140, "SS": 96},
        "planned": {"L1": 140, "SS": 96},
        "cycles": 6300,
        "histogram": np.ones(len(ERROR_BINS) - 1, int),
    }
    return UnitResult(**(keywords | changes))


def layer_of(unit):
    return [layer.name for layer in minilm_layers()].index(unit.layer)


@pytest.fixture
def fake_units(monkeypatch):
    """Let the demo get given results in place of running units; a unit of every kind that is not among them is fine."""

    def give(*results):
        others = [result(unit, kind) for kind in KINDS for unit in sorted({layer_of(r) for r in results} or {0})]
        given = {(each.layer, each.kind): each for each in (*others, *results)}
        monkeypatch.setattr(demo, "run_units", lambda layers, kinds, directory, workers: iter(given.values()))

    return give


@pytest.mark.parametrize("kind", INTEGER_KINDS, ids=str)
def test_scales_fit_the_layer(kind):
    for index, layer in enumerate(minilm_layers()):
        config = unit_config(layer, index, kind)
        assert config.name == f"minilm_{index:02d}_int16_{kind.output}"
        assert (config.lanes, config.max_length, config.epsilon) == (4, 384, 1e-12)
        largest = np.abs(layer.x).max()
        assert np.abs(config.input.quantize(layer.x)).max() == 32767
        assert abs(config.input.dequantize(config.input.quantize(layer.x)) - layer.x).max() < largest / 65000
        y = float_layernorm(layer.x, layer.gamma, layer.beta, layer.epsilon)
        assert np.abs(config.output.quantize(y)).max() == config.output.max


@pytest.mark.parametrize("kind", FLOAT_KINDS, ids=str)
def test_floating_point_on_both_sides(kind):
    config = unit_config(minilm_layers()[3], 3, kind)
    assert config.name == f"minilm_03_{kind.input}_{kind.output}"
    assert (config.input.name, config.output.name) == (kind.input, kind.output)
    assert (config.lanes, config.max_length, config.epsilon) == (4, 384, 1e-12)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mismatches": 3}, "int16 to int16: 3 elements differ from the golden model"),
        ({"max_ulp": 1.25}, "int16 to int16: an error of 1.250 output LSB, at most 1 is allowed"),
        (
            {"max_ulp_as_given": 1.25},
            "int16 to int16: an error of 1.250 output LSB with gamma and beta as given, at most 1 is allowed",
        ),
        ({"min_cosine": 0.99998}, "int16 to int16: cosine 0.9999800 with float64, at least 0.99999 is required"),
        (
            {"measured": {"L1": 141, "SS": 96}},
            "int16 to int16: measured cycles {'L1': 141, 'SS': 96} are not the planned {'L1': 140, 'SS': 96}",
        ),
        ({"kind": BF16, "max_ulp": 1.25}, "bf16 to bf16: an error of 1.250 ulp, at most 1 is allowed"),
        (
            {"kind": BF16, "min_cosine": 0.99997},
            "bf16 to bf16: cosine 0.9999700 with float64, at least 0.99998 is required",
        ),
        (
            {"kind": FP16, "min_cosine": 0.99998},
            "fp16 to fp16: cosine 0.9999800 with float64, at least 0.99999 is required",
        ),
    ],
)
def test_failures(fake_units, tmp_path, capsys, changes, message):
    fake_units(result(**changes))
    assert main(["-o", str(tmp_path)]) == 4
    assert capsys.readouterr().err == f"streamnorm: error: embeddings.LayerNorm, {message}\n"
    assert (tmp_path / "errors.png").exists()


@pytest.mark.parametrize("kind", FLOAT_KINDS, ids=str)
def test_correctly_rounded_over_all_layers_together(kind):
    """One layer may have less than 99.9 %."""
    others = [result(2, other, correctly_rounded=0) for other in INTEGER_KINDS]
    few, enough, too_few = (result(0, kind, correctly_rounded=24576 - wrong) for wrong in (40, 9, 10))
    assert list(failures([few, enough, *others])) == []
    assert list(failures([few, too_few, *others])) == [
        f"{kind}: 49102 of 49152 results are correctly rounded, at least 99.9% is promised"
    ]


def test_a_cosine_of_8_bits_is_no_failure():
    assert result(kind=NARROW, min_cosine=0.99).failures == []


def test_what_is_printed(fake_units, tmp_path, capsys):
    eight = {"kind": NARROW, "measured": {"L1": 137, "SS": 96}, "planned": {"L1": 137, "SS": 96}}
    fake_units(
        *(result(2, **eight), result(0), result(2, max_ulp=0.777), result(0, mean_ulp=0.2484, **eight)),
        *(result(2, BF16, mismatches=0, correctly_rounded=24569, min_cosine=0.999989), result(0, FP16, mean_ulp=0.126)),
    )
    assert main(["-o", str(tmp_path / "new" / "demo")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines if "0.9940" in line] == [
        ["embeddings", "0", "0.530", "0.250", "0.999995", "140", "0", "0.530", "0.248", "0.9940", "137"],
        ["0.output", "0", "0.777", "0.250", "0.999995", "140", "0", "0.530", "0.250", "0.9940", "137"],
    ]
    right = ["0.25", "99.97", "0.99999", "140"]
    assert [line.split() for line in lines if "99.97" in line] == [
        ["embeddings", "0", "0.530", *right, "0", "0.530", "0.13", *right[1:]],
        ["0.output", "0", "0.530", "0.25", "99.97", "0.99998", "140", "0", "0.530", *right],
    ]
    assert "Back to back, a row takes 96 cycles: 384 elements, 4 a cycle." in lines
    assert lines[-3].startswith("8 units, 50400 cycles simulated, ")
    assert lines[-2].split() == ["Verilog:", f"{tmp_path}/new/demo/verilog/"]
    assert lines[-1].split() == ["error", "histograms:", f"{tmp_path}/new/demo/errors.png"]
    assert all(len(line) <= 80 and "…" not in line for line in lines[:-2])


def test_directory_that_cannot_be(fake_units, tmp_path, capsys):
    fake_units()
    (tmp_path / "file").touch()
    assert main(["-o", str(tmp_path / "file")]) == 2
    assert capsys.readouterr().err == f"streamnorm: error: {tmp_path}/file/verilog: Not a directory\n"


def test_interrupted(monkeypatch, tmp_path, capsys):
    def interrupt(layers, kinds, directory, workers):
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "run_units", interrupt)
    assert main(["-o", str(tmp_path)]) == 130
    assert capsys.readouterr().err == "streamnorm: error: interrupted\n"


@pytest.mark.parametrize("number", ["0", "x", "-1"])
def test_numbers_refused(number, capsys):
    with pytest.raises(SystemExit) as end:
        main([f"--layers={number}"])
    assert end.value.code == 2
    assert f"'{number}': must be a number, at least 1" in capsys.readouterr().err


def test_a_unit_that_hangs(monkeypatch, tmp_path):
    """The error must survive the way out of the process that runs the unit."""

    def hang(config, traffic, engine):
        raise HangError.at(4100, taken=3, offered=6144, given=0, wanted=6144)

    monkeypatch.setattr(units, "run", hang)
    with pytest.raises(CheckFailed, match=r"^minilm_00_int16_int8: the unit hangs: 3 of 6144 ") as failure:
        run_unit(0, NARROW, tmp_path)
    assert str(pickle.loads(pickle.dumps(failure.value))) == str(failure.value)


@pytest.mark.parametrize(
    ("rows", "flags", "what"), [(63, 0, r"\(63, 384\) came out, 0"), (64, 2, r"\(64, 384\) came out, 2")]
)
def test_rows_lost_or_flagged(monkeypatch, tmp_path, rows, flags, what):
    came_out = SimpleNamespace(x=np.zeros((rows, 384), int), errors=np.arange(rows) < flags)
    monkeypatch.setattr(units, "run", lambda config, traffic, engine: SimpleNamespace(rows=came_out))
    message = rf"^minilm_00_int16_int8: rows \(64, 384\) went in, {what} error flags$"
    with pytest.raises(CheckFailed, match=message):
        run_unit(0, NARROW, tmp_path)


@pytest.mark.usefixtures("unoptimized")
def test_one_layer(tmp_path):
    """The real thing: two units generated, compiled and run."""
    results = list(run_units([0], (NARROW, BF16), tmp_path, 1))
    assert [(unit.layer, unit.kind, unit.failures) for unit in results] == [
        ("embeddings.LayerNorm", kind, []) for kind in (NARROW, BF16)
    ]
    assert all(unit.correctly_rounded / unit.elements >= 0.999 for unit in results)
    assert all(unit.histogram.sum() == unit.elements == 64 * 384 for unit in results)
    assert {file.name for file in tmp_path.iterdir()} == {"minilm_00_int16_int8.v", "minilm_00_bf16_bf16.v"}
