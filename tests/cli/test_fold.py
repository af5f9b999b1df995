"""`streamnorm fold`: what it writes, what it tells, and what it never overwrites."""

import json
import re
import shlex
import tomllib
from pathlib import Path

import numpy as np
import pytest

from streamnorm_cli import command_line as cli
from streamnorm_cli.folds import KINDS
from streamnorm_cli.folds.arrays import ArraysKind
from streamnorm_cli.options import file_path
from streamnorm_sim import fold
from streamnorm_sim.fold import model
from streamnorm_sim.streams.seeds import seeded

OUTPUTS, INPUTS = 6, 4
SHAPES = {
    **dict.fromkeys(("mean", "var", "psi2", "bias"), (OUTPUTS,)),
    "weight": (OUTPUTS, INPUTS),
    **dict.fromkeys(("gamma", "beta"), (INPUTS,)),
    "gains": (INPUTS // 2,),
}
ARRAYS = {name: getattr(kind, "arrays", kind) for name, kind in KINDS.items()}
ARRAYS = {name: kind for name, kind in ARRAYS.items() if isinstance(kind, ArraysKind)}
NUMBERS = {"epsilon": 1e-5, "encoder_layers": 3, "layer": 5}
"""Of what kinds take that is no file; others are left out."""

each_of_arrays = pytest.mark.parametrize("kind", ARRAYS)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def given(here):
    """A file for every array that a kind may take: those of a norm, or of a layer."""

    def make(kind: str) -> dict[str, np.ndarray]:
        rng = seeded(0)
        arrays = {}
        for each in ARRAYS[kind].given:
            if each.has_place and each.name != "epsilon":
                of_norm = "weight" not in ARRAYS[kind].makes
                arrays[each.name] = rng.uniform(0.5, 2, OUTPUTS if of_norm else SHAPES[each.name])
                np.save(f"{each.name}.npy", arrays[each.name])
        return arrays

    return make


def numbers(kind):
    return {each.name: NUMBERS[each.name] for each in ARRAYS[kind].given if each.name in NUMBERS}


def words(kind):
    """The arguments of a kind, by their places where they have one."""
    found = []
    for each in ARRAYS[kind].given:
        if each.name in NUMBERS:
            found += [str(NUMBERS[each.name])] if each.has_place else [each.option, str(NUMBERS[each.name])]
        elif each.has_place:
            found.append(f"{each.name}.npy")
    return found


def function(kind):
    return getattr(fold, ARRAYS[kind].function)


def error_of(capsys, *arguments):
    assert cli.main(["fold", *map(str, arguments)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    return line.removeprefix("streamnorm: error: ")


@each_of_arrays
def test_every_kind_writes_what_its_function_returns(kind, here, given, capsys):
    arrays = given(kind)
    before = {path: path.read_bytes() for path in here.iterdir()}
    assert cli.main(["fold", kind, *words(kind)]) == 0
    result = function(kind)(**arrays, **numbers(kind))
    want = {name: getattr(result, name) for name in ARRAYS[kind].makes}
    lines = capsys.readouterr().out.splitlines()
    for name, array in want.items():
        made = np.load(f"folded/{name}.npy")
        assert (made.dtype, made.tolist()) == (np.float64, array.tolist())
        shape = " x ".join(map(str, array.shape))
        told = f"folded/{name}.npy: {shape} values, from {array.min():.6g} to {array.max():.6g}"
        assert lines.pop(0) == told
    for name in ARRAYS[kind].facts:
        assert lines.pop(0) == f"{name} = {getattr(result, name)!r}"
    assert lines[:2] == ["", "next, in the unit's configuration (names of files are relative to it):"]
    assert all(line.startswith("  ") for line in lines[2:])
    assert sorted(path.name for path in Path("folded").iterdir()) == sorted(f"{name}.npy" for name in want)
    assert before == {path: path.read_bytes() for path in here.iterdir() if path.is_file()}


@each_of_arrays
def test_what_it_tells_to_go_on_with_is_toml(kind, given, capsys):
    given(kind)
    assert cli.main(["fold", kind, *words(kind)]) == 0
    text = capsys.readouterr().out.partition("relative to it):\n")[2]
    assert cli.main(["fold", kind, *words(kind), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert tomllib.loads(text) == report["keys"]
    assert report["kind"] == kind
    for name, told in report["files"].items():
        array = np.load(told["file"])
        assert told == {
            "file": f"folded/{name}.npy",
            "shape": list(array.shape),
            "min": array.min(),
            "max": array.max(),
        }


@each_of_arrays
def test_the_same_by_name_and_the_same_every_time(kind, here, given):
    given(kind)
    named = []
    for each in ARRAYS[kind].given:
        word = str(NUMBERS[each.name]) if each.name in NUMBERS else f"{each.name}.npy"
        if each.has_place and each.is_required and each.read is file_path:
            named.append(word)
        elif each.has_place or each.name in NUMBERS:
            named += [each.option, word]
    assert cli.main(["fold", kind, *words(kind), "-q", "-o", "a"]) == 0
    assert cli.main(["fold", kind, *named, "-q", "-o", "b"]) == 0
    for path in (here / "a").iterdir():
        assert path.read_bytes() == (here / "b" / path.name).read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_help_teaches_with_the_formula_and_examples(kind, capsys):
    assert cli.main(["fold", kind, "--help"]) == 0
    out = capsys.readouterr().out
    examples = [f"streamnorm fold {kind} {example}" for example in KINDS[kind].examples]
    for line in (*KINDS[kind].formula, *examples, "--json", "arXiv:"):
        assert line in out
    for example in examples:
        cli.parser().parse_args(shlex.split(example)[1:])
    form = getattr(KINDS[kind], "arrays", KINDS[kind])
    home = fold if isinstance(form, ArraysKind) else model
    assert KINDS[kind].source.split()[0].rstrip(",") in (getattr(home, form.function).__doc__ or "")


def test_help_lists_the_kinds_with_examples(capsys):
    assert cli.main(["fold", "--help"]) == 0
    out = capsys.readouterr().out
    for kind in KINDS:
        assert f"\n    {kind}" in out
    examples = re.findall(r"^  streamnorm (fold .*?)(?: {2,}.*)?$", out, re.MULTILINE)
    assert len(examples) >= 5
    for example in examples:
        cli.parser().parse_args(shlex.split(example))


def test_numbers_stand_for_gamma_and_beta(here, capsys):
    np.save("mean", [1, -2])
    np.save("var", [3, 8])
    assert cli.main(["fold", "batchnorm", "mean.npy", "var.npy", "2", "-0.5", "1", "-q"]) == 0
    assert capsys.readouterr() == ("", "")
    assert np.load("folded/gamma.npy").tolist() == [1.0, 2 / 3]
    assert np.load("folded/beta.npy").tolist() == [-1.5, 5 / 6]
    assert cli.main(["fold", "powernorm", "var.npy", "--beta", "7", "--epsilon=1", "-q", "-o", "."]) == 0
    assert np.load("gamma.npy").tolist() == [0.5, 1 / 3]
    assert np.load("beta.npy").tolist() == [7.0, 7.0]


def test_layers_of_either_layout_for_either_norm(here, capsys):
    weight = seeded(0).normal(size=(OUTPUTS, INPUTS))
    np.save("weight", weight)
    np.save("turned", weight.T)
    for name, layout in (("weight", "out-in"), ("turned", "in-out")):
        for short in ([], ["--crmsnorm"]):
            command = ["fold", "recentre", f"{name}.npy", "--layout", layout, "--json", *short]
            assert cli.main(command) == 0
            report = json.loads(capsys.readouterr().out)
            norm = "crmsnorm" if short else "rmsnorm"
            assert report["keys"] == {"norm": norm, "max_length": OUTPUTS - len(short)}
            want = fold.recentre(np.load(f"{name}.npy"), layout=layout, crmsnorm=bool(short)).weight
            assert np.array_equal(np.load("folded/weight.npy"), want)
            assert list(report["files"]) == ["weight"]
            command[1:3] = ["flashnorm", f"{name}.npy", "2"]
            assert cli.main(command) == 0
            keys = json.loads(capsys.readouterr().out)["keys"]
            assert keys == ({"norm": "crmsnorm"} if short else {}) | {"max_length": INPUTS - len(short)}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["batchnrm"], "argument KIND: invalid choice: 'batchnrm' (choose from"),
        ([], "the following arguments are required: KIND; streamnorm fold --help tells more"),
        (["batchnorm", "mean.npy"], "the following arguments are required: VAR; streamnorm fold batchnorm --help"),
        (["batchnorm", "mean.npy", "var.npy"], "the following arguments are required: EPSILON, or --epsilon; stream"),
        (["flashnorm", "weight.npy"], "the following arguments are required: GAMMA, or --gamma; streamnorm fold flash"),
        (["batchnorm", "mean.npy", "var.npy", "--epsilon", "x"], "argument --epsilon: 'x' is not a number; streamnorm"),
        (["batchnorm", "mean.npy", "var.npy", "--epsilon", "-1"], "epsilon = -1.0: must be a finite number of"),
        (["batchnorm", "none.npy", "var.npy", "--epsilon", "1"], "mean: none.npy: no such file"),
        (["batchnorm", "text.npy", "var.npy", "--epsilon", "1"], "mean: text.npy: is not a .npy file of numbers"),
        (["batchnorm", "", "var.npy", "--epsilon", "1"], "argument MEAN: an empty name is no file and no directory"),
        (["batchnorm", "mean.npy", "weight.npy", "--epsilon", "1"], "var: weight.npy: has shape (6, 4); must be (n,)"),
        (["batchnorm", "var.npy", "mean.npy", "--epsilon", "1"], "var[0] = -1.0: must be at least 0"),
        (["unified", "zero.npy", "--epsilon", "0"], "var[2] = 0.0 and epsilon = 0: the factor would be infinite; give"),
        (["unified", "var.npy", "nan.npy", "--epsilon", "1"], "gamma: nan.npy: element [1] is nan; every value"),
        (["unified", "var.npy", "nan", "--epsilon", "1"], "gamma = nan: must be a finite number"),
        (
            ["unified", "var.npy", "1", "--gamma", "2", "--epsilon", "1"],
            "gamma is given twice: '1.0', and --gamma '2.0",
        ),
        (["recentre", "weight.npy", "--layout", "io"], "--layout = 'io': must be one of out-in, in-out"),
        (["recentre", "var.npy"], "weight: var.npy: has shape (6,); must be two dimensions"),
        (["recentre", "weight.npy", "--epsilon", "1"], "unrecognized arguments: --epsilon 1"),
        (["recentre", "weight.npy", "-o", "text.npy"], "text.npy: is a file; a directory is needed"),
        (["deepnorm", "weight.npy"], "encoder_layers, decoder_layers: both are 0; alpha is of the depth"),
        (["deepnorm", "--encoder-layers", "x"], "argument --encoder-layers: 'x' is not a whole number of at least 0"),
        (["deepnorm", "--encoder-layers", "9999999"], "--encoder-layers = 9999999: must be an integer from 0 to"),
        (["deepnorm", "--encoder-layers", "3", "--stack", "x"], "--stack = 'x': must be one of encoder"),
        (["deepnorm", "--alpha", "0"], "--alpha = 0.0: must be a finite number greater than 0"),
        (["gains", "weight.npy"], "the following arguments are required: GAINS, or --gains; streamnorm fold gains --h"),
        (["gains", "weight.npy", "2", "--side", "x"], "--side = 'x': must be one of inputs, outputs"),
        (["gains", "weight.npy", "var.npy"], "gains: has 6 values; must divide 4, the inputs of weight"),
        (["layernorm-scaling", "var.npy"], "the following arguments are required: --layer; streamnorm fold layernorm-"),
        (["layernorm-scaling", "var.npy", "--layer", "0"], "argument --layer: '0' is not a whole number of at least 1"),
        (["layernorm-scaling", "var.npy", "--layer", "1", "--norm", "x"], "--norm: is not taken: var.npy is no model,"),
        (["layernorm-scaling", "m.npz", "--layer", "1"], "--layer: is not taken: m.npz is a model"),
        (["layernorm-scaling", "m.npz", "var.npy"], "BETA: is not taken: m.npz is a model"),
    ],
)
def test_what_cannot_be(arguments, message, here, capsys):
    np.save("mean", np.full(OUTPUTS, -1.0))
    np.save("var", np.ones(OUTPUTS))
    np.save("zero", np.where(np.arange(OUTPUTS) == 2, 0, 1))
    np.save("nan", np.where(np.arange(OUTPUTS) == 1, np.nan, 1))
    np.save("weight", np.ones((OUTPUTS, INPUTS)))
    Path("text.npy").write_text("text", "utf-8")
    before = sorted(here.iterdir())
    assert error_of(capsys, *arguments).startswith(message)
    assert sorted(here.iterdir()) == before


@pytest.mark.parametrize("arguments", [["batchnorm", "mean.npy"], ["unified", "mean.npy", "1", "0", "0"], ["x"]])
def test_with_json_an_error_is_an_object_too(arguments, here, capsys):
    np.save("mean", [0.0, 1.0])
    assert cli.main(["fold", *arguments, "--json"]) == 2
    captured = capsys.readouterr()
    error = json.loads(captured.out)["error"]
    assert captured.err == f"streamnorm: error: {error['message']}\n"
    assert error["exit_code"] == 2


@pytest.mark.parametrize("link", ["", "symlink", "hard link"])
def test_no_input_is_overwritten(link, here, capsys):
    """By whatever name the output has."""
    np.save("var", [1.0, 2.0])
    np.save("g", [3.0, 4.0])
    out = here / "out"
    out.mkdir()
    if link == "symlink":
        (out / "beta.npy").symlink_to(here / "g.npy")
    elif link:
        (out / "beta.npy").hardlink_to(here / "g.npy")
    else:
        np.save("out/beta", [3.0, 4.0])
    given = "g.npy" if link else "out/beta.npy"
    before = {path: path.read_bytes() for path in (*here.glob("*.npy"), *out.iterdir())}
    message = error_of(capsys, "unified", "var.npy", "--gamma", given, "--epsilon", "1", "-o", "out")
    assert message == "--output: out/beta.npy: this command reads it; choose another name"
    assert before == {path: path.read_bytes() for path in (*here.glob("*.npy"), *out.iterdir())}


def test_deepnorm_tells_its_constants_and_writes_nothing_without_a_weight(here, capsys):
    both = ["--encoder-layers", "6", "--decoder-layers", "12"]
    assert cli.main(["fold", "deepnorm", *both, "--stack", "decoder", "--epsilon", "1e-5", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    alpha, beta = fold.deepnorm_constants(6, 12, "decoder")
    assert report["constants"] == {"alpha": alpha, "beta": beta}
    assert (report["files"], report["keys"]) == ({}, {"epsilon": 1e-5 / alpha**2})
    assert cli.main(["fold", "deepnorm", *both, "--stack", "encoder"]) == 0
    alpha, beta = fold.deepnorm_constants(6, 12, "encoder")
    assert capsys.readouterr().out.splitlines()[:2] == [f"alpha = {alpha!r}", f"beta = {beta!r}"]
    assert list(here.iterdir()) == []


def test_a_norm_takes_in_a_gain_and_the_keys_are_gamma_and_beta(here, capsys):
    np.save("gamma", [1.0, 2.0])
    np.save("beta", [3.0, 4.0])
    for more, beta in (([], {}), (["beta.npy"], {"beta": "bias.npy"})):
        assert cli.main(["fold", "gains", "gamma.npy", "0.5", *more, "--side", "outputs", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["keys"] == {"gamma": "weight.npy"} | beta
    assert np.load("folded/weight.npy").tolist() == [0.5, 1.0]
    assert np.load("folded/bias.npy").tolist() == [1.5, 2.0]


def test_an_argument_of_thousands_of_characters_is_not_repeated(here, capsys):
    np.save("var", [1.0, 2.0])
    for arguments in (
        ["x" * 5000],
        ["unified", "x" * 5000, "--epsilon", "1"],
        ["unified", "var.npy", "--epsilon", "x" * 5000],
        ["unified", "var.npy", "9" * 5000, "--epsilon", "1"],
        ["unified", "var.npy", "x" * 5000, "--gamma", "y" * 5000, "--epsilon", "1"],
        ["recentre", "var.npy", "--layout", "x" * 5000],
    ):
        assert len(error_of(capsys, *arguments)) < 600


def test_nothing_is_left_where_there_is_no_room(here, monkeypatch, capsys):
    def full(path, content):
        raise OSError(28, "No space left on device")

    np.save("var", [1.0, 2.0])
    monkeypatch.setattr(Path, "write_bytes", full)
    message = error_of(capsys, "unified", "var.npy", "--epsilon", "1")
    assert message == "folded/gamma.npy: cannot be written: No space left on device"
    assert [path.name for path in here.iterdir()] == ["var.npy"]


def test_the_page_shows_what_is_printed(root, here, capsys):
    """Every command of the section, in its order, in one folder, with what it printed below it."""
    page = (root / "docs/interface.md").read_text("utf-8")
    section = page.partition("\n## Folding\n")[2].partition("\n## ")[0]
    (prepare,) = re.findall(r"^```python\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    exec(compile(prepare, "docs/interface.md", "exec"), {})
    shown = re.findall(r"^```text\n\$ (streamnorm fold [^\n]*)\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    assert [shlex.split(command)[2] for command, _ in shown] == [
        "batchnorm",
        "recentre",
        "flashnorm",
        "deepnorm",
        "gains",
        "layernorm-scaling",
        "preln-to-rms",
        "preln-to-crms",
    ]
    for command, printed in shown:
        assert cli.main(shlex.split(command)[1:]) == 0
        assert printed == re.sub(r" +$", "", capsys.readouterr().out, flags=re.MULTILINE)  # tables are padded
    assert all(f"`{kind}`" in section for kind in KINDS)
