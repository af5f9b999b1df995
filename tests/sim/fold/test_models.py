"""Whole Pre-LN models to RMSNorm and CRMSNorm, and scaled norms: end to end, tensor by tensor, and what is refused."""

import re
from dataclasses import replace

import numpy as np
import pytest

from small_transformers import (
    BLOCKS,
    MODELS,
    PATCH,
    PLACES,
    VOCABULARY,
    WIDTH,
    crmsnorm,
    drawn,
    layernorm,
    rmsnorm,
    run,
)
from streamnorm import ConfigError
from streamnorm_sim.fold import fold_flashnorm, fold_layernorm_scaling, recentre
from streamnorm_sim.fold.model import NAMINGS, Naming, Read, Tied, preln_to_crms, preln_to_rms, scale_norms
from streamnorm_sim.streams.seeds import seeded

ROUNDING = 1e-12
"""Of outputs of some units, after some ten matrices."""

presets = pytest.mark.parametrize("preset", MODELS)
folds = pytest.mark.parametrize(("fold", "norm"), [(preln_to_rms, rmsnorm), (preln_to_crms, crmsnorm)])


def given(preset, rng):
    if MODELS[preset].patches:
        return rng.normal(size=(PLACES - 1, 3, PATCH, PATCH))
    return rng.integers(0, VOCABULARY, PLACES)


def model(preset, seed=0):
    rng = seeded(seed)
    return MODELS[preset], drawn(MODELS[preset], rng), given(preset, rng)


def off(got, want):
    return np.abs(got - want).max() / np.abs(want).max()


def test_every_preset_is_tried():
    assert set(MODELS) == set(NAMINGS)


@presets
@folds
def test_the_folded_model_is_the_model(preset, fold, norm):
    names, tensors, tokens = model(preset)
    want = run(names, tensors, tokens, layernorm)
    before = {name: array.copy() for name, array in tensors.items()}
    folded = fold(tensors, NAMINGS[preset])
    assert off(run(names, folded.tensors, tokens, norm), want) < ROUNDING
    assert all(np.array_equal(tensors[name], before[name]) for name in tensors)
    assert folded.width == WIDTH
    # It is the folding that does it: the norm alone is something else.
    assert off(run(names, tensors, tokens, rmsnorm), want) > 0.01


@presets
@folds
def test_the_report_tells_what_differs(preset, fold, norm):
    _, tensors, _ = model(preset)
    folded = fold(tensors, NAMINGS[preset])
    assert [name for name in folded.tensors if name in tensors] == list(tensors)
    assert {change.tensor for change in folded.changes} | set(folded.left) == set(folded.tensors)
    for name in folded.left:
        assert folded.tensors[name] is tensors[name]
    for change in folded.changes:
        assert change.before == (tensors[change.tensor].shape if change.tensor in tensors else None)
        assert change.after == folded.tensors[change.tensor].shape
        assert change.what.startswith("new: ") == (change.before is None)
        assert folded.tensors[change.tensor].dtype == np.float64
    assert len({change.tensor for change in folded.changes}) == len(folded.changes)


@presets
def test_to_rmsnorm_only_what_writes_to_the_stream_is_changed(preset):
    names, tensors, _ = model(preset)
    folded = preln_to_rms(tensors, NAMINGS[preset])
    writers = [each.format(block) for each in (names.out, names.down) for block in range(BLOCKS)]
    writers += [names.patches] if names.patches else []
    changed = {f"{name}.{part}" for name in writers for part in ("weight", "bias")} | set(names.tables)
    changed |= {f"{names.head}.weight"} if names.tied else set()
    assert {change.tensor for change in folded.changes} == changed
    for table in names.tables:
        flat = tensors[table].reshape(-1, WIDTH)
        want = recentre(flat, layout="in-out").weight.reshape(tensors[table].shape)
        assert np.array_equal(folded.tensors[table], want)
    for name in writers:
        weight = tensors[f"{name}.weight"]
        layout = "out-in" if weight.ndim > 2 else names.layout
        flat = weight.reshape(len(weight), -1)
        want = recentre(flat, tensors[f"{name}.bias"], layout=layout)
        assert np.array_equal(folded.tensors[f"{name}.weight"], want.weight.reshape(weight.shape))
        assert np.array_equal(folded.tensors[f"{name}.bias"], want.bias)


@presets
def test_to_crmsnorm_layers_behind_a_norm_take_it_in_and_the_stream_is_narrower(preset):
    names, tensors, _ = model(preset)
    folded = preln_to_crms(tensors, NAMINGS[preset]).tensors
    first, second = names.norms
    behind = [*((name, first) for name in names.qkv), (names.up, second)]
    pairs = [(name.format(block), norm.format(block)) for name, norm in behind for block in range(BLOCKS)]
    for name, norm in pairs:
        want = fold_flashnorm(
            tensors[f"{name}.weight"],
            tensors[f"{norm}.weight"],
            tensors[f"{norm}.bias"],
            tensors[f"{name}.bias"],
            layout=names.layout,
            crmsnorm=True,
        )
        assert np.array_equal(folded[f"{name}.weight"], want.weight)
        assert np.array_equal(folded[f"{name}.bias"], want.bias)
    for norm in (*names.norms, names.final):
        assert np.array_equal(folded[f"{norm.format(0)}.weight"], np.ones(WIDTH - 1))
        assert np.array_equal(folded[f"{norm.format(0)}.bias"], np.zeros(WIDTH - 1))
    for name in (names.out, names.down):
        assert folded[f"{name.format(0)}.bias"].shape == (WIDTH - 1,)
    assert folded[f"{names.head}.weight"].shape == (VOCABULARY, WIDTH - 1)
    assert folded[f"{names.head}.bias"].shape == (VOCABULARY,)
    for table in names.tables:
        assert folded[table].shape == (*tensors[table].shape[:-1], WIDTH - 1)


@pytest.mark.parametrize("preset", [name for name, names in MODELS.items() if names.tied])
@folds
def test_a_table_that_is_the_head_too_becomes_two(preset, fold, norm):
    names, tensors, tokens = model(preset)
    table, head = names.tables[0], f"{names.head}.weight"
    want = run(names, tensors, tokens, layernorm)
    folded = fold(tensors, NAMINGS[preset])
    assert folded.separated == ((table, head),)
    if fold is preln_to_rms:
        assert np.array_equal(folded.tensors[head], tensors[table])
    # The trap: still tied, the head would be the re-centred table.
    assert off(run(names, folded.tensors, tokens, norm, head=table), want) > 0.01
    # A file that holds both holds the same afterwards; one in which they differ had two to begin with.
    both = fold({**tensors, head: tensors[table]}, NAMINGS[preset])
    assert both.separated == ((table, head),)
    assert np.array_equal(both.tensors[head], folded.tensors[head])
    other = {**tensors, head: 2 * tensors[table]}
    assert fold(other, NAMINGS[preset]).separated == ()
    assert off(run(names, fold(other, NAMINGS[preset]).tensors, tokens, norm), 2 * want) < ROUNDING


@folds
def test_a_head_that_a_preset_does_not_tie_is_tied_by_a_naming_more(fold, norm):
    names, tensors, tokens = model("gpt-neox")
    names = replace(names, tied=True)
    del tensors["embed_out.weight"]
    want = run(names, tensors, tokens, layernorm)
    folded = fold(tensors, NAMINGS["gpt-neox"], Naming(tied=(Tied("*embed_in", "embed_out", "*final_layer_norm"),)))
    assert off(run(names, folded.tensors, tokens, norm), want) < ROUNDING


@folds
@pytest.mark.parametrize("layout", ["out-in", "in-out"])
def test_a_model_by_patterns_alone(fold, norm, layout):
    names, tensors, tokens = model("gpt2")
    if layout == "out-in":
        names = replace(names, layout=layout)
        linear = re.compile(r".*c_(attn|proj|fc)\.weight")
        tensors = {name: array.T.copy() if linear.match(name) else array for name, array in tensors.items()}
    naming = Naming(
        tables=("wte.weight", "wpe"),
        writers=("*.c_proj",),
        reads=(Read("h.*.attn.c_attn.weight", "h.*.ln_1.weight"), Read("*.mlp.c_fc", "*.ln_2")),
        tied=(Tied("wte", "lm_head", "ln_f"),),
        layout=layout,
    )
    want = run(names, tensors, tokens, layernorm)
    assert off(run(names, fold(tensors, naming).tensors, tokens, norm), want) < ROUNDING


@folds
def test_norms_and_layers_without_beta_and_bias(fold, norm):
    names, tensors, tokens = model("gpt-neox")
    bare = {name: array for name, array in tensors.items() if not name.endswith(".bias")}
    zero = {name: np.zeros_like(array) for name, array in tensors.items() if name.endswith(".bias")}
    folded = fold(bare, NAMINGS["gpt-neox"])
    assert set(folded.tensors) == set(bare)
    kept = WIDTH - (norm is crmsnorm)
    narrow = {name: array[:kept] if array.size == WIDTH else array for name, array in zero.items()}
    want = run(names, {**bare, **zero}, tokens, layernorm)
    assert off(run(names, {**folded.tensors, **narrow}, tokens, norm), want) < ROUNDING


@folds
def test_a_tied_head_that_nobody_named_is_found_by_its_norm(fold, norm):
    """Nothing of the file reads the norm at the end, which then is of the stream's width and unknown."""
    names, tensors, tokens = model("gpt-neox")
    del tensors["embed_out.weight"]
    with pytest.raises(
        ConfigError, match=r"^gpt_neox\.final_layer_norm\.(weight|bias): has shape .16,., 16 is the width"
    ):
        fold(tensors, NAMINGS["gpt-neox"])
    # A model without a head is left with its norm, if one says so; CRMSNorm has no layer to put gamma and beta into.
    left = Naming(left=("*final_layer_norm",))
    if norm is rmsnorm:
        folded = fold(tensors, NAMINGS["gpt-neox"], left).tensors
        identity = {"embed_out.weight": np.eye(WIDTH)}
        want = run(names, {**tensors, **identity}, tokens, layernorm)
        assert off(run(names, {**folded, **identity}, tokens, norm), want) < ROUNDING


def test_masks_of_old_files_are_left_alone():
    _, tensors, _ = model("gpt2")
    masks = {"h.0.attn.bias": np.ones((1, 1, WIDTH, WIDTH), bool), "h.0.attn.masked_bias": np.array(-1e4)}
    folded = preln_to_crms({**tensors, **masks}, NAMINGS["gpt2"])
    assert set(masks) <= set(folded.left)


def test_lists_do_too_and_float32_is_read_as_it_is():
    naming = Naming(tables=("t",), reads=(Read("head", "norm"),))
    tensors = {
        "t": [[1, 2, 6]],
        "norm.weight": np.array([1, 2, 3], "f4"),
        "norm.bias": [0, 0, 1],
        "head.weight": np.array([[0.1, 1, 2]], "f4"),
    }
    folded = preln_to_crms(tensors, naming).tensors
    assert folded["t"].tolist() == [[-2, -1]]
    assert folded["head.weight"].tolist() == [[float(np.float32(0.1)) - 6, -4]]
    assert folded["head.bias"].tolist() == [2]


def small(**changes):
    tensors = {
        "t.weight": np.ones((5, 3)),
        "0.norm.weight": np.ones(3),
        "0.up.weight": np.ones((4, 3)),
        "0.down.weight": np.ones((3, 4)),
        "norm.weight": np.ones(3),
        "head.weight": np.ones((5, 3)),
    }
    return {name: array for name, array in {**tensors, **changes}.items() if array is not None}


def patterns(**changes):
    naming = Naming(tables=("t",), writers=("*.down",), reads=(Read("*.up", "*.norm"),), heads=(Read("head", "norm"),))
    return replace(naming, **changes)


@folds
def test_the_small_model_of_the_refusals_is_none(fold, norm):
    assert fold(small(), patterns()).width == 3


@folds
@pytest.mark.parametrize(
    ("tensors", "naming", "message"),
    [
        (small(), patterns(writers=("*.dwn",)), "'*.dwn': matches none of the model's names; the first are 't', '0.no"),
        (small(), patterns(layout="io"), "layout = 'io': must be one of out-in, in-out"),
        (small(), patterns(layout="in-out"), "0.down.weight: has shape (3, 4), 4 outputs as in-out; must have 3, the "),
        (small(), patterns(writers=(), tables=()), "nothing that writes to the stream is matched; the first are 't'"),
        (small(), patterns(reads=(), heads=()), "no layer that reads a norm is matched; the first are 't', '0.norm'"),
        (small(), patterns(heads=(Read("head", "nrm"),)), "'nrm': matches none of the model's names; must be the one"),
        (small(), patterns(heads=(Read("head", "*norm"),)), "'*norm': matches 0.norm, norm; must be the one norm that"),
        (small(), patterns(reads=(Read("*.up", "*.nrm"),)), "0.up: is to read 0.nrm, which is not there; did you mean"),
        (small(), patterns(reads=(Read("*.up", "*.*"),)), "'*.*': has 2 stars; must have 1, as '*.up', whose stars"),
        (small(), patterns(heads=(Read("*.up", "norm"),)), "0.up: is said to read 0.norm and norm; it can read one"),
        (small(), patterns(tables=("t", "head")), "head: writes to the stream, by one pattern, and reads a"),
        (small(), patterns(tables=("t", "norm")), "norm: writes to the stream, by one pattern, and is a no"),
        (small(), patterns(reads=(Read("*.up", "*.down"),)), "0.down.weight: has shape (3, 4); must be (n,), as it"),
        (
            small(),
            patterns(tied=(Tied("t", "top", "nrm"),)),
            "'nrm': matches none of the model's names; must be the on",
        ),
        (small(), patterns(tied=(Tied("t", "head", "0.norm"),)), "head: is said to read norm and 0.norm; it can read"),
        (small(), patterns(tied=(Tied("*", "head", "norm"),)), "'*': matches t and 0.norm; must be one table"),
        (small(), patterns(left=("x",)), "'x': matches none of the model's names; the first are 't.weight'"),
        (small(extra=np.ones((3, 7))), patterns(), "extra: has shape (3, 7), 3 is the width of the stream, and no pat"),
        (small(**{"norm.weight": np.ones(4)}), patterns(), "norm.weight: has 4 values; must have 3, as 0.norm.weight:"),
        (
            small(**{"head.weight": np.ones((5, 4))}),
            patterns(),
            "head.weight: has shape (5, 4), 4 inputs as out-in; mu",
        ),
        (small(**{"head.weight": np.ones(3)}), patterns(), "head.weight: has shape (3,); must be two dimensions, as a"),
        (small(**{"0.down.bias": np.ones(4)}), patterns(), "0.down.bias: has shape (4,); must be (3,), as outputs of"),
        (small(**{"head.bias": np.ones(4)}), patterns(), "head.bias: has shape (4,); must be (5,), as outputs of head"),
        (small(**{"t.weight": np.full((5, 3), np.nan)}), patterns(), "t.weight: element [0, 0] is nan; every value"),
        (
            small(**{"t.weight": np.array(1.0)}),
            patterns(),
            "t.weight: has shape (), no dimensions as in-out; must have",
        ),
        (small(**{"t.weight": np.ones((5, 3), "c8")}), patterns(), "t.weight: has elements of type complex64; float"),
        (small(**{"0.down.weight": [[1.7e308], [-1.7e308], [-1.7e308]]}), patterns(), "0.down.weight[0, 0]: the resul"),
    ],
)
def test_what_does_not_fit_is_told(fold, norm, tensors, naming, message):
    with pytest.raises(ConfigError) as error:
        fold(tensors, naming)
    assert str(error.value).startswith(message)


def test_a_result_beyond_float64_is_told_with_the_layer():
    tensors = small(**{"head.weight": np.full((5, 3), [1e308, 0, -1e308])})
    with pytest.raises(ConfigError, match=r"^head: weight\[0, 0\]: the result is beyond the range of float64$"):
        preln_to_crms(tensors, patterns())


def test_a_stream_of_one_feature_has_none_to_leave_out():
    tensors = {"t": [[1.0]], "norm.weight": [1.0], "head.weight": [[1.0]]}
    naming = Naming(tables=("t",), heads=(Read("head", "norm"),))
    assert preln_to_rms(tensors, naming).tensors["t"].tolist() == [[0.0]]
    with pytest.raises(ConfigError, match=r"^the stream has 1 feature; CRMSNorm leaves out"):
        preln_to_crms(tensors, naming)


def test_a_post_norm_opt_is_refused():
    """The one of 350 million parameters has narrower embeddings and no norm at the end."""
    _, tensors, _ = model("opt")
    del tensors["model.decoder.final_layer_norm.weight"], tensors["model.decoder.final_layer_norm.bias"]
    with pytest.raises(ConfigError, match="matches none of the model's names; must be the one norm that lm_head reads"):
        preln_to_rms(tensors, NAMINGS["opt"])


@pytest.mark.parametrize("name", ["blocks.0.ls1.gamma", "norm_pre.weight"])
def test_factors_on_the_stream_that_nobody_named_are_refused(name):
    """LayerScale and a norm that writes to the stream: re-centred weights would not do."""
    _, tensors, _ = model("vit-timm")
    with pytest.raises(ConfigError, match=f"^{re.escape(name)}: has shape .16,., 16 is the width of the stream"):
        preln_to_rms({**tensors, name: np.ones(WIDTH)}, NAMINGS["vit-timm"])


# LayerNorm Scaling


@presets
def test_scaled_norms_are_those_of_layernorm_scaling(preset):
    """Against a model that multiplies what each norm of layer l puts out by 1 / sqrt(l)."""
    names, tensors, tokens = model(preset)
    layers = {id(tensors[f"{norm.format(block)}.weight"]): block + 1 for norm in names.norms for block in range(BLOCKS)}

    def scaling(x, gamma, beta):
        return layernorm(x, gamma, beta) / np.sqrt(layers.get(id(gamma), 1))

    want = run(names, tensors, tokens, scaling)
    folded = scale_norms(tensors, NAMINGS[preset])
    assert off(run(names, folded.tensors, tokens, layernorm), want) < ROUNDING
    assert off(run(names, tensors, tokens, layernorm), want) > 0.01
    changed = {f"{norm.format(block)}.{part}" for norm in names.norms for block in range(BLOCKS) for part in PARTS}
    assert {change.tensor for change in folded.changes} == changed
    assert set(folded.left) == set(tensors) - changed


PARTS = ("weight", "bias")


def test_scaling_by_patterns_from_any_first_layer():
    tensors = {"layers.3.norm.weight": [2.0, -4.0], "layers.6.norm.weight": [2.0, -4.0], "norm.weight": [1.0, 1.0]}
    for first, factor in ((0, 4), (3, 1)):
        folded = scale_norms(tensors, norms=("layers.*.norm",), first_layer=first)
        want = fold_layernorm_scaling([2.0, -4.0], layer=factor)
        assert np.array_equal(folded.tensors["layers.3.norm.weight"], want.gamma)
        assert want.beta is None
        assert folded.left == ("norm.weight",)
    assert folded.tensors["layers.6.norm.weight"].tolist() == [1.0, -2.0]
    offset = scale_norms(tensors, norms=("layers.*.norm",), first_layer=3, gamma_offset=1.0)
    assert offset.tensors["layers.6.norm.weight"].tolist() == [0.5, -2.5]
    assert [change.what for change in offset.changes] == ["times 1 / sqrt(1)", "times 1 / sqrt(4)"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "no norm of a numbered layer is matched; norms are named by patterns"),
        ({"norms": ("norm",)}, "'norm': matches no norm with a layer's number for a star; the first are 'l.3.norm'"),
        ({"norms": ("*.*.*",)}, "'*.*.*': has several numbers in m.1.2; one has to be the layer's"),
        ({"norms": ("l.*.norm",), "first_layer": 4}, "l.3.norm: is of layer 3; the first is 4"),
        ({"norms": ("l.*.norm",), "first_layer": -1}, "first_layer = -1: must be an integer of at least 0"),
        ({"norms": ("m.*.2",)}, "m.1.2: gamma: has shape (1, 1); must be (n,), one dimension"),
    ],
)
def test_what_cannot_be_scaled_is_told(options, message):
    tensors = {"l.3.norm.weight": [1.0], "m.1.2.weight": [[1.0]], "norm.weight": [1.0]}
    with pytest.raises(ConfigError) as error:
        scale_norms(tensors, **options)
    assert str(error.value).startswith(message)
