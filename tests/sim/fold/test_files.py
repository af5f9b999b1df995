"""Files of named tensors: read, written again, and what is no such file."""

import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save, save_file

from streamnorm import ConfigError, ToolMissing
from streamnorm_sim.fold.model import FORMATS, read_tensors
from streamnorm_sim.streams.seeds import seeded

TENSORS = {
    "h.0.weight": seeded(0).normal(size=(3, 4)),
    "h.0.bias": seeded(1).normal(size=3).astype("f4"),
    "half": np.array([0.5, -2], "f2"),
    "mask": np.array([[True, False]]),
    "count": np.array(7),
}


def saved(path):
    if path.suffix == ".npz":
        np.savez(path, **TENSORS)
    else:
        save_file({name: np.asarray(array) for name, array in TENSORS.items()}, path, {"format": "pt"})
    return path


def loaded(path):
    return dict(np.load(path)) if path.suffix == ".npz" else load_file(path)


def raw(path, tensors):
    """A .safetensors file of any types: name, type, shape and bytes of each tensor."""
    header, data = {}, b""
    for name, (dtype, shape, content) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


@pytest.mark.parametrize("kind", FORMATS)
def test_what_is_not_changed_stays_and_what_is_becomes_float64(kind, tmp_path):
    file = read_tensors(saved(tmp_path / f"model{kind}"))
    assert set(file.tensors) == set(TENSORS)
    for name, array in TENSORS.items():
        got = file.tensors[name]
        assert (got.dtype, got.shape, got.tolist()) == (array.dtype, array.shape, array.tolist())
    changed = {**file.tensors, "h.0.bias": np.arange(2.0), "new": np.ones((4, 3)).T}
    again = tmp_path / f"again{kind}"
    again.write_bytes(file.with_tensors(changed))
    got = loaded(again)
    for name, array in changed.items():
        assert (got[name].dtype, got[name].shape, got[name].tolist()) == (array.dtype, array.shape, array.tolist())
    assert set(got) == set(changed)
    assert file.with_tensors(changed) == again.read_bytes()


def test_safetensors_keep_what_stands_beside_the_tensors(tmp_path):
    file = read_tensors(saved(tmp_path / "model.safetensors"))
    content = file.with_tensors(file.tensors)
    length = int.from_bytes(content[:8], "little")
    assert json.loads(content[8 : 8 + length])["__metadata__"] == {"format": "pt"}


def test_bfloat16_is_read_and_kept_and_8_bit_floats_are_kept(tmp_path):
    path = tmp_path / "m.safetensors"
    brain = np.array([1.5, -3.25, 2.0**100], "f4")
    half = (brain.view("u4") >> 16).astype("<u2").tobytes()
    raw(path, {"b": ("BF16", [3], half), "e": ("F8_E4M3", [2, 2], b"\x38\x40\x00\x01")})
    file = read_tensors(path)
    assert file.tensors["b"].tolist() == brain.tolist()
    assert file.tensors["e"].shape == (2, 2)
    content = file.with_tensors({**file.tensors, "new": np.ones(1)})
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    data = content[8 + int.from_bytes(content[:8], "little") :]
    for name, (dtype, stored) in {"b": ("BF16", half), "e": ("F8_E4M3", b"\x38\x40\x00\x01")}.items():
        begin, end = header[name]["data_offsets"]
        assert (header[name]["dtype"], data[begin:end]) == (dtype, stored)


def test_a_type_of_which_nothing_is_known_is_told(tmp_path):
    raw(tmp_path / "m.safetensors", {"b": ("F6_E2M3", [4], b"abc")})
    with pytest.raises(ConfigError, match=r"m\.safetensors: b: is of type F6_E2M3, which is not known here$"):
        read_tensors(tmp_path / "m.safetensors")


def test_npz_files_are_the_same_every_day(tmp_path):
    file = read_tensors(saved(tmp_path / "model.npz"))
    with zipfile.ZipFile(tmp_path / "model.npz") as archive:
        names = archive.namelist()
    (tmp_path / "a.npz").write_bytes(file.with_tensors(file.tensors))
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        assert archive.namelist() == names
        assert {each.date_time for each in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def broken(path: Path) -> None:
    content = {"a": np.ones(99)}
    np.savez(path, **content) if path.suffix == ".npz" else save_file(content, path)
    path.write_bytes(path.read_bytes()[:-20])


def pickled(path: Path) -> None:
    np.savez(path, a=np.array([{}], object))


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("m.npz", None, "no such file"),
        ("m.safetensors", None, "no such file"),
        ("m.bin", None, "is no file of named tensors; its name must end with .npz or .safetensors"),
        ("m.npz", Path.mkdir, "is a directory; a .npz file is needed"),
        ("m.safetensors", Path.mkdir, "is a directory; a .safetensors file is needed"),
        ("m.npz", lambda path: path.write_bytes(b"text"), "is not a .npz file, or a damaged one"),
        ("m.npz", lambda path: path.write_bytes(b""), "is not a .npz file, or a damaged one"),
        ("m.npz", broken, "is not a .npz file, or a damaged one"),
        ("m.npz", pickled, "a.npy is no array of numbers"),
        ("m.npz", lambda path: np.savez(path), "holds no tensors"),
        ("m.safetensors", lambda path: path.write_bytes(b"text"), "is not a .safetensors file: "),
        ("m.safetensors", broken, "is not a .safetensors file: "),
        ("m.safetensors", lambda path: path.write_bytes(save({})), "holds no tensors"),
    ],
)
def test_what_is_no_file_of_tensors_is_told(name, make, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if make is not None:
        make(Path(name))
    with pytest.raises(ConfigError) as error:
        read_tensors(Path(name))
    assert str(error.value).startswith(f"{name}: {message}")


def test_without_the_package_its_extra_is_named(tmp_path, monkeypatch):
    path = saved(tmp_path / "m.safetensors")
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(ToolMissing, match=r"^safetensors is not installed: pip install 'streamnorm\[fold\]'$"):
        read_tensors(path)
    assert read_tensors(saved(tmp_path / "m.npz")).tensors
