"""The cycles that a model's norms take on one and on many units, and what units hold."""

import json
import math
import random

import pytest

from sim.workload.small_model import model, rows
from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm_sim.cycles import CycleModel
from streamnorm_sim.workload import Pool, Workload, find_model, steps, units_for
from streamnorm_sim.workload.timing import LOAD_CYCLES

# Rows on units


@pytest.fixture(scope="module")
def plan() -> Plan:
    integers = IntFormat(8, scale=0.1)
    return Plan.of(NormConfig(norm="layernorm", lanes=4, max_length=32, input=integers, output=integers, epsilon=1e-5))


def test_one_row_takes_its_latency(plan):
    span, latency = Pool(plan).span(rows((32, 1))), plan.latency(32)
    assert (span.total, span.exposed, span.hidden) == (latency.L3, latency.L1, 32 // 4 - 1)


def test_rows_follow_one_another(plan):
    latency = plan.latency(32)
    assert Pool(plan).span(rows((32, 10))).total == latency.L3 + 9 * latency.SS
    assert Pool(plan).span(rows((32, 10))).exposed == latency.L1
    assert Pool(plan).span(rows((32, 4), (32, 6))) == Pool(plan).span(rows((32, 10)))


def test_a_short_row_waits_for_the_long_one_before_it(plan):
    long, short = plan.latency(32), plan.latency(4)
    # The long row goes out in 8 beats; the short one, of one beat, is in 1 cycle after it and could be out earlier.
    assert Pool(plan).span(rows((32, 1), (4, 1))).total == long.L3 + 1
    assert Pool(plan).span(rows((4, 1), (32, 1))).total == short.SS + long.L3


def test_units_take_rows_in_turn(plan):
    latency = plan.latency(32)
    totals = [Pool(plan, units).span(rows((32, 10))).total for units in (1, 2, 3, 4, 5, 9, 10, 1000)]
    assert totals == [latency.L3 + (math.ceil(10 / units) - 1) * latency.SS for units in (1, 2, 3, 4, 5, 9, 10, 1000)]


@pytest.mark.parametrize("units", range(1, 12))
def test_mixed_rows_are_dealt_in_turn(plan, units):
    groups = [(32, 3), (8, 5), (16, 2)]
    one_by_one = [length for length, count in groups for _ in range(count)]
    alone = [Pool(plan).span(rows(*((length, 1) for length in one_by_one[unit::units]))) for unit in range(units)]
    assert Pool(plan, units).span(rows(*groups)).total == max(span.total for span in alone)
    assert Pool(plan, units).busy(rows(*groups)) == 3 * 8 + 5 * 2 + 2 * 4


@pytest.mark.parametrize("part", [None, 10])
def test_rows_take_what_the_cycle_model_says(plan, part):
    config = plan.config.replace(norm="rmsnorm", epsilon=1e-3, statistic_length=part)
    generator = random.Random(5)
    for _ in range(30):
        groups = [(generator.choice([1, 4, 9, 12, 13, 31, 32]), generator.randint(1, 6)) for _ in range(5)]
        trace = CycleModel(config).run([length for length, count in groups for _ in range(count)])
        span = Pool(Plan.of(config)).span(rows(*groups))
        assert span.total == trace.last_out[-1] - trace.first_in[0], groups
        assert span.taken == trace.last_in[-1] - trace.first_in[0], groups


def test_no_rows_take_no_time(plan):
    assert Pool(plan, 3).span([]).total == 0


# A model's pass


def test_a_pass_adds_up():
    small = model(affine=False)
    workload = Workload(small, units_for(small, lanes=4), tokens=5, sequences=2)
    prefill, decode = workload.phases()
    latency = workload.plans[0].latency(32)
    assert (prefill.rows, decode.rows) == (9 * 10, 9 * 2)
    assert (prefill.busy, prefill.busy_per_token) == (9 * 10 * latency.SS, 9 * latency.SS)
    assert prefill.total == 9 * (latency.L3 + 9 * latency.SS)
    assert decode.total == 9 * (latency.L3 + latency.SS)
    assert prefill.exposed == decode.exposed == 9 * latency.L1
    assert prefill.loading == decode.loading == 0


def test_loads_of_gamma_and_beta_are_in_the_totals():
    small = model()
    for units in (1, 3):
        with_loads, without = (
            Workload(small, units_for(small, lanes=4, banks=banks), tokens=5, units=units).phases() for banks in (1, 9)
        )
        for phase, bare in zip(with_loads, without, strict=True):
            load = 9 * (32 // 4 + LOAD_CYCLES)
            assert phase.loading == load
            assert (phase.total, phase.exposed) == (bare.total + load, bare.exposed + load)
            assert phase.total - phase.exposed == sum(site.hidden for site in phase.sites)
            # Each unit that has rows loads for itself.
            assert phase.busy == bare.busy + load * min(units, phase.tokens)
    flops = Workload(small, units_for(small, lanes=4), tokens=5, flops=1e9).phases()[1].needs[0]
    assert flops.norm_seconds == pytest.approx(with_loads[1].busy / 150e6)
    assert flops.waited_seconds == pytest.approx(with_loads[1].exposed / 150e6)


@pytest.mark.parametrize(
    ("banks", "loads"), [(1, 9), (2, 8), (3, 7), (8, 2), (9, 0), (16, 0)]
)  # all banks but one keep their set, the others go through that one
def test_banks_keep_sets_from_pass_to_pass(banks, loads):
    small = model()
    _, decode = Workload(small, units_for(small, lanes=4, banks=banks), tokens=5).phases()
    assert decode.loading == loads * (8 + LOAD_CYCLES)
    assert [site.norms for site in decode.sites] == [4, 4, 1]


def test_norms_side_by_side_load_one_after_the_other():
    (attention, *_), heads = steps(model(qk_norm="head").stacks[0])[:2]
    assert (attention.site, [call.site for call in heads]) == ("attention-in", ["q", "k"])
    pool = Pool(Plan.of(units_for(model(qk_norm="head"), lanes=4)[0]))
    _, decode = Workload(model(qk_norm="head"), units_for(model(qk_norm="head"), lanes=4), tokens=5).phases()
    q_k = next(site for site in decode.sites if site.site == "q + k")
    alone = pool.span(rows((8, 4)))
    assert q_k.loading == 4 * 2 * (2 + LOAD_CYCLES)
    assert q_k.total == 4 * 2 * (alone.total + 2 + LOAD_CYCLES)


def test_gamma_of_each_head_is_a_load_of_its_own():
    own, shared = (
        Workload(each, units_for(each, lanes=4), tokens=5)
        for each in (model(qk_norm="head-own", kv_heads=2), model(qk_norm="head", kv_heads=2))
    )
    assert own.memory_use()["parameter_sets"] - shared.memory_use()["parameter_sets"] == 4 * (4 + 2 - 2)
    sites = [next(site for site in each.phases()[1].sites if site.site == "q + k") for each in (own, shared)]
    assert [site.rows for site in sites] == [4 * 6, 4 * 6]
    assert [site.loading for site in sites] == [4 * 6 * (2 + LOAD_CYCLES), 4 * 2 * (2 + LOAD_CYCLES)]


def test_norms_without_gamma_share_one_set():
    small = model(norms={"ffn-in": {"affine": False}})
    workload = Workload(small, units_for(small, lanes=4, banks=2), tokens=5)
    # The first norm's set stays; ones and zeros go through the other bank by turns with three norms and the last.
    assert workload.phases()[1].loading == (4 + 3 + 1) * (8 + LOAD_CYCLES)
    assert workload.memory_use()["parameter_sets"] == 5


# Norms of several kinds

MIXED = {"qk_norm": "head", "norms": {"q": {"norm": "rmsnorm"}, "k": {"norm": "rmsnorm", "epsilon": 1e-6}}}


def test_a_unit_for_each_norm_and_epsilon():
    mixed = model(**MIXED)
    configs = units_for(mixed, lanes=4)
    assert [(config.name, config.norm, config.epsilon, config.max_length) for config in configs] == [
        ("workload_layernorm", "layernorm", 1e-5, 32),
        ("workload_rmsnorm", "rmsnorm", 1e-5, 8),
        ("workload_rmsnorm2", "rmsnorm", 1e-6, 8),
    ]
    workload = Workload(mixed, configs, tokens=5)
    assert workload.to_dict()["model"]["norms"] == [
        {"norm": "layernorm", "epsilon": 1e-5, "count": 9},
        {"norm": "rmsnorm", "epsilon": 1e-5, "count": 4},
        {"norm": "rmsnorm", "epsilon": 1e-6, "count": 4},
    ]
    _, decode = workload.phases()
    q_k = next(site for site in decode.sites if site.site == "q + k")
    pools = [Pool(Plan.of(config)) for config in configs[1:]]
    # Each kind of unit takes its norm at the same time.
    load = 2 + LOAD_CYCLES
    assert q_k.total == 4 * (load + max(pool.span(rows((8, 4))).total for pool in pools))
    assert q_k.busy == 4 * sum(load + pool.busy(rows((8, 4))) for pool in pools)
    assert q_k.norms == 8


def test_units_of_the_users_serve_each_norm(plan):
    mixed = model(**MIXED)
    layer, rms, fine = units_for(mixed, lanes=4)
    with pytest.raises(ConfigError, match=r"^workload_layernorm is a layernorm, small needs rmsnorm$"):
        Workload(mixed, (layer,), tokens=1)
    with pytest.raises(ConfigError, match=r"^workload_rmsnorm: small has no norm for it$"):
        Workload(model(), (layer, rms), tokens=1)
    with pytest.raises(ConfigError, match=r"^workload_rmsnorm: clock_mhz = 100: must be that of workload_layernorm"):
        Workload(mixed, (layer, rms.replace(clock_mhz=100)), tokens=1)
    assert Workload(mixed, (fine, rms, layer), tokens=1).differences() == []
    assert Workload(mixed, (layer, rms), tokens=1).differences() == ["workload_rmsnorm has epsilon 1e-05, small 1e-06"]


def test_an_encoder_and_its_decoder_may_differ():
    both = model(encoder={"norm": "rmsnorm", "layers": 1}, decoder={"cross_attention": True})
    assert [config.norm for config in units_for(both)] == ["rmsnorm", "layernorm"]
    assert len(Workload(both, units_for(both), tokens=3).phases()) == 2


def test_norms_side_by_side_share_a_step():
    two, one = (Workload(each, units_for(each, lanes=4), tokens=1, units=2).phases()[0]
                for each in (model(placement="parallel-two"), model(placement="parallel")))  # fmt: skip
    assert (two.rows, one.rows) == (9, 5)
    assert two.total == one.total


def test_an_encoder_is_done_once_and_the_decoder_writes_token_by_token():
    small = model(encoder={"layers": 3}, decoder={"cross_attention": True})
    prefill, decode = Workload(small, units_for(small), tokens=7).phases()
    assert prefill.rows == 7 * (3 * 2 + 1) + 4 * 3 + 1
    assert decode.rows == 4 * 3 + 1
    assert [phase.name for phase in Workload(model(generates=False), units_for(small), tokens=7).phases()] == [
        "prefill"
    ]


def test_growth_ends_where_nothing_gets_faster():
    small = model()
    growth = Workload(small, units_for(small, lanes=4), tokens=16).growth()
    assert [line.units for line in growth["prefill"]] == [1, 2, 4, 8, 16, 32]
    totals = [line.total for line in growth["prefill"]]
    assert totals == sorted(totals, reverse=True)
    assert totals[-1] == totals[-2] < totals[-3]
    assert {line.speedup for line in growth["decode"]} == {1.0}
    assert all(0 < line.use <= 1 for lines in growth.values() for line in lines)


def test_buffers_and_parameters():
    small = model()
    workload = Workload(small, units_for(small, lanes=4), tokens=5, units=3)
    memory, widths = workload.memory_use(), workload.plans[0].to_dict()["widths"]
    assert memory["row_buffer_bytes"] == math.ceil(workload.plans[0].buffer_beats * 4 * widths["difference_bits"] / 8)
    assert memory["row_buffer_bytes_all"] == 3 * memory["row_buffer_bytes"]
    assert memory["parameter_sets"] == 9
    (config,) = workload.configs
    assert memory["parameter_bytes"] == 9 * 32 * (config.gamma_bits + config.beta_bits) // 8
    plain = model(affine=False)
    assert Workload(plain, units_for(plain), tokens=5).memory_use()["parameter_bytes"] == 0


def test_a_unit_of_the_users_must_fit(plan):
    with pytest.raises(ConfigError, match=r"^streamnorm: max_length = 32: gpt2 has rows of 768$"):
        Workload(find_model("gpt2"), (plan.config,), tokens=1)
    with pytest.raises(ConfigError, match=r"^streamnorm is a layernorm, llama-7b needs rmsnorm$"):
        Workload(find_model("llama-7b"), (plan.config,), tokens=1)


def test_a_model_without_norms_needs_no_unit():
    for bare in (model(placement="none", final_norm=False), model(placement="fixup"), model(pruned=["*"])):
        assert units_for(bare) == ()
        workload = Workload(bare, (), tokens=5, flops=1e9, memory=1e9, link=1e9)
        for phase in workload.phases():
            assert (phase.rows, phase.busy, phase.total, phase.needs) == (0, 0, 0, ())
        assert workload.line_units() is None
        assert workload.memory_use()["parameter_sets"] == 0
        assert workload.to_dict()["model"]["norms"] == []


def test_a_unit_without_a_norm_to_serve_is_refused(plan):
    with pytest.raises(ConfigError, match=r"^streamnorm: small has no norm for it$"):
        Workload(model(placement="fixup"), (plan.config,), tokens=5)


def test_in_what_a_unit_of_the_users_differs(plan):
    small = model()
    assert Workload(small, units_for(small), tokens=1).differences() == []
    epsilon = small.stacks[0].kind.epsilon
    fixed = plan.config.replace(epsilon=epsilon / 2, gamma=[1.0 + i / 32 for i in range(32)])
    assert Workload(small, (fixed,), tokens=1).to_dict()["differences"] == [
        f"streamnorm has epsilon {epsilon / 2:g}, small {epsilon:g}",
        'streamnorm holds gamma and beta of 1 of 9 norms; storage = "ram" serves them all',
    ]


def test_a_unit_whose_elements_share_gammas_differs_and_loads_fewer(plan):
    small = model()
    epsilon = small.stacks[0].kind.epsilon
    shared = plan.config.replace(epsilon=epsilon, storage="ram", gamma=1.0, parameter_repeat=8)
    work = Workload(small, (shared,), tokens=1)
    assert work.differences() == ["streamnorm has one gamma for 8 elements, small one for each"]


@pytest.mark.parametrize(
    "name", ["gemma-3-1b", "t5-small", "olmo-1b", "openelm-270m", "deepseek-v2-lite", "chameleon-7b"]
)
def test_a_workload_is_json(name):
    known = find_model(name)
    data = json.loads(json.dumps(Workload(known, units_for(known), tokens=8, link=1e9).to_dict(), allow_nan=False))
    assert data["phases"][0]["total"] == data["growth"]["prefill"][0]["total"]
