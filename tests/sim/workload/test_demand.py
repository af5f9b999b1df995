"""What a pass asks of matrix unit and memory, and the units that keep up with them."""

from collections import Counter

import pytest

from sim.workload.small_model import model
from streamnorm.errors import ConfigError
from streamnorm_sim.workload import Workload, bandwidth, find_model, units_for
from streamnorm_sim.workload.attention import positions_seen
from streamnorm_sim.workload.demand import Demand, all_weights
from streamnorm_sim.workload.pace import line_rate, rate


def test_work_of_a_dense_model():
    small = model(kv_heads=2)
    weights = 4 * (2 * 32 * 32 + 2 * 32 * 16 + 2 * 32 * 64)
    assert all_weights(small) == weights + 3200
    decode = Demand.of_decode(small, 10, 3)
    assert decode.weights == weights + 3200
    assert decode.flops == 3 * (2 * (weights + 3200) + 4 * (10 + 1) * 4 * 32)
    assert decode.cached == 3 * 10 * 2 * 4 * 16
    prefill = Demand.of_prefill(small, 10, 1)
    assert prefill.flops == 2 * (10 * weights + 3200) + 4 * (10 * 11 // 2) * 4 * 32


def test_a_token_meets_its_experts_only():
    dense, sparse = model(), model(experts=8, experts_per_token=2)
    feed_forward = 4 * 2 * 32 * 64
    assert Demand.of_decode(sparse, 0, 1).weights - Demand.of_decode(dense, 0, 1).weights == feed_forward
    assert Demand.of_decode(sparse, 0, 9).weights - Demand.of_decode(dense, 0, 9).weights == 7 * feed_forward
    assert Demand.of_decode(sparse, 0, 1).flops - Demand.of_decode(dense, 0, 1).flops == 2 * feed_forward


def test_experts_that_all_tokens_share_and_layers_without_experts():
    sparse = model(
        experts=8, experts_per_token=2, shared_experts=3, dense_layers=1, dense_ffn=100, gated=True, vocabulary=0
    )
    attention, expert, dense = 4 * 4 * 32 * 32, 3 * 32 * 64, 3 * 32 * 100
    assert Demand.of_decode(sparse, 0, 1).weights == attention + dense + 3 * 5 * expert
    assert all_weights(sparse) == attention + dense + 3 * 11 * expert


def test_narrow_embeddings_have_a_projection_and_a_narrow_classifier():
    plain, narrow = model(), model(embedding_width=8)
    less = 100 * (32 - 8) - 2 * 8 * 32
    assert Demand.of_decode(plain, 5, 1).weights - Demand.of_decode(narrow, 5, 1).weights == less
    assert Demand.of_decode(plain, 5, 1).flops - Demand.of_decode(narrow, 5, 1).flops == 2 * less
    # Every token comes in through the projection, one goes out.
    more = 2 * (10 * 8 * 32 + 8 * 32 - 100 * (32 - 8))
    assert Demand.of_prefill(narrow, 10, 1).flops - Demand.of_prefill(plain, 10, 1).flops == more


def test_the_classifier_of_opt_350m_is_512_wide():
    classifier = 50272 * 512 + 1024 * 512
    assert Demand.of_decode(find_model("opt-350m"), 0, 1).weights == 24 * 12 * 1024**2 + 512 * 1024 + classifier


# Windows


@pytest.mark.parametrize("window", [0, 1, 2, 5, 7, 8, 30])
def test_positions_within_a_window_are_counted_one_by_one(window):
    for tokens in (1, 2, 7, 12):
        pairs = [(at, other) for at in range(tokens) for other in range(tokens)]
        behind = [other <= at and (not window or at - other < window) for at, other in pairs]
        around = [not window or abs(at - other) <= (window - 1) // 2 for at, other in pairs]
        assert positions_seen(tokens, window, causal=True) == sum(behind)
        assert positions_seen(tokens, window, causal=False) == sum(around)


@pytest.mark.parametrize("window", [0, 4, 11, [4, 0], [3, 0, 0], [2, 3, 4, 5]])
def test_a_token_more_is_what_a_longer_input_has_more(window):
    """Prefill of n + 1 tokens is prefill of n and decode behind it, but for the classifier, which works but once."""
    small = model(window=window, kv_heads=2)
    for tokens in (1, 3, 4, 10, 11, 12):
        more = Demand.of_prefill(small, tokens + 1, 1).flops - Demand.of_prefill(small, tokens, 1).flops
        assert more == Demand.of_decode(small, tokens, 1).flops - 2 * 3200


def test_caches_of_windows_hold_no_more_than_these():
    small = model(window=[4, 4, 0], kv_heads=2)  # the fourth layer has a window again
    assert Demand.of_decode(small, 10, 1).cached == (3 * (3 + 3 + 10 + 3) - 2 * 19) * 2 * 16
    assert Demand.of_decode(small, 2, 3).cached == 3 * 4 * 2 * 2 * 16


# Layers of each window, and how many times more a full cache would be at 32 k tokens.
WINDOWS = {
    "gemma-2-27b": ({4096: 23, 0: 23}, 1.78),
    "gemma-3-1b": ({512: 22, 0: 4}, 5.99),
    "gemma-3-4b": ({1024: 29, 0: 5}, 5.76),
    "gemma-3-27b": ({1024: 52, 0: 10}, 5.33),
    "mistral-7b": ({4096: 32}, 8.0),
    "mixtral-8x7b": ({0: 32}, 1.0),
    "phi-3-mini": ({2047: 32}, 16.02),
    "gpt-oss-20b": ({128: 12, 0: 12}, 1.99),
    "llama-3.1-8b": ({0: 32}, 1.0),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_windows_of_published_models(name):
    known = find_model(name)
    windows, times = WINDOWS[name]
    layers = known.stacks[0].layers
    assert Counter(layer.attention.window for layer in layers) == windows
    assert layers[0].attention.window == max(windows)
    full = 32768 * sum(layer.attention.cached for layer in layers)
    assert full / Demand.of_decode(known, 32768, 1).cached == pytest.approx(times, abs=0.006)


# Latents


def test_latents_are_what_is_cached_and_normalized():
    latent = {"q_rank": 12, "kv_rank": 6, "rope_dim": 2, "value_dim": 5}
    small = model(head_dim=9, latent=latent, vocabulary=0)
    attention = 32 * 12 + 12 * 4 * 9 + 32 * (6 + 2) + 6 * 4 * (7 + 5) + 4 * 5 * 32
    weights = 4 * (attention + 2 * 32 * 64)
    work = Demand.of_decode(small, 10, 1)
    assert (work.weights, work.cached) == (weights, 4 * 10 * (6 + 2))
    assert work.flops == 2 * weights + 2 * 4 * 11 * 4 * (6 + 2 + 6)
    assert Demand.of_prefill(small, 10, 1).flops == 10 * 2 * weights + 2 * 4 * 55 * 4 * (9 + 5)
    direct = model(head_dim=9, latent={**latent, "q_rank": 0}, vocabulary=0)
    assert work.weights - Demand.of_decode(direct, 10, 1).weights == 4 * (12 * (32 + 36) - 32 * 36)


def test_deepseek_caches_576_elements_of_a_position():
    for name, layers in (("deepseek-v2", 60), ("deepseek-v3", 61)):
        assert Demand.of_decode(find_model(name), 1000, 1).cached == layers * 1000 * 576


def test_an_encoders_output_becomes_keys_and_values_once():
    both = model(encoder={"layers": 1}, decoder={"layers": 1, "cross_attention": True})
    square, feed_forward, classifier = 32 * 32, 2 * 32 * 64, 3200
    prefill, decode = Demand.of_prefill(both, 10, 1), Demand.of_decode(both, 10, 1)
    # The encoder: 10 tokens that all see each other. The decoder: one, which sees itself and the 10.
    encoder = 2 * 10 * (4 * square + feed_forward) + 4 * 10 * 10 * 32
    to_encoder = 2 * 10 * 2 * square + 4 * 10 * 32
    assert prefill.flops == encoder + 2 * (6 * square + feed_forward + classifier) + 4 * 32 + to_encoder
    assert prefill.weights == 12 * square + 2 * feed_forward + classifier
    assert decode.weights == 6 * square + feed_forward + classifier
    assert decode.flops == 2 * decode.weights + 4 * (10 + 1) * 32
    assert decode.cached == 2 * 10 * 32


def test_keys_and_values_are_read_at_the_width_of_results():
    small = model()
    work = Demand.of_decode(small, 10, 1)
    config = units_for(small, bits=8)
    (_, decode) = Workload(small, config, tokens=10, memory=1e3, weight_bits=4).phases()
    assert decode.needs[0].seconds == pytest.approx((work.weights / 2 + work.cached) / 1e3)


def test_the_unit_is_the_models_own():
    gemma = find_model("gemma-3-1b")
    (config,) = units_for(gemma, lanes=8, bits=12, clock_mhz=100, banks=4)
    assert (config.max_length, config.min_length, config.lanes, config.banks) == (1152, 256, 8, 4)
    assert (config.norm, config.epsilon, config.gamma_offset, config.storage) == ("rmsnorm", 1e-6, 1.0, "ram")
    (plain,) = units_for(find_model("olmo-1b"), banks=4)
    assert (plain.storage, plain.banks) == ("rom", 1)


def test_llama_405b_is_read_once_a_token():
    work = Demand.of_decode(find_model("llama-3.1-405b"), 1, 1)
    assert work.weights == pytest.approx(405.85e9 - 128256 * 16384, rel=1e-3)  # embeddings are looked up
    assert work.flops == pytest.approx(2 * work.weights, rel=1e-3)


def test_units_that_keep_up():
    small = model(affine=False)
    config = units_for(small, lanes=4)
    work = Demand.of_prefill(small, 100, 1)
    alone = Workload(small, config, tokens=100).phases()[0].busy / (150 * 1e6)
    # A matrix unit that is done in the time of 2.5 units, and a memory in that of just 4.
    fast = Workload(small, config, tokens=100, flops=work.flops / alone * 2.5, memory=work.weights * 2 / alone * 4)
    needs = fast.phases()[0].needs
    assert [need.units for need in needs] == [3, 4]
    assert needs[0].norm_seconds == pytest.approx(2.5 * needs[0].seconds)
    assert needs[0].waited_seconds == pytest.approx(fast.phases()[0].exposed / 150 / 1e6)


def test_units_do_not_shorten_a_row():
    """One token, one sequence: every step is a row or two, whatever the number of units."""
    small = model(affine=False)
    config = units_for(small, lanes=4)
    work = Demand.of_decode(small, 100, 1)
    [_, decode] = Workload(small, config, tokens=100).phases()
    alone = decode.busy / (150 * 1e6)
    for share, units in ((1.0, 1), (0.999, None), (0.01, None)):
        phases = Workload(small, config, tokens=100, flops=work.flops / (alone * share)).phases()
        assert [need.units for need in phases[1].needs] == [units]
        # With so many sequences each unit has as many rows as it had alone.
        phases = Workload(small, config, tokens=100, sequences=8, flops=8 * work.flops / alone).phases()
        assert [need.units for need in phases[1].needs] == [8]


def test_units_at_the_rate_of_a_link():
    assert line_rate(50e9, lanes=16, element_bytes=2, clock_mhz=150) == 11  # 4.8e9 bytes a second each
    assert line_rate(4.8e9, lanes=16, element_bytes=2, clock_mhz=150) == 1
    assert bandwidth("400GbE") == 50e9
    assert bandwidth("hbm3") == pytest.approx(1024 * 6.4e9 / 8)
    assert (rate("100T"), rate("1.5e12"), rate("2k")) == (1e14, 1.5e12, 2000)


@pytest.mark.parametrize("text", ["", "0", "-1", "1X", "nan", "inf", "1e99", "1 2"])
def test_a_rate_that_is_none_is_refused(text):
    with pytest.raises(ConfigError, match="must be a number greater than 0"):
        rate(text)


def test_an_unknown_memory_brings_the_nearest():
    with pytest.raises(ConfigError, match=r"must be bytes a second, such as 819\.2G, or a name; did you mean hbm3 or"):
        bandwidth("hbm4")
