"""What was generated before is generated again, byte for byte, whatever moves inside the generator."""

import json
import re

import pytest

from ladder.verilog_hashes import HASHES, NAMES, unit
from streamnorm.spec.architectures import ARCHITECTURES
from streamnorm.spec.norms import NORMS
from streamnorm.spec.roots import ROOTS
from streamnorm.verilog.emit import body_hash, verilog


@pytest.mark.parametrize("name", NAMES)
def test_verilog_stays_as_it_is_and_reads_well(name: str) -> None:
    text = verilog(unit(name))
    reads_well(text)
    hashes = json.loads(HASHES.read_text())
    assert body_hash(text) == hashes[name], (
        f"the Verilog of {name} has changed; if it is meant to: python tests/ladder/verilog_hashes.py and "
        "python tools/example_fits.py, in a commit of its own that says why"
    )


def reads_well(text: str) -> None:
    """No name is a number of the back end, no line is long, and each module says what it does."""
    lines = text.splitlines()
    code = "\n".join(line for line in lines if not line.startswith(("//", "/*", "`")))
    assert not re.findall(r"[^\s(]*\$(?!signed|unsigned|clog2)\S*", code)
    assert not re.findall(r"\bpart_\d+_\d+\b|\[-1:0\]", code)
    assert max(map(len, lines)) <= 120
    assert text.isascii()
    modules = [index for index, line in enumerate(lines) if line.startswith("module ")]
    comments = [lines[index - 1] for index in modules]
    assert len(comments) > 10
    assert all(comment.startswith("// ") for comment in comments)
    assert not [comment for comment in comments if "`" in comment or ":class:" in comment or "module above" in comment]


def test_the_guarded_units_differ_in_everything_that_shapes_them() -> None:
    configs = [unit(name) for name in NAMES]
    assert {config.norm for config in configs} == set(NORMS)
    assert {config.rsqrt.method for config in configs} == set(ROOTS)
    assert {config.architecture for config in configs} == {
        name for name, one in ARCHITECTURES.items() if not one.defers
    }
    assert {config.target.rpartition("-")[0] for config in configs} >= {"ice40", "ecp5-85k", "ecp5-25k", ""}
    assert {config.storage for config in configs} == {"rom", "ram"}
    assert {config.accuracy for config in configs} == {"faithful", "tight", "as-is"}
    assert {1, 2, 3, 5, 7, 8} <= {config.lanes for config in configs}
    assert any(config.min_length >= 16 * config.lanes for config in configs)
    assert any(config.banks > 1 for config in configs)
    assert set(json.loads(HASHES.read_text())) == set(NAMES)
