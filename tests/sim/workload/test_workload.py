"""The cycles that a model's norms take on one and on many units, and what units hold."""

import json
import math

import pytest

from sim.workload.small_model import model
from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm_sim.workload import Pool, Workload, find_model, unit_for

# Rows on units


@pytest.fixture(scope="module")
def plan() -> Plan:
    integers = IntFormat(8, scale=0.1)
    return Plan.of(NormConfig(norm="layernorm", lanes=4, max_length=32, input=integers, output=integers, epsilon=1e-5))


def test_one_row_takes_its_latency(plan):
    span, latency = Pool(plan).span([(32, 1)]), plan.latency(32)
    assert (span.total, span.exposed, span.hidden) == (latency.L3, latency.L1, 32 // 4 - 1)


def test_rows_follow_one_another(plan):
    latency = plan.latency(32)
    assert Pool(plan).span([(32, 10)]).total == latency.L3 + 9 * latency.SS
    assert Pool(plan).span([(32, 10)]).exposed == latency.L1
    assert Pool(plan).span([(32, 4), (32, 6)]) == Pool(plan).span([(32, 10)])


def test_a_short_row_waits_for_the_long_one_before_it(plan):
    long, short = plan.latency(32), plan.latency(4)
    # The long row goes out in 8 beats; the short one, of one beat, is in 1 cycle after it and could be out earlier.
    assert Pool(plan).span([(32, 1), (4, 1)]).total == long.L3 + 1
    assert Pool(plan).span([(4, 1), (32, 1)]).total == short.SS + long.L3


def test_units_take_rows_in_turn(plan):
    latency = plan.latency(32)
    totals = [Pool(plan, units).span([(32, 10)]).total for units in (1, 2, 3, 4, 5, 9, 10, 1000)]
    assert totals == [latency.L3 + (math.ceil(10 / units) - 1) * latency.SS for units in (1, 2, 3, 4, 5, 9, 10, 1000)]


@pytest.mark.parametrize("units", range(1, 12))
def test_mixed_rows_are_dealt_in_turn(plan, units):
    rows = [(32, 3), (8, 5), (16, 2)]
    one_by_one = [length for length, count in rows for _ in range(count)]
    alone = [Pool(plan).span([(length, 1) for length in one_by_one[unit::units]]) for unit in range(units)]
    assert Pool(plan, units).span(rows).total == max(span.total for span in alone)
    assert Pool(plan, units).busy(rows) == 3 * 8 + 5 * 2 + 2 * 4


def test_no_rows_take_no_time(plan):
    assert Pool(plan, 3).span([]).total == 0


# A model's pass


def test_a_pass_adds_up():
    small = model()
    workload = Workload(small, unit_for(small, lanes=4), tokens=5, sequences=2)
    prefill, decode = workload.phases()
    latency = workload.plan.latency(32)
    assert (prefill.rows, decode.rows) == (9 * 10, 9 * 2)
    assert (prefill.busy, prefill.busy_per_token) == (9 * 10 * latency.SS, 9 * latency.SS)
    assert prefill.total == 9 * (latency.L3 + 9 * latency.SS)
    assert decode.total == 9 * (latency.L3 + latency.SS)
    assert prefill.exposed == decode.exposed == 9 * latency.L1


def test_norms_side_by_side_share_a_step():
    two, one = (Workload(each, unit_for(each, lanes=4), tokens=1, units=2).phases()[0]
                for each in (model(placement="parallel-two"), model(placement="parallel")))  # fmt: skip
    assert (two.rows, one.rows) == (9, 5)
    assert two.total == one.total


def test_an_encoder_is_done_once_and_the_decoder_writes_token_by_token():
    small = model(encoder={"layers": 3}, decoder={"cross_attention": True})
    prefill, decode = Workload(small, unit_for(small), tokens=7).phases()
    assert prefill.rows == 7 * (3 * 2 + 1) + 4 * 3 + 1
    assert decode.rows == 4 * 3 + 1
    assert [phase.name for phase in Workload(model(generates=False), unit_for(small), tokens=7).phases()] == ["prefill"]


def test_growth_ends_where_nothing_gets_faster():
    small = model()
    growth = Workload(small, unit_for(small, lanes=4), tokens=16).growth()
    assert [line.units for line in growth["prefill"]] == [1, 2, 4, 8, 16, 32]
    totals = [line.total for line in growth["prefill"]]
    assert totals == sorted(totals, reverse=True)
    assert totals[-1] == totals[-2] < totals[-3]
    assert {line.speedup for line in growth["decode"]} == {1.0}
    assert all(0 < line.use <= 1 for lines in growth.values() for line in lines)


def test_buffers_and_parameters():
    small = model()
    workload = Workload(small, unit_for(small, lanes=4), tokens=5, units=3)
    memory, widths = workload.memory_use(), workload.plan.to_dict()["widths"]
    assert memory["row_buffer_bytes"] == math.ceil(workload.plan.buffer_beats * 4 * widths["difference_bits"] / 8)
    assert memory["row_buffer_bytes_all"] == 3 * memory["row_buffer_bytes"]
    assert memory["parameter_sets"] == 9
    assert memory["parameter_bytes"] == 9 * 32 * (workload.config.gamma_bits + workload.config.beta_bits) // 8
    assert memory["load_beats"] == 0
    many = model(layers=8)
    assert Workload(many, unit_for(many, lanes=4), tokens=5).memory_use()["load_beats"] == 17 * 8
    plain = model(affine=False)
    assert Workload(plain, unit_for(plain), tokens=5).memory_use()["parameter_bytes"] == 0


def test_a_unit_of_the_users_must_fit(plan):
    with pytest.raises(ConfigError, match=r"^streamnorm: max_length = 32: gpt2 has rows of 768$"):
        Workload(find_model("gpt2"), plan.config, tokens=1)
    with pytest.raises(ConfigError, match=r"^streamnorm is a layernorm, llama-7b needs rmsnorm$"):
        Workload(find_model("llama-7b"), plan.config, tokens=1)
    with pytest.raises(ConfigError, match=r"^small: has no norm$"):
        unit_for(model(placement="none", final_norm=False))


def test_in_what_a_unit_of_the_users_differs(plan):
    small = model()
    assert Workload(small, unit_for(small), tokens=1).differences() == []
    epsilon = small.stacks[0].epsilon
    fixed = plan.config.replace(epsilon=epsilon / 2, gamma=[1.0 + i / 32 for i in range(32)])
    assert Workload(small, fixed, tokens=1).to_dict()["differences"] == [
        f"streamnorm has epsilon {epsilon / 2:g}, small {epsilon:g}",
        'streamnorm holds gamma and beta of 1 of 9 norms; storage = "ram" serves them all',
    ]


@pytest.mark.parametrize("name", ["gemma-3-1b", "t5-small", "olmo-1b", "openelm-270m"])
def test_a_workload_is_json(name):
    known = find_model(name)
    data = json.loads(json.dumps(Workload(known, unit_for(known), tokens=8, link=1e9).to_dict(), allow_nan=False))
    assert data["phases"][0]["total"] == data["growth"]["prefill"][0]["total"]
