"""Norms of a layer in their order, schedules over the layers, and pruned norms."""

from typing import Any

import pytest

from sim.workload.small_model import model
from streamnorm.errors import ConfigError
from streamnorm_sim.workload import STYLES, steps


def sites(**changes: Any) -> list[str]:
    """Steps of the layers, side by side norms joined, a layer after the other."""
    (stack,) = model(**{"final_norm": False, "layers": 1, **changes}).stacks
    return ["+".join(call.site for call in step) for step in steps(stack)]


OF_STYLES = [
    ("pre", ["attention-in", "ffn-in"]),
    ("post", ["attention-sum", "ffn-sum"]),
    ("peri", ["attention-in", "attention-out", "ffn-in", "ffn-out"]),
    ("output", ["attention-out", "ffn-out"]),
    ("parallel", ["block-in"]),
    ("parallel-two", ["attention-in+ffn-in"]),
    ("none", []),
    ("deepnorm", ["attention-sum", "ffn-sum"]),
    ("layernorm-scaling", ["attention-in", "ffn-in"]),
    ("normformer", ["attention-in", "attention-out", "ffn-in", "ffn-inner"]),
]


@pytest.mark.parametrize(("style", "expected"), OF_STYLES)
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
        ("mix:3", ["post", "post", "post", "pre"]),
        ("mix:0", ["pre"] * 4),
        ("mix: 4", ["post"] * 4),
        ("layernorm-scaling:1, normformer", ["layernorm-scaling"] + ["normformer"] * 3),
        ("fixup", ["none"] * 4),
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


def test_every_style_is_in_the_test_of_its_norms():
    assert {style for style, _ in OF_STYLES} == set(STYLES)


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ("mix:5", "there are 4 layers"),
        ("mix:1, pre", "mix stands alone, as in mix or mix:8; or say post:8, pre"),
        ("mix:-1", "mix stands alone, as in mix or mix:8; or say post:8, pre"),
        ("pre:1, fixup", "fixup stands alone, as in fixup; or say post:8, pre"),
        ("deepnorm:2, pre", "deepnorm must be the style of all layers; its constants are of all of them"),
    ],
)
def test_what_stands_alone_is_refused_beside_others(schedule, message):
    with pytest.raises(ConfigError) as caught:
        model(placement=schedule)
    assert str(caught.value) == f"placement = {schedule!r}: {message}"


@pytest.mark.parametrize("schedule", ["deepnorm:4", "deepnorm:4, pre:0", "deepnorm, pre:0"])
def test_deepnorm_of_all_layers_may_be_counted(schedule):
    assert list(model(placement=schedule).stacks[0].schedule) == ["deepnorm"] * 4


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
        ("ffn in", "pruned: 'ffn in': must be SITE or SITE:LAYERS, as in ffn-in:20-31"),
        ("embedding", "pruned: embedding: no such norm in these layers; the sites are attention-in, ffn-in, final"),
        ("final:1", "pruned: final: no such norm in these layers; the sites are attention-in, ffn-in"),
        ("ffn-in:4", "pruned: 'ffn-in:4': layers go from 0 to 3"),
        ("ffn-in:2-1", "pruned: 'ffn-in:2-1': layers go from 0 to 3"),
        ("ffn-out:1", "pruned: ffn-out: no such norm in these layers; the sites are attention-in, ffn-in"),
    ],
)
def test_what_cannot_be_pruned_is_said(entry, message):
    with pytest.raises(ConfigError) as caught:
        steps(model(pruned=[entry]).stacks[0])
    assert str(caught.value) == message


def test_norms_are_pruned_at_all_layers_and_at_the_ends():
    assert sites(pruned=["ffn-in", "final"], final_norm=True, layers=2) == ["attention-in", "attention-in"]
    assert sites(pruned=["*"], embedding_norm=True, final_norm=True, qk_norm="head") == []
    assert sites(pruned=["*:0"], embedding_norm=True, final_norm=True) == ["embedding", "final"]


def test_fixup_has_no_norms_at_all():
    ends = {"embedding_norm": True, "final_norm": True, "qk_norm": "head"}
    assert sites(placement="none", **ends) == ["embedding", "q+k", "final"]
    assert sites(placement="fixup", **ends) == []
    assert sites(placement=" fixup ", **ends) == []
    assert sites(placement="fixup", final_norm=False) == []


def test_normformer_normalizes_the_inner_row():
    (stack,) = model(placement="normformer", ffn=[64, 48, 40, 32], cross_attention=True).stacks
    found = [call for step in steps(stack) for call in step]
    assert [call.length for call in found if call.site == "ffn-inner"] == [64, 48, 40, 32]
    assert [call.site for call in found if call.layer == 0] == [
        "attention-in", "attention-out", "cross-attention-in", "cross-attention-out", "ffn-in", "ffn-inner"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"experts": 4, "experts_per_token": 2}, "placement: normformer: goes without experts"),
        (
            {"ffn": 20000},
            "placement: normformer: normalizes the inner row of the feed-forward, which has 20000 elements; must be at "
            "most 16384",
        ),
    ],
)
def test_what_normformer_cannot_be_is_said(changes, message):
    with pytest.raises(ConfigError) as caught:
        model(placement="normformer", **changes)
    assert str(caught.value) == message
