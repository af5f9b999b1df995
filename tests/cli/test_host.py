"""``streamnorm host``: its report, its files, and each of its errors."""

import io
import json
import sys

import numpy as np
import pytest
from rich.console import Console

import streamnorm_cli as cli
from fpga.host.fake_board import FakeBoard
from streamnorm import NormConfig
from streamnorm.plan import Plan
from streamnorm_fpga.host.link import BoardLink
from streamnorm_fpga.link.protocol import FLAG_SELF_TEST_FINISHED, Operation
from streamnorm_fpga.top.board_top import identity
from streamnorm_sim.reference.golden import GoldenModel

REPORT_KEYS = {
    "port", "baud", "board", "self_test", "rows", "elements", "mismatches", "first_mismatch", "on_board", "planned",
    "counters", "link", "throughput", "virtual", "failures",
}  # fmt: skip


def host(*arguments: object) -> int:
    return cli.main(["host", *(str(argument) for argument in arguments)])


def error_line(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert len(lines) == 1, captured.err
    return lines[0].removeprefix("streamnorm: error: ")


@pytest.fixture
def config(config_file):
    return NormConfig.from_toml(config_file)


@pytest.fixture
def connect(config, monkeypatch):
    """Return a function that plugs a board in; it knows the cycles of the plan unless told otherwise."""

    def plug(**options):
        planned = Plan.of(config).latency(config.max_length)
        known = {"identity": identity(config), "latency": tuple(vars(planned).values())}
        board = FakeBoard(config, **{**known, **options})
        monkeypatch.setattr("streamnorm_fpga.host.session.open_port", lambda path, baud: board)
        return board

    return plug


def test_a_virtual_board_is_a_board(board_file, tmp_path, capsys):
    pytest.importorskip("serial")
    x = np.random.default_rng(1).normal(0, 3, (6, 31))
    np.save(tmp_path / "x.npy", x)
    files = ["--input", tmp_path / "x.npy", "--output", tmp_path / "y.npy"]
    assert host("--virtual", board_file, *files, "--json") == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    report = json.loads(captured.out)
    assert report.keys() == REPORT_KEYS
    assert (report["rows"], report["mismatches"], report["self_test"]) == (6, 0, "passed")
    assert report["on_board"] == report["planned"]
    assert report["virtual"]["cycles_per_second"] > 0
    assert report["counters"]["beats_in"] == report["counters"]["beats_out"] > 0
    config = NormConfig.from_toml(board_file)
    expected = GoldenModel(config).normalize(config.input.quantize(x))
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), expected)

    assert host("--virtual", board_file, "--rows", 20, "--stalls", "--self-test", "--faults", "3e-4") == 0
    words = capsys.readouterr().out
    assert "a simulated board" in words
    assert "of the line, made on purpose" in words or "retries" in words


def test_the_report_is_for_people(config_file, connect, capsys):
    connect()
    assert host("--port", "COM9", config_file) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    for words in (
        *("streamnorm on COM9", "self-test", "passed", "mismatches", "rows a second"),
        *("on board", "planned", "ok", "SS", "retries", "ns at "),
    ):
        assert words in captured.out
    assert "200" in captured.out


def test_json_is_the_report_and_nothing_else(config_file, connect, capsys):
    connect()
    assert host(config_file, "--port", "COM9", "--lengths", "3,16", "--rows", 10, "--json") == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    report = json.loads(captured.out)
    assert report.keys() == REPORT_KEYS
    assert (report["rows"], report["elements"], report["virtual"]) == (10, 5 * 19, None)
    assert report["throughput"]["octets_out_per_second"] > 0


def test_quiet_prints_nothing(config_file, connect, capsys):
    connect()
    assert host("--port", "COM9", config_file, "-q") == 0
    assert capsys.readouterr() == ("", "")


def test_without_a_file_the_board_tells_what_it_is(connect, capsys):
    board = connect()
    assert host("--port", "COM9") == 0
    words = capsys.readouterr().out
    assert "streamnorm on COM9" in words
    assert "mismatches" not in words
    assert board.heard == [Operation.INFO]


def test_a_port_needs_a_name(capsys):
    assert host("--port", "") == 2
    assert "argument --port: an empty name is no serial port" in capsys.readouterr().err


def test_no_rows_are_as_many_as_are_asked_for(config_file, connect, capsys):
    connect()
    assert host("--port", "COM9", config_file, "--rows", 0, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["rows"], report["throughput"]) == (0, None)
    assert report["on_board"] == report["planned"]


def test_the_self_test_is_run_again_first(connect):
    board = connect()
    assert host("--port", "COM9", "--self-test", "-q") == 0
    assert board.heard == [Operation.INFO, Operation.SELF_TEST, Operation.INFO]


@pytest.mark.parametrize("mode", [[], ["--json"]])
def test_a_mismatch_fails_after_the_report(mode, config_file, connect, capsys):
    connect(spoil=lambda count, values: values + (values == values.max()))
    assert host("--port", "COM9", config_file, "--rows", 5, *mode) == 4
    captured = capsys.readouterr()
    assert captured.out
    assert captured.err.startswith("streamnorm: error: ")
    assert "elements differ from the golden model: row " in captured.err
    assert "sent once more, the answer is the same" in captured.err


def test_cycles_that_are_not_planned_fail(config_file, connect, capsys):
    connect(latency=(1, 2, 3, 4))
    assert host("--port", "COM9", config_file, "--rows", 1, "-q") == 4
    assert "L1 is 1 cycles on the board; the plan says" in error_line(capsys)


def test_a_failed_self_test_fails(connect, capsys):
    connect(self_test_flags=FLAG_SELF_TEST_FINISHED)
    assert host("--port", "COM9", "-q") == 4
    assert error_line(capsys) == "the board's self-test has failed"


def test_beats_that_did_not_come_out_fail(config_file, connect, capsys):
    connect(record={"beats_out": 5})
    assert host("--port", "COM9", config_file, "--rows", 1, "-q") == 4
    assert "beats went into the unit, 5 came out" in error_line(capsys)


def test_another_unit(config_file, connect, capsys):
    connect(identity="feedfeedfeedfeed")
    assert host("--port", "COM9", config_file) == 2
    assert error_line(capsys).startswith("COM9: the board holds streamnorm (feedfeedfeedfeed), the configuration is")


def test_another_part(config_file, connect, capsys):
    connect()
    assert host("--port", "COM9", config_file, "--board", "ulx3s-85f") == 2
    assert error_line(capsys) == "COM9: the bitstream is for generic, ulx3s-85f has ecp5-85k-6"


def test_nobody_answers(config_file, connect, capsys, monkeypatch):
    monkeypatch.setattr(BoardLink, "wait_seconds", lambda *_: 0.002)
    connect(ignored=range(100))
    assert host("--port", "COM9", config_file, "--baud", 115200) == 3
    assert error_line(capsys).startswith("COM9: no answer at 115200 baud: is the bitstream loaded")


def test_unplugged(config_file, connect, capsys):
    connect(gone_after=100)
    assert host("--port", "COM9", config_file) == 3
    assert error_line(capsys).startswith("COM9: the port has gone away after ")


def test_no_such_port(config_file, capsys):
    pytest.importorskip("serial")
    assert host("--port", "/dev/no-such-port", config_file) == 3
    assert error_line(capsys).startswith("/dev/no-such-port: there is no such port")


def test_without_pyserial(config_file, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "serial", None)
    assert host("--port", "COM9", config_file) == 3
    assert error_line(capsys) == "pyserial is not installed: pip install 'streamnorm[fpga]'"


def test_interrupted(config_file, connect, capsys):
    def stop(count, values):
        raise KeyboardInterrupt

    connect(spoil=stop)
    assert host("--port", "COM9", config_file) == 130
    assert error_line(capsys) == "interrupted"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "one of the arguments --port --virtual is required"),
        (["--port", "COM9", "--virtual"], "argument --virtual: not allowed with argument --port"),
        (["--virtual", "--rows", "-1"], "argument --rows: '-1' is not a whole number from 0 to 1000000000"),
        (["--virtual", "--baud", "3000000000"], "'3000000000' is no rate from 1200 to 12000000 bits a second"),
        (["--virtual", "--faults", "2"], "argument --faults: '2' is no chance from 0 to 1"),
        (["--virtual", "--baud", "9" * 5000], f"argument --baud: '{'9' * 80}…' is no rate from 1200 to 12000000"),
        (["--virtual", "x.toml", "--lengths", "9" * 5000], f"argument --lengths: '{'9' * 80}…' is not a whole number"),
        (["--virtual", "--lengths", "3,0"], "'0' is not a whole number from 1 to 16384"),
        (["--port", "COM9", "--rows", "3", "--input", "x.npy"], "argument --input: not allowed with argument --rows"),
    ],
)
def test_usage_errors(arguments, message, capsys):
    assert host(*arguments) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["--virtual"], "--virtual"),
        (["--port", "COM9", "--rows", 3], "--rows"),
        (["--port", "COM9", "--input", "x.npy"], "--input"),
        (["--port", "COM9", "--stalls"], "--stalls"),
        (["--port", "COM9", "--board", "ulx3s-85f"], "--board"),
        (["--port", "COM9", "--board="], "--board"),
    ],
)
def test_what_needs_a_file(arguments, option, capsys):
    assert host(*arguments) == 2
    assert error_line(capsys).startswith(f"{option} needs FILE, the configuration of the unit")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--faults", "1e-3"], "--faults is for --virtual: a real line has its own"),
        (["--input", "x.npy", "--lengths", "3"], "--lengths is for random rows, not for those of --input"),
        (["--rows", "0", "--output", "y.npy"], "--output: no rows come out with --rows 0"),
        (["--board="], "unknown board '': boards are "),
        (["--lengths", "3,17"], "--lengths: 17 is more than max_length = 16"),
        (["--output", "/no/such/place/y.npy"], "/no/such/place/y.npy: cannot be written: there is no directory"),
    ],
)
def test_arguments_that_cannot_be(arguments, message, config_file, connect, capsys):
    connect()
    assert host("--port", "COM9", config_file, *arguments) == 2
    assert error_line(capsys).startswith(message)


def test_a_terminal_sees_progress(config_file, connect, monkeypatch, capsys):
    screen = io.StringIO()
    terminal = Console(file=screen, force_terminal=True)
    monkeypatch.setattr("streamnorm_cli.progress.progress_console", lambda: terminal)
    connect()
    assert host("--port", "COM9", config_file, "--json") == 0
    assert "counting cycles" in screen.getvalue()
    json.loads(capsys.readouterr().out)


def test_a_unit_with_streams_beside_takes_files_of_all(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = 'norm = "layernorm"\nlanes = 2\nmax_length = 8\nepsilon = 1e-5\n'
    text += 'input = { format = "int8" }\noutput = { format = "int8" }\n[residual]\nformat = "int8"\n'
    (tmp_path / "unit.toml").write_text(text)
    for given, message in (
        (["--input", "x.npy"], "--input: the unit takes residual, too; --residual names the file of its rows"),
        (["--residual", "f.npy"], "--residual: goes with --input; random rows come with all that they need"),
    ):
        assert host("--virtual", "unit.toml", *given) == 2
        assert error_line(capsys) == message
    for option in ("--residual", "--sum"):
        assert host("--port", "here", option, "f.npy") == 2
        assert f"{option} needs FILE, the configuration of the unit" in error_line(capsys)
