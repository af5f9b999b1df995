"""`streamnorm fold` of whole models: the file it writes, the report, and what it refuses."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from small_transformers import MODELS, VOCABULARY, WIDTH, drawn
from streamnorm_cli import command_line as cli
from streamnorm_cli.folds.patterns import PRESETS
from streamnorm_sim.fold.model import FORMATS, NAMINGS, Naming, Read, preln_to_crms, preln_to_rms, scale_norms
from streamnorm_sim.streams.seeds import seeded

FUNCTIONS = {"preln-to-rms": preln_to_rms, "preln-to-crms": preln_to_crms, "layernorm-scaling": scale_norms}

kinds = pytest.mark.parametrize("kind", FUNCTIONS)
formats = pytest.mark.parametrize("suffix", FORMATS)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def saved(preset, path):
    tensors = {name: array.astype("f4") for name, array in drawn(MODELS[preset], seeded(0)).items()}
    np.savez(path, **tensors) if Path(path).suffix == ".npz" else save_file(tensors, path)
    return tensors


def loaded(path):
    return dict(np.load(path)) if Path(path).suffix == ".npz" else load_file(path)


def error_of(capsys, *arguments, code=2):
    assert cli.main(["fold", *map(str, arguments)]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    return line.removeprefix("streamnorm: error: ")


def test_help_names_the_presets_that_there_are(capsys):
    assert tuple(NAMINGS) == PRESETS
    assert cli.main(["fold", "preln-to-rms", "--help"]) == 0
    assert ", ".join(PRESETS) in " ".join(capsys.readouterr().out.split())


@kinds
@formats
@pytest.mark.parametrize("preset", NAMINGS)
def test_the_file_holds_what_the_function_returns(kind, suffix, preset, here, capsys):
    model = f"model{suffix}"
    tensors = saved(preset, model)
    before = Path(model).read_bytes()
    assert cli.main(["fold", kind, model, "--preset", preset, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    want = FUNCTIONS[kind](tensors, NAMINGS[preset])
    got = loaded(f"folded/{model}")
    assert set(got) == set(want.tensors)
    for name, array in want.tensors.items():
        assert (got[name].dtype, got[name].tolist()) == (array.dtype, array.tolist()), name
    assert report["file"] == f"folded/{model}"
    changes = {change.tensor: change for change in want.changes}
    assert {each["tensor"] for each in report["changed"]} == set(changes)
    for each in report["changed"]:
        change = changes[each["tensor"]]
        assert each["what"] == change.what
        assert each["after"] == list(change.after)
        assert each["before"] == (None if change.before is None else list(change.before))
    assert set(report["left"]) == set(want.left)
    assert [(each["table"], each["head"]) for each in report["separated"]] == list(want.separated)
    norms = {"preln-to-rms": ("rmsnorm", WIDTH), "preln-to-crms": ("crmsnorm", WIDTH - 1)}
    assert tuple(report["keys"].values()) == norms.get(kind, ())
    assert Path(model).read_bytes() == before
    assert sorted(path.name for path in here.iterdir()) == ["folded", model]


@formats
def test_the_same_every_time_to_whatever_place(suffix, here, capsys):
    model = f"model{suffix}"
    saved("opt", model)
    for place, written in (("a", f"a/model{suffix}"), (f"b/c{suffix}", f"b/c{suffix}"), (f"d{suffix}", f"d{suffix}")):
        assert cli.main(["fold", "preln-to-crms", model, "--preset", "opt", "-q", "-o", place]) == 0
        assert capsys.readouterr() == ("", "")
        assert Path(written).read_bytes() == Path(f"a/model{suffix}").read_bytes()


def test_a_line_tells_of_all_layers_alike(here, capsys):
    saved("gpt2", "model.npz")
    assert cli.main(["fold", "preln-to-crms", "model.npz", "--preset", "gpt2"]) == 0
    lines = [re.split(r" {2,}", line.strip()) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["folded/model.npz: 42 tensors: 40 changed, 2 new, 0 left alone"]
    assert ["h.{0-2}.attn.c_attn.weight", "h.{0-2}.ln_1 and the last input taken in", "16 x 48 → 15 x 48"] in lines
    assert ["h.{0-2}.mlp.c_proj.bias", "re-centred, last feature left out", "16 → 15"] in lines
    assert ["lm_head.bias", "new: beta of ln_f taken in", str(VOCABULARY)] in lines
    head = "# wte.weight and lm_head.weight are two from now on: in the model, tie_word_embeddings = false"
    assert [head] in lines
    assert ["# layers that had no bias have one: lm_head.bias"] in lines
    assert ["left alone"] not in lines
    assert cli.main(["fold", "preln-to-rms", "model.npz", "--preset", "gpt2"]) == 0
    lines = [re.split(r" {2,}", line.strip()) for line in capsys.readouterr().out.splitlines()]
    rest = lines[lines.index(["left alone"]) :]
    assert ["h.{0-2}.ln_1.weight", "16"] in rest
    assert ["wte.weight", "re-centred", f"{VOCABULARY} x 16"] in lines
    assert cli.main(["fold", "layernorm-scaling", "model.npz", "--norm", "h.*.ln_2"]) == 0
    lines = [re.split(r" {2,}", line.strip()) for line in capsys.readouterr().out.splitlines()]
    assert ["h.2.ln_2.weight", "times 1 / sqrt(3)", "16"] in lines
    assert ["h.{0-2}.ln_1.weight", "16"] in lines


def test_a_layer_of_another_number_than_its_norm_has_a_line_of_its_own(here, capsys):
    tensors = {"t": np.ones((2, 3)), "head.weight": np.ones((2, 3))}
    for number in range(3):
        tensors |= {f"n.{number}.norm.weight": np.ones(3), f"l.{(number + 1) % 3}.up.weight": np.ones((2, 3))}
    np.savez("m.npz", **tensors)
    pairs = [f"l.{(number + 1) % 3}.up=n.{number}.norm" for number in range(3)]
    reads = [word for pair in pairs for word in ("--read", pair)]
    assert cli.main(["fold", "preln-to-crms", "m.npz", "--table", "t", *reads, "--head", "head=n.0.norm"]) == 0
    out = capsys.readouterr().out
    for number in range(3):
        assert re.search(rf"l\.{(number + 1) % 3}\.up\.weight +n\.{number}\.norm and the last input taken in", out)


def test_patterns_in_place_of_a_preset_and_besides(here, capsys):
    tensors = saved("gpt2", "model.npz")
    patterns = ["--table", "wte", "--table=wpe", "--write", "*.c_proj", "--read", "*.attn.c_attn=*.ln_1"]
    patterns += ["--read", "*.mlp.c_fc=*.ln_2", "--tied", "wte=lm_head=ln_f", "--layout", "in-out"]
    assert cli.main(["fold", "preln-to-crms", "model.npz", *patterns, "-q", "-o", "own"]) == 0
    assert cli.main(["fold", "preln-to-crms", "model.npz", "--preset", "gpt2", "-q", "-o", "preset"]) == 0
    own, preset = loaded("own/model.npz"), loaded("preset/model.npz")
    assert {name: array.tolist() for name, array in own.items()} == {k: v.tolist() for k, v in preset.items()}
    more = {"probe.weight": np.ones((2, WIDTH)), "notes": np.zeros(WIDTH)}
    np.savez("model.npz", **tensors, **more)
    command = ["fold", "preln-to-crms", "model.npz", "--preset", "gpt2"]
    assert "notes: has shape (16,), 16 is the width of the stream" in error_of(
        capsys, *command[1:], "--head", "probe=*ln_f"
    )
    assert cli.main([*command, "--head", "probe=*ln_f", "--leave", "notes", "-q"]) == 0
    naming = Naming(heads=(Read("probe", "*ln_f"),), left=("notes",))
    want = preln_to_crms({**tensors, **more}, NAMINGS["gpt2"], naming).tensors
    assert loaded("folded/model.npz")["probe.weight"].tolist() == want["probe.weight"].tolist()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["preln-to-rms"], "the following arguments are required: MODEL; streamnorm fold preln-to-rms --help tells mo"),
        (["preln-to-rms", "none.npz"], "none.npz: no such file"),
        (["preln-to-rms", "text.npz"], "text.npz: is not a .npz file, or a damaged one"),
        (["preln-to-rms", "text.bin"], "text.bin: is no file of named tensors; its name must end with .npz or .safete"),
        (["preln-to-rms", "m.npz"], "no layer that reads a norm is matched; the first are '"),
        (["preln-to-rms", "m.npz", "--preset", "gpt3"], "--preset = 'gpt3': must be one of gpt2, gpt-j, gpt-neox, opt"),
        (["preln-to-rms", "m.npz", "--preset", "opt"], "no layer that reads a norm is matched; the first are '"),
        (["preln-to-rms", "m.npz", "--preset", "gpt2", "--layout", "io"], "--layout = 'io': must be one of out-in, in"),
        (["preln-to-rms", "m.npz", "--read", "h.*.fc"], "--read = 'h.*.fc': must be LAYERS=NORM"),
        (["preln-to-rms", "m.npz", "--head", "h="], "--head = 'h=': must be LAYERS=NORM"),
        (["preln-to-rms", "m.npz", "--tied", "a=b"], "--tied = 'a=b': must be TABLE=HEAD=NORM"),
        (
            ["preln-to-rms", "m.npz", "--preset", "gpt2", "--write", "x"],
            "'x': matches none of the model's names; the f",
        ),
        (["preln-to-rms", "m.npz", "--preset", "gpt2", "-o", "x.safetensors"], "--output: x.safetensors: is of anothe"),
        (["preln-to-rms", "m.npz", "--preset", "gpt2", "-o", "text.npz/x.npz"], "text.npz: is a file; a directory is"),
        (["preln-to-rms", "m.npz", "--preset", "gpt2", "-o", "."], "--output: m.npz: this command reads it; choose an"),
        (["preln-to-crms", "m.npz", "--preset", "gpt2", "-o", "m.npz"], "--output: m.npz: this command reads it; choo"),
        (["preln-to-crms", "m.npz", "--preset", "gpt2", "-o", "link.npz"], "--output: link.npz: this command reads it"),
        (["layernorm-scaling", "m.npz"], "no norm of a numbered layer is matched; norms are named by patterns"),
        (["layernorm-scaling", "m.npz", "--preset", "x"], "--preset = 'x': must be one of gpt2"),
        (["layernorm-scaling", "m.npz", "--norm", "h.*.ln_1", "--first-layer", "2"], "h.0.ln_1: is of layer 0; the fi"),
        (["layernorm-scaling", "m.npz", "--norm", "h.*.ln_1", "--gamma-offset", "inf"], "h.0.ln_1: gamma_offset = inf"),
    ],
)
def test_what_cannot_be(arguments, message, here, capsys):
    tensors = saved("gpt2", "m.npz")
    np.savez("m.npz", **dict(sorted(tensors.items())))
    Path("link.npz").symlink_to("m.npz")
    Path("text.npz").write_text("text", "utf-8")
    Path("text.bin").write_text("text", "utf-8")
    before = {path: path.read_bytes() for path in here.iterdir()}
    assert error_of(capsys, *arguments).startswith(message)
    assert before == {path: path.read_bytes() for path in here.iterdir()}


def test_without_the_package_its_extra_is_named(here, monkeypatch, capsys):
    saved("gpt2", "m.safetensors")
    monkeypatch.setitem(sys.modules, "safetensors", None)
    message = error_of(capsys, "preln-to-rms", "m.safetensors", "--preset", "gpt2", code=3)
    assert message == "safetensors is not installed: pip install 'streamnorm[fold]'"
    assert [path.name for path in here.iterdir()] == ["m.safetensors"]


def test_nothing_is_left_where_there_is_no_room(here, monkeypatch, capsys):
    def full(path, content):
        raise OSError(28, "No space left on device")

    saved("gpt2", "m.npz")
    monkeypatch.setattr(Path, "write_bytes", full)
    message = error_of(capsys, "preln-to-rms", "m.npz", "--preset", "gpt2")
    assert message == "folded/m.npz: cannot be written: No space left on device"
    assert [path.name for path in here.iterdir()] == ["m.npz"]
