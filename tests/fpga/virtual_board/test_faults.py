import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamnorm.errors import ConfigError
from streamnorm_fpga.virtual_board.faults import BREAK, Faults, FaultyLine

TEXT = bytes(range(256))


def carried(*, to_board=True, **chances):
    line = FaultyLine(Faults(**chances), to_board=to_board)
    return line.carry(TEXT), line.hit


def test_a_good_line_changes_nothing():
    assert carried() == (list(TEXT), 0)


def test_a_flipped_bit_is_one_bit():
    arrived, hit = carried(corrupt=1.0)
    assert hit == len(TEXT)
    assert all((octet ^ sent).bit_count() == 1 for octet, sent in zip(arrived, TEXT, strict=True))


def test_what_is_dropped_does_not_arrive():
    assert carried(drop=1.0) == ([], len(TEXT))


def test_garbage_comes_before_what_is_sent():
    arrived, hit = carried(garbage=1.0)
    assert hit == len(TEXT)
    assert len(TEXT) * 2 <= len(arrived) <= len(TEXT) * 9
    octets = iter(arrived)
    assert all(octet in octets for octet in TEXT)  # all of them, in their order


def test_only_towards_the_board_a_stop_bit_can_be_missing():
    assert carried(framing=1.0) == ([octet | BREAK for octet in TEXT], len(TEXT))
    assert carried(framing=1.0, to_board=False) == (list(TEXT), 0)


@given(st.integers(0, 1000))
def test_a_seed_makes_the_same_faults_and_the_directions_differ(seed):
    chances = {"corrupt": 0.05, "drop": 0.05, "garbage": 0.05, "seed": seed}
    assert carried(**chances) == carried(**chances)
    assert carried(**chances) != carried(**chances, to_board=False)


def test_a_seed_that_is_none():
    with pytest.raises(ConfigError, match=r"^seed = -1: must be an integer from 0 to "):
        Faults(seed=-1)


@pytest.mark.parametrize("name", ["corrupt", "drop", "garbage", "framing"])
@pytest.mark.parametrize("chance", [-0.1, 1.5])
def test_a_chance_that_is_none(name, chance):
    with pytest.raises(ConfigError) as error:
        Faults(**{name: chance})
    assert str(error.value) == f"{name} = {chance:g}: the chance of a fault must be from 0 to 1"
