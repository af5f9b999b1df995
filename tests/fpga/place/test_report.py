import dataclasses
import json

import pytest

from streamnorm_fpga.devices import device_for
from streamnorm_fpga.place.critical_path import CriticalPath
from streamnorm_fpga.place.place_route import Placed
from streamnorm_fpga.place.report import FitReport
from streamnorm_fpga.place.resources import Resources

PATH = CriticalPath(
    start="a.Q", end="b.DI", blocks=("a", "b"), delay_ns=4.9, logic_ns=2.0, routing_ns=2.9, levels=2, hops=()
)


def report(*clocks, target="ecp5-85k-6", bram=12, asked=200.0):
    placed = tuple(Placed(seed=seed, fmax_mhz=clock, path=PATH, used={}) for seed, clock in enumerate(clocks, 1))
    unit = Resources(comb=2427, ff=3000, dsp=30, bram=bram)
    return FitReport(
        device=device_for(target),
        top="unit",
        clock_mhz=asked,
        unit=unit,
        by_block={"unit.apply": unit},
        placed=placed,
        tools={"yosys": "0.70"},
    )


def test_json_has_the_keys_that_were_promised():
    data = json.loads(json.dumps(report(209.0, 215.0, 211.0).to_dict()))
    expected = {"target", "speed", "fmax_mhz", "comb", "ff", "dsp", "bram", "limit_mhz", "critical_path"}
    assert expected <= set(data)
    assert data["target"] == "ecp5-85k-6"
    assert data["speed"] == "6"
    assert data["fmax_mhz"] == {"min": 209.0, "median": 211.0, "seeds": {"1": 209.0, "2": 215.0, "3": 211.0}}
    assert (data["comb"], data["ff"], data["dsp"], data["bram"]) == (2427, 3000, 30, 12)
    assert data["available"] == {"comb": 83640, "ff": 83640, "dsp": 156, "bram": 208}
    assert data["critical_path"]["blocks"] == ["a", "b"]
    assert data["limit_mhz"] == 212.0


def test_the_critical_path_is_that_of_the_slowest_seed():
    slow = dataclasses.replace(PATH, delay_ns=5.1)
    fast, slowest = report(209.0, 199.0).placed
    both = dataclasses.replace(report(1.0), placed=(fast, dataclasses.replace(slowest, path=slow)))
    assert both.worst.seed == 2
    assert both.critical_path is slow


@pytest.mark.parametrize(
    ("clocks", "bram", "asked", "met"),
    [
        ((209.0, 200.0), 12, 200.0, True),
        ((209.0, 199.9), 12, 200.0, False),
        ((230.0, 240.0), 12, 220.0, False),  # nextpnr reports more than the block RAMs bear
        ((230.0, 240.0), 0, 220.0, True),
    ],
)
def test_the_clock_is_met_if_all_seeds_and_the_block_rams_meet_it(clocks, bram, asked, met):
    assert report(*clocks, bram=bram, asked=asked).meets_clock is met


def test_no_block_ram_no_limit():
    assert report(209.0, bram=0).limit_mhz is None
    assert report(80.0, target="ice40-hx8k").limit_mhz is None
