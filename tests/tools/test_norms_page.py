"""What docs/norms.md tells people to configure is there."""

import re
import shlex
import tomllib

import pytest

import norm_figures
import norms_page
import unit_picture
from papers import PAPERS
from streamnorm.errors import ConfigError
from streamnorm.spec.architectures import ARCHITECTURES
from streamnorm.spec.config import key_fields
from streamnorm.spec.norms import NORMS
from streamnorm_cli.command_line import COMMANDS
from streamnorm_sim.norm_units import norm_units
from streamnorm_sim.workload import SCHEDULES, STYLES, find_model

EVERY = [paper for papers in PAPERS.values() for paper in papers]
KEYS = {key.name: key for key in key_fields()}
KEYS_OF_TABLES = {"scale", "emit_sum"}


def codes(paper):
    return re.findall(r"`([^`]+)`", paper.configure)


def named(code):
    """Names that a piece of code needs, each with whether it is there, and what it is."""
    if code.startswith("streamnorm "):
        yield " ".join(code.split()[:2]), code.split()[1] in COMMANDS
    elif " = " in code:
        for key, value in tomllib.loads(code).items():
            yield key, key in KEYS
            if key == "norm":
                yield value, value in NORMS
            elif key == "architecture":
                assert value in ARCHITECTURES, code
            elif key in KEYS and isinstance(value, str):
                assert f'"{value}"' in KEYS[key].metadata["allowed"], code
    else:
        yield code, code in {*KEYS, *KEYS_OF_TABLES}


@pytest.mark.parametrize("paper", EVERY, ids=lambda paper: paper.name)
def test_what_is_configured_is_there(paper):
    for code in codes(paper):
        for name, there in named(code):
            assert there, f"{name} in {code}"


@pytest.mark.parametrize(
    "command", sorted({code for paper in EVERY for code in codes(paper) if code.startswith("streamnorm workload")})
)
def test_workloads_of_the_page_are_understood(command):
    words = shlex.split(command)[2:]
    if words in (["--list"], ["my_model.toml"]):
        return
    model, *options = words
    changes = dict(zip(options[::2], options[1::2], strict=True))
    assert set(changes) <= {"--placement", "--prune"}
    keys = {"--placement": ("placement", str), "--prune": ("pruned", lambda place: [place])}
    find_model(model, **{keys[name][0]: keys[name][1](value) for name, value in changes.items()})


def test_placements_have_a_paper():
    told = " ".join(code for paper in EVERY for code in codes(paper))
    missing = {
        name.partition(":")[0] for name in (*STYLES, *SCHEDULES) if f"--placement {name.partition(':')[0]}" not in told
    }
    # Of these, models are known and no paper on the placement itself; or they are said by pruning.
    assert missing == {"output", "parallel", "parallel-two", "none"}


def test_every_norm_has_a_paper():
    told = {code for paper in EVERY for code in codes(paper)}
    for name in NORMS:
        assert f'norm = "{name}"' in told, name


def test_every_norm_has_a_section_with_its_keys_and_pictures():
    sections = norms_page.sections().split("\n### ")
    assert [section.removeprefix("### ").split("\n")[0] for section in sections] == [n.title for n in NORMS.values()]
    for section, norm in zip(sections, NORMS.values(), strict=True):
        assert f"z = {norm.formula}\n" in section
        assert norm.use in " ".join(section.split())
        for key in norm.keys:
            assert f"\n| `{key}` | {KEYS[key].metadata['allowed'].replace('`', '')} |" in section
        pictures = re.findall(r"\]\((.*\.svg)\)", section)
        units = [unit for unit in norm_units().values() if unit.norm == norm.name]
        assert pictures == [unit_picture.page_of(unit).name for unit in units]
        assert all((norms_page.ROOT / "docs" / name).exists() for name in pictures)


def test_costs_are_those_that_were_placed():
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in norms_page.cost_table().splitlines()[2:]]
    lines = [line for line in lines if line]
    assert [line[0].strip("`") for line in lines] == list(norm_units())
    placed = {unit.name: entry for unit, entry in norm_figures.recorded()}
    for line in lines:
        name = line[0].strip("`")
        if name in placed:
            assert line[4:7] == [str(placed[name][key]) for key in ("comb", "dsp", "bram")]
            assert set(line[8].split(", ")) <= set(placed[name]["fmax_mhz"])
        else:
            assert line[4:] == ["–"] * 5


def test_what_is_not_built_is_said_with_what_is():
    for paper in EVERY:
        assert paper.configure.lower().count("not yet") == paper.configure.lower().count("not yet: "), paper.name
        if paper.configure.startswith("not yet"):
            assert "Today: " in paper.configure, paper.name


def test_papers_are_there_once_with_a_source():
    names = [paper.name for paper in EVERY]
    assert len(names) == len(set(names))
    for paper in EVERY:
        assert re.search(r"(19|20)\d\d|ONNX", paper.source), paper.name
        assert paper.idea, paper.name
        assert paper.configure, paper.name
        for number in re.findall(r"arXiv:(\S+?)(?:[,;]|$)", paper.source):
            assert re.fullmatch(r"\d{4}\.\d{4,5}", number), number


def test_bars_stay_in_their_cell():
    for line in norms_page.paper_tables().splitlines():
        if line.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", line)) == 4, line


def test_the_test_finds_what_is_not_there():
    assert list(named('norm = "batchnorm"')) == [("norm", True), ("batchnorm", False)]
    assert list(named("gama")) == [("gama", False)]
    assert list(named("streamnorm flod")) == [("streamnorm flod", False)]
    with pytest.raises(ConfigError):
        find_model("gpt2", placement="deepnrom")
