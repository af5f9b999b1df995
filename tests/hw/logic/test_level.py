"""The counter that tells at once whether anything is left."""

import random

import pytest

from hw.simulation import trace
from streamnorm.logic.level import UNARY_MAX, Level


@pytest.mark.parametrize("maximum", [1, 2, 5, UNARY_MAX, UNARY_MAX + 1, 40])
@pytest.mark.parametrize("reserve", [0, 1])
def test_some_is_exact(maximum, reserve):
    generator = random.Random(maximum)
    if maximum <= reserve:
        pytest.skip("nothing could ever be left")
    for init in {0, reserve + 1, maximum}:
        level, inputs, expected = init, [], []
        for cycle in range(400):
            expected.append({"some": int(level > reserve)})
            # Drift to one end, then to the other: every level is reached.
            up = level < maximum and generator.random() < (0.7 if cycle // 60 % 2 else 0.3)
            down = level > 0 and generator.random() < (0.3 if cycle // 60 % 2 else 0.7)
            inputs.append({"up": int(up), "down": int(down)})
            level += up - down
        assert trace(Level(maximum=maximum, init=init, reserve=reserve), inputs, ["some"]) == expected


def test_some_next_is_some_a_cycle_early():
    generator, level, inputs = random.Random(1), 3, []
    for _ in range(300):
        up, down = level < 6 and generator.random() < 0.5, level > 0 and generator.random() < 0.5
        inputs.append({"up": int(up), "down": int(down)})
        level += up - down
    seen = trace(Level(maximum=6, init=3), inputs, ["some", "some_next"])
    assert [now["some"] for now in seen[1:]] == [before["some_next"] for before in seen[:-1]]
