"""What a pass asks of matrix unit and memory, and the units that keep up with them."""

import pytest

from sim.workload.small_model import model
from streamnorm.errors import ConfigError
from streamnorm_sim.workload import Workload, bandwidth, find_model, unit_for
from streamnorm_sim.workload.demand import Demand, block_weights
from streamnorm_sim.workload.pace import line_rate, rate


def test_work_of_a_dense_model():
    small = model(kv_heads=2)
    weights = 4 * (2 * 32 * 32 + 2 * 32 * 16 + 2 * 32 * 64)
    assert block_weights(small.stacks[0]) == weights
    decode = Demand.of_decode(small, 10, 3)
    assert decode.weights == weights + 3200
    assert decode.flops == 3 * (2 * (weights + 3200) + 4 * 10 * 4 * 32)
    assert decode.cached == 3 * 10 * 2 * 4 * 16
    prefill = Demand.of_prefill(small, 10, 1)
    assert prefill.flops == 2 * (10 * weights + 3200) + 4 * (10 * 11 // 2) * 4 * 32


def test_a_token_meets_its_experts_only():
    dense, sparse = model(), model(experts=8, experts_per_token=2)
    feed_forward = 4 * 2 * 32 * 64
    assert Demand.of_decode(sparse, 0, 1).weights - Demand.of_decode(dense, 0, 1).weights == feed_forward
    assert Demand.of_decode(sparse, 0, 9).weights - Demand.of_decode(dense, 0, 9).weights == 7 * feed_forward
    assert Demand.of_decode(sparse, 0, 1).flops - Demand.of_decode(dense, 0, 1).flops == 2 * feed_forward


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
    assert decode.flops == 2 * decode.weights + 4 * 10 * 32
    assert decode.cached == 2 * 10 * 32


def test_keys_and_values_are_read_at_the_width_of_results():
    small = model()
    work = Demand.of_decode(small, 10, 1)
    config = unit_for(small, bits=8)
    (_, decode) = Workload(small, config, tokens=10, memory=1e3, weight_bits=4).phases()
    assert decode.needs[0].seconds == pytest.approx((work.weights / 2 + work.cached) / 1e3)


def test_the_unit_is_the_models_own():
    gemma = find_model("gemma-3-1b")
    config = unit_for(gemma, lanes=8, bits=12, clock_mhz=100)
    assert (config.max_length, config.min_length, config.lanes) == (1152, 256, 8)
    assert (config.norm, config.epsilon, config.gamma_offset, config.storage) == ("rmsnorm", 1e-6, 1.0, "ram")
    assert unit_for(find_model("olmo-1b")).storage == "rom"


def test_llama_405b_is_read_once_a_token():
    work = Demand.of_decode(find_model("llama-3.1-405b"), 1, 1)
    assert work.weights == pytest.approx(405.85e9 - 128256 * 16384, rel=1e-3)  # embeddings are looked up
    assert work.flops == pytest.approx(2 * work.weights, rel=1e-3)


def test_units_that_keep_up():
    small = model()
    config = unit_for(small, lanes=4)
    work = Demand.of_prefill(small, 100, 1)
    alone = Workload(small, config, tokens=100).phases()[0].busy / (config.clock_mhz * 1e6)
    # A matrix unit that is done in the time of 2.5 units, and a memory in that of just 4.
    fast = Workload(small, config, tokens=100, flops=work.flops / alone * 2.5, memory=work.weights * 2 / alone * 4)
    needs = fast.phases()[0].needs
    assert [need.units for need in needs] == [3, 4]
    assert needs[0].norm_seconds == pytest.approx(2.5 * needs[0].seconds)
    assert needs[0].waited_seconds == pytest.approx(fast.phases()[0].exposed / config.clock_mhz / 1e6)


def test_units_do_not_shorten_a_row():
    """One token, one sequence: every step is a row or two, whatever the number of units."""
    small = model()
    config = unit_for(small, lanes=4)
    work = Demand.of_decode(small, 100, 1)
    [_, decode] = Workload(small, config, tokens=100).phases()
    alone = decode.busy / (config.clock_mhz * 1e6)
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
