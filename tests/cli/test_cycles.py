"""``streamnorm cycles``."""

import csv
import io
import json
import re
from pathlib import Path

import pytest

import streamnorm_cli as cli
from streamnorm.spec.config import NormConfig
from streamnorm.spec.norms import NORMS
from streamnorm.spec.norms.rmsnorm import RmsNorm
from streamnorm_cli.commands.cycles import length_list
from streamnorm_sim.cycles.clocks import measured_clock

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
    assert shapes == [(norm, lanes, n) for norm in NORMS for lanes in (4, 8) for n in (64, 128, 256)]
    assert all(line["SS"] == line["n"] / line["lanes"] for line in result["counts"])


def test_norms_side_by_side_tell_what_was_chosen_for_them(capsys):
    result = counted(capsys, BERT, "--compare", "norms")
    told = "deviation = 1.6, a quarter of the largest input; without epsilon"
    begins = "alpha = 0.5, what its paper begins to learn it from"
    static = ["affine: without epsilon", f"dyt: {begins}; without epsilon"]
    assert result["notes"] == [f"frozen: {told}", *static]
    assert cycles(BERT, "--compare", "norms") == 0
    out = capsys.readouterr().out
    assert f"frozen: {told}" in out
    lines = [line.split() for line in out.partition("\n\n")[0].splitlines()]
    assert lines[1:3] == [
        ["lost:", "multi-", "block"],
        ["norm", "lanes", "n", "L1", "L2", "L3", "SS", "batch", "fill", "pliers", "RAMs"],
    ]
    shown = {line[0]: [int(number.replace(",", "")) for number in line[1:]] for line in lines[3:]}
    assert list(shown) == list(NORMS)
    for counts in result["counts"]:
        keys = ("lanes", "n", "L1", "L2", "L3", "SS", "batch_cycles", "multipliers", "block_rams")
        found = [counts[key] for key in keys]
        assert shown[counts["norm"]] == [*found[:7], counts["lost"]["fill"], *found[7:]]


def test_times_before_a_row_ends_have_as_few_digits_as_others(capsys):
    """Static norms give their first results long before a row's last element: L2 is below zero."""
    assert cycles(BERT, "--compare", "norms") == 0
    out = capsys.readouterr().out
    assert re.search(r" -\d{3} ", out)
    assert not re.search(r"-\d{3}\.\d", out)


def test_every_norm_is_counted_with_stalls(capsys):
    result = counted(capsys, BERT, "--compare", "norms", "--stalls", "sink:0.5")
    assert [line["norm"] for line in result["counts"]] == list(NORMS)
    assert all(line["lost"]["sink"] > 0 for line in result["counts"])


def test_norms_in_two_passes_are_counted_with_stalls(capsys, config_file):
    """Two passes are one where no mean is subtracted; a file of two passes names no unit of a static norm."""
    config_file.write_text('architecture = "two-pass"\n' + config_file.read_text())
    result = counted(capsys, config_file, "--compare", "norms", "--stalls", "sink:0.5")
    able = [name for name, norm in NORMS.items() if norm.has_statistic]
    assert [line["norm"] for line in result["counts"]] == able
    built = {line["norm"]: line["built_as"] for line in result["counts"]}
    assert (built["layernorm"], built["l1norm"], built["frozen"]) == ("two-pass", "two-pass", "one-pass")
    assert all(line["lost"]["sink"] > 0 for line in result["counts"])


def test_norms_in_scans_are_not_counted_with_stalls(capsys, config_file):
    config_file.write_text('architecture = "three-scan"\n' + config_file.read_text())
    assert cycles(config_file, "--compare", "norms", "--stalls", "sink:0.5") == 2
    message = "stalls: the cycle model does not know the three-scan unit; simulate it (--simulate)"
    assert message in capsys.readouterr().err


def test_a_norm_that_does_not_go_with_the_file_is_left_out_and_said_to_be(capsys, config_file):
    config_file.write_text('architecture = "five-scan:welford"\n' + config_file.read_text())
    result = counted(capsys, config_file, "--compare", "norms")
    able = [name for name, norm in NORMS.items() if norm.has_variance and not norm.placement]
    assert [line["norm"] for line in result["counts"]] == able
    assert [note.partition(": ")[0] for note in result["notes"]] == [
        f"{name} is left out" for name in NORMS if name not in able
    ]
    assert all("architecture = 'five-scan:welford'" in note for note in result["notes"])


def test_a_norm_that_is_registered_is_compared(capsys, monkeypatch):
    class NewNorm(RmsNorm):
        name = "newnorm"

    monkeypatch.setitem(NORMS, "newnorm", NewNorm())
    assert counted(capsys, BERT, "--compare", "norms")["counts"][-1]["norm"] == "newnorm"


def test_two_passes_of_every_norm_are_said_to_be_one(capsys, config_file):
    config_file.write_text('architecture = "two-pass"\n' + config_file.read_text())
    assert cycles(config_file, "--compare", "norms") == 0
    out = capsys.readouterr().out
    assert "two-pass = one-pass: rmsnorm subtracts no mean, and so needs no second pass" in out
    assert "two-pass = one-pass: frozen takes no squares, and so needs no second pass" in out


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
    assert "pliers   RAMs" in out


def test_what_is_named_twice_is_counted_once(capsys):
    assert len(counted(capsys, BERT, BERT, "--lengths", "8,768")["counts"]) == 2
    result = counted(capsys, BERT, BERT, "--compare", "norms", "--lanes", "4,4")
    assert [line["norm"] for line in result["counts"]] == list(NORMS)


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
    lines = out.splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("bert_int8"))
    lost = counted(capsys, BERT, "--stalls", "sink:0.5")["counts"][0]["lost"]
    causes = [cause for cause in ("source", "slots", "buffer", "fill", "rows", "interval", "sink") if lost[cause]]
    assert lines[place - 1].split()[-len(causes) :] == causes
    assert lines[place].split()[-len(causes) :] == [f"{lost[cause]:,}" for cause in causes]
    assert lost["sink"] > 9000
    assert "FINN, layernorm, 8 lanes, n = 768: does not place on ECP5" in out
    # Without stalls: the way to the first beat is lost, and it is not said that nothing is.
    assert cycles(BERT) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[2].split()[-2:] == ["batch", "fill"]
    assert out.splitlines()[3].split()[-2:] == ["9,738", "136"]
    assert "none" not in out


def test_the_end_of_a_range_is_in_it():
    assert length_list("64:768") == (64, 128, 256, 512, 768)
    assert length_list("64:1024,3") == (64, 128, 256, 512, 1024, 3)
    assert length_list("5:5,1:3") == (5, 1, 2, 3)


def test_time_at_both_clocks(capsys):
    [line] = counted(capsys, BERT, "--rows", 2)["counts"]
    assert (line["clock_mhz"], line["L1_ns"], line["SS_ns"]) == (200, 680, 480)
    assert line["rows_per_second"] == pytest.approx(200e6 / 96)
    placed = line["placed"]
    assert placed["by"] == "measured"
    assert placed["L1_ns"] == pytest.approx(136e3 / placed["clock_mhz"])
    assert cycles(BERT) == 0
    out = capsys.readouterr().out
    assert [row.split()[2] for row in out.splitlines() if "planned" in row or "placed" in row] == ["planned", "placed"]


def test_a_clock_may_be_given_for_some_units(capsys):
    def clocks(*fmax):
        options = (arg for text in fmax for arg in ("--fmax", text))
        found = counted(capsys, BERT, "--lanes", "4,8", "--compare", "norms", *options)["counts"]
        kept = [line for line in found if line["norm"] in ("layernorm", "rmsnorm")]
        assert len(found) == 2 * len(NORMS)
        return [(line["placed"] or {}).get("clock_mhz") for line in kept]

    known = measured_clock(NormConfig.from_toml(BERT)).mhz
    assert clocks()[:2] == [None, known]
    assert clocks("150") == [150] * 4
    assert clocks("rmsnorm=150") == [None, known, 150, 150]
    assert clocks("150,4=120.5", "rmsnorm=90") == [120.5, 150, 90, 90]
    assert clocks(f"{BERT}=77") == [77] * 4
    assert cycles(BERT, "--compare", "architectures", "--fmax", "five-scan=99") == 0
    out = capsys.readouterr().out
    assert [row.split()[:5] for row in out.splitlines() if "given" in row] == [["five-scan", "8", "768", "given", "99"]]


def test_a_clock_that_is_missing_is_said_to_be(capsys):
    note = "these units have no placed clock here: streamnorm fit measures it, --fmax takes it"
    assert cycles(BERT, "--lanes", "4") == 0
    assert note in capsys.readouterr().out
    assert cycles(BERT) == 0
    assert note not in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "0", "-1", "fast", "nan", "inf", "=100", "five-scan=", "100,"])
def test_no_clock(text, capsys):
    assert cycles(BERT, "--fmax", text) == 2
    assert "is neither a clock in MHz nor WHICH=MHZ, such as unit.toml=195" in capsys.readouterr().err


def test_a_clock_that_cannot_be_is_said_to_be(capsys):
    assert cycles(BERT, "--fmax", "300") == 0
    notice = "cannot exist on ecp5-85k-6: 300 MHz: block RAM allows 212; try a lower clock"
    assert notice in capsys.readouterr().out
    [counts] = counted(capsys, BERT, "--fmax", "300")["counts"]
    assert [notice in each for each in counts["notices"]] == [True]
    assert cycles(BERT, "--fmax", "212") == 0
    assert "cannot exist" not in capsys.readouterr().out


def test_two_passes_that_are_one_are_said_to_be(capsys):
    llama = EXAMPLES / "llama_rms_int16.toml"
    assert cycles(llama, "--compare", "architectures") == 0
    out = capsys.readouterr().out
    assert "two-pass = one-pass: rmsnorm subtracts no mean, and so needs no second pass" in out
    assert sum(line.startswith("two-pass = one-pass") for line in out.splitlines()) == 3
    assert cycles(BERT, "--compare", "architectures") == 0
    assert " = one-pass" not in capsys.readouterr().out


def test_tables_fit_in_a_hundred_columns(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    for options in (
        (BERT, "--compare", "architectures", "--welford", "--lengths", "8:768"),
        (BERT, "--stalls", "source:0.3,sink:burst:20/5", "--compare", "norms"),
        (EXAMPLES / "llama_rms_int16.toml", "--compare", "architectures", "--fmax", "133.33"),
    ):
        assert cycles(*options) == 0
        out = capsys.readouterr().out
        assert "…" not in out
        assert max(map(len, out.splitlines())) <= 100


def test_comma_separated_values(capsys):
    assert cycles(BERT, "--lengths", "8,768", "--csv") == 0
    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(line["n"], line["SS"], line["lost_sink"]) for line in lines] == [("8", "1", "0"), ("768", "96", "0")]
    assert [(line["SS_ns"], line["placed_by"]) for line in lines] == [("5.0", "measured"), ("480.0", "measured")]
    assert float(lines[1]["placed_SS_ns"]) == pytest.approx(96e3 / float(lines[1]["placed_clock_mhz"]))


def test_pictures(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    assert cycles(BERT, "-q", "--plot", tmp_path / "a.svg", "--timeline", tmp_path / "b.png") == 0
    assert capsys.readouterr() == ("", "")
    assert cycles(BERT, "--plot", tmp_path / "a.svg") == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_text().startswith("<?xml")
    assert (tmp_path / "b.png").read_bytes().startswith(b"\x89PNG")


def test_with_stalls_the_losses_are_drawn(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    from streamnorm_sim.draw import cycle_plot, loss_plot

    drawn = []
    monkeypatch.setattr(cycle_plot, "plot_cycles", lambda *arguments: drawn.append("cycles"))
    monkeypatch.setattr(loss_plot, "plot_losses", lambda path, counts, stalls: drawn.append(stalls))
    for stalls in ("none", "source:0.1"):
        assert cycles(BERT, "-q", "--stalls", stalls, "--plot", tmp_path / "a.svg") == 0
    assert drawn == ["cycles", "source random:0.1, sink none"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--lengths", "769"], f"--lengths: 769 is more than max_length = 768 of {BERT}; raise it there"),
        (["--rows", "9" * 20], f"argument --rows: '{'9' * 20}' is not a whole number from 2 to 1000000000"),
        (["--rows", "99999", "--simulate"], "rows = 99999: simulated are 87,381 rows of 768 elements at most"),
        (["--plot", "a.svg", "--timeline", "a.svg"], "--timeline: a.svg: --plot writes it too; choose another name"),
        (
            ["--fmax", "hx8k.toml=100"],
            f"--fmax: hx8k.toml is none of the units; they are {BERT}, layernorm, one-pass, 8",
        ),
        (["--welford"], "--welford: only with --compare architectures"),
        (
            ["--compare", "architectures", "--stalls", "0.5"],
            "stalls: the cycle model does not know the three-scan unit",
        ),
        (["--json", "--csv"], "--json and --csv: one of them only"),
        (["--plot", "a.pdf"], "--plot: a.pdf: the name must end in .png or .svg"),
        (["--timeline", "no/a.svg"], "no/a.svg: cannot be written: there is no directory "),
        (["--stalls", "often"], "stall 'often': must be "),
        (["--lanes", "65"], "argument --lanes: '65' is neither a whole number from 1 to 64 nor FIRST:LAST"),
        (["--rows", "1"], "argument --rows: '1' is not a whole number from 2 to 1000000000"),
    ],
)
def test_what_cannot_be(arguments, message, capsys):
    assert cycles(BERT, *arguments) == 2
    captured = capsys.readouterr()
    assert (captured.out == "") != ("--json" in arguments)
    [line] = captured.err.splitlines()
    assert line.startswith(f"streamnorm: error: {message}")


def test_welford_needs_a_mean(capsys):
    llama = EXAMPLES / "llama_rms_int16.toml"
    assert cycles(BERT, llama, "--compare", "architectures", "--welford") == 2
    assert f"--welford: {llama} is rmsnorm, which has no variance to update; leave it out" in capsys.readouterr().err


def test_simulation_tells_what_was_lost_too(config_file, capsys):
    config_file.write_text(config_file.read_text().replace("int8", "int4"))
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
    assert int(lines[1]["lost_sink"]) > 0
    assert [line["lost_sink"] for line in lines[2:]] == ["", ""]


@pytest.mark.parametrize("text", ["", "0", "8:4", "1,x", "4:"])
def test_no_list_of_numbers(text, capsys):
    assert cycles(BERT, "--lengths", text) == 2
    assert "argument --lengths" in capsys.readouterr().err
    assert cycles(BERT, "--seed", "-1") == 2
    assert "argument --seed: '-1' is not a whole number from 0 to 9223372036854775807" in capsys.readouterr().err
