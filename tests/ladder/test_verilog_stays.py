"""What was generated before is generated again, byte for byte, whatever moves inside the generator."""

import json

import pytest

from ladder.verilog_hashes import HASHES, NAMES, unit, verilog_hash
from streamnorm.spec.architectures import ARCHITECTURES
from streamnorm.spec.norms import NORMS


@pytest.mark.parametrize("name", NAMES)
def test_verilog_stays_as_it_is(name: str) -> None:
    hashes = json.loads(HASHES.read_text())
    assert verilog_hash(name) == hashes[name], (
        f"the Verilog of {name} has changed; if it is meant to: python tests/ladder/verilog_hashes.py, in a commit "
        "of its own that says why"
    )


def test_the_guarded_units_differ_in_everything_that_shapes_them() -> None:
    configs = [unit(name) for name in NAMES]
    assert {config.norm for config in configs} == set(NORMS)
    assert {config.architecture for config in configs} == set(ARCHITECTURES)
    assert {config.target.rpartition("-")[0] for config in configs} >= {"ice40", "ecp5-85k", "ecp5-25k", ""}
    assert {config.storage for config in configs} == {"rom", "ram"}
    assert {config.accuracy for config in configs} == {"faithful", "tight"}
    assert {1, 2, 3, 5, 7, 8} <= {config.lanes for config in configs}
    assert any(config.min_length >= 16 * config.lanes for config in configs)
    assert any(config.banks > 1 for config in configs)
    assert set(json.loads(HASHES.read_text())) == set(NAMES)
