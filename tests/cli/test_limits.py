"""Units that their target has no room for, or is too slow for: noted by some commands, refused by others."""

import json

import pytest

import streamnorm_fpga.bitstream.design
from streamnorm_cli import main

CONFIG = """
name = "wide"
norm = "layernorm"
lanes = {lanes}
max_length = 768
epsilon = 1e-5
storage = "ram"
target = "ecp5-85k-6"
clock_mhz = {clock}
input = {{ format = "int8", scale = 0.05 }}
output = {{ format = "int8", scale = 0.05 }}
"""
TOO_LARGE = "329 of 156 multipliers; try fewer lanes, a larger min_length or another family"
TOO_FAST = "400 MHz: block RAM allows 212; try a lower clock or another family"


@pytest.fixture
def config(tmp_path):
    def write(lanes=8, clock=100):
        path = tmp_path / "wide.toml"
        path.write_text(CONFIG.format(lanes=lanes, clock=clock))
        return str(path)

    return write


@pytest.fixture(params=[({"lanes": 64}, TOO_LARGE), ({"clock": 400}, TOO_FAST)], ids=["too large", "too fast"])
def impossible(config, request):
    """A configuration, and what is said of it."""
    changes, message = request.param
    return config(**changes), message


def test_plan_says_so_and_goes_on(impossible, capsys):
    path, message = impossible
    assert main(["plan", path]) == 0
    assert f"wide cannot exist on ecp5-85k-6: {message}" in " ".join(capsys.readouterr().out.split())
    assert main(["plan", path, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert any(message in notice for notice in data["notices"])
    assert data["device"]["why_not"] in message


def test_plan_says_nothing_of_a_unit_that_fits(config, capsys):
    assert main(["plan", config()]) == 0
    out, err = capsys.readouterr()
    assert "the target has 156" in out
    assert "estimated, ± 25%; the target has 83640" in out
    assert err == ""
    assert main(["plan", config(), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["notices"] == []
    assert data["device"]["multipliers"] == {"taken": sum(data["multipliers"].values()), "available": 156}
    assert data["device"]["luts"]["available"] == 83640


def test_generate_says_so_and_writes(config, tmp_path, capsys):
    assert main(["generate", config(clock=400), "-o", str(tmp_path / "out"), "--vectors", "0", "--json"]) == 0
    out, err = capsys.readouterr()
    assert any(TOO_FAST in notice for notice in json.loads(out)["notices"])
    assert TOO_FAST in err
    assert (tmp_path / "out/wide.v").exists()


def test_cycles_are_counted_and_no_rates_quoted(impossible, capsys):
    path, message = impossible
    assert main(["cycles", path, "--json"]) == 0
    [counts] = json.loads(capsys.readouterr().out)["counts"]
    assert counts["SS"] > 0
    assert {counts[key] for key in ("L1_ns", "SS_ns", "rows_per_second", "elements_per_second")} == {None}
    assert any(message in notice for notice in counts["notices"])
    assert main(["cycles", path]) == 0
    assert message in capsys.readouterr().out
    assert main(["cycles", path, "--csv"]) == 0


def test_a_placed_clock_that_block_rams_bear_gives_rates(config, capsys):
    assert main(["cycles", config(clock=400), "--fmax", "200", "--json"]) == 0
    [counts] = json.loads(capsys.readouterr().out)["counts"]
    assert counts["rows_per_second"] is None
    assert counts["placed"]["rows_per_second"] > 0


def test_a_workload_is_counted_and_takes_no_time(impossible, capsys):
    path, message = impossible
    arguments = ["workload", "gpt2", "--config", path, "--flops", "1T", "--link", "400gbe"]
    assert main([*arguments, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    for phase in data["phases"]:
        assert phase["total"] > 0
        assert (phase["total_us"], phase["exposed_us"], phase["needs"][0]["units"]) == (None, None, None)
    assert data["link_units"] is None
    assert any(message in notice for notice in data["notices"])
    assert main(arguments) == 0
    assert message in capsys.readouterr().out


def test_fit_refuses_before_synthesis(impossible, monkeypatch, capsys):
    path, message = impossible
    monkeypatch.setenv("YOSYS", "no-such-yosys")
    assert main(["fit", path]) == 4
    assert capsys.readouterr().err.startswith(f"streamnorm: error: wide does not fit LFE5U-85F-6: {message}")


@pytest.mark.parametrize(
    ("board", "clock", "message"),
    [
        ("icestick", "30", " block RAMs; at least "),
        ("ulx3s-12f", "30", "49 of 28 multipliers; try fewer lanes, a larger min_length or ecp5-45k-6"),
        ("ulx3s-85f", "250", "250 MHz: block RAM allows 212; try a lower clock or ecp5-85k-7"),
    ],
)
def test_build_refuses_before_anything_is_done(config, tmp_path, board, clock, message, monkeypatch, capsys):
    monkeypatch.setattr(streamnorm_fpga.bitstream.design, "board_design", lambda *_, **__: pytest.fail("generated"))
    out = tmp_path / "out"
    assert main(["build", config(), "--board", board, "-o", str(out), "--clock", clock]) == 4
    err = capsys.readouterr().err
    assert err.startswith(f"streamnorm: error: wide does not fit {board} (")
    assert message in err
    assert not out.exists()
