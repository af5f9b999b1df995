"""LUTs of units with other roots are estimated from the default's, and are right within what an estimate promises."""

import pytest

from streamnorm.plan.luts import LUT_ERROR, estimated_luts
from streamnorm.plan.plan import Plan
from streamnorm.spec.config import NormConfig

# LUTs on ECP5, logic cells on iCE40: what yosys 0.70 made of the examples with each method.
SYNTHESIZED = {
    ("bert_int8", "linear"): 2553, ("bert_int8", "quadratic"): 2796, ("bert_int8", "table-newton"): 2782,
    ("bert_int8", "goldschmidt"): 2783, ("bert_int8", "fast-inverse"): 2868, ("bert_int8", "vfrsqrt7"): 2857,
    ("bert_int8", "iterl2norm"): 3474, ("bert_int8", "non-restoring"): 3990, ("bert_int8", "binary-search"): 5469,
    ("bert_int8", "cordic"): 5761, ("hx8k_layernorm", "linear"): 4673, ("hx8k_layernorm", "quadratic"): 4603,
    ("hx8k_layernorm", "table-newton"): 4738, ("hx8k_layernorm", "goldschmidt"): 4749,
    ("hx8k_layernorm", "fast-inverse"): 5206, ("hx8k_layernorm", "vfrsqrt7"): 5164,
}  # fmt: skip


@pytest.mark.parametrize(("example", "method"), SYNTHESIZED, ids=" ".join)
def test_an_estimate_is_near_what_was_synthesized(examples, example, method):
    config = NormConfig.from_toml(examples / f"{example}.toml").replace(rsqrt=method, accuracy="as-is")
    estimate = estimated_luts(Plan.of(config))
    assert estimate is not None
    assert abs(estimate / SYNTHESIZED[example, method] - 1) <= LUT_ERROR
