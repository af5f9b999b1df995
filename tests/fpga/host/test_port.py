import os
import sys

import pytest

from streamnorm.errors import ToolMissing
from streamnorm_fpga.host import port as port_module
from streamnorm_fpga.host.link import BoardLink
from streamnorm_fpga.host.port import list_ports, open_port

serial = pytest.importorskip("serial")


@pytest.fixture
def terminal():
    master, slave = os.openpty()
    yield os.ttyname(slave)
    os.close(master)
    os.close(slave)


def test_a_port_is_opened_for_one_program(terminal):
    with open_port(terminal, 1_000_000) as opened:
        assert (opened.baudrate, opened.bytesize, opened.parity, opened.stopbits) == (1_000_000, 8, "N", 1)
        with pytest.raises(ToolMissing) as error:
            open_port(terminal, 1_000_000)
        assert str(error.value) == f"{terminal}: another program uses this port"


def test_no_such_port(monkeypatch):
    monkeypatch.setattr(port_module, "list_ports", lambda: ["/dev/ttyUSB3 (board)"])
    with pytest.raises(ToolMissing) as error:
        open_port("/dev/no-such-port", 115200)
    assert str(error.value) == ("/dev/no-such-port: there is no such port; ports of this machine: /dev/ttyUSB3 (board)")
    monkeypatch.setattr(port_module, "list_ports", list)
    with pytest.raises(ToolMissing, match="this machine has no USB serial port now"):
        open_port("/dev/no-such-port", 115200)


def test_no_permission(monkeypatch):
    def refuse(*_, **__):
        raise serial.SerialException(13, "could not open port: Permission denied")

    monkeypatch.setattr(serial, "Serial", refuse)
    with pytest.raises(ToolMissing, match=r"/dev/ttyUSB0: permission denied: .* -aG dialout \$USER"):
        open_port("/dev/ttyUSB0", 115200)


def test_a_file_is_no_port(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(ToolMissing, match=f"^{path}: is no serial port$"):
        open_port(str(path), 115200)


def test_without_pyserial(monkeypatch):
    for name in ("serial", "serial.tools", "serial.tools.list_ports"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ToolMissing) as error:
        open_port("/dev/ttyUSB0", 115200)
    assert str(error.value) == "pyserial is not installed: pip install 'streamnorm[fpga]'"
    assert list_ports() == []


def test_ports_are_listed():
    assert all(isinstance(port, str) for port in list_ports())


def test_a_port_that_takes_nothing(terminal, monkeypatch):
    monkeypatch.setattr(port_module, "WRITE_SECONDS", 0.05)
    with open_port(terminal, 1_000_000) as opened:
        link = BoardLink(opened, terminal, 1_000_000)
        with pytest.raises(ToolMissing, match=f"{terminal}: the port takes no octets: is it the board's serial line"):
            link.write(bytes(1 << 20))
