"""Test vectors: the rows, their golden outputs, and their beats as the engines would send them."""

import numpy as np
import pytest

from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.parameters import StoredParameters
from streamnorm.verilog.vector_files import vector_files
from streamnorm_sim.reference.golden import GoldenModel
from streamnorm_sim.reference.welford import WelfordModel
from streamnorm_sim.streams.beats import encode_rows
from streamnorm_sim.streams.rows import RowBatch
from streamnorm_sim.vectors import ELEMENTS_MAX, make_vectors


def make(**changes: object) -> NormConfig:
    keywords = {
        "norm": "layernorm",
        "lanes": 4,
        "max_length": 37,
        "input": IntFormat(12, scale=0.01),
        "output": IntFormat(8, scale=0.05),
        "epsilon": 1e-5,
        "gamma": np.linspace(0.5, 1.5, 3 * 37).reshape(3, 37),
        "banks": 3,
    }
    return NormConfig(**{**keywords, **changes})  # pyright: ignore[reportArgumentType]


def test_outputs_are_those_of_the_architecture():
    config = make()
    exact, scans, welford = (
        make_vectors(config.replace(architecture=name), 60) for name in ("one-pass", "five-scan", "five-scan:welford")
    )
    assert (scans.expected == exact.expected).all()
    want = WelfordModel(config).normalize(exact.input, lengths=exact.lengths, banks=exact.banks)
    assert (welford.expected == want).all()
    assert (want != exact.expected).any()


@pytest.mark.parametrize("rows", [1, 5, 60])
def test_as_many_rows_as_asked_for_with_golden_outputs(rows: int) -> None:
    config = make()
    vectors = make_vectors(config, rows)
    assert vectors.input.shape[0] == len(vectors.lengths) == len(vectors.banks) == rows
    assert vectors.lengths.min() >= 1
    assert vectors.lengths.max() <= config.max_length
    want = GoldenModel(config).normalize(vectors.input, lengths=vectors.lengths, banks=vectors.banks)
    assert (vectors.expected == want).all()
    again = make_vectors(config, rows)
    assert (again.input == vectors.input).all()


def test_all_banks_and_random_rows_take_part() -> None:
    config = make()
    vectors = make_vectors(config, 60)
    assert set(vectors.banks.tolist()) == {0, 1, 2}
    other = make_vectors(config, 60, seed=1)
    assert vectors.input.shape != other.input.shape or (vectors.input != other.input).any()


@pytest.mark.parametrize("rows", [0, 10**8])
def test_no_rows_and_too_many_are_refused(rows: int) -> None:
    allowed = f"an integer from 1 to {ELEMENTS_MAX // 37} rows of 37 elements"
    with pytest.raises(ConfigError, match=f"^vectors = {rows}: must be {allowed}$"):
        make_vectors(make(), rows)


@pytest.mark.parametrize("output", [IntFormat(8, scale=0.05), IntFormat(4, signed=False), IntFormat(24, scale=1e-6)])
@pytest.mark.parametrize(("max_length", "storage"), [(37, "ram"), (1, "ram"), (37, "rom")])
def test_closing_rows_need_what_the_rows_before_them_do_not(output: IntFormat, max_length: int, storage: str) -> None:
    gamma = np.linspace(0.5, 1.5, 3 * max_length).reshape(3, max_length)
    config = make(output=output, max_length=max_length, storage=storage, gamma=gamma)
    vectors = make_vectors(config, 1)
    assert vectors.closing is not None
    rows, parameters = vectors.closing.rows, vectors.closing.parameters
    assert rows.lengths[0] > config.max_beats * config.lanes
    assert (rows.lengths[1:] == max_length).all()
    assert set(rows.banks.tolist()) == {0, 1, 2}
    assert len(rows.input) * config.max_beats > min(Plan.of(config).buffer_beats, Plan.of(config).row_slots)
    x, results = rows.input[:, :max_length], rows.expected[:, :max_length]
    assert (results == GoldenModel(config, **parameters or {}).normalize(x, banks=rows.banks)).all()
    assert (results != GoldenModel(config, **parameters or {}).normalize(x)).any()
    if parameters is None:
        assert storage == "rom"
        return
    stored = StoredParameters.of(config)
    assert list(parameters) == ["gamma", "beta"]
    for values, initial, bits in zip(
        parameters.values(), (stored.gamma, stored.beta), (config.gamma_bits, config.beta_bits), strict=True
    ):
        assert values.min() >= -(1 << (bits - 1))
        assert values.max() < 1 << (bits - 1)
        assert (values != initial).any(axis=1).all()
    before = GoldenModel(config).normalize(x, banks=rows.banks)
    assert all((results != before)[rows.banks == bank].any() for bank in range(3))


@pytest.mark.parametrize("storage", ["rom", "ram"])
def test_rows_that_take_banks_in_turn_go_on_where_those_before_them_end(storage: str) -> None:
    gamma = np.linspace(0.5, 1.5, 3 * 5).reshape(3, 5)
    config = make(storage=storage, gamma=gamma, beta=0.5, bank_order="cyclic", parameter_repeat=8)
    vectors = make_vectors(config, 40)
    assert vectors.closing is not None
    every = np.concatenate([vectors.banks, vectors.closing.rows.banks])
    assert every.tolist() == [row % 3 for row in range(len(every))]
    files = vector_files(config, vectors)
    assert files["vectors/input.hex"].startswith(b"// tlast_tkeep_tdata:")
    if storage == "ram":
        lines = files["vectors/parameters.hex"].decode().splitlines()[1:]
        assert len(lines) == 3 * 5  # a beat for each value
        assert vectors.closing.parameters is not None
        values = vectors.closing.parameters["gamma"]
        digits = 2 * -(-config.beta_bits // 8) + 2 * -(-config.gamma_bits // 8)
        first = [int(line.rpartition("_")[2], 16) for line in lines]
        assert {len(line.rpartition("_")[2]) for line in lines} == {digits}
        low = (1 << 8 * -(-config.gamma_bits // 8)) - 1
        assert [value & low for value in first] == [int(value) & low for value in values.ravel()]


def test_closing_rows_of_many_banks_stay_few() -> None:
    config = make(banks=4000, storage="ram", gamma=0.5, max_length=1000, parameter_repeat=1000)
    closing = make_vectors(config, 1).closing
    assert closing is not None
    assert len(closing.rows.input) < 1100


def test_hex_lines_are_the_beats_that_the_engines_send() -> None:
    config = make()
    vectors = make_vectors(config, 40)
    beats = encode_rows(config, RowBatch.of(config, vectors.input, vectors.lengths, vectors.banks))
    lines = vector_files(config, vectors)["vectors/input.hex"].decode().splitlines()[1:]
    lines = lines[: lines.index("// closing rows")]
    assert len(lines) == len(beats)
    for line, data, keep, last, user in zip(lines, beats.data, beats.keep, beats.last, beats.user, strict=True):
        fields = [int(field, 16) for field in line.split("_")]
        kept = sum(int(bit) << place for place, bit in enumerate(keep))
        assert fields == [user, last, kept, int.from_bytes(data.tobytes(), "little")], line
