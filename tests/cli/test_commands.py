"""The command line itself: usage errors, exit codes, and what happens when a command fails."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from streamnorm import NormConfig, generate
from streamnorm.errors import CheckFailed, ConfigError, StreamnormError, ToolMissing
from streamnorm.plan import Limits, Plan
from streamnorm_cli import command_line as cli

COMMANDS = ("plan", "generate", "simulate", "fit")


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch):
    """Make ``plan`` end with a given exception."""

    def install(error: BaseException) -> None:
        def run(args: object) -> int:
            raise error

        monkeypatch.setattr(cli.plan, "run", run)

    return install


def only_line(text: str) -> str:
    lines = text.splitlines()
    assert len(lines) == 1, text
    return lines[0]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches_with_examples(command, capsys):
    assert cli.main([command, "--help"]) == 0
    out = capsys.readouterr().out
    assert f"streamnorm {command} examples/" in out
    for option in ("--json", "--quiet", "--verbose"):
        assert option in out


def test_help_lists_every_command_and_the_exit_codes(capsys):
    assert cli.main(["--help"]) == 0
    out = capsys.readouterr().out
    for command in COMMANDS:
        assert f"\n    {command} " in out
    assert "exit codes: 0 done, 1 a tool failed, or a bug in streamnorm, 2 usage or configuration, 3 missing" in out


def test_version(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == "streamnorm 0.1.0\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["plann", "x.toml"], "unknown command 'plann': did you mean plan?"),
        (["-q", "plan", "x.toml"], "-q: options go behind the command, as in streamnorm plan … -q"),
        (["simulat"], "unknown command 'simulat': did you mean simulate?"),
        (["deploy"], "unknown command 'deploy': commands are init, plan, generate, simulate, fit"),
        (["plan"], "the following arguments are required: FILE"),
        (["plan", "x.toml", "--fast"], "unrecognized arguments: --fast; streamnorm plan --help"),
        (["simulate", "x.toml", "--rowz=3"], "unrecognized arguments: --rowz=3; did you mean --rows"),
        (["plan", "x.toml", "-q", "-v"], "not allowed with argument"),
        (["generate", "x.toml"], "the following arguments are required: -o/--output"),
        (["generate", "x.toml", "-o", "d", "--vectors", "-1"], "'-1' is not a whole number of at least 0"),
        (["generate", "x.toml", "-o", "d", "--vectors", "x"], "'x' is not a whole number of at least 0"),
        (["generate", "x.toml", "-o", "d", "--vectors", "9" * 5000], "9…' is too large"),
        (["workload", "gpt2", "--tokens", "9" * 5000], "9…' is too large"),
        (["simulate", "x.toml", "--rows", "0"], "'0' is not a whole number from 1 to 1000000000"),
        (["cycles", "x.toml", "--rows", "-1"], "'-1' is not a whole number from 2 to 1000000000"),
        (["cycles", "x.toml", "--rows", "0"], "'0' is not a whole number from 2 to 1000000000"),
        (["cycles", "x.toml", "--rows", "9" * 5000], f"argument --rows: '{'9' * 80}…' is not a whole number from"),
        (["cycles", "x.toml", "--compare", "9" * 5000], "(choose from "),
        (["simulate", "x.toml", "--stalls=0.1"], "unrecognized arguments: --stalls=0.1; did you mean --stall"),
        (["host", "--port", "p", "x.toml", "--stalls=0.1"], "argument --stalls: takes no value; streamnorm host"),
        (["plan", "x.toml", "--json=yes\nno"], "argument --json: takes no value; streamnorm plan"),
        (["simulate", "x.toml", "--rows", "2.5"], "'2.5' is not a whole number from 1 to 1000000000"),
        (["simulate", "x.toml", "--seed", "-1"], f"'-1' is not a whole number from 0 to {(1 << 63) - 1}"),
        (["simulate", "x.toml", "--seed", "2.5"], f"'2.5' is not a whole number from 0 to {(1 << 63) - 1}"),
        (["cycles", "x.toml", "--seed", "9" * 5000], f"9…' is not a whole number from 0 to {(1 << 63) - 1}"),
        (["host", "--virtual", "x.toml", "--seed", str(1 << 63)], f"is not a whole number from 0 to {(1 << 63) - 1}"),
        (["cycles", "x.toml", "--lanes", "2.5"], "'2.5' is neither a whole number from 1 to 64 nor FIRST:LAST, such"),
        (["cycles", "x.toml", "--lengths", "0"], "'0' is neither a whole number from 1 to 16384 nor FIRST:LAST, such"),
    ],
)
def test_usage_error(arguments, message, capsys):
    assert cli.main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    line = only_line(captured.err)
    assert message in line
    assert re.fullmatch(r"streamnorm: error: .*; streamnorm( [a-z]+)? --help tells more", line)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["plan", "missing.toml"], 2), (["plan"], 2), (["plin", "x.toml"], 2), (["plan", "x.toml", "--fast"], 2)],
)
def test_with_json_an_error_is_an_object_too(arguments, code, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main([*arguments, "--json"]) == code
    captured = capsys.readouterr()
    error = json.loads(captured.out)["error"]
    assert captured.err == f"streamnorm: error: {error['message']}\n"
    assert error["exit_code"] == code


def test_a_current_directory_that_is_gone_is_told(tmp_path, monkeypatch, capsys):
    assert cli.main(["init", "-q", "-o", str(tmp_path / "unit")]) == 0
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    for arguments in (["plan", "../unit/unit.toml"], ["init"]):
        assert cli.main(arguments) == 2
        error = only_line(capsys.readouterr().err)
        assert error == "streamnorm: error: the current directory is not there any more; go to another one"


def test_an_argument_of_thousands_of_characters_is_not_repeated(tmp_path, capsys):
    key = tmp_path / "key.toml"
    key.write_text(f"{'k' * 5000} = 1\n")
    for arguments in (
        ["plan", str(key)],
        ["plan", "x.toml", "-" + "x" * 5000],
        ["simulate", "x", "--rows", "9x" * 3000],
        ["cycles", "x", "--lanes", "9" * 5000],
        ["cycles", "x", "--lengths", f"1:{'9' * 5000}"],
        ["cycles", "x", "--fmax", "9" * 5000],
        ["cycles", "x", "--stalls", "9" * 5000],
        ["workload", "gpt2", "--prune", "9" * 5000],
        ["workload", "gpt2", "--prune", f"ffn-in:{'9' * 5000}"],
        ["workload", "gpt2", "--placement", "9" * 5000],
        ["workload", "gpt2", "--placement", f"post:{'9' * 5000},pre"],
        ["workload", "9" * 5000],
        ["host", "--virtual", "x", "--faults", "9" * 5000],
        ["boards", "9" * 5000],
        ["norms", "9" * 5000],
    ):
        assert cli.main(arguments) == 2
        assert len(only_line(capsys.readouterr().err)) < 600


@pytest.mark.parametrize(
    "keys",
    ["gamma = 1e12", "beta = 1e9", 'gamma = 1e5\ngamma_bits = 32\naccuracy = "tight"'],
    ids=["gamma", "beta", "accuracy"],
)
def test_what_only_the_plan_refuses_is_told_with_the_file(keys, tmp_path, capsys):
    path = tmp_path / "unit.toml"
    path.write_text(
        'norm = "layernorm"\nlanes = 1\nmax_length = 8\nepsilon = 1e-5\ninput = { format = "int8" }\n'
        f'output = {{ format = "int24", scale = 1e-5 }}\n{keys}\n'
    )
    for command in (["plan"], ["generate", "-o", str(tmp_path / "out")], ["simulate"]):
        assert cli.main([*command, str(path)]) == 2
        message = only_line(capsys.readouterr().err)
        assert message.startswith(f"streamnorm: error: {path}: ")
        assert message.count(str(path)) == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_a_configuration_that_cannot_be_read_or_is_wrong(command, tmp_path, capsys):
    more = ["-o", str(tmp_path / "out")] if command == "generate" else []
    missing, folder = tmp_path / "missing.toml", tmp_path
    text, key = tmp_path / "text.toml", tmp_path / "key.toml"
    text.write_text("lanes: 8\n")
    key.write_text('lane = 8\nnorm = "layernorm"\n')
    for path, message in (
        (missing, "no such file"),
        (folder, "is a directory; a TOML file is needed"),
        (text, "is not TOML: "),
        (key, "unknown key 'lane'"),
    ):
        assert cli.main([command, str(path), *more]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert only_line(captured.err).startswith(f"streamnorm: error: {path}: {message}")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("error", "code"), [(StreamnormError("a"), 1), (ConfigError("b"), 2), (ToolMissing("c"), 3), (CheckFailed("d"), 4)]
)
def test_an_error_meant_for_the_user_is_one_line_and_its_exit_code(error, code, failing, capsys):
    failing(error)
    assert cli.main(["plan", "x.toml", "-v"]) == code
    assert capsys.readouterr().err == f"streamnorm: error: {error}\n"


def test_an_interrupt_ends_with_130(failing, capsys):
    failing(KeyboardInterrupt())
    assert cli.main(["plan", "x.toml"]) == 130
    assert capsys.readouterr().err == "streamnorm: error: interrupted\n"


def test_a_failure_of_the_system_names_the_file(failing, capsys):
    failing(PermissionError(13, "Permission denied", "rtl/unit.v"))
    assert cli.main(["plan", "x.toml"]) == 2
    assert capsys.readouterr().err == "streamnorm: error: rtl/unit.v: Permission denied\n"


def test_a_bug_is_one_line_and_shows_its_traceback_on_request(failing, capsys):
    failing(ValueError("odd\nsecond line"))
    assert cli.main(["plan", "x.toml"]) == 1
    bug = "streamnorm: error: this is a bug in streamnorm: ValueError: odd"
    assert capsys.readouterr().err == f"{bug}; run again with -v for the traceback\n"
    assert cli.main(["plan", "x.toml", "-v"]) == 1
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert err.splitlines()[-1] == bug


def test_plan_prints_tables_with_meanings(config_file, capsys):
    assert cli.main(["plan", str(config_file)]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    for word in ("L1", "L2", "L3", "SS"):
        assert word in captured.out


def test_plan_ends_with_what_is_hardly_meant(tmp_path, capsys):
    path = tmp_path / "unit.toml"
    path.write_text(
        'norm = "layernorm"\nlanes = 1\nmax_length = 64\nepsilon = 1e-5\ngamma = 0.3\ngamma_bits = 4\n'
        'input = { format = "int8" }\noutput = { format = "int16", scale = 0.001 }\n'
    )
    assert cli.main(["plan", str(path)]) == 0
    lines = capsys.readouterr().out.rstrip().splitlines()
    assert lines[-1].startswith(" note  with gamma and beta as given, a result can be off by ")
    assert any(line.split()[:3] == ["…", "as", "given"] for line in lines)
    assert cli.main(["plan", str(path), "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["error_bound_lsb"] < 1 < values["error_bound_as_given_lsb"]
    assert len(values["notices"]) == 1


def test_plan_json_is_the_plan_and_nothing_else(config_file, capsys):
    assert cli.main(["plan", str(config_file), "--json"]) == 0
    captured = capsys.readouterr()
    plan = Plan.of(NormConfig.from_toml(config_file))
    device = {"device": Limits(plan).to_dict(), "notices": []}
    assert json.loads(captured.out) == json.loads(json.dumps({**plan.to_dict(), **device}))
    assert captured.err == ""


def test_quiet_prints_nothing(config_file, capsys):
    assert cli.main(["plan", str(config_file), "-q"]) == 0
    assert capsys.readouterr() == ("", "")


def test_generate_lists_what_it_writes(config_file, tmp_path, capsys):
    target = tmp_path / "rtl"
    assert cli.main(["generate", str(config_file), "-o", str(target)]) == 0
    listed = {line.split("  ")[0] for line in capsys.readouterr().out.splitlines()}
    written = {str(path) for path in target.rglob("*") if path.is_file()}
    assert listed == written
    assert {"streamnorm.v", "streamnorm_tb.v", "manifest.json"} <= {Path(path).name for path in written}
    assert any(path.endswith(".hex") for path in written)


def test_generate_json_has_the_hash_of_every_file(config_file, tmp_path, capsys):
    target = tmp_path / "rtl"
    assert cli.main(["generate", str(config_file), "-o", str(target), "--vectors", "0", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["name"] == "streamnorm"
    assert not any("vectors" in file or "_tb" in file for file in report["files"])
    for file, digest in report["files"].items():
        assert hashlib.sha256(Path(file).read_bytes()).hexdigest() == digest


def test_generate_another_architecture(config_file, tmp_path, capsys):
    command = ["generate", str(config_file), "-o", str(tmp_path), "--architecture", "three-scan:welford", "-q"]
    assert cli.main(command) == 0
    assert "// Architecture: three-scan:welford; results" in (tmp_path / "streamnorm.v").read_text()
    assert json.loads((tmp_path / "manifest.json").read_text())["architecture"] == "three-scan:welford"
    command[-2] = "two-pass:welford"
    assert cli.main(command) == 2
    assert "architecture = 'two-pass:welford': must be one of" in only_line(capsys.readouterr().err)


def test_a_plan_of_two_passes_that_are_one_says_so(examples, capsys):
    assert cli.main(["plan", str(examples / "llama_rms_int16.toml"), "--architecture", "two-pass"]) == 0
    assert "two-pass = one-pass  sums of d and of d**2 while the row comes in" in capsys.readouterr().out


def test_generate_into_a_file_is_refused(config_file, tmp_path, capsys):
    (tmp_path / "rtl").write_text("")
    assert cli.main(["generate", str(config_file), "-o", str(tmp_path / "rtl")]) == 2
    assert only_line(capsys.readouterr().err).startswith(f"streamnorm: error: {tmp_path / 'rtl'}: ")


def run_python(code: str, *, stdout: int = subprocess.PIPE) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", code], stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60, check=False
    )


def test_a_reader_that_goes_away_is_no_error():
    reader, writer = os.pipe()
    os.close(reader)
    code = (
        "import sys\nfrom streamnorm_cli import command_line as cli\n"
        "def run(args):\n    print('x' * 100000)\n    return 0\n"
        "cli.COMMANDS['plan'].run = run\nsys.exit(cli.main(['plan', 'x.toml']))"
    )
    done = run_python(code, stdout=writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


def test_help_needs_neither_numpy_nor_the_simulator():
    heavy = "{'numpy', 'amaranth', 'streamnorm_sim', 'streamnorm_fpga', 'cocotb', 'matplotlib'}"
    done = run_python(f"import sys, streamnorm_cli as c; c.main(['plan', '--help']); print({heavy} & set(sys.modules))")
    assert done.stdout.splitlines()[-1] == "set()", done.stderr


def test_the_package_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "streamnorm", "--version"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "streamnorm 0.1.0\n")


@pytest.mark.parametrize("command", ["plan", "cycles", "workload"])
def test_a_table_whose_reader_goes_away_is_no_error(command, examples):
    file = "llama-3.1-8b" if command == "workload" else examples / "bert_int8.toml"
    reader, writer = os.pipe()
    os.close(reader)
    done = run_python(
        f"import sys, streamnorm_cli; sys.exit(streamnorm_cli.main(['{command}', '{file}']))", stdout=writer
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_code_page_without_arrows_gets_ascii(encoding, examples):
    done = subprocess.run(
        [sys.executable, "-m", "streamnorm", "cycles", str(examples / "bert_int8.toml")],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert "int8 -> int8" in done.stdout.decode(encoding)


def test_a_closed_output_is_no_error(examples):
    done = subprocess.run(
        ["sh", "-c", f"'{sys.executable}' -m streamnorm plan '{examples}/bert_int8.toml' >&-"],
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_tables_are_as_wide_as_columns_says(examples):
    done = subprocess.run(
        [sys.executable, "-m", "streamnorm", "boards"],
        env={**os.environ, "COLUMNS": "100"},
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
        check=True,
    )
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_an_interrupt_while_packages_are_imported_ends_with_130():
    code = (
        "import sys\nimport streamnorm_cli\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'rich': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted())\nsys.exit(streamnorm_cli.main(['boards', '--json']))"
    )
    done = run_python(code)
    assert (done.returncode, done.stderr) == (130, "streamnorm: error: interrupted\n")
    assert json.loads(done.stdout) == {"error": {"message": "interrupted", "exit_code": 130}}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["simulate", "{toml}", "--output", "{toml}"], "--output: {toml}: this command reads it"),
        (["simulate", "{toml}", "--waves", "{gamma}"], "--waves: {gamma}: {toml} reads it"),
        (["simulate", "{toml}", "--input", "{rows}", "--output", "{rows}"], "--output: {rows}: this command reads it"),
        (["simulate", "{toml}", "--output", "{new}", "--waves", "{new}"], "--waves: {new}: --output writes it too"),
        (["cycles", "{toml}", "--plot", "{picture}", "--timeline", "{picture}"], "--timeline: {picture}: --plot"),
        (["host", "--virtual", "{toml}", "--input", "{rows}", "--output", "{link}"], "--output: {link}: this command"),
    ],
)
def test_no_output_overwrites_an_input_or_another_output(arguments, message, tmp_path, config_file, capsys):
    np.save(tmp_path / "gamma.npy", np.ones(16))
    np.save(tmp_path / "rows.npy", np.zeros((2, 16), np.int8))
    (tmp_path / "link.npy").symlink_to("rows.npy")
    config_file.write_text('gamma = "gamma.npy"\n' + config_file.read_text())
    names = {name: tmp_path / f"{name}.npy" for name in ("gamma", "rows", "link", "new")}
    names |= {"toml": config_file, "picture": tmp_path / "picture.png"}
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert cli.main([argument.format(**names) for argument in arguments]) == 2
    assert only_line(capsys.readouterr().err).startswith(f"streamnorm: error: {message.format(**names)}")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("arguments", [["generate", "-o"], ["simulate", "--output"], ["cycles", "--plot"]])
def test_an_empty_name_is_no_file(arguments, config_file, capsys):
    command, option = arguments
    assert cli.main([command, str(config_file), option, ""]) == 2
    assert "an empty name is no file and no directory" in capsys.readouterr().err


def test_vectors_have_a_limit(config_file, tmp_path, capsys):
    assert cli.main(["generate", str(config_file), "-o", str(tmp_path / "out"), "--vectors", "100000000"]) == 2
    message = only_line(capsys.readouterr().err)
    assert (
        message == "streamnorm: error: --vectors = 100000000: must be an integer from 0 to 1048576 rows of 16 elements"
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("seconds", [0, 20])
def test_an_interrupt_within_a_destructor_is_not_lost(seconds, monkeypatch, capsys):
    """At once where the command goes on, and else at its end."""

    class Slow:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    def run(args: object) -> int:
        Slow()
        time.sleep(seconds)
        return 0

    monkeypatch.setattr(cli.plan, "run", run)
    start = time.monotonic()
    earlier = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
    try:
        assert cli.main(["plan", "x.toml"]) == 130
    finally:
        signal.signal(signal.SIGINT, earlier)
    assert time.monotonic() - start < 10
    assert only_line(capsys.readouterr().err) == "streamnorm: error: interrupted"


def test_columns_that_hold_no_table_are_not_taken(config_file, monkeypatch, capsys):
    odd = [(columns, 200) for columns in ("0", "00", "x", "-5", "²", "9" * 11, "9" * 4400)]
    for columns, width in (*odd, ("1", 20), ("60", 60)):
        monkeypatch.setenv("COLUMNS", columns)
        monkeypatch.setenv("LINES", columns)
        assert cli.main(["plan", str(config_file)]) == 0
        longest = max(map(len, capsys.readouterr().out.splitlines()))
        assert 0 < longest <= width


@pytest.mark.parametrize("arguments", [["--help"], ["plan", "--help"], ["--version"]])
def test_help_that_nobody_reads(arguments, monkeypatch, capfd):
    def write(text: str) -> int:
        raise BrokenPipeError

    monkeypatch.setattr(sys.stdout, "write", write)
    monkeypatch.setattr(os, "dup2", lambda *_: None)
    assert cli.main(arguments) == 141
    monkeypatch.setattr(sys.stdout, "write", lambda text: os.write(os.open("/dev/full", os.O_WRONLY), text.encode()))
    assert cli.main(arguments) == 2
    assert only_line(capfd.readouterr().err) == "streamnorm: error: standard output: No space left on device"


@pytest.mark.parametrize("full", [1, 2])
def test_full_disks_behind_stdout_and_stderr(full, config_file, tmp_path):
    """What is wrong is told as far as it can be, and the exit code is the same as ever."""
    file = config_file if full == 1 else tmp_path / "absent.toml"
    command = f"import sys, streamnorm_cli; sys.exit(streamnorm_cli.main(['plan', {str(file)!r}]))"
    with open("/dev/full", "w") as nowhere:
        streams = {"stdout": nowhere} if full == 1 else {"stderr": nowhere}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
        done = subprocess.run([sys.executable, "-c", command], **pipes, text=True, timeout=60, check=False)
    assert done.returncode == 2
    if full == 1:
        assert done.stderr == "streamnorm: error: standard output: No space left on device\n"


def test_an_interrupt_while_arguments_are_read(monkeypatch, capsys):
    def parser() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "parser", parser)
    assert cli.main(["plan", "x.toml"]) == 130
    assert only_line(capsys.readouterr().err) == "streamnorm: error: interrupted"


def test_generate_does_not_overwrite_what_it_reads(tmp_path, config_file, capsys):
    (tmp_path / "vectors").mkdir()
    np.save(tmp_path / "vectors/expected.npy", np.ones(16))
    text = 'gamma = "vectors/expected.npy"\n' + config_file.read_text()
    (tmp_path / "other.toml").write_text(text)
    before = (tmp_path / "vectors/expected.npy").read_bytes()
    assert cli.main(["generate", str(tmp_path / "other.toml"), "-o", str(tmp_path)]) == 2
    message = only_line(capsys.readouterr().err)
    assert message.endswith("expected.npy: the configuration is read from it; choose another name or directory")
    assert (tmp_path / "vectors/expected.npy").read_bytes() == before
    assert not list(tmp_path.glob("*.v"))
    (tmp_path / "out/manifest.json").mkdir(parents=True)
    assert cli.main(["generate", str(config_file), "-o", str(tmp_path / "out")]) == 2
    assert "manifest.json: is a directory; a file of that name would be written" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["manifest.json"]
    with pytest.raises(ConfigError, match=r'^directory: "" is no directory'):
        generate(NormConfig.from_toml(config_file), "")
