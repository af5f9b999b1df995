import re

import pytest

from streamnorm.errors import ConfigError
from streamnorm.spec.targets import TARGET_NAMES
from streamnorm_fpga.devices import DEVICES, device_for
from streamnorm_fpga.families.ice40 import ICE40


def test_every_target_but_generic_is_a_device():
    assert set(DEVICES) == set(TARGET_NAMES) - {"generic"}


def test_ecp5_device():
    device = device_for("ecp5-85k-7")
    assert (device.part, device.comb, device.ff, device.dsp, device.bram) == ("LFE5U-85F-7", 83640, 83640, 156, 208)
    assert device.nextpnr_arguments == ("--85k", "--package", "CABGA381", "--speed", "7")
    assert device.synthesis_command == "synth_ecp5"


@pytest.mark.parametrize(
    ("target", "flag", "series", "multipliers"),
    [("ice40-hx1k", "hx1k", "hx", 0), ("ice40-lp8k", "lp8k", "lp", 0), ("ice40-up5k", "up5k", "u", 8)],
)
def test_ice40_device(target, flag, series, multipliers):
    device = device_for(target)
    assert device.nextpnr_arguments[0] == f"--{flag}"
    assert device.synthesis_command == f"synth_ice40 -device {series}"
    assert device.dsp == multipliers


@pytest.mark.parametrize(("grade", "limit"), [("6", 212), ("7", 254), ("8", 271)])
def test_block_rams_of_ecp5_cap_the_clock_by_speed_grade(grade, limit):
    assert {device_for(f"ecp5-{size}-{grade}").bram_limit_mhz for size in ("12k", "25k", "45k", "85k")} == {limit}


def test_the_timing_database_of_ice40_states_no_limit():
    assert all(device.bram_limit_mhz is None for device in DEVICES.values() if device.family is ICE40)


def test_generic_cannot_be_fitted():
    message = "target 'generic' cannot be placed and routed; targets that can be: ecp5-12k-6, "
    with pytest.raises(ConfigError, match=re.escape(message)):
        device_for("generic")
