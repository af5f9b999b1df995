"""Norms of a layer in their order, schedules over the layers, and pruned norms."""

from typing import Any

import pytest

from sim.workload.small_model import model
from streamnorm.errors import ConfigError
from streamnorm_sim.workload import steps


def sites(**changes: Any) -> list[str]:
    """Steps of the layers, side by side norms joined, a layer after the other."""
    (stack,) = model(**{"final_norm": False, "layers": 1, **changes}).stacks
    return ["+".join(call.site for call in step) for step in steps(stack)]


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("pre", ["attention-in", "ffn-in"]),
        ("post", ["attention-sum", "ffn-sum"]),
        ("peri", ["attention-in", "attention-out", "ffn-in", "ffn-out"]),
        ("output", ["attention-out", "ffn-out"]),
        ("parallel", ["block-in"]),
        ("parallel-two", ["attention-in+ffn-in"]),
        ("none", []),
    ],
)
def test_each_style_has_its_norms_in_order(style, expected):
    assert sites(placement=style) == expected


def test_norms_of_queries_and_keys_stand_between_input_and_output():
    assert sites(placement="peri", qk_norm="head") == ["attention-in", "q+k", "attention-out", "ffn-in", "ffn-out"]
    assert sites(placement="parallel", qk_norm="head") == ["block-in", "q+k"]


def test_ends_and_cross_attention():
    assert sites(embedding_norm=True, final_norm=True) == ["embedding", "attention-in", "ffn-in", "final"]
    assert sites(cross_attention=True) == ["attention-in", "cross-attention-in", "ffn-in"]


@pytest.mark.parametrize(
    ("kind", "expected"), [("head", [("q", 8, 4), ("k", 8, 2)]), ("model", [("q", 32, 1), ("k", 16, 1)])]
)
def test_queries_and_keys_are_rows_of_their_own(kind, expected):
    (stack,) = model(qk_norm=kind, kv_heads=2).stacks
    assert [(call.site, call.length, call.rows) for call in steps(stack)[1]] == expected


def test_heads_may_differ_from_layer_to_layer():
    (stack,) = model(heads=[2, 4, 6, 8], kv_heads=[1, 2, 3, 4], head_dim=8, qk_norm="head").stacks
    assert [step[0].rows for step in steps(stack) if step[0].site == "q"] == [2, 4, 6, 8]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("post:1, pre", ["post", "pre", "pre", "pre"]),
        ("pre, none:1", ["pre", "pre", "pre", "none"]),
        ("post:2,peri:2", ["post", "post", "peri", "peri"]),
        ("mix", ["post", "pre", "pre", "pre"]),
        ("post:0,pre", ["pre"] * 4),
    ],
)
def test_a_schedule_gives_each_layer_its_style(schedule, expected):
    assert list(model(placement=schedule).stacks[0].schedule) == expected


@pytest.mark.parametrize(
    "schedule", ["post:5, pre", "post:1", "pre, post", "post:2,pre:1", "post:-1,pre", "post:,pre", "", 3]
)
def test_a_schedule_that_fits_not_is_refused(schedule):
    with pytest.raises(ConfigError, match=r"^placement = "):
        model(placement=schedule)


def test_mix_takes_no_number():
    with pytest.raises(ConfigError, match=r"placement = 'mix:4': mix stands alone, without a number"):
        model(placement="mix:4")


def test_mix_is_post_norm_in_the_first_quarter():
    assert list(model(placement="mix", layers=12).stacks[0].schedule) == ["post"] * 3 + ["pre"] * 9


def test_pruned_norms_are_left_out():
    (stack,) = model(pruned=["ffn-in:1-2", "*:3"]).stacks
    assert [(call.site, call.layer) for (call,) in steps(stack)] == [
        ("attention-in", 0), ("ffn-in", 0), ("attention-in", 1), ("attention-in", 2), ("final", None)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("ffn-in", "pruned: 'ffn-in': must be SITE:LAYERS, as in ffn-in:20-31"),
        ("ffn-in:4", "pruned: 'ffn-in:4': layers go from 0 to 3"),
        ("ffn-in:2-1", "pruned: 'ffn-in:2-1': layers go from 0 to 3"),
        ("ffn-out:1", "pruned: ffn-out: no such norm in these layers; the sites are attention-in, ffn-in"),
    ],
)
def test_what_cannot_be_pruned_is_said(entry, message):
    with pytest.raises(ConfigError) as caught:
        steps(model(pruned=[entry]).stacks[0])
    assert str(caught.value) == message
