"""``streamnorm cycles``."""

import csv
import io
import json
from pathlib import Path

import pytest

import streamnorm_cli as cli

EXAMPLES = Path(__file__).parents[2] / "examples"
BERT = str(EXAMPLES / "bert_int8.toml")


def cycles(*arguments):
    return cli.main(["cycles", *map(str, arguments)])


def counted(capsys, *arguments):
    assert cycles(*arguments, "--json") == 0
    return json.loads(capsys.readouterr().out)


def test_rows_of_max_length_by_default(capsys):
    result = counted(capsys, BERT)
    assert result["by"] == "model"
    [line] = result["counts"]
    assert {key: line[key] for key in ("lanes", "n", "L1", "L2", "L3", "SS")} == {
        "lanes": 8, "n": 768, "L1": 136, "L2": 41, "L3": 231, "SS": 96,
    }  # fmt: skip


def test_every_norm_lane_and_length(capsys):
    result = counted(capsys, BERT, "--compare", "norms", "--lanes", "4,8", "--lengths", "64:256")
    shapes = [(line["norm"], line["lanes"], line["n"]) for line in result["counts"]]
    assert shapes == [(norm, lanes, n) for norm in ("layernorm", "rmsnorm") for lanes in (4, 8) for n in (64, 128, 256)]
    assert all(line["SS"] == line["n"] / line["lanes"] for line in result["counts"])


def test_every_architecture(capsys):
    result = counted(capsys, BERT, "--compare", "architectures", "--lengths", "8,768")
    assert [(line["architecture"], line["n"]) for line in result["counts"]] == [
        (name, n) for name in ("one-pass", "two-pass", "three-scan", "five-scan") for n in (8, 768)
    ]
    long = [line["L1"] for line in result["counts"] if line["n"] == 768]
    assert long == sorted(set(long))
    assert cycles(BERT, "--compare", "architectures", "--welford", "--peers") == 0
    out = capsys.readouterr().out
    assert "three-scan:welford" in out
    assert "block RAMs" in out


def test_other_units_on_request(capsys):
    result = counted(capsys, BERT, "--peers")
    assert [peer["name"] for peer in result["peers"]] == ["MASE", "FINN"]
    assert cycles(BERT, "--peers", "--lanes", "2") == 0
    assert "--peers: nothing was measured for these; lanes x n are 1 x 768, " in capsys.readouterr().err
    assert counted(capsys, BERT)["peers"] == []


def test_the_table_tells_what_was_lost(capsys):
    assert cycles(BERT, "--stalls", "sink:0.5", "--peers") == 0
    out = capsys.readouterr().out
    assert "cycles, computed; a batch of 100 rows" in out
    assert "sink 9," in out
    assert "FINN" in out


def test_comma_separated_values(capsys):
    assert cycles(BERT, "--lengths", "8,768", "--csv") == 0
    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(line["n"], line["SS"], line["lost_sink"]) for line in lines] == [("8", "1", "0"), ("768", "96", "0")]


def test_pictures(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    assert cycles(BERT, "-q", "--plot", tmp_path / "a.svg", "--timeline", tmp_path / "b.png") == 0
    assert capsys.readouterr() == ("", "")
    assert cycles(BERT, "--plot", tmp_path / "a.svg") == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_text().startswith("<?xml")
    assert (tmp_path / "b.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--lengths", "769"], f"--lengths: 769 is more than max_length = 768 of {BERT}; raise it there"),
        (["--rows", "9" * 20], f"rows = {'9' * 20}: must be an integer from 2 to 1000000000"),
        (["--rows", "99999", "--simulate"], "rows = 99999: simulated are 87,381 rows of 768 elements at most"),
        (["--plot", "a.svg", "--timeline", "a.svg"], "--timeline: a.svg: --plot writes it too; choose another name"),
        (["--welford"], "--welford: only with --compare architectures"),
        (["--compare", "architectures", "--stalls", "0.5"], "stalls: the cycle model does not know the two-pass unit"),
        (["--json", "--csv"], "--json and --csv: one of them only"),
        (["--plot", "a.pdf"], "--plot: a.pdf: the name must end in .png or .svg"),
        (["--timeline", "no/a.svg"], "--timeline: no/a.svg: cannot be written: there is no directory no"),
        (["--stalls", "often"], "stall 'often': must be "),
        (["--lanes", "65"], "lanes = 65: "),
        (["--rows", "1"], "rows = 1: must be an integer from 2 to 1000000000; from row to row takes two"),
    ],
)
def test_what_cannot_be(arguments, message, capsys):
    assert cycles(BERT, *arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    [line] = captured.err.splitlines()
    assert line.startswith(f"streamnorm: error: {message}")


def test_welford_needs_a_mean(capsys):
    llama = EXAMPLES / "llama_rms_int16.toml"
    assert cycles(BERT, llama, "--compare", "architectures", "--welford") == 2
    assert f"--welford: {llama} is rmsnorm, which has no mean to update; leave it out" in capsys.readouterr().err


def test_simulation_tells_what_was_lost_too(config_file, capsys):
    options = ("--lengths", "12", "--stalls", "source:0.1,sink:burst:20/5", "--compare", "architectures", "--simulate")
    assert cycles(config_file, *options, "--csv") == 0
    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    model = counted(capsys, config_file, *options[:4])["counts"][0]
    assert model["lost"]["source"] > 0
    assert model["lost"]["sink"] > 0
    assert {name: lines[0][f"lost_{name}"] for name in model["lost"]} == {
        name: str(lost) for name, lost in model["lost"].items()
    }
    assert lines[0]["batch_cycles"] == str(model["batch_cycles"])
    assert [line["lost_sink"] for line in lines[1:]] == ["", "", ""]


@pytest.mark.parametrize("text", ["", "0", "8:4", "1,x", "4:"])
def test_no_list_of_numbers(text, capsys):
    assert cycles(BERT, "--lengths", text) == 2
    assert "argument --lengths" in capsys.readouterr().err
    assert cycles(BERT, "--seed", "-1") == 2
    assert "argument --seed: '-1' is not a whole number of at least 0" in capsys.readouterr().err
