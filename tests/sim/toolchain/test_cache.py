import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from streamnorm.errors import ConfigError, StreamnormError
from streamnorm_sim.toolchain import cache
from streamnorm_sim.toolchain.cache import Usage, build_once, cache_directory, cache_usage, clear_cache


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


BUILDER = """
import pathlib, sys, time
from streamnorm_sim.toolchain.cache import build_once

def build(directory):
    with open(root / "log", "a") as log:
        log.write("built\\n")
    (directory / "product").touch()
    while not (root / "go on").exists():
        time.sleep(0.01)

root = pathlib.Path(sys.argv[1])
print("asks", flush=True)
print(build_once("thing", ["a"], build, root / "cache"))
"""


@pytest.fixture
def start_builder(tmp_path):
    """Return a function that starts a process which asks for a build, that goes on when `go on` is there."""
    started = []

    def start():
        command = [sys.executable, "-c", BUILDER, str(tmp_path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout.readline() == "asks\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def builds_begun(tmp_path, count):
    """Wait until so many builds have begun, and some time for one more to begin."""
    log = tmp_path / "log"
    for _ in range(3000):
        if log.exists() and len(log.read_text().splitlines()) >= count:
            break
        time.sleep(0.01)
    time.sleep(0.3)
    return len(log.read_text().splitlines())


def test_of_two_processes_one_builds(tmp_path, root, start_builder):
    first = start_builder()
    assert builds_begun(tmp_path, 1) == 1
    second = start_builder()
    assert builds_begun(tmp_path, 1) == 1
    (tmp_path / "go on").touch()
    assert first.communicate() == second.communicate()
    assert builds_begun(tmp_path, 1) == 1
    assert len(list(root.iterdir())) == 1


def test_who_waits_for_a_build_that_is_killed_builds(tmp_path, root, start_builder):
    first = start_builder()
    assert builds_begun(tmp_path, 1) == 1
    second = start_builder()
    first.kill()
    assert builds_begun(tmp_path, 2) == 2
    (tmp_path / "go on").touch()
    place = Path(second.communicate()[0].strip())
    assert (place / "product").exists()


def test_what_a_killed_build_leaves_is_swept_and_what_is_being_built_stays(tmp_path, root, start_builder):
    killed = start_builder()
    builds_begun(tmp_path, 1)
    killed.kill()
    killed.wait()
    assert list(root.glob("building-*"))
    living = start_builder()
    builds_begun(tmp_path, 2)
    build_once("thing", ["b"], write("1"), root)
    assert len(list(root.glob("building-*.lock"))) == len(list(root.glob("building-*[!k]"))) == 1
    (tmp_path / "go on").touch()
    assert Path(living.communicate()[0].strip()).is_dir()
    assert len(list(root.iterdir())) == 2


def test_without_locks_each_builds(monkeypatch, root):
    monkeypatch.setattr(cache, "fcntl", None)
    built = []

    def meanwhile(directory):
        if not built:
            built.append(1)
            build_once("thing", ["a"], meanwhile, root)
        (directory / "product").touch()

    place = build_once("thing", ["a"], meanwhile, root)
    assert list(root.iterdir()) == [place]


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


def aged(place, seconds=60):
    os.utime(place, (time.time() - seconds,) * 2)
    return place


def test_clearing_removes_builds_and_nothing_else(root, tmp_path):
    first, second = (aged(build_once("thing", [text], write("12345"), root)) for text in "ab")
    (root / "notes").mkdir()
    (root / "thing-short").write_text("")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine").write_text("mine")
    (root / f"thing-{'0' * 32}").symlink_to(outside)
    (first / "link").symlink_to(outside)
    aged(first)
    left = {"notes", "thing-short", f"thing-{'0' * 32}"}
    assert cache_usage(root).builds == 2
    removed, stays = clear_cache(root)
    assert removed.builds == 2
    assert removed.octets >= 10
    assert stays == cache_usage(root) == Usage(0, 0)
    assert {path.name for path in root.iterdir()} == left
    assert (outside / "mine").read_text() == "mine"
    assert (build_once("thing", ["b"], write("1"), root) / "product").read_text() == "1"
    assert second.exists()


def test_what_has_just_been_handed_out_stays(root):
    place = build_once("thing", ["a"], write("1"), root)
    assert clear_cache(root) == (Usage(0, 0), Usage(1, 1))
    assert (place / "product").read_text() == "1"


def test_no_cache_is_cleared_without_making_one(root):
    assert clear_cache(root) == (Usage(0, 0), Usage(0, 0))
    assert not root.exists()


def test_clearing_does_not_disturb_a_build_under_way(tmp_path, root, start_builder):
    """It keeps what it has begun, and what may be a part of it; what nobody has used since goes."""
    before = aged(build_once("thing", ["before"], write("1"), root), 1000)
    builder = start_builder()
    assert builds_begun(tmp_path, 1) == 1
    part = aged(build_once("thing", ["part"], write("1"), root), 0)
    for lock in root.glob("*.lock"):
        aged(lock, 100)
    aged(part, 50)
    removed, stays = clear_cache(root)
    assert (removed.builds, stays.builds) == (1, 1)
    assert not before.exists()
    assert part.exists()
    (tmp_path / "go on").touch()
    place = Path(builder.communicate()[0].strip())
    assert builder.returncode == 0
    assert (place / "product").exists()
    aged(part)
    aged(place)
    assert clear_cache(root)[0].builds == 2
    assert list(root.iterdir()) == []


def test_a_build_that_is_cleared_before_it_is_handed_out_is_built_again(root, monkeypatch):
    built = []

    def utime(place):
        if len(built) == 1:
            clear_cache(root)

    def build(directory):
        built.append(directory)

    true_utime = os.utime
    monkeypatch.setattr(cache, "_LOADING_SECONDS", -1)
    monkeypatch.setattr(cache.os, "utime", lambda place: (utime(place), true_utime(place)))
    assert build_once("thing", ["a"], build, root).is_dir()
    assert len(built) == 2


@pytest.mark.parametrize("where", ["file", "below a file", "/proc/x"])
def test_a_cache_that_cannot_be_written_names_the_variable(where, tmp_path):
    (tmp_path / "file").write_text("")
    root = {"file": tmp_path / "file", "below a file": tmp_path / "file" / "x"}.get(where, Path(where))
    with pytest.raises(ConfigError) as error:
        build_once("thing", ["a"], write("1"), root)
    text = str(error.value)
    assert re.fullmatch(rf"{root}: cannot be written: [\w ]+; builds are .* that \$STREAMNORM_CACHE names", text)


def denied(*rest, **more):
    raise PermissionError(13, "Permission denied")


def test_a_lock_that_may_not_be_made_names_the_variable(root, monkeypatch):
    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(ConfigError, match=r"cache: cannot be written: Permission denied; .* \$STREAMNORM_CACHE"):
        build_once("thing", ["a"], write("1"), root)


def test_a_build_of_somebody_else_may_be_used(root, monkeypatch):
    place = build_once("thing", ["a"], write("1"), root)
    monkeypatch.setattr(os, "utime", denied)
    assert build_once("thing", ["a"], write("2"), root) == place
