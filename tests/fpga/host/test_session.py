"""A session with a board made of Python: what is reported, and what is refused before a port is opened."""

import numpy as np
import pytest

from fpga.host.fake_board import FakeBoard
from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm_fpga.host import session as session_module
from streamnorm_fpga.host.session import session
from streamnorm_fpga.top.board_top import identity
from streamnorm_sim.reference.golden import GoldenModel
from streamnorm_sim.streams.rows import RowBatch


@pytest.fixture
def board(config, monkeypatch):
    planned = tuple(vars(Plan.of(config).latency(config.max_length)).values())
    fake = FakeBoard(config, identity=identity(config), latency=planned)
    monkeypatch.setattr(session_module, "open_port", lambda path, baud: fake)
    return fake


def test_rows_of_a_file_come_back(config, board, tmp_path):
    x = np.random.default_rng(1).integers(config.input.min, config.input.max, (7, 15))
    np.save(tmp_path / "x.npy", x)
    steps = []
    report = session(
        config,
        "here",
        input=tmp_path / "x.npy",
        output=tmp_path / "y.npy",
        progress=lambda step, done, total: steps.append((step, done, total)),
    )
    assert report.failures == []
    assert report.rows is not None
    assert (report.port, report.rows.rows, report.virtual) == ("here", 7, None)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), GoldenModel(config).normalize(x))
    assert [step for step, _, _ in steps] == ["asking the board", *["rows"] * (len(steps) - 2), "counting cycles"]
    assert steps[-2] == ("rows", 7, 7)


def test_rows_of_all_streams_come_from_files_and_go_to_files(config, monkeypatch, tmp_path):
    beside = {"residual": {"format": "int8", "scale": 0.1, "emit_sum": True}, "storage": "stream", "gamma_max": 2.0}
    config = config.replace(input="int8", gamma=None, banks=1, output={"format": "int8", "scale": "row"}, **beside)
    planned = tuple(vars(Plan.of(config).latency(config.max_length)).values())
    fake = FakeBoard(config, identity=identity(config), latency=planned)
    monkeypatch.setattr(session_module, "open_port", lambda path, baud: fake)
    rng = np.random.default_rng(1)
    rows = {name: rng.integers(-100, 100, (7, 11)) for name in ("x", "residual", "gamma")}
    rows["beta"] = np.zeros((7, 11), np.int64)
    files = {name: tmp_path / f"{name}.npy" for name in (*rows, "y", "sum", "scale")}
    for name, of in rows.items():
        np.save(files[name], of)
    given = {name: files[name] for name in ("residual", "gamma", "beta")}
    taken = {name: files[name] for name in ("sum", "scale")}
    report = session(config, "here", input=files["x"], output=files["y"], beside=given, outputs_beside=taken)
    assert report.failures == []
    x = rows.pop("x")
    batch = RowBatch.of(config, x, **rows)
    want = {name: of.x for name, of in GoldenModel(config).beside(batch).items()}
    want["y"] = GoldenModel(config).normalize(x, **rows)
    for name, of in want.items():
        np.testing.assert_array_equal(np.load(files[name]), of)
    for options, message in (
        ({"beside": {**given, "more": files["x"]}}, "more: the unit has no stream of that name"),
        ({"outputs_beside": {"more": files["y"]}, "beside": given}, "more: the unit has no stream of that name"),
        ({"outputs_beside": {"sum": files["residual"]}, "beside": given}, "the rows that go in are there"),
        ({"beside": {}}, "residual: rows are missing"),
    ):
        with pytest.raises(ConfigError, match=message):
            session(config, "here", input=files["x"], **options)


def test_without_a_configuration_the_board_tells_of_itself(board):
    report = session(None, "here")
    assert (report.info.name, report.rows, report.cycles, report.throughput()) == ("fake_unit", None, None, None)
    assert report.failures == []


def test_a_simulated_board_is_made_of_a_configuration():
    with pytest.raises(ValueError, match="a simulated board needs a configuration"):
        session(None, None)


def test_what_cannot_be_is_told_before_the_port_is_opened(config, monkeypatch, tmp_path):
    monkeypatch.setattr(session_module, "open_port", lambda path, baud: pytest.fail("the port is opened"))
    for options, message in (
        ({"lengths": (3, 16)}, "--lengths: 16 is more than max_length = 15"),
        ({"output": tmp_path}, "cannot be written: is a directory"),
        ({"input": tmp_path / "absent.npy"}, "no such file"),
    ):
        with pytest.raises(ConfigError, match=message):
            session(config, "here", **options)


def test_more_rows_than_memory_holds_are_refused_before_a_port_is_opened(config):
    with pytest.raises(ConfigError, match=r"^rows = 9{20}: must be an integer from 0 to \d+ of \d+ elements$"):
        session(config, None, rows=10**20 - 1)
