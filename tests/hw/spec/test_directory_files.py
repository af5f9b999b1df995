"""Files of a directory: all of them or none, and nothing beside them."""

import os
import re

import pytest

from streamnorm.errors import ConfigError
from streamnorm.spec.directory_files import write_files


def tree(directory):
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


def test_files_come_into_new_directories_and_old_ones_go(tmp_path):
    out = tmp_path / "new" / "out"
    paths = write_files(out, {"b": b"1", "a": b"2", "in/c": b"3"})
    assert [(str(path.relative_to(out)), path.read_bytes()) for path in paths] == [
        ("b", b"1"), ("a", b"2"), ("in/c", b"3")
    ]  # fmt: skip
    write_files(out, {"a": b"4"}, removed=("in/c", "none"))
    assert (tree(out), (out / "a").read_bytes()) == (["a", "b", "in"], b"4")


def test_a_directory_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=re.escape(f"{tmp_path / 'file'}: cannot be written: ")):
        write_files(tmp_path / "file", {"a": b""})
    with pytest.raises(ConfigError, match=r"^/proc/z: cannot be written: "):
        write_files(type(tmp_path)("/proc/z"), {"a": b""})


@pytest.mark.parametrize("there", [[], ["new"], ["new", "new/out", "new/out/a"]])
@pytest.mark.parametrize("error", [OSError(27, "File too large"), KeyboardInterrupt()])
def test_nothing_is_left_where_one_cannot_be_written(there, error, tmp_path, monkeypatch):
    for name in there:
        (tmp_path / name).touch() if name.endswith("a") else (tmp_path / name).mkdir()
    written = []

    def write(path, content):
        if written:
            raise error
        written.append(path)
        return os.close(os.open(path, os.O_CREAT | os.O_WRONLY))

    monkeypatch.setattr(type(tmp_path), "write_bytes", write)
    out = tmp_path / "new/out"
    if isinstance(error, OSError):
        with pytest.raises(ConfigError, match=f"^{re.escape(str(out / 'in/b'))}: cannot be written: File too large$"):
            write_files(out, {"a": b"1", "in/b": b"2"})
    else:
        with pytest.raises(KeyboardInterrupt):
            write_files(out, {"a": b"1", "in/b": b"2"})
    assert tree(tmp_path) == there
