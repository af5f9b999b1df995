"""The errors and the exit codes that commands end with."""

import pytest

import streamnorm
from streamnorm.errors import CheckFailed, ConfigError, StreamnormError, ToolMissing


@pytest.mark.parametrize(
    ("kind", "exit_code"), [(StreamnormError, 1), (ConfigError, 2), (ToolMissing, 3), (CheckFailed, 4)]
)
def test_exit_codes(kind: type[StreamnormError], exit_code: int) -> None:
    error = kind("what is wrong")
    assert isinstance(error, StreamnormError)
    assert error.exit_code == exit_code
    assert str(error) == "what is wrong"


def test_package_exports_what_it_names() -> None:
    for name in streamnorm.__all__:
        assert getattr(streamnorm, name) is not None
    assert streamnorm.ConfigError is ConfigError
    with pytest.raises(AttributeError, match=r"^module 'streamnorm' has no attribute 'Config'$"):
        _ = streamnorm.Config  # pyright: ignore[reportAttributeAccessIssue]
