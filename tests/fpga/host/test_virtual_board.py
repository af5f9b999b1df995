"""The host's end against the board's design itself, simulated behind a pseudo-terminal."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from streamnorm import NormConfig
from streamnorm.errors import ConfigError, ToolMissing
from streamnorm.plan import Plan
from streamnorm.verilog.vector_files import Vectors
from streamnorm_fpga.host.check import check_rows, measure_cycles
from streamnorm_fpga.host.info import ask_info, run_self_test, self_test_of
from streamnorm_fpga.host.link import BoardLink
from streamnorm_fpga.host.port import open_port
from streamnorm_fpga.host.vectors import longest_vectors
from streamnorm_fpga.top.board_top import identity
from streamnorm_fpga.virtual_board import BIT_CYCLES, Faults, VirtualBoard, board_text
from streamnorm_sim.reference.golden import GoldenModel
from streamnorm_sim.vectors import make_vectors

pytest.importorskip("serial")


@pytest.fixture(scope="module")
def config(board_file):
    return NormConfig.from_toml(board_file)


@pytest.fixture(scope="module")
def text(config):
    return board_text(config)


@pytest.fixture
def powered(text):
    """Return a function that powers up a board, and one that links to it."""
    opened = []

    def power(**faults):
        board = VirtualBoard(*text, BIT_CYCLES, faults=Faults(**faults))
        opened.append(board)
        port = open_port(board.port, 1_000_000)
        opened.append(port)
        patience = 0.05 if faults else 5.0
        return board, BoardLink(port, board.port, 1_000_000, patience, attempts=200)

    yield power
    for thing in reversed(opened):
        thing.close()


@pytest.fixture(scope="module")
def vectors(config):
    return make_vectors(config, 50, seed=2)


def test_good_rows(config, powered, vectors):
    board, link = powered()
    said, record = ask_info(link)
    said.check_identity(link.name, config.name, identity(config))
    assert (said.target, said.clock_mhz, said.planned_mhz) == ("ecp5-25k-6", 50.0, 50.0)
    assert self_test_of(record).words == "passed"
    assert board.leds & 0b0110 == 0b0010
    for stalls in (False, True):
        report = check_rows(link, said, config, vectors, stalls=stalls)
        assert (report.mismatches, report.first_mismatch) == (0, None)
        assert (report.values == vectors.expected).all()
    assert report.record.beats_in == report.record.beats_out == record.beats_in + 2 * report.beats
    statistics = link.statistics
    assert (statistics.retries, statistics.spoilt, statistics.resets, statistics.late) == (0, 0, 0, 0)
    assert (report.record.line_errors, report.record.row_errors) == (0, 0)


def test_cycles_are_the_plans(config, powered):
    _, link = powered()
    said, _ = ask_info(link)
    x = np.random.default_rng(1).integers(-128, 127, (5, 31))
    vectors = Vectors(
        input=x, lengths=np.full(5, 31), banks=np.zeros(5, np.int64), expected=GoldenModel(config).normalize(x)
    )
    cycles, _ = measure_cycles(link, said, config, vectors)
    assert vars(cycles) == vars(Plan.of(config).latency(31))


def test_floating_point_rows_and_their_flags():
    """Special values among them; the board tells flags by the signature of what came out."""
    config = NormConfig(
        name="floats", norm="layernorm", lanes=2, max_length=12, input="bf16", output="fp16", epsilon=1e-5, clock_mhz=50
    )
    vectors = make_vectors(config, 40, seed=3)
    assert len(np.unique(vectors.flags)) >= 3
    nan = config.output.code_of_nan
    assert (vectors.expected == nan).any(axis=1).sum() in range(1, 40)
    with VirtualBoard(*board_text(config), BIT_CYCLES) as board, open_port(board.port, 1_000_000) as port:
        link = BoardLink(port, board.port, 1_000_000, 5.0)
        said, record = ask_info(link)
        assert self_test_of(record).words == "passed"
        report = check_rows(link, said, config, vectors, stalls=True)
        assert (report.mismatches, report.first_mismatch) == (0, None)
        assert (report.values == vectors.expected).all()
        wrong = vectors.flags.copy()
        wrong[7] ^= 1
        report = check_rows(link, said, config, replace(vectors, flags=wrong))
        assert report.mismatches > 0


@pytest.mark.parametrize(
    "output",
    [
        pytest.param({"scale": 0.05}, id="int8"),
        # As many streams more as a board may have; each by itself is in tests/fpga/top.
        pytest.param({"scale": "row", "scale_kind": "power-of-two"}, marks=pytest.mark.slow, id="a scale of each row"),
    ],
)
def test_streams_beside_the_rows(output):
    """Rows of more beats than any queue of the unit holds, though results go over the line before sums do."""
    config = NormConfig(
        **{"name": "beside", "norm": "rmsnorm", "lanes": 1, "max_length": 100, "epsilon": 1e-5, "clock_mhz": 50},
        input={"format": "int8", "scale": 0.05},
        output={"format": "int8", **output},
        residual={"format": "int8", "scale": 0.05, "emit_sum": True},
        **{"storage": "stream", "gamma_max": 2.0, "beta_max": 2.0},
    )
    assert Plan.of(config).output_entries < config.max_beats
    vectors = make_vectors(config, 16, seed=3)
    with VirtualBoard(*board_text(config), BIT_CYCLES) as board, open_port(board.port, 1_000_000) as port:
        link = BoardLink(port, board.port, 1_000_000, 5.0)
        said, record = ask_info(link)
        assert self_test_of(record).words == "passed"
        for stalls in (False, True):
            report = check_rows(link, said, config, vectors, stalls=stalls)
            assert (report.mismatches, report.first_mismatch) == (0, None)
            for side in config.side_outputs:
                assert (report.beside[side.name] == vectors.beside[side.name]).all()
        sums = vectors.beside["sum"].copy()
        sums[7, 0] ^= 1
        report = check_rows(link, said, config, replace(vectors, beside={**vectors.beside, "sum": sums}))
        assert report.mismatches == 1
        assert report.first_mismatch is not None
        assert report.first_mismatch.startswith("row 7 lane 0 of sum: got ")
        cycles, _ = measure_cycles(link, said, config, longest_vectors(config, 3))
        assert vars(cycles) == vars(Plan.of(config).latency(100))


def test_cycles_of_a_row_that_leaves_before_its_end(config):
    changes = {"norm": "rmsnorm", "epsilon": 1e-3, "statistic_length": 1, "max_length": 400}
    config = config.replace(**changes, banks=1, gamma=None, beta=None)
    n = 40 * config.lanes
    assert Plan.of(config).latency(n).L2 < 0
    board = VirtualBoard(*board_text(config), BIT_CYCLES, faults=Faults())
    port = open_port(board.port, 1_000_000)
    try:
        link = BoardLink(port, board.port, 1_000_000, 5.0, attempts=200)
        said, _ = ask_info(link)
        x = np.random.default_rng(2).integers(-128, 127, (5, n))
        vectors = Vectors(
            input=x, lengths=np.full(5, n), banks=np.zeros(5, np.int64), expected=GoldenModel(config).normalize(x)
        )
        cycles, _ = measure_cycles(link, said, config, vectors)
        assert vars(cycles) == vars(Plan.of(config).latency(n))
    finally:
        port.close()
        board.close()


@pytest.fixture(scope="module")
def in_turn(config):
    """More banks than an octet names, and than the row memory has beats, which rows take in turn."""
    gamma = np.random.default_rng(3).uniform(-1, 1, (300, 31))
    return config.replace(name="banks_in_turn", banks=300, bank_order="cyclic", gamma=gamma)


@pytest.mark.slow  # the board's blocks do the same in tests/fpga/top
@pytest.mark.parametrize("faults", [{}, {"corrupt": 5e-4, "drop": 5e-4, "seed": 1}], ids=["good line", "bad line"])
def test_rows_that_take_the_banks_in_turn(in_turn, faults):
    board = VirtualBoard(*board_text(in_turn), BIT_CYCLES, faults=Faults(**faults))
    port = open_port(board.port, 1_000_000)
    try:
        link = BoardLink(port, board.port, 1_000_000, 0.05 if faults else 5.0, attempts=200)
        said, record = ask_info(link)
        assert self_test_of(record).words == "passed"
        vectors = make_vectors(in_turn, 700, seed=2)
        assert (vectors.banks == np.arange(700) % 300).all()
        report = check_rows(link, said, in_turn, vectors)
        assert (report.mismatches, report.first_mismatch) == (0, None)
        assert (report.values == vectors.expected).all()
        assert self_test_of(run_self_test(link)).words == "passed"
        # Where the turn is forgotten, it is taken up again.
        board.reset()
        some = slice(40, 90)
        again = Vectors(*(getattr(vectors, name)[some] for name in ("input", "lengths", "banks", "expected")))
        assert check_rows(link, said, in_turn, again, stalls=True).mismatches == 0
        cycles, _ = measure_cycles(link, said, in_turn, longest_vectors(in_turn, 5))
        assert vars(cycles) == vars(Plan.of(in_turn).latency(31))
    finally:
        port.close()
        board.close()


def test_the_self_test_again(powered):
    _, link = powered()
    assert self_test_of(run_self_test(link)).words == "passed"


@pytest.mark.parametrize(
    "faults",
    [
        {"corrupt": 1e-3},
        {"drop": 1e-3},
        {"garbage": 1e-3},
        {"framing": 2e-3},
        {"corrupt": 5e-4, "drop": 5e-4, "garbage": 5e-4},
    ],
    ids=" ".join,
)
def test_a_bad_line(faults, config, powered, vectors):
    board, link = powered(**faults, seed=1)
    said, _ = ask_info(link)
    report = check_rows(link, said, config, vectors)
    assert (report.mismatches, report.first_mismatch) == (0, None)
    assert (report.values == vectors.expected).all()
    assert board.faults_hit > 0
    statistics = link.statistics
    assert statistics.retries + statistics.spoilt + statistics.dropped_by_board > 0
    assert statistics.resets == 0


def test_resets_in_mid_frame(config, powered, vectors):
    board, link = powered()
    link.patience = 0.1
    said, _ = ask_info(link)
    stop = threading.Event()
    resets = 0

    def disturb():
        """Each reset some cycles after rows were answered: a board that has counted none does not give itself away."""
        nonlocal resets
        rng = np.random.default_rng(5)
        for cycles in rng.integers(0, 5000, 5):
            answered = link.statistics.requests
            while link.statistics.requests == answered and not stop.is_set():
                time.sleep(0.001)
            mid_frame = board.cycle + cycles
            while board.cycle < mid_frame and not stop.is_set():
                time.sleep(0.001)
            board.reset()
            resets += 1

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        while resets < 5:
            report = check_rows(link, said, config, vectors)
            assert (report.mismatches, report.first_mismatch) == (0, None)
            assert (report.values == vectors.expected).all()
    finally:
        stop.set()
        thread.join()
    check_rows(link, said, config, vectors)
    assert 1 <= link.statistics.resets <= 5


def test_unplugged(config, powered, vectors):
    board, link = powered()
    said, _ = ask_info(link)
    threading.Timer(0.02, board.close).start()

    def work():
        for _ in range(1000):
            check_rows(link, said, config, vectors)

    with pytest.raises(ToolMissing, match=r"the port has gone away after \d+ answered requests"):
        work()


def test_another_configuration(config, powered):
    _, link = powered()
    said, _ = ask_info(link)
    other = config.replace(epsilon=1e-3)
    with pytest.raises(ConfigError, match="the board holds virtual_unit"):
        said.check_identity(link.name, other.name, identity(other))
    moved = config.replace(target="ice40-up5k", clock_mhz=20.0)
    said.check_identity(link.name, moved.name, identity(moved))
