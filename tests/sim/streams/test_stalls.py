import numpy as np
import pytest

from streamnorm.errors import ConfigError
from streamnorm_sim.streams.stalls import NO_STALL, PERIOD, Stall, parse_stall, parse_stalls


def test_no_stall_is_always_open():
    assert NO_STALL.open(np.random.default_rng(0)).tolist() == [1]


@pytest.mark.parametrize("probability", [0.0, 0.1, 0.5, 0.9])
def test_a_random_pattern_stalls_the_share_asked_for(probability):
    pattern = Stall.random(probability).open(np.random.default_rng(1))
    assert len(pattern) == PERIOD
    assert 1 - pattern.mean() == pytest.approx(probability, abs=0.01)


def test_even_the_most_stalled_pattern_is_open_once():
    assert Stall.random(1 - 1e-12).open(np.random.default_rng(2)).sum() >= 1


@pytest.mark.parametrize(("opened", "closed"), [(1, 1), (8, 3), (2, 40)])
def test_a_burst_pattern_has_runs_of_the_means_asked_for(opened, closed):
    pattern = Stall.burst(opened, closed).open(np.random.default_rng(3))
    edges = np.flatnonzero(np.diff(pattern)) + 1
    runs = np.diff(np.concatenate([[0], edges, [len(pattern)]]))
    assert runs[0::2].mean() == pytest.approx(opened, rel=0.05)
    assert runs[1::2].mean() == pytest.approx(closed, rel=0.05)


def test_an_explicit_pattern_says_which_cycles_are_stalled():
    assert Stall.explicit([True, False, False]).open(np.random.default_rng(0)).tolist() == [0, 1, 1]


@pytest.mark.parametrize("stalled", [[], [True, True], [[False]], [0.5]])
def test_an_explicit_pattern_must_be_booleans_that_are_open_somewhere(stalled):
    with pytest.raises(ValueError, match="must be booleans"):
        Stall.explicit(np.array(stalled))


@pytest.mark.parametrize(
    ("text", "stall"),
    [
        ("none", NO_STALL),
        ("0.3", Stall.random(0.3)),
        (" .5 ", Stall.random(0.5)),
        ("0", Stall.random(0)),
        ("random:0.25", Stall.random(0.25)),
        ("burst:8/3", Stall.burst(8, 3)),
    ],
)
def test_forms_of_one_stall(text, stall):
    assert parse_stall(text) == stall


@pytest.mark.parametrize("stall", [NO_STALL, Stall.random(0.125), Stall.burst(5, 2)])
def test_a_stall_is_written_as_it_is_read(stall):
    assert parse_stall(str(stall)) == stall


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("none", (NO_STALL, NO_STALL)),
        ("0.3", (Stall.random(0.3), Stall.random(0.3))),
        *((text, (Stall.random(1e-3),) * 2) for text in ("1e-3", "random:1E-3", "+.1e-2", "10.e-04", "0.001")),
        *((text, (Stall.random(0),) * 2) for text in ("0", "-0", "0.", "1e-999")),
        ("burst:2/1", (Stall.burst(2, 1), Stall.burst(2, 1))),
        ("source:0.3", (Stall.random(0.3), NO_STALL)),
        ("sink:burst:8/3", (NO_STALL, Stall.burst(8, 3))),
        ("source:0.3, sink:random:0.5", (Stall.random(0.3), Stall.random(0.5))),
        ("sink:none,source:burst:1/9", (Stall.burst(1, 9), NO_STALL)),
    ],
)
def test_forms_of_both_stalls(text, sides):
    assert parse_stalls(text) == sides


FORMS = (
    "must be none, P, random:P or burst:OPEN/CLOSED, or source:FORM,sink:FORM; "
    "P is the share of stalled cycles, at least 0 and below 1"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f"stall '': {FORMS}"),
        ("often", f"stall 'often': {FORMS}"),
        ("-0.1", "stall '-0.1': stall probability -0.1: must be at least 0 and below 1"),
        ("1e999", "stall '1e999': stall probability inf: must be at least 0 and below 1"),
        ("1_0e-3", f"stall '1_0e-3': {FORMS}"),
        (".", f"stall '.': {FORMS}"),
        ("٠.٣", f"stall '٠.٣': {FORMS}"),
        ("nan", f"stall 'nan': {FORMS}"),
        ("1", "stall '1': stall probability 1: must be at least 0 and below 1"),
        ("random:1.5", "stall 'random:1.5': stall probability 1.5: must be at least 0 and below 1"),
        ("burst:8", f"stall 'burst:8': {FORMS}"),
        ("burst:0/3", "stall 'burst:0/3': run of cycles = 0: must be an integer from 1 to 1000"),
        ("burst:1/1001", "stall 'burst:1/1001': run of cycles = 1001: must be an integer from 1 to 1000"),
        ("sink:", "stall 'sink:': a FORM is missing behind sink:; " + FORMS),
        ("source:0.1, sink: ", "stall 'sink:': a FORM is missing behind sink:; " + FORMS),
        ("source:0.1,", "stall 'source:0.1,': must begin with source: or sink:, as in source:0.3,sink:none"),
        ("source:often", f"stall 'often': {FORMS}"),
        ("source:0.1,source:0.2", "stall 'source:0.1,source:0.2': names source twice"),
        ("0.1,0.2", "stall '0.1': must begin with source: or sink:, as in source:0.3,sink:none"),
        ("source:0.1,drain:0.2", "stall 'drain:0.2': must begin with source: or sink:, as in source:0.3,sink:none"),
    ],
)
def test_what_is_no_stall_is_refused_with_what_is_allowed(text, message):
    with pytest.raises(ConfigError) as error:
        parse_stalls(text)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, f"stall None: {FORMS}"),
        (True, f"stall True: {FORMS}"),
        (2, "stall probability 2: must be at least 0 and below 1"),
        (float("nan"), "stall probability nan: must be at least 0 and below 1"),
    ],
)
def test_what_is_neither_text_nor_a_share_is_refused(given, message):
    with pytest.raises(ConfigError) as error:
        parse_stalls(given)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"kind": "x"}, "kind of stall = 'x': must be one of none, random, burst, explicit"),
        ({"kind": []}, "kind of stall = []: must be one of none, random, burst, explicit"),
        ({"kind": "burst"}, "run of cycles = 0: must be an integer from 1 to 1000"),
        ({"kind": "random", "probability": 1}, "stall probability 1: must be at least 0 and below 1"),
        ({"kind": "explicit"}, "an explicit stall pattern must be booleans of shape (cycles,), not all stalled"),
    ],
)
def test_a_stall_is_checked_however_it_is_made(keys, message):
    with pytest.raises(ConfigError) as error:
        Stall(**keys)
    assert str(error.value) == message


def test_stalls_are_equal_whatever_they_were_made_of():
    assert Stall.burst(np.int64(2), 3) == Stall("burst", open_cycles=2, closed_cycles=3)
    assert hash(Stall.explicit(np.array([True, False]))) == hash(Stall("explicit", cycles=(True, False)))


@pytest.mark.parametrize("text", ["x" * 3000, f"source:{'x' * 3000}", f"burst:{'9' * 5000}/1", f"{'x' * 3000},sink:1"])
def test_a_long_text_is_not_repeated_whole(text):
    with pytest.raises(ConfigError) as error:
        parse_stalls(text)
    assert len(str(error.value)) < 300


def test_a_number_is_the_share_of_both():
    assert parse_stalls(0.2) == parse_stalls("0.2")
    with pytest.raises(ConfigError, match="stall probability None: must be at least 0 and below 1"):
        Stall.random(None)
