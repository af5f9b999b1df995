import sys
from pathlib import Path

import pytest

from streamnorm.errors import StreamnormError, ToolMissing, as_named, last_line
from streamnorm_sim.toolchain.table import GXX, PROGRAMS
from streamnorm_sim.toolchain.tools import YOSYS, Tool, run_tool

ABSENT = Tool(
    name="yosys", variable="YOSYS_FOR_TEST", package="yowasp_absent", function="run", extra="sim", needed_by="nothing"
)


def test_versions_are_told():
    assert YOSYS.version().startswith("0.")


def test_a_missing_package_is_named():
    message = r"^yosys is not installed: pip install 'streamnorm\[sim\]', or set \$YOSYS_FOR_TEST to the program$"
    with pytest.raises(ToolMissing, match=message):
        ABSENT.command()


def test_a_native_program_goes_first(monkeypatch):
    monkeypatch.setenv("YOSYS_FOR_TEST", sys.executable)
    assert ABSENT.command() == [sys.executable]


def test_a_native_program_must_be_there(monkeypatch):
    monkeypatch.setenv("YOSYS_FOR_TEST", "no-such-program")
    with pytest.raises(ToolMissing, match="yosys: \\$YOSYS_FOR_TEST names 'no-such-program', which is no program"):
        ABSENT.command()


def test_a_program_without_a_version_does_not_start(monkeypatch):
    monkeypatch.setenv("YOSYS_FOR_TEST", "false")
    with pytest.raises(ToolMissing, match=r"^yosys: \$YOSYS_FOR_TEST names '.*/false', which does not start: "):
        ABSENT.version()


def test_errors_are_part_of_the_output(tmp_path):
    code, output = YOSYS.run(["-p", "no_such_command"], tmp_path)
    assert code == 1
    assert "ERROR: No such command: no_such_command" in output


def test_last_line():
    assert last_line("wasm trap:\n  call stack exhausted\n\n") == "call stack exhausted"
    assert last_line("") == "it printed nothing"
    assert last_line("Traceback …\nwasmtime._error.WasmtimeError: File too large (os error 27)\n") == (
        "File too large (os error 27)"
    )
    assert last_line("main.v:3: ERROR: no such Module: x") == "main.v:3: ERROR: no such Module: x"


def test_a_program_in_the_place_of_another_is_named(monkeypatch):
    monkeypatch.delenv("YOSYS_FOR_TEST", raising=False)
    assert as_named("yosys", "YOSYS_FOR_TEST") == "yosys"
    monkeypatch.setenv("YOSYS_FOR_TEST", "/bin/false")
    assert as_named("yosys", "YOSYS_FOR_TEST") == "yosys ($YOSYS_FOR_TEST names '/bin/false')"


def test_a_program_that_is_another_one_is_told_so(monkeypatch):
    monkeypatch.setenv("YOSYS_FOR_TEST", "true")
    with pytest.raises(ToolMissing, match=r"^yosys: \$YOSYS_FOR_TEST names '.*/true', which is not yosys$"):
        ABSENT.version()


def test_a_tool_that_fails_is_quoted(tmp_path):
    code = "import sys; print('line 7: no such thing'); sys.exit(3)"
    with pytest.raises(StreamnormError) as error:
        run_tool([sys.executable, "-c", code], tmp_path)
    name = Path(sys.executable).name
    assert str(error.value) == f"{name} failed with exit code 3:\nline 7: no such thing"
    with pytest.raises(StreamnormError, match=r"^yosys failed with exit code 1:\nno room$"):
        run_tool([sys.executable, "-c", "raise OSError('no room')"], tmp_path, name="yosys")


def test_a_tool_that_fails_without_a_word(tmp_path):
    with pytest.raises(StreamnormError, match=r"failed with exit code 1:\nit printed nothing$"):
        run_tool([sys.executable, "-c", "raise SystemExit(1)"], tmp_path)


def test_a_compiler_that_does_not_start(monkeypatch):
    monkeypatch.setenv("CXX", "false")
    with pytest.raises(ToolMissing) as error:
        GXX.where()
    assert str(error.value) == "g++: $CXX names 'false', which does not start: --version: exit code 1"


def test_a_missing_program(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(ToolMissing, match="perl is not installed: apt install perl"):
        PROGRAMS["perl"].where()
