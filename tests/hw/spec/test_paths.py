"""Paths that a user gives, and the names of files in messages."""

import re
from pathlib import Path

import pytest

from streamnorm.errors import ConfigError, not_written
from streamnorm.spec.paths import check_directory, given_path, named_file, written_beside


class Named:
    def __init__(self, name):
        self.name = name

    def __fspath__(self):
        return self.name

    def __repr__(self):
        return f"Named({self.name!r})"


@pytest.mark.parametrize("path", ["a/b", Path("a/b"), Named("a/b")])
def test_names_are_taken_whether_or_not_a_file_is_there(path):
    assert given_path(path, "a file") == Path("a/b")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        *((odd, f"output = {odd!r}: must be the name of a .npy file") for odd in (1, None, True, b"o", ["x"], {}, 1.5)),
        *((odd, f"output = {odd!r}: must be the name of a .npy file") for odd in (Named(b"x"), Named(3))),
        ("", 'output: "" is no file; the name of a .npy file is needed'),
        (Named(""), 'output: "" is no file; the name of a .npy file is needed'),
        ("a\0b", "output: 'a\\x00b': is no name of a file"),
        ("\ud800", "output: '\\ud800': is no name of a file"),
        ("a" * 5000, f"output: {'a' * 300}…: File name too long"),
        (f"{'a' * 300}/b", f"output: {'a' * 300}…: File name too long"),
    ],
)
def test_what_is_no_name_of_a_file_is_refused(path, message):
    with pytest.raises(ConfigError) as error:
        given_path(path, "a .npy file", "output")
    assert str(error.value) == message


def test_an_empty_directory_is_told_what_the_current_one_is_called():
    message = '"" is no directory; the name of a directory is needed; "." is the current one'
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        given_path("", "a directory")


def test_where_no_directory_can_be_made_what_stands_there_is_told(tmp_path):
    file, link, here = tmp_path / "file", tmp_path / "link", tmp_path / "here"
    file.write_text("")
    link.symlink_to(tmp_path / "nothing")
    here.symlink_to(tmp_path)
    for place, what in ((file, "is a file"), (link, f"is a link to {tmp_path / 'nothing'}, which is not there")):
        with pytest.raises(ConfigError, match=f"^{re.escape(f'{place}: {what}; a directory is needed')}$"):
            check_directory(place)
        below = f"{place / 'a/b'}: cannot be written: {place} {what}; a directory is needed"
        with pytest.raises(ConfigError, match=f"^{re.escape(below)}$"):
            check_directory(place / "a/b")
    check_directory(here / "a/b")
    assert sorted(tmp_path.iterdir()) == [file, here, link]


def test_a_link_that_leads_back_to_itself_stays(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.symlink_to(second)
    second.symlink_to(first)
    with pytest.raises(OSError, match="symbolic links"), written_beside(first) as file:
        file.write_text("")
    assert first.is_symlink()
    assert sorted(tmp_path.iterdir()) == [first, second]


def test_what_is_wrong_in_a_file_begins_with_its_name():
    with pytest.raises(ConfigError, match=r"^x\.npy: is wrong$"), named_file(Path("x.npy")):
        raise ConfigError("is wrong")
    with pytest.raises(ConfigError, match=r"^is wrong$"), named_file(None):
        raise ConfigError("is wrong")


def test_what_cannot_be_written_is_told_but_not_that_its_reader_went_away(tmp_path):
    gone, closed = tmp_path / "gone/x.npy", BrokenPipeError(32, "Broken pipe")
    message = f"{gone}: cannot be written: there is no directory {tmp_path / 'gone'}"
    assert str(not_written(gone, FileNotFoundError(2, "No such file"))) == message
    assert (
        str(not_written("x", OSError(28, "No space left on device"))) == "x: cannot be written: No space left on device"
    )
    assert not_written("/dev/stdout", closed) is closed
