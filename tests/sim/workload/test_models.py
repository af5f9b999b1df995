"""The models that come with the package, and models of the user's own."""

import re

import pytest

from streamnorm.errors import ConfigError
from streamnorm_sim.workload import calls, find_model, model_names, read_model, steps
from streamnorm_sim.workload.demand import Demand, all_weights

# Parameters in millions as their authors publish them, and how often the embeddings count (shared with the
# classifier or not). They are no part of the data, so they catch a size that was copied wrong.
PUBLISHED = {
    "bert-base": (110, 1), "bert-large": (335, 1), "distilbert-base": (66, 1), "all-minilm-l6-v2": (22.7, 1),
    "gpt2": (124, 1), "gpt2-medium": (355, 1), "gpt2-large": (774, 1), "gpt2-xl": (1558, 1),
    "opt-125m": (125, 1), "opt-350m": (331.2, 1), "opt-1.3b": (1316, 1), "opt-2.7b": (2652, 1), "opt-6.7b": (6658, 1),
    "opt-13b": (12853, 1), "opt-66b": (65700, 1),
    "vit-tiny-16": (5.7, 1), "vit-small-16": (22, 1), "vit-base-16": (86, 1), "vit-large-16": (304, 1),
    "vit-huge-14": (632, 1),
    "whisper-tiny": (38, 1), "whisper-base": (73, 1), "whisper-small": (242, 1), "whisper-medium": (764, 1),
    "whisper-large-v3": (1543, 1), "whisper-large-v3-turbo": (809, 1),
    "t5-small": (60.5, 1), "t5-base": (223, 1), "t5-large": (738, 1), "t5-3b": (2852, 1), "t5-11b": (11307, 1),
    "t5-v1.1-xxl": (11135, 2),
    "llama-7b": (6738, 2), "llama-65b": (65286, 2), "llama-2-7b": (6738, 2), "llama-2-13b": (13016, 2),
    "llama-2-70b": (68977, 2), "llama-3-8b": (8030, 2), "llama-3-70b": (70554, 2), "llama-3.1-8b": (8030, 2),
    "llama-3.1-70b": (70554, 2), "llama-3.1-405b": (405853, 2), "llama-3.2-1b": (1236, 1),
    "llama-3.2-3b": (3213, 1), "llama-3.3-70b": (70554, 2), "tinyllama-1.1b": (1100, 2),
    "smollm2-135m": (134.5, 1), "smollm2-1.7b": (1711, 1),
    "mistral-7b": (7242, 2), "mixtral-8x7b": (46703, 2), "mixtral-8x22b": (140621, 2),
    "mistral-large-2407": (122610, 2),
    "qwen2.5-0.5b": (494, 1), "qwen2.5-1.5b": (1544, 1), "qwen2.5-3b": (3086, 1), "qwen2.5-7b": (7616, 2),
    "qwen2.5-14b": (14770, 2), "qwen2.5-32b": (32764, 2), "qwen2.5-72b": (72706, 2),
    "qwen3-0.6b": (596, 1), "qwen3-1.7b": (1720, 1), "qwen3-4b": (4022, 1), "qwen3-8b": (8191, 2),
    "qwen3-14b": (14768, 2), "qwen3-32b": (32762, 2), "qwen3-30b-a3b": (30532, 2), "qwen3-235b-a22b": (235094, 2),
    "gemma-2b": (2506, 1), "gemma-7b": (8538, 1), "gemma-2-2b": (2614, 1), "gemma-2-9b": (9242, 1),
    "gemma-2-27b": (27227, 1), "gemma-3-1b": (1000, 1), "gemma-3-4b": (3880, 1), "gemma-3-12b": (11766, 1),
    "gemma-3-27b": (27009, 1),
    "phi-1.5": (1418, 2), "phi-2": (2780, 2), "phi-3-mini": (3821, 2), "phi-4": (14660, 2), "phi-4-mini": (3836, 1),
    "olmo-1b": (1177, 1), "olmo-7b": (6888, 2), "olmo-2-7b": (7299, 2), "olmo-2-13b": (13716, 2),
    "gpt-j-6b": (6051, 2), "gpt-neox-20b": (20554, 2), "pythia-70m": (70.4, 2), "pythia-1.4b": (1415, 2),
    "pythia-6.9b": (6857, 2), "pythia-12b": (11846, 2),
    "falcon-7b": (6922, 1), "falcon-40b": (41303, 1), "falcon-180b": (179522, 1),
    "falcon3-1b": (1669, 2), "falcon3-7b": (7456, 2), "falcon3-10b": (10306, 2),
    "bloom-7b1": (7069, 1), "bloom-176b": (176247, 1),
    "deepseek-v2-lite": (15706, 2), "deepseek-v2": (235741, 2), "deepseek-v3": (671026, 2),
    "gpt-oss-20b": (20915, 2), "gpt-oss-120b": (116829, 2),
    "chameleon-7b": (7042, 2), "bitnet-b1.58-2b": (2413, 1), "command-r-plus": (103811, 1),
    "openelm-270m": (271.5, 1), "openelm-450m": (457, 1), "openelm-1.1b": (1080, 1), "openelm-3b": (3037, 1),
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_sizes_add_up_to_the_published_parameters(name):
    model = find_model(name)
    published, copies = PUBLISHED[name]
    weights = all_weights(model)
    # The classifier is among them where there is one.
    weights += (copies - model.generates) * model.vocabulary * model.stacks[-1].embedding_width
    width = model.stacks[-1].d_model
    if name.startswith("vit"):
        weights += (16 * 16 * 3 + 1000) * width  # patches in, classes out
    if name.startswith("whisper"):
        weights += (80 * 3 + width * 3 + 1500 + 448) * width  # two convolutions, positions of both sides
    assert weights / 1e6 == pytest.approx(published, rel=0.02)


def test_every_model_is_checked_against_its_parameters():
    assert set(model_names()) == set(PUBLISHED)
    assert len(PUBLISHED) >= 30


# Billions of parameters that a token meets, as published: experts that it does not visit left out.
ACTIVE = {
    "deepseek-v2-lite": 2.4, "deepseek-v2": 21, "deepseek-v3": 37, "gpt-oss-20b": 3.6, "gpt-oss-120b": 5.1,
    "mixtral-8x7b": 12.9, "mixtral-8x22b": 39, "qwen3-30b-a3b": 3.3, "qwen3-235b-a22b": 22,
}  # fmt: skip


@pytest.mark.parametrize("name", ACTIVE)
def test_a_token_meets_the_published_parameters(name):
    assert Demand.of_decode(find_model(name), 0, 1).weights / 1e9 == pytest.approx(ACTIVE[name], rel=0.1)


@pytest.mark.parametrize("name", model_names())
def test_facts_have_a_source(name):
    model = find_model(name)
    assert model.source.startswith("https://")
    assert all(url.startswith("https://") for url in model.read_from)
    assert {call.kind.epsilon for call in calls(model)} <= {1e-5, 1e-6, 1e-12}


# Norms of a whole model, counted by hand from its code.
NORMS = {
    "all-minilm-l6-v2": 6 * 2 + 1,
    "bert-base": 12 * 2 + 1,
    "gpt2": 12 * 2 + 1,
    "opt-350m": 24 * 2,
    "whisper-tiny": 4 * 2 + 1 + 4 * 3 + 1,
    "t5-11b": 24 * 2 + 1 + 24 * 3 + 1,
    "llama-3.1-405b": 126 * 2 + 1,
    "gemma-7b": 28 * 2 + 1,
    "gemma-2-27b": 46 * 4 + 1,
    "gemma-3-27b": 62 * (4 + 2) + 1,
    "qwen3-8b": 36 * (2 + 2) + 1,
    "olmo-2-7b": 32 * (2 + 2) + 1,
    "phi-2": 32 + 1,
    "gpt-j-6b": 28 + 1,
    "pythia-12b": 36 * 2 + 1,
    "falcon-7b": 32 + 1,
    "falcon-40b": 60 * 2 + 1,
    "bloom-176b": 70 * 2 + 2,
    "openelm-270m": 16 * (2 + 2) + 1,
    "deepseek-v2-lite": 27 * (2 + 1) + 1,
    "deepseek-v3": 61 * (2 + 2) + 1,
    "chameleon-7b": 32 * (2 + 2) + 1,
    "bitnet-b1.58-2b": 30 * 4 + 1,
    "command-r-plus": 64 * (1 + 2) + 1,
}


@pytest.mark.parametrize("name", NORMS)
def test_norms_of_a_model(name):
    model = find_model(name)
    assert len(calls(model)) == NORMS[name]


def test_gemma_adds_one_to_gamma():
    assert {find_model(name).stacks[0].kind.gamma_offset for name in model_names() if name.startswith("gemma")} == {1.0}


@pytest.mark.parametrize("name", ["BERT-base", "bert_base", " bert base "])
def test_names_are_found_however_they_are_written(name):
    assert find_model(name).name == "bert-base"


def test_an_unknown_name_brings_the_nearest():
    with pytest.raises(ConfigError, match=r"^unknown model 'llama3-8b'; did you mean llama-3-8b or "):
        find_model("llama3-8b")
    with pytest.raises(ConfigError, match=r"^unknown model 'zzz'; streamnorm workload --list names them all$"):
        find_model("zzz")


OWN = 'norm = "rmsnorm"\nepsilon = 1e-6\nlayers = 2\nd_model = 64\nheads = 4\nffn = 128\nplacement = "pre"\n'


def test_a_model_of_the_users_own(tmp_path):
    (tmp_path / "mine.toml").write_text(OWN)
    model = read_model(tmp_path / "mine.toml")
    assert (model.name, model.stacks[0].layers[0].attention.head_dim, len(steps(model.stacks[0]))) == ("mine", 16, 5)
    assert len(steps(read_model(tmp_path / "mine.toml", placement="peri").stacks[0])) == 9


def test_a_family_of_the_users_own(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        '[family]\nnorm = "rmsnorm"\nepsilon = 1e-6\nd_model = 64\nheads = 4\nffn = 128\nplacement = "pre"\n'
        "[models.small]\nlayers = 1\n[models.big]\nencoder = { layers = 3 }\ndecoder = { layers = 2 }\n"
    )
    assert len(read_model(path, "small").stacks[0].layers) == 1
    assert [len(stack.layers) for stack in read_model(path, "big").stacks] == [3, 2]
    with pytest.raises(ConfigError, match=re.escape(f"{path}: say which model: {path}:small, {path}:big")):
        read_model(path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("d_model = 20000", "d_model = 20000: must be an integer from 1 to 16384"),
        ("heads = 0", "heads = 0: must be an integer from 1 to 16777216"),
        ("heads = 3", "head_dim: must be given where d_model is no multiple of heads"),
        ("heads = [4, 4, 4]", "heads: a list must have a number for each of 2 layers, not 3"),
        ("kv_heads = 3", "kv_heads = 3: must divide heads"),
        ("epsilon = -1.0", "epsilon = -1.0: must be a finite number of at least 0"),
        ('norm = "rmsnrm"', "norm = 'rmsnrm': must be one of layernorm, rmsnorm, "),
        ("lay = 3", "unknown key 'lay'; did you mean layers?"),
        ("final_norm = 1", "final_norm = 1: must be true or false"),
        (
            'qk_norm = "heads"',
            "qk_norm = 'heads': must be one of none, head, head-own, model; did you mean head or head-own?",
        ),
        ("experts_per_token = 2", "experts_per_token = 2: must be an integer from 1 to 1"),
        ('placement = "pots"', "placement = 'pots': unknown style 'pots'; did you mean post?"),
        ('pruned = "ffn-in:1"', "pruned = 'ffn-in:1': must be a list, as in [\"ffn-in:20-31\"]"),
        ("encoder = 3", "encoder = 3: must be a table"),
        ("encoder = { layers = 0 }", "in encoder: layers = 0: must be an integer from 1 to 4096"),
        ("encoder = { }", "generates = true: needs a decoder"),
        ("tokens = 0", "tokens = 0: must be an integer from 1 to 16777216"),
        ("window = -1", "window = -1: must be an integer from 0 to 16777216"),
        ("window = [4, 0, 4]", "window: a list must have 1 to 2 numbers, not 3"),
        ("window = []", "window: a list must have 1 to 2 numbers, not 0"),
        ("embedding_width = 0", "embedding_width = 0: must be an integer from 1 to 16777216"),
        ("dense_layers = 1", "dense_ffn: must be given where there are dense_layers"),
        ("dense_layers = 3", "dense_layers = 3: must be an integer from 0 to 2"),
        ("shared_experts = -1", "shared_experts = -1: must be an integer from 0 to 16777216"),
        ("latent = 3", "latent = 3: must be a table with q_rank, kv_rank, rope_dim, value_dim"),
        ("latent = { kv_rank = 3 }", "latent: missing keys: rope_dim, value_dim"),
        ("latent = { kv_rnk = 3 }", "unknown key 'kv_rnk' in latent; did you mean kv_rank or q_rank?"),
        (
            "latent = { kv_rank = 3, rope_dim = 17, value_dim = 4 }",
            "latent: rope_dim = 17: must be an integer from 0 to 16",
        ),
        ("norms = 3", "norms = 3: must be a table, as in norms = { q = {"),
        ("norms = { q = 3 }", "norms: 'q': 3: must be a table with some of norm, epsilon"),
        ('norms = { q = { norm = "l" } }', "norms: 'q': norm = 'l': must be one of layernorm, rmsnorm"),
        ("norms = { q = { nrm = 3 } }", "norms: 'q': unknown key 'nrm'; did you mean norm?"),
        ('norms = { "ffn-in:2" = {} }', "norms: 'ffn-in:2': layers go from 0 to 1"),
        ("norms = { Q = {} }", "norms: 'Q': must be SITE or SITE:LAYERS"),
        ('norms = { x = { behind = "q" } }', "norms: 'x': length: must be given of a norm that is added"),
        ('norms = { "*" = { behind = "q", length = 3 } }', "norms: '*': behind: must be the name of a site"),
        ("source = 3", "source must be a string, read_from a list of strings"),
    ],
)
def test_what_is_wrong_with_a_model_is_said(tmp_path, line, message):
    path = tmp_path / "mine.toml"
    key = line.partition(" =")[0]
    kept = [each for each in OWN.splitlines() if not each.startswith(f"{key} ")]
    path.write_text("\n".join([*kept, line]) + "\n")
    with pytest.raises(ConfigError) as caught:
        read_model(path)
    assert str(caught.value).startswith(f"{path}: {message}")


def test_what_is_wrong_with_a_file_is_said(tmp_path):
    path = tmp_path / "mine.toml"
    with pytest.raises(ConfigError, match=r"mine\.toml: no such file$"):
        read_model(path)
    path.write_text("norm = ")
    with pytest.raises(ConfigError, match=r"mine\.toml: is not TOML: "):
        read_model(path)
    path.write_text('norm = "rmsnorm"\n')
    with pytest.raises(ConfigError, match=r"missing keys: epsilon, layers, d_model, heads, ffn, placement$"):
        read_model(path)
    path.write_text("other = 1\n[models.a]\n")
    with pytest.raises(ConfigError, match=r"there may be \[family\], and nothing else$"):
        read_model(path)
    with pytest.raises(ConfigError, match=r"is a directory; a TOML file is needed$"):
        read_model(tmp_path)
    path.write_text(OWN, "utf-8-sig")
    with pytest.raises(ConfigError, match=r"mine\.toml: begins with a byte order mark; save it as UTF-8 without one$"):
        read_model(path)
    path.write_text(OWN)
    with pytest.raises(ConfigError, match=r"mine\.toml: holds one model, without \[models\]; leave out :x$"):
        read_model(path, "x")
    path.write_text('norm = "rmsnorm"\nlanes = 2\ninput.format = "int8"\noutput.format = "int8"\n')
    with pytest.raises(ConfigError, match=r"mine\.toml: is the configuration of a unit and not a model; --config"):
        read_model(path)


def test_a_model_says_which_norms_differ_and_which_it_has_besides(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        OWN + 'qk_norm = "head"\n'
        'norms.q = { norm = "layernorm", epsilon = 1e-5 }\n'
        'norms."ffn-in:1" = { affine = false, gamma_offset = 1.0 }\n'
        'norms.ffn-inner = { length = 128, rows = 2, behind = "ffn-in" }\n'
        'norms."k:0" = { length = 8 }\n'
        "norms.final = { epsilon = 1e-4 }\n"
    )
    (stack,) = read_model(path).stacks
    found = [[(call.site, call.length, call.rows, call.kind.norm, call.kind.epsilon, call.kind.affine) for call in step]
             for step in steps(stack)]  # fmt: skip
    query, plain = ("q", 16, 4, "layernorm", 1e-5, True), ("rmsnorm", 1e-6, True)
    assert found == [
        [("attention-in", 64, 1, *plain)], [query, ("k", 8, 4, *plain)],
        [("ffn-in", 64, 1, *plain)], [("ffn-inner", 128, 2, *plain)],
        [("attention-in", 64, 1, *plain)], [query, ("k", 16, 4, *plain)],
        [("ffn-in", 64, 1, "rmsnorm", 1e-6, False)], [("ffn-inner", 128, 2, *plain)],
        [("final", 64, 1, "rmsnorm", 1e-4, True)],
    ]  # fmt: skip
    assert steps(stack)[6][0].kind.gamma_offset == 1.0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("norms = { q = { epsilon = 1e-5 } }", "norms: q: no such norm in these layers; the sites are attention-in, "),
        (
            'norms = { ffn-in = { length = 3, behind = "attention-in" } }',
            "norms: ffn-in: behind: there is such a norm; an added one needs a new name",
        ),
        (
            'norms = { x = { length = 3, behind = "ffn-out" } }',
            "norms: x: behind: ffn-out: no such norm in these layers; the sites are attention-in, ffn-in, final",
        ),
    ],
)
def test_a_norm_that_is_not_there_cannot_differ(tmp_path, line, message):
    path = tmp_path / "mine.toml"
    path.write_text(OWN + line + "\n")
    with pytest.raises(ConfigError) as caught:
        read_model(path)
    assert str(caught.value).startswith(f"{path}: {message}")


@pytest.mark.parametrize(("name", "width"), [("deepseek-v2", 5120), ("deepseek-v3", 7168)])
def test_latent_norms_stand_behind_the_input_of_attention(name, width):
    (stack,) = find_model(name).stacks
    assert [[(call.site, call.length, call.rows) for call in step] for step in steps(stack)[:3]] == [
        [("attention-in", width, 1)],
        [("q-latent", 1536, 1), ("kv-latent", 512, 1)],
        [("ffn-in", width, 1)],
    ]


def test_deepseek_v2_lite_makes_queries_without_a_latent():
    (lite,) = find_model("deepseek-v2-lite").stacks
    assert [call.site for call in steps(lite)[1]] == ["kv-latent"]


def test_only_queries_and_keys_of_chameleon_go_through_layernorm():
    norms = {call.kind.norm: set() for call in calls(find_model("chameleon-7b"))}
    for call in calls(find_model("chameleon-7b")):
        norms[call.kind.norm].add(call.site)
    assert norms == {"rmsnorm": {"attention-in", "ffn-in", "final"}, "layernorm": {"q", "k"}}
