import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from streamnorm.errors import StreamnormError, ToolMissing
from streamnorm_sim.engines.build import build_once, cache_directory, require, run_tool


@pytest.fixture
def root(tmp_path):
    return tmp_path / "cache"


def write(text):
    def build(directory):
        (directory / "product").write_text(text)

    return build


def test_the_same_is_built_once(root):
    first = build_once("thing", ["a", "b"], write("1"), root)
    second = build_once("thing", ["a", "b"], write("2"), root)
    assert first == second
    assert (second / "product").read_text() == "1"


@pytest.mark.parametrize(("kind", "parts"), [("thing", ["ab"]), ("thing", ["b", "a"]), ("other", ["a", "b"])])
def test_anything_else_is_built_anew(root, kind, parts):
    assert build_once("thing", ["a", "b"], write("1"), root) != build_once(kind, parts, write("2"), root)


def test_a_build_that_fails_leaves_nothing(root):
    def build(directory):
        (directory / "half").write_text("")
        raise StreamnormError("compiler failed")

    with pytest.raises(StreamnormError, match="compiler failed"):
        build_once("thing", ["a"], build, root)
    assert list(root.iterdir()) == []


def test_many_may_build_the_same_at_once(root):
    def build(directory):
        (directory / "product").write_text("1")
        time.sleep(0.05)

    with ThreadPoolExecutor(8) as pool:
        places = set(pool.map(lambda _: build_once("thing", ["a"], build, root), range(8)))
    assert len(places) == 1
    assert [path.name for path in root.iterdir()] == [places.pop().name]


def test_what_nobody_has_used_for_a_month_goes(root):
    old = build_once("thing", ["old"], write("1"), root)
    used = build_once("thing", ["used"], write("1"), root)
    foreign = root / "netlist-1"
    foreign.mkdir()
    for place in (old, used, foreign):
        os.utime(place, (0, 0))
    build_once("thing", ["used"], write("1"), root)
    build_once("thing", ["new"], write("1"), root)
    assert not old.exists()
    assert used.exists()
    assert foreign.exists()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"STREAMNORM_CACHE": "/a/b", "XDG_CACHE_HOME": "/c"}, "/a/b"),
        ({"XDG_CACHE_HOME": "/c"}, "/c/streamnorm"),
        ({}, "/home/x/.cache/streamnorm"),
    ],
)
def test_where_builds_are_kept(monkeypatch, environment, expected):
    for name in ("STREAMNORM_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/x")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cache_directory() == Path(expected)


def test_a_tool_that_fails_is_quoted(tmp_path):
    code = "import sys; print('line 7: no such thing'); sys.exit(3)"
    with pytest.raises(StreamnormError) as error:
        run_tool([sys.executable, "-c", code], tmp_path)
    name = Path(sys.executable).name
    assert str(error.value) == f"{name} failed with exit code 3:\nline 7: no such thing"


def test_a_missing_program(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(ToolMissing, match="perl is not installed: apt install perl"):
        require("perl")
