"""A further result of each row: the same normalized values with another gamma, beta and output format."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from streamnorm.errors import ConfigError
from streamnorm.spec.algorithms import OWN_ALGORITHM
from streamnorm.spec.architectures import ONE_PASS
from streamnorm.spec.arrays import file_of
from streamnorm.spec.formats import IntFormat, as_format
from streamnorm.spec.values import refuse_unknown, shown

from .side_stream import SideStream

if TYPE_CHECKING:
    from streamnorm.spec.config import NormConfig

__all__ = ["RESULTS_MAX", "FurtherResult", "further_results"]

RESULTS_MAX = 3
"""Further results that a unit may have."""

_KEYS = ("name", "output", "gamma", "beta", "gamma_bits", "beta_bits", "gamma_max", "beta_max")

_NAME = re.compile(r"[a-z][a-z0-9_]{0,23}")

_TAKEN = frozenset(
    ("banks", "beta", "blend", "expected", "flags", "gamma", "input", "input_scale", "lengths", "output", "param",
     "parameters", "residual", "scale", "sum", "waves")
)  # fmt: skip
"""Names of other streams, and of files with test vectors."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FurtherResult:
    """One of the tables ``[[results]]`` of a configuration: ``z * gamma + beta`` with the z of the unit's own result,
    rounded once, from it, to a format of its own.

    The sources: parallel attention and MLP, Wang and Komatsuzaki 2021 (GPT-J), whose two branches may have a norm each;
    rows that go to an integer matrix product and, finer, to the residual.

    Attributes
    ----------
    name : of the stream ``m_axis_NAME``
    number : format of the results; integers
    gamma, beta : as those of a configuration, before and after it has looked at them
    gamma_bits, beta_bits, gamma_max, beta_max : as those of a configuration; None for the default
    """

    name: str = "second"
    number: IntFormat
    gamma: Any = None
    beta: Any = None
    gamma_bits: int | None = None
    beta_bits: int | None = None
    gamma_max: float | None = None
    beta_max: float | None = None

    @staticmethod
    def of(value: Any) -> FurtherResult:
        """A result, or a table of a configuration file; what is in gamma and beta is looked at later.

        Raises
        ------
        ConfigError
            If a key is unknown, missing or out of range, or the format is not one of integers.
        """
        if isinstance(value, FurtherResult):
            return value
        if not isinstance(value, Mapping):
            raise ConfigError(f"results: {shown(value)}: {_TABLES}")
        refuse_unknown(value, _KEYS, " in [[results]]")
        name = value.get("name", FurtherResult.name)
        if not (isinstance(name, str) and _NAME.fullmatch(name)):
            raise ConfigError(
                f"in [[results]]: name = {shown(name)}: must be up to 24 small letters, digits and underscores, a "
                "letter first"
            )
        if name in _TAKEN:
            raise ConfigError(f"in [[results]]: name = {name!r}: is taken by another stream; must be another name")
        if "output" not in value:
            raise ConfigError(
                'missing key in [[results]]: output, for example output = { format = "int16", scale = 0.001 }'
            )
        number = as_format(f"results.{name}.output", value["output"])
        return FurtherResult(name=name, number=_integers(name, number), **{key: value.get(key) for key in _KEYS[2:]})

    def to_dict(self) -> dict[str, Any]:
        """The table without what is left to its default; the format, gamma and beta as they are."""
        given = {key: of for key in _KEYS[2:] if (of := getattr(self, key)) is not None}
        return {"name": self.name, "output": self.number, **given}

    @property
    def files(self) -> list[Path]:
        """Files that gamma and beta are given as."""
        return [file for file in map(file_of, (self.gamma, self.beta)) if file is not None]

    @property
    def side(self) -> SideStream:
        """The stream of the results."""
        about = "the normalized values with another gamma and beta, in a format of its own"
        return SideStream(self.name, self.number, about, member=f"result_{self.name}")

    def checked(self, config: NormConfig) -> FurtherResult:
        """The same with gamma and beta as arrays or numbers.

        Raises
        ------
        ConfigError
            If there is no unit of the configuration with this result, or its gamma or beta do not fit their bits.
        """
        try:
            alone = config.replace(results=(), **self._keys)
            alone.given_parameters.quantizers(alone.gamma_bits, alone.beta_bits)
        except ConfigError as error:
            raise ConfigError(f"in [[results]], name = {self.name!r}: {error}") from error
        given = {key: getattr(alone, key) for key in _KEYS[4:] if getattr(self, key) is not None}
        return replace(self, gamma=alone.gamma, beta=alone.beta, **given)

    def first(self, config: NormConfig) -> NormConfig:
        """The configuration with this result for its own, and its own in the place of this."""
        own = FurtherResult(
            name=self.name,
            number=config.output,  # type: ignore[arg-type] (integers, see require_goes_with)
            **{key: getattr(config, key) for key in _KEYS[2:]},
        )
        others = tuple(own if result.name == self.name else result for result in config.results)
        return config.replace(results=others, **self._keys)

    @property
    def _keys(self) -> dict[str, Any]:
        """The keys of a configuration that has this result for its own."""
        return {"output": self.number, **{key: getattr(self, key) for key in _KEYS[2:]}}

    @staticmethod
    def require_goes_with(config: NormConfig) -> None:
        """ConfigError if no unit of the configuration can have further results."""
        what = "results"
        if config.defer:
            raise ConfigError(f"{what}: do not go with defer = true: rows go through as they are")
        for key in ("input", "output"):
            if getattr(config, key).is_float:
                raise ConfigError(f"{what}: {key} = {getattr(config, key).name}: go with integers only")
        if not isinstance(config.output, IntFormat):
            raise ConfigError(
                f'{what}: do not go with scale = "row" in [output]: its rows wait for their largest result, the others '
                "do not"
            )
        if config.input_scale is not None:
            raise ConfigError(
                f'{what}: do not go with scale = "row" in [input]: what is seen of epsilon follows from one result'
            )
        if config.banks_are_interpolated:
            raise ConfigError(f'{what}: do not go with bank_order = "interpolated": one gamma and beta are made of two')
        if config.architecture != ONE_PASS:
            why = "has no statistic to share" if not config.formula.has_statistic else f"only with {ONE_PASS!r}"
            raise ConfigError(f"{what}: architecture = {config.architecture!r}: {why}")
        if config.parameters_are_streamed:
            raise ConfigError(
                f'{what}: storage = {config.storage!r}: must be "rom" or "ram"; rows of the parameter stream carry one '
                "gamma and beta"
            )
        if config.algorithm != OWN_ALGORITHM:
            raise ConfigError(
                f"{what}: algorithm = {config.algorithm!r}: must be {OWN_ALGORITHM!r}; a publication has one result"
            )
        if config.gamma_rounding != "once":
            raise ConfigError(
                f'{what}: gamma_rounding = "output": must be "once"; the normalized value would be rounded to the '
                "output format, and there are several"
            )


def further_results(value: Any) -> tuple[FurtherResult, ...]:
    """The further results of a configuration, as a user may give them.

    Raises
    ------
    ConfigError
        If it is no list of tables, there are more than `RESULTS_MAX`, or two have the same name; or as of one of them.
    """
    if not isinstance(value, Iterable) or isinstance(value, str | Mapping | np.ndarray):
        raise ConfigError(f"results = {shown(value)}: {_TABLES}")
    results = tuple(map(FurtherResult.of, value))
    if len(results) > RESULTS_MAX:
        raise ConfigError(f"results: there are {len(results)}; must be at most {RESULTS_MAX}")
    names = [result.name for result in results]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"in [[results]]: name = {name!r}: is there twice; each must have a name of its own")
        if (of := re.sub("^(gamma|beta)_", "", name)) != name and of in names:
            raise ConfigError(f"in [[results]]: name = {name!r}: is what is loaded for {of!r}; must be another name")
    return results


_TABLES = 'must be tables, for example [[results]] with output = { format = "int16", scale = 0.001 }'


def _integers(name: str, number: Any) -> IntFormat:
    if not isinstance(number, IntFormat):
        raise ConfigError(f"in [results.{name}.output]: format = {number.name!r}: must be {IntFormat.names}")
    return number
