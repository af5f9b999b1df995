import pytest


@pytest.fixture(autouse=True)
def quick_compilation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs here are short: what g++ saves in compiling, a slower simulation does not eat up."""
    monkeypatch.setenv("CXXFLAGS", "-O1")
