import json
import re
import sys

import pytest

from fpga.netlists import cell, netlist, scope
from streamnorm.errors import CheckFailed
from streamnorm_fpga.devices import device_for
from streamnorm_fpga.families.ecp5 import ECP5
from streamnorm_fpga.place import place_route
from streamnorm_fpga.place.blocks import Blocks
from streamnorm_fpga.place.harness import Harness
from streamnorm_fpga.place.place_route import NotRouted, Placed, place_and_route, read_report


@pytest.fixture
def blocks():
    return Blocks(netlist({}, {"moments": scope("small.v:1.1-9.10"), "apply": scope("small.v:11.1-20.10")}), ECP5)


@pytest.fixture
def report(recorded_report):
    return json.loads(recorded_report.read_text())


def test_clock_and_cells_are_read(report, blocks):
    placed = read_report(report, 7, blocks)
    assert placed.seed == 7
    assert placed.fmax_mhz == 247.28
    assert placed.used == {"DCCA": 1, "TRELLIS_COMB": 71, "TRELLIS_FF": 63, "TRELLIS_IO": 3}


def test_the_critical_path_runs_from_register_to_register(report, blocks):
    path = read_report(report, 1, blocks).path
    assert path.blocks == ("port aresetn", "moments")
    assert path.at_port
    assert path.start == "harness.aresetn[0].Q"
    assert path.end == "moments.o_TRELLIS_FF_Q_15.DI"
    assert path.delay_ns == pytest.approx(1000 / 247.28, abs=0.01)
    assert path.logic_ns + path.routing_ns == pytest.approx(path.delay_ns)
    assert path.levels == sum(hop.kind == "logic" for hop in path.hops)
    assert str(path) == "port aresetn → moments: 4.04 ns (2.11 logic, 1.94 routing, 17 levels)"


def test_paths_from_and_to_pins_are_no_critical_paths(report, blocks):
    report["critical_paths"] = [path for path in report["critical_paths"] if "async" in path["from"] + path["to"]]
    with pytest.raises(CheckFailed, match=re.escape("nextpnr reported no path on clock $glbnet$aclk")):
        read_report(report, 1, blocks)


def test_a_second_clock_is_refused(report, blocks):
    report["fmax"]["other"] = {"achieved": 1.0, "constraint": 1.0}
    with pytest.raises(CheckFailed, match="nextpnr reports 2 clocks; a unit has one"):
        read_report(report, 1, blocks)


def test_one_level_is_singular(report, blocks):
    path = report["critical_paths"][0]
    path["path"] = [step for step in path["path"] if step["type"] != "logic"] + [
        {"delay": 1.0, "type": "logic", "to": {"cell": "moments.x", "port": "Z"}}
    ]
    blocks = Blocks(netlist({}, {"moments": cell("x", {}, {})}), ECP5)
    assert "1 level)" in str(read_report(report, 1, blocks).path)


@pytest.mark.parametrize(
    ("lines", "circles"),
    [
        (["Info: Routing 2000 arcs.\n", "Info:      16000 |     3426      16171 |\n"], False),
        (["Info: Routing 2000 arcs.\n", "Info:      17000 |     3426      16171 |\n"], True),
        (["Info: Routing 20 arcs.\n", "Info:       9000 |     3426      16171 |\n"], False),
        (["Info:     iter=900 wires=59486 overused=2 overuse=2 archfail=NA\n"], False),
        (["Info:     iter=1001 wires=59486 overused=2 overuse=2 archfail=NA\n"], True),
    ],
)
def test_a_router_that_turns_in_circles_is_stopped(lines, circles, blocks, monkeypatch, tmp_path):
    script = tmp_path / "nextpnr"
    ending = "time.sleep(60)" if circles else "print('ERROR: enough'); sys.exit(1)"
    script.write_text(
        f"#!{sys.executable}\nimport sys, time\n"
        "if '--version' in sys.argv:\n    print('nextpnr-ecp5 -- Version 0.11.1')\n    sys.exit()\n"
        f"print({''.join(lines)!r}, end='', flush=True)\n{ending}\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("NEXTPNR_ECP5", str(script))
    reason = "a few nets displace each other for ever" if circles else "enough"
    with pytest.raises(CheckFailed, match=f"with seed 1: {reason}"):
        place_and_route(Harness.bare(netlist({}, {})), device_for("ecp5-12k-6"), blocks, clock_mhz=100, seeds=[1])


def test_a_seed_that_cannot_be_routed_does_not_stop_the_others(blocks, monkeypatch, tmp_path):
    """Each seed's answer is nextpnr's; that all of them fail is told with the first."""
    script = tmp_path / "nextpnr"
    script.write_text(
        f"#!{sys.executable}\nimport json, sys\n"
        "if '--version' in sys.argv:\n    print('nextpnr-ecp5 -- Version 0.11.1')\n    sys.exit()\n"
        "seed = sys.argv[sys.argv.index('--seed') + 1]\n"
        "if seed in '13':\n    print(f'ERROR: no way, {seed}')\n    sys.exit(1)\n"
        "open(sys.argv[sys.argv.index('--report') + 1], 'w').write(json.dumps({'seed': seed}))\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("NEXTPNR_ECP5", str(script))
    path = object()
    monkeypatch.setattr(
        place_route, "read_report", lambda report, seed, _: Placed(seed=seed, fmax_mhz=seed, path=path, used={})
    )
    arguments = (Harness.bare(netlist({}, {})), device_for("ecp5-12k-6"), blocks)
    placements = place_and_route(*arguments, clock_mhz=100, seeds=[1, 2, 3, 4, 2])
    assert [placed.seed for placed in placements.placed] == [2, 4]
    why = "nextpnr cannot place and route unit on LFE5U-12F-6 with seed {0}: no way, {0}"
    assert placements.unrouted == {seed: why.format(seed) for seed in (1, 3)}
    with pytest.raises(NotRouted, match="with seed 3: no way, 3"):
        place_and_route(*arguments, clock_mhz=100, seeds=[3, 1])


def circling(monkeypatch, tmp_path, lines):
    """A nextpnr for iCE40 that does what these lines say, in circles for a minute or not, and then has routed."""
    script = tmp_path / "nextpnr"
    script.write_text(
        f"#!{sys.executable}\nimport json, sys, time\n"
        "if '--version' in sys.argv:\n    print('nextpnr-ice40 -- Version 0.11.1')\n    sys.exit()\n"
        f"{lines}"
        "open(sys.argv[sys.argv.index('--report') + 1], 'w').write('{}')\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("NEXTPNR_ICE40", str(script))
    monkeypatch.setattr(
        place_route, "read_report", lambda report, seed, _: Placed(seed=seed, fmax_mhz=1.0, path=object(), used={})
    )


def test_where_one_router_turns_in_circles_the_other_one_routes(blocks, monkeypatch, tmp_path):
    lines = "if '--router' not in sys.argv:\n    print('Info:      10001 |  1  2 |', flush=True)\n    time.sleep(60)\n"
    circling(monkeypatch, tmp_path, lines)
    arguments = (Harness.bare(netlist({}, {})), device_for("ice40-hx8k"), blocks)
    placements = place_and_route(*arguments, clock_mhz=100, seeds=[1])
    assert [placed.seed for placed in placements.placed] == [1]


def test_a_seed_with_which_both_routers_turn_in_circles_does_not_stop_the_others(blocks, monkeypatch, tmp_path):
    circling(
        monkeypatch,
        tmp_path,
        "circles = 'Info:     iter=1001 wires=9' if '--router' in sys.argv else 'Info:      10001 |  1  2 |'\n"
        "if sys.argv[sys.argv.index('--seed') + 1] == '1':\n    print(circles, flush=True)\n    time.sleep(60)\n",
    )
    arguments = (Harness.bare(netlist({}, {})), device_for("ice40-hx8k"), blocks)
    placements = place_and_route(*arguments, clock_mhz=60, seeds=[1, 2, 3])
    assert [placed.seed for placed in placements.placed] == [2, 3]
    why = "nextpnr cannot route unit on iCE40HX8K with seed 1: a few nets displace each other for ever"
    assert placements.unrouted == {1: why}
