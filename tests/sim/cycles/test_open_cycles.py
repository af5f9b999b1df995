import numpy as np
import pytest

from streamnorm.errors import ConfigError
from streamnorm_sim.cycles.model.open_cycles import ALWAYS, open_cycles

PATTERNS = {
    "one cycle in three": [False, True, False],
    "0 and 1": np.array([1, 1, 0], np.uint8),
    "closed at first": [[0, 7]],
    "two that touch": np.array([[3, 5], [5, 9], [10, 11]]),
    "far away": [[1000, 2000]],
    "always": None,
}


def truth(pattern, cycle):
    array = np.asarray(pattern)
    if pattern is None:
        return True
    if array.ndim == 1:
        return bool(array[cycle % len(array)])
    return not any(start <= cycle < stop for start, stop in array)


@pytest.mark.parametrize("name", PATTERNS)
def test_counting_and_its_inverse(name):
    pattern = PATTERNS[name]
    cycles = open_cycles("sink", pattern)
    is_open = np.array([truth(pattern, cycle) for cycle in range(2500)])
    assert cycles.rank(np.arange(2500)).tolist() == (np.cumsum(is_open) - is_open).tolist()
    there = np.flatnonzero(is_open)
    assert cycles.select(np.arange(len(there))).tolist() == there.tolist()
    for cycle in [*range(60), *range(990, 1010), 1999, 2000]:
        assert cycles.following(cycle) == there[np.searchsorted(there, cycle)]


def test_what_is_always_open_costs_nothing():
    for pattern in (None, [True, True], np.zeros((0, 2), np.int64), ALWAYS):
        assert open_cycles("sink", pattern) is ALWAYS


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ([False, False], "sink is never open: at least one cycle of the pattern must be true"),
        ([], r"sink is float64 of shape \(0,\): must be booleans \(cycles,\) or integers \(intervals, 2\)"),
        ([0.5], r"sink is float64 of shape \(1,\): must be booleans"),
        ([1, 2], r"sink is int64 of shape \(2,\): must be booleans"),
        ("0.3", "sink is str: must be None, booleans, or pairs of cycles"),
        ([[5, 5]], "sink interval 0 is from 5 to before 5: must not be empty"),
        ([[-1, 5]], r"sink\[0, 0\] = -1: must be from 0 to 9007199254740992"),
        ([[1, 5], [4, 6]], "sink interval 1 is from 4 to before 6: must not"),
    ],
)
def test_what_is_no_pattern_is_refused(pattern, message):
    with pytest.raises(ConfigError, match=f"^{message}"):
        open_cycles("sink", pattern)
