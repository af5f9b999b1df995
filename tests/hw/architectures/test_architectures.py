"""Names, plans and text of the architectures; what they compute is tested with the simulator."""

import re

import numpy as np
import pytest

from streamnorm.architectures import unit_of
from streamnorm.architectures.one_pass import NormUnit
from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm.precision.welford import WelfordPrecision
from streamnorm.spec.architectures import ARCHITECTURES, ONE_PASS, STATIC
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.verilog.emit import verilog

OTHERS = [name for name, one in ARCHITECTURES.items() if name not in (ONE_PASS, STATIC) and not one.defers]


def configuration(**changes) -> NormConfig:
    keys = {
        "name": "some_unit",
        "norm": "layernorm",
        "lanes": 4,
        "max_length": 50,
        "input": IntFormat(8, scale=0.05),
        "output": IntFormat(8, scale=0.05),
        "epsilon": 1e-5,
        "gamma": np.linspace(0.5, 1.5, 50),
        "beta": np.linspace(-1, 1, 50),
    }
    return NormConfig(**{**keys, **changes})


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "three-scans",
            "architecture = 'three-scans': must be one of one-pass, two-pass, three-scan, five-scan, "
            "three-scan:welford, five-scan:welford, static, deferred; did you mean three-scan",
        ),
        ("three-scan:welfort", "did you mean three-scan:welford"),
        ("two-pass:welford", "architecture = 'two-pass:welford': must be one of one-pass, two-pass, "),
        ("three-scan:", "architecture = 'three-scan:': must be one of one-pass, two-pass, "),
    ],
)
def test_what_is_no_architecture_is_refused(name, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        configuration(architecture=name)


def test_rms_norm_has_no_mean():
    rms = configuration(norm="rmsnorm")
    with pytest.raises(ConfigError, match="norm = 'rmsnorm' has no variance to be updated; allowed: one-pass, two"):
        rms.replace(architecture="three-scan:welford")
    two_pass = rms.replace(architecture="two-pass")
    assert isinstance(unit_of(two_pass), NormUnit)
    assert Plan.of(two_pass).report == Plan.of(rms).report
    # One scan fewer.
    for name in ("three-scan", "five-scan"):
        scans = [Plan.of(c.replace(architecture=name)).report.interval_beats for c in (configuration(), rms)]
        assert scans == [{"three-scan": 3, "five-scan": 5}[name], {"three-scan": 2, "five-scan": 4}[name]]


def test_deviations_from_the_mean_take_two_passes():
    l1 = configuration(norm="l1norm")
    assert l1.architecture == "two-pass"
    for name in ("one-pass", "five-scan", "three-scan:welford"):
        with pytest.raises(ConfigError, match=r"norm = 'l1norm' needs the mean before the deviations; allowed: two-p"):
            l1.replace(architecture=name)
    # Each further beat is one more in each pass.
    one, ten = (Plan.of(l1.replace(lanes=1)).latency(n) for n in (1, 11))
    assert ((ten.L1 - one.L1) / 10, (ten.SS - one.SS) / 10) == (2, 1)


def test_each_scan_costs_its_beats():
    config = configuration(max_length=48, lanes=1, gamma=1.5, beta=0.0)
    growth = {}
    for name in ("one-pass", "two-pass", "three-scan", "five-scan"):
        one, ten = (Plan.of(config.replace(architecture=name)).latency(n) for n in (1, 11))
        growth[name] = ((ten.L2 - one.L2) / 10, (ten.SS - one.SS) / 10)
    assert growth == {"one-pass": (0, 1), "two-pass": (1, 1), "three-scan": (2, 3), "five-scan": (4, 5)}


@pytest.mark.parametrize("name", OTHERS)
def test_verilog_has_the_same_ports_and_says_what_it_is(name):
    config = configuration()
    usual, text = verilog(config), verilog(config.replace(architecture=name))
    more = "; results are not within the error bound" if name.endswith("welford") else ""
    assert f"// Architecture: {name}{more}\n" in text
    assert "Architecture" not in usual
    head = re.compile(r"^module some_unit\(.*?\);$", re.MULTILINE | re.DOTALL)
    assert head.findall(text) == head.findall(usual) != []


def test_two_passes_without_a_mean_are_one():
    rms = configuration(norm="rmsnorm")
    line = "// Architecture: two-pass, which is one-pass where there is no mean\n"
    two_pass = rms.replace(architecture="two-pass")
    assert verilog(two_pass).replace(line, "").replace(two_pass.digest(), rms.digest()) == verilog(rms)


def test_reciprocals_are_rounded_to_nearest():
    points = WelfordPrecision(mean_frac_bits=6, reciprocal_frac_bits=10, square_frac_bits=6)
    assert points.reciprocals(5) == [0, 1024, 512, 341, 256, 205]
