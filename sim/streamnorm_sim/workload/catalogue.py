"""Models by name, from the package's own files or from a TOML file of the user.

Each file of ``models/`` holds a family: ``[family]`` has keys that all of its ``[models."NAME"]`` share.
"""

import tomllib
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from streamnorm.errors import ConfigError
from streamnorm.spec.config_file import read_toml
from streamnorm.spec.values import file_name, nearest, shortened, shown

from .calls import calls
from .model import Model

__all__ = ["find_model", "model_names", "read_model"]


def model_names() -> list[str]:
    """Return the names of the models that come with the package, family by family."""
    return list(_catalogue())


def find_model(name: str, **changes: Any) -> Model:
    """Return the model of that name (upper or lower case, a space or ``_`` for ``-``), with some keys changed.

    Raises
    ------
    ConfigError
        If there is none (the message names the nearest), or a change is not right for it.
    """
    known = _catalogue()
    wanted = name.strip().lower().replace(" ", "-").replace("_", "-")
    if wanted in known:
        return _model(wanted, {**known[wanted], **changes}, f"model {wanted}")
    hint = nearest(wanted, known) or "; streamnorm workload --list names them all"
    raise ConfigError(f"unknown model {shown(name)}{hint}")


def read_model(path: Path, name: str | None = None, **changes: Any) -> Model:
    """Return a model of a TOML file: its keys alone, or ``[family]`` and ``[models."NAME"]`` as the package's own.

    ``changes`` replace keys of the file.

    Raises
    ------
    ConfigError
        If the file cannot be read or describes no model, several and ``name`` is none of them, or one alone and there
        is a ``name``.
    """
    where = file_name(path)
    try:
        table = read_toml(path)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None
    if "models" not in table:
        if {"input", "output"} <= set(table):
            raise ConfigError(f"{where}: is the configuration of a unit and not a model; --config takes it")
        if name is not None:
            raise ConfigError(f"{where}: holds one model, without [models]; leave out :{shortened(name)}")
        return _model(path.stem, {**table, **changes}, where)
    models = _family(table, where)
    wanted = name or next(iter(models), "")
    if wanted not in models or (name is None and len(models) > 1):
        choices = ", ".join(f"{where}:{each}" for each in models) or "there is no model in it"
        raise ConfigError(f"{where}: say which model: {choices}")
    return _model(wanted, {**models[wanted], **changes}, f"{where}: {wanted}")


@lru_cache(maxsize=1)
def _catalogue() -> dict[str, dict[str, Any]]:
    folder = files(__name__.rpartition(".")[0]) / "models"
    result: dict[str, dict[str, Any]] = {}
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            result |= _family(tomllib.loads(file.read_text("utf-8")), file.name)
    return result


def _family(table: dict[str, Any], where: str) -> dict[str, dict[str, Any]]:
    family, models = table.get("family", {}), table.get("models", {})
    tables = [family, models, *(models.values() if isinstance(models, dict) else [])]
    if set(table) - {"family", "models"} or not all(isinstance(each, dict) for each in tables):
        raise ConfigError(f'{where}: beside [models."NAME"] there may be [family], and nothing else')
    return {name: {**family, **keys} for name, keys in models.items()}


def _model(name: str, keys: dict[str, Any], where: str) -> Model:
    try:
        model = Model.of(name, keys)
        calls(model)  # so that a key that names a norm which is not there is found here
        return model
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error
