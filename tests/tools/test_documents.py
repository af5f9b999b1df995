"""What the documents name is there: links, files, modules; and the house is drawn as it stands."""

import importlib
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(str(path.relative_to(ROOT)) for folder in (".", "docs") for path in (ROOT / folder).glob("*.md"))
FLOORS = {"cli": "streamnorm_cli", "fpga": "streamnorm_fpga", "sim": "streamnorm_sim", "hw": "streamnorm"}
FOLDERS = (*FLOORS, "tools", "tests", "examples", "docs")


def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document):
    path = ROOT / document
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", path.read_text("utf-8")):
        file, _, anchor = link.partition("#")
        target = path.parent / file if file else path
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text("utf-8"), re.MULTILINE)
            assert anchor in map(slug, headings), link


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_in_the_text_exist(document):
    text = (ROOT / document).read_text("utf-8")
    for path in set(re.findall(rf"`((?:{'|'.join(FOLDERS)})/[\w./*-]*)`", text)):
        assert list(ROOT.glob(path.replace("NAME", "*"))), path
    files = [path.as_posix() for folder in FOLDERS for path in (ROOT / folder).rglob("*.*")]
    for name in set(re.findall(r"`([\w/]+\.(?:py|toml))`", text)):
        assert "NAME" in name or (ROOT / name).exists() or any(file.endswith(f"/{name}") for file in files), name


@pytest.mark.parametrize("document", [name for name in DOCUMENTS if name != "CHANGELOG.md"])
def test_modules_in_the_text_exist(document):
    for name in set(re.findall(r"`(streamnorm(?:_\w+)?(?:\.\w+)+)", (ROOT / document).read_text("utf-8"))):
        module, found = name, None
        while found is None:
            try:
                found = importlib.import_module(module)
            except ModuleNotFoundError:
                module = module.rpartition(".")[0]
        for attribute in name.removeprefix(module).split(".")[1:]:
            assert hasattr(found, attribute), name
            found = getattr(found, attribute)


def test_the_house_is_drawn_as_it_stands():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    above = [layer for layer in layers if not layer.startswith("streamnorm.")]
    rooms = [layer.removeprefix("streamnorm.") for layer in layers if layer.startswith("streamnorm.")]
    page = (ROOT / "docs/architecture.md").read_text("utf-8")
    floors = re.findall(r"^\| `\w+/` \| `(\w+)` \|", page, re.MULTILINE)
    assert floors == [*above, "streamnorm"] == list(FLOORS.values())
    house = page[: page.index("\n## Blocks")]
    drawn = re.findall(r"^\| `(\w+)/` \| [^`]", house, re.MULTILINE)
    assert drawn == [room for room in rooms if room != "errors"]
    assert set(drawn) == {path.parent.name for path in (ROOT / "hw/streamnorm").glob("*/__init__.py")}
