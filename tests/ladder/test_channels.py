"""GroupNorm and InstanceNorm in hardware: channels that share gamma and beta, banks that rows take in turn."""

import zlib

import numpy as np
import pytest

from ladder.checks import STALLS, agree, equal_golden, mixed_rows, traffic_of, within_bound
from ladder.configurations import configuration, units
from streamnorm.plan import Plan
from streamnorm.spec.architectures import architectures_of
from streamnorm.spec.config import NormConfig
from streamnorm.spec.norms import NORMS
from streamnorm.spec.parameters import StoredParameters
from streamnorm_sim.check.measure import measure_cycles
from streamnorm_sim.check.row_parts import GivenRows, RandomRows
from streamnorm_sim.check.simulate import simulate
from streamnorm_sim.engines import run
from streamnorm_sim.reference.golden import GoldenModel
from streamnorm_sim.reference.rows import random_rows
from streamnorm_sim.streams.beats import Beats
from streamnorm_sim.streams.stalls import Stall
from streamnorm_sim.streams.traffic import ParameterLoad, Traffic

GROUPS = ("groups_56", "groups_16_ram", "groups_49", "groups_5_ram", "groups_3_ram", "instances", "instances_ram")
MEASURING = architectures_of(NORMS["groupnorm"])
STATIC = ("affine_groups_49", "affine_groups_56", "affine_groups_3_ram", "dyt_instances_ram")


@pytest.mark.parametrize("name", units(["groups_49", "groups_3_ram", "instances", *STATIC], slow=GROUPS))
def test_hardware_gives_the_golden_models_bits_at_the_planned_cycles(name: str) -> None:
    config = configuration(name)
    seed = zlib.crc32(name.encode())
    rng = np.random.default_rng(seed)
    batch = mixed_rows(config, rng, elements=20_000)
    for source, sink in ((1, 0), (4, 2), (3, 5)):
        agree(config, traffic_of(batch, source=STALLS[source], sink=STALLS[sink], seed=seed))
    within_bound(agree(config, traffic_of(batch, seed=seed)))
    for n in (1, config.lanes + 1, config.max_length):
        assert measure_cycles(config, n).to_dict() == vars(Plan.of(config).latency(n))


@pytest.mark.parametrize("architecture", units(["two-pass"], slow=MEASURING))
@pytest.mark.parametrize("name", units(["groups_49"], slow=["groups_3_ram"]))
@pytest.mark.parametrize("clock_mhz", [1, pytest.param(200, marks=pytest.mark.slow)])
def test_gamma_and_beta_come_in_time_in_every_architecture(architecture: str, name: str, clock_mhz: float) -> None:
    """Also where a cycle has room for so much logic that the data would be there before them."""
    config = configuration(name, architecture=architecture, clock_mhz=clock_mhz, target="generic", max_length=60)
    batch = mixed_rows(config, np.random.default_rng(6), count=20)
    agree(config, traffic_of(batch, source=STALLS[1], sink=STALLS[2], seed=6))


def cut_rows(config: NormConfig, rng: np.random.Generator, count: int) -> list[np.ndarray]:
    """Rows of any length, a third of them too long, by less than a beat and by more than a row."""
    low, high = config.input.min, config.input.max
    lengths = rng.integers(1, config.max_length, count, endpoint=True)
    lengths[::3] = config.max_length + rng.integers(1, 2 * config.max_length, len(lengths[::3]))
    lengths[1::9] = config.max_length + 1
    return [rng.integers(low, high, int(length), endpoint=True) for length in lengths]


class TestCyclicOrder:
    @pytest.mark.parametrize("name", ["groups_49", "groups_16_ram", "instances", "affine_groups_49"])
    def test_banks_follow_each_other_row_by_row_cut_rows_counted(self, name: str) -> None:
        config = configuration(name)
        assert config.bank_order == "cyclic"
        rows = cut_rows(config, np.random.default_rng(1), 5 * config.banks + 2)
        for source, sink in ((0, 0), (2, 4)):
            trace = agree(config, Traffic(rows=rows, source=STALLS[source], sink=STALLS[sink], seed=1))
            assert trace.expected.banks.tolist() == [row % config.banks for row in range(len(rows))]
            assert trace.rows.errors.any()

    def test_the_turn_shows_in_the_results(self) -> None:
        """Not only the golden model's word for it: the same row, again and again."""
        config = configuration("groups_49")
        row = random_rows(config, 1, np.random.default_rng(2), lengths=[config.max_length]).x
        count = 3 * config.banks + 1
        got = agree(config, Traffic(rows=np.tile(row, (count, 1)))).rows.x
        named = config.replace(bank_order="given")
        by_bank = GoldenModel(named).normalize(np.tile(row, (config.banks, 1)), banks=np.arange(config.banks))
        assert len(np.unique(by_bank, axis=0)) == config.banks
        np.testing.assert_array_equal(got, by_bank[np.arange(count) % config.banks])

    def test_a_malformed_row_takes_its_turn(self) -> None:
        config = configuration("groups_49")
        rng = np.random.default_rng(3)
        beats = Traffic(rows=cut_rows(config, rng, 30)).encode(config)
        keep = beats.keep & (rng.random(beats.keep.shape) < 0.9)
        agree(config, Traffic(beats=Beats(beats.data, keep, beats.last, beats.user), source=STALLS[1], seed=3))

    def test_a_load_does_not_begin_the_turn_anew(self) -> None:
        config = configuration("groups_16_ram")
        rng = np.random.default_rng(4)
        stored = StoredParameters.of(config)
        loads = [
            ParameterLoad(after, rng.permutation(stored.gamma[bank]), rng.permutation(stored.beta[bank]), bank)
            for after, bank in ((-1, 2), (0, 1), (3, 0), (4, 2), (4, 0), (13, 1))
        ]
        for sink in (0, 5):
            agree(config, Traffic(rows=cut_rows(config, rng, 20), loads=loads, sink=STALLS[sink], seed=4))

    @pytest.mark.parametrize("name", ["groups_49", "instances", "affine_groups_49"])
    def test_reset_begins_it_anew(self, name: str) -> None:
        config = configuration(name)
        rng = np.random.default_rng(5)
        rows = cut_rows(config, rng, 24)
        begun = set()
        for reset_at in range(1, 700, 9):
            trace = run(config, Traffic(rows=rows, reset_at=reset_at, sink=STALLS[reset_at % 3], seed=reset_at))
            equal_golden(trace)
            before = trace.outputs_before_reset or 0
            whole = int(trace.outputs.last[:before].sum())
            if len(trace.answered) > whole:
                assert trace.expected.banks[whole] == 0
                begun.add(int(trace.answered[whole]) % config.banks)
        assert len(begun) > 2  # so that the turn would have been another


def test_each_of_many_banks_is_named_and_loaded() -> None:
    """300 banks of one number each: nine bits of tuser."""
    config = configuration("instances_ram")
    rng = np.random.default_rng(7)
    limit = 1 << (config.gamma_bits - 2)
    banks = rng.permutation(config.banks)
    gamma, beta = rng.integers(-limit, limit, (2, config.banks, 1))
    loads = [ParameterLoad(-1, gamma[bank], beta[bank], bank) for bank in banks.tolist()]
    batch = random_rows(config, 2 * config.banks, rng)
    order = np.concatenate([np.arange(config.banks), rng.permutation(config.banks)])
    agree(
        config, Traffic(rows=batch.x, lengths=batch.lengths, banks=order, loads=loads, source=Stall.random(0.1), seed=7)
    )


def test_engines_agree() -> None:
    for name in ("groups_3_ram", "groups_49"):
        config = configuration(name)
        rng = np.random.default_rng(8)
        rows = cut_rows(config, rng, 8)
        banks = None if config.bank_order == "cyclic" else rng.integers(config.banks, size=len(rows))
        loads = []
        if config.storage == "ram":
            gamma, beta = rng.integers(-999, 999, (2, config.bank_values))
            loads = [ParameterLoad(1, gamma, beta, 1)]
        what = Traffic(rows=rows, banks=banks, loads=loads, source=STALLS[2], sink=STALLS[1], seed=8)
        by_engine = [agree(config, what, engine) for engine in ("pysim", "cxxrtl")]
        assert (by_engine[0].output_cycles == by_engine[1].output_cycles).all()


def test_rows_that_are_drawn_take_their_turn() -> None:
    config = configuration("instances")
    assert random_rows(config, 50, np.random.default_rng(9)).banks.tolist() == [row % 20 for row in range(50)]


@pytest.mark.parametrize("whole", [False, True])
def test_a_long_simulation_goes_on_with_the_next_bank_from_part_to_part(
    whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configuration("groups_49")
    monkeypatch.setattr("streamnorm_sim.check.row_parts.PART_ELEMENTS", 8 * config.max_length)
    rows = random_rows(config, 40, np.random.default_rng(10), lengths=np.full(40, config.max_length)).x
    for given in (GivenRows(config, rows), RandomRows(config, 40, 1)):
        parts = list(given.parts(whole=whole))
        assert [len(part) for part in parts] == ([40] if whole else [6] * 6 + [4])
        assert np.concatenate([part.banks for part in parts]).tolist() == [row % 6 for row in range(40)]
    if not whole:
        result = simulate(config, rows=rows)
        assert result.mismatches == 0
        np.testing.assert_array_equal(result.y, GoldenModel(config).normalize(rows))
