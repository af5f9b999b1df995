"""Units whose root takes so many cycles that its rows are too many for a fast clock."""

import pytest

from streamnorm.plan.limits import Limits
from streamnorm.plan.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat


def notices(**keys: object) -> str:
    unit = {
        "norm": "layernorm", "lanes": 8, "max_length": 768, "epsilon": 1e-5, "input": IntFormat(8, scale=0.05),
        "output": IntFormat(8, scale=0.08), "rsqrt": "cordic", "target": "ecp5-85k-6", "clock_mhz": 200,
    }  # fmt: skip
    plan = Plan.of(NormConfig(**{**unit, **keys}))
    return "\n".join(Limits(plan).notices)


def test_many_steps_one_behind_the_other_are_told_at_a_fast_clock():
    assert "rows may be on their way while the steps of its root (CORDIC) stand one behind the other" in notices()


@pytest.mark.parametrize("keys", [{"clock_mhz": 150}, {"min_length": 768}, {"rsqrt": "table"}], ids=str)
def test_a_slower_clock_or_longer_rows_or_fewer_steps_need_no_word(keys):
    assert "on their way" not in notices(**keys)
