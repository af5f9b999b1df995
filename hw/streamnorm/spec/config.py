"""The one object that says what unit is wanted; hardware, golden model and plan are all made from it."""

import hashlib
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, Field, dataclass, field, fields
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import numpy.typing as npt

from streamnorm.errors import ConfigError
from streamnorm.spec.algorithms import ALGORITHMS, OWN_ALGORITHM, Algorithm
from streamnorm.spec.epsilon_placements import EPSILON_PLACEMENTS, EpsilonPlacement, RowVariancePlacement
from streamnorm.spec.formats import (
    ROW_SCALED,
    FloatFormat,
    IntFormat,
    NumberFormat,
    RowScaledFormat,
    as_format,
    parse_format,
)
from streamnorm.spec.fusions import (
    DeferredScale,
    FurtherResult,
    InputScale,
    InterpolatedBanks,
    Residual,
    RowScale,
    SideStream,
    StreamedParameters,
    further_results,
    input_scale_of,
)
from streamnorm.spec.norms import NORMS, Norm
from streamnorm.spec.targets import TARGET_NAMES, TARGETS, Target

from .architectures import ARCHITECTURES, architectures_of
from .arrays import ArrayOrFile, file_of
from .config_file import read_keywords
from .file_identity import file_identity
from .given_parameters import BETA_BITS, GAMMA_BITS, STORAGE_ERROR_MAX, GivenParameters
from .names import why_not_module_name
from .output_grid import GAMMA_ROUNDINGS, OutputGrid
from .parameter_format import PARAMETER_FORMATS, first_that_holds, require_parameter_format
from .parameter_values import checked_parameter
from .paths import given_path, named_file
from .root_choice import AUTO, RootChoice
from .roots import ROOTS
from .values import (
    boolean,
    counted,
    file_name,
    finite_float,
    instance_of,
    integer_between,
    one_of,
    positive_float,
    refuse_unknown,
    shortened,
    shown,
)

LANES_MAX = 64
LENGTH_MAX = 16384
BANKS_MAX = 4096
VALUES_MAX = 1 << 18
STORAGES = ("rom", "ram", "stream")
BANK_ORDERS = ("given", "cyclic", "interpolated")
RAM_PARAMETER_MAX = 4.0
MARGIN_MAX = 2.0
CURVATURE_MAX = 1.0


def _about(allowed: str, meaning: str, default: str | None = None) -> dict[str, str | None]:
    """Say what a key may be, what it means, and how its default is shown where it is computed or nothing."""
    return {"allowed": allowed, "meaning": meaning, "default": default}


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _denominators() -> Iterator[str]:
    return (f'"{place.name}" {place.formula}' for place in EPSILON_PLACEMENTS.values())


def _listed(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


_BY_DEFAULT: dict[str, list[str]] = {}
"""Norms by the architecture that they have unless they are asked for another."""
for _norm in NORMS.values():
    _BY_DEFAULT.setdefault(architectures_of(_norm)[0], []).append(_norm.name)


def _margins_of_norms() -> list[str]:
    return [f"{norm.margin:g} more for {norm.name}" for norm in NORMS.values() if norm.margin]


_COMPUTED: Any = None  # default of a key whose real default depends on other keys
_WIDTHS = {"gamma_bits": GAMMA_BITS, "beta_bits": BETA_BITS}
_UNIT_PRECISION_MAX = 16
"""Output precisions up to which fp32 holds gamma times a number at least 8 bits better than results."""

_COMPUTED_KEYS = ("epsilon", *_WIDTHS, "gamma_max", "beta_max", "architecture", "margin", "parameter_format")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class NormConfig:
    """What a normalization unit must do, and where it must run.

    The attributes are the parameters below, checked and with computed defaults filled in; ``gamma`` and
    ``beta`` are then None, a float, or a read-only float64 array of shape ``(bank_values,)`` or
    ``(banks, bank_values)``, with :attr:`bank_values` of ``max_length`` unless elements share them; ``source`` is the
    file that was read, if any, for messages. Two configurations are equal, and hash alike, if their digests are equal.

    Parameters
    ----------
    name, norm, lanes, max_length, … :
        The keys of a configuration file; ``docs/interface.md`` has the table. ``input`` and ``output`` may be given
        as a format, such as ``IntFormat("int8", scale=0.05)``, as its name, or as a table of a file; ``gamma`` and
        ``beta`` as the path of a .npy file (str or Path), a number, an array, or None.

    Raises
    ------
    ConfigError
        If a value has the wrong type, is out of range, or does not go together with another.
    """

    name: str = field(default="streamnorm", metadata=_about("a Verilog identifier", "name of the generated top module"))
    norm: str = field(metadata=_about(_quoted(NORMS), "the formula"))
    lanes: int = field(metadata=_about(f"1 to {LANES_MAX}", "elements that travel side by side in one beat"))
    max_length: int = field(
        metadata=_about(f"1 to {LENGTH_MAX}", "elements of the longest row; a longer one is cut and flagged")
    )
    min_length: int = field(
        default=1,
        metadata=_about(
            "1 to `max_length`",
            "elements of the shortest row that must keep full rate; from 2 beats on, multipliers are shared",
        ),
    )
    input: NumberFormat = field(
        metadata=_about(
            'table; with `scale = "row"` also `scale_kind` ("float32", "power-of-two")',
            'number format of the elements that come in; with `scale = "row"`, each row\'s scale comes in beside; see '
            "docs/around.md",
        )
    )
    output: NumberFormat = field(
        metadata=_about(
            'table; with `scale = "row"` also `scale_kind` ("float32", "power-of-two") and `scale_max`',
            'number format of the elements that go out; with `scale = "row"`, each row\'s largest result decides its '
            "scale, which comes out beside; see docs/around.md",
        )
    )
    epsilon: float = field(
        default=_COMPUTED,
        metadata=_about(
            "0 or more",
            "added to the variance (without a mean: to the mean square), in real units",
            "none: must be said",
        ),
    )
    epsilon_placement: str = field(
        default="variance",
        metadata=_about(_quoted(EPSILON_PLACEMENTS), "the denominator: " + "; ".join(_denominators())),
    )
    statistic_length: int | None = field(
        default=None,
        metadata=_about(
            "1 to `max_length`, with epsilon above 0",
            "elements at the row's beginning whose mean square is taken (pRMSNorm)",
            "none: all of them",
        ),
    )
    curvature: float = field(
        default=0.1, metadata=_about(f"0 to {CURVATURE_MAX:g}", "k of AdaNorm, z - k z², whose C is gamma")
    )
    deviation: float | None = field(
        default=None,
        metadata=_about("greater than 0", "constant that the row less its mean is divided by", "none: must be said"),
    )
    alpha: float | None = field(
        default=None, metadata=_about("not 0", "constant that x is multiplied by before tanh", "none: must be said")
    )
    gamma: npt.NDArray[np.float64] | float | None = field(
        default=None, metadata=_about("file, number, array", "factor of the normalized value", "none, which is 1")
    )
    beta: npt.NDArray[np.float64] | float | None = field(
        default=None, metadata=_about("file, number, array", "added after the factor", "none, which is 0")
    )
    gamma_offset: float = field(
        default=0.0, metadata=_about("a finite number", "added to every gamma (1.0 for Gemma's models)")
    )
    gamma_rounding: Literal["once", "output"] = field(
        default="once",
        metadata=_about(
            _quoted(GAMMA_ROUNDINGS),
            "one rounding, of the result; or before gamma, of the normalized value to the output format, too",
        ),
    )
    gamma_bits: int = field(
        default=_COMPUTED,
        metadata=_about(
            "4 to 32", "width of a stored gamma", "the larger of 16 and output bits + 2; more if 1 LSB takes more"
        ),
    )
    beta_bits: int = field(
        default=_COMPUTED,
        metadata=_about(
            "4 to 36", "width of a stored beta", "the larger of 16 and output bits + 4; more if 1 LSB takes more"
        ),
    )
    gamma_max: float | None = field(
        default=_COMPUTED,
        metadata=_about(
            'greater than 0; only with storage = "ram" or "stream"',
            "largest magnitude of gamma + gamma_offset that may ever be loaded, or come in",
            f"that of the gamma array given, else {RAM_PARAMETER_MAX:g} or the number given if larger",
        ),
    )
    beta_max: float | None = field(
        default=_COMPUTED,
        metadata=_about(
            'greater than 0; only with storage = "ram" or "stream"',
            "largest magnitude of beta that may ever be loaded, or come in",
            f"that of the beta array given, else {RAM_PARAMETER_MAX:g} or the number given if larger",
        ),
    )
    parameter_format: NumberFormat = field(
        default=_COMPUTED,
        metadata=_about(
            _quoted(PARAMETER_FORMATS),
            "with floating-point output: format of a stored gamma and beta",
            "the first that holds all of them exactly; if none does, or they are loaded, the last",
        ),
    )
    storage: Literal["rom", "ram", "stream"] = field(
        default="rom",
        metadata=_about(
            _quoted(STORAGES),
            "gamma and beta fixed at generation, loaded at run time, or a stream of rows: each row comes with its own; "
            "see docs/around.md",
        ),
    )
    banks: int = field(
        default=1,
        metadata=_about(
            f"1 to {BANKS_MAX}; of {VALUES_MAX} values of gamma in all",
            "sets of gamma and beta; each row takes one of them",
        ),
    )
    bank_order: Literal["given", "cyclic", "interpolated"] = field(
        default="given",
        metadata=_about(
            _quoted(BANK_ORDERS),
            "each row names its bank, or rows take the banks in turn, from bank 0 after reset on, or each row comes "
            "with a number from 0 to 1 and takes what is there between two banks; see docs/around.md",
        ),
    )
    parameter_repeat: int = field(
        default=1,
        metadata=_about(
            f"1 to {LENGTH_MAX}",
            "consecutive elements that share one gamma and one beta: a channel's positions; from `max_length` on, one "
            "number serves the row",
        ),
    )
    accuracy: Literal["faithful", "tight", "as-is"] = field(
        default="faithful",
        metadata=_about(
            '"faithful", "tight", "as-is"',
            "at most 1 ulp of error; tight, or output of up to 8 bits: besides, 99.9 % correctly rounded; as-is: the "
            "same where it can be kept, else the bound that is reached, which plan, manifest and Verilog tell",
        ),
    )
    rsqrt: RootChoice = field(
        default=RootChoice(),
        metadata=_about(
            f"table with `method` = {_quoted([*ROOTS, AUTO])} and, for some, `steps`",
            "how the reciprocal square root is found; auto: the one that costs least here; `streamnorm rsqrt compare` "
            "has them side by side",
            '`method = "table"`',
        ),
    )
    architecture: str = field(
        default=_COMPUTED,
        metadata=_about(
            _quoted(ARCHITECTURES),
            "how the unit goes about its work; of norms with a statistic, all but the first are there to compare with",
            "the first one that goes with the norm: "
            + "; ".join(f"`{own}` of {_listed(norms)}" for own, norms in _BY_DEFAULT.items()),
        ),
    )
    algorithm: str = field(
        default=OWN_ALGORITHM,
        metadata=_about(
            _quoted(ALGORITHMS),
            "the integers that are computed: the project's own, within a proven bound of the error, or those of a "
            "publication, bit by bit; see docs/published.md",
        ),
    )
    residual: Residual | None = field(
        default=None,
        metadata=_about(
            "table with the keys of a format and, optional, `alpha` (not 0; default 1), `emit_sum` (default false) and "
            "`sum`, a table of a format (default: that of the residual)",
            "a second stream of rows f: `alpha` times the rows that come in, plus f, is normalized; with `emit_sum`, "
            "that sum comes out, too; see docs/around.md",
        ),
    )
    results: tuple[FurtherResult, ...] = field(
        default=(),
        metadata=_about(
            'tables with `output`, a table of a format, and, optional, `name` (default "second"), `gamma`, `beta`, '
            "`gamma_bits`, `beta_bits`, `gamma_max` and `beta_max`",
            "further results of each row: the same normalized values with another gamma and beta, in formats of their "
            "own, on streams m_axis_NAME; see docs/around.md",
            "none",
        ),
    )
    defer: bool = field(
        default=False,
        metadata=_about(
            "true, false",
            "what each row would be multiplied by leaves beside it; rows go through as they are, so `output` is the "
            "same as `input`, or with layernorm less their mean; gamma and beta are in the matrix behind; see "
            "docs/around.md",
        ),
    )
    target: str = field(default="generic", metadata=_about("a target", "device family, size and speed grade"))
    clock_mhz: float = field(default=100.0, metadata=_about("1 to 1000", "clock the unit is pipelined for, MHz"))
    margin: float = field(
        default=_COMPUTED,
        metadata=_about(
            f"0 to {MARGIN_MAX:g}",
            "how much faster than `clock_mhz` the unit is pipelined, 0.08 for 8 %, since placement is luck; "
            "`streamnorm fit --close` finds what it takes",
            ", ".join(sorted({family.margins for family in TARGETS.values()}) + _margins_of_norms()),
        ),
    )
    source: Path | None = field(init=False, default=None)
    _defaulted: frozenset[str] = field(init=False)
    _read: tuple[Path, ...] = field(init=False)

    if TYPE_CHECKING:  # more is taken than is kept

        def __init__(
            self,
            *,
            norm: str,
            lanes: int,
            max_length: int,
            input: NumberFormat | str | Mapping[str, Any],
            output: NumberFormat | str | Mapping[str, Any],
            epsilon: float = ...,
            gamma: ArrayOrFile | None = None,
            beta: ArrayOrFile | None = None,
            rsqrt: RootChoice | str | Mapping[str, Any] = ...,
            residual: Residual | Mapping[str, Any] | None = ...,
            results: Iterable[FurtherResult | Mapping[str, Any]] = ...,
            **keys: Any,
        ) -> None: ...

    def __post_init__(self) -> None:
        # What was left to its default stays so in replace(), where the keys it depends on may change.
        self._set("_defaulted", frozenset(f.name for f in key_fields() if getattr(self, f.name) is None))
        files = (file_of(given) for given in (self.gamma, self.beta))
        self._set("_read", tuple(file for file in files if file is not None))
        self._check_scalars()
        given = frozenset(f.name for f in key_fields()) - self._defaulted
        if self.defer:
            DeferredScale.require_goes_with(self, given)
        ALGORITHMS[self.algorithm].require_goes_with(self, given)
        self._check_parameters()
        self._check_widths()
        for fused in (self.residual, self.row_scale):
            if fused is not None:
                fused.require_goes_with(self)
        if self.results:
            FurtherResult.require_goes_with(self)
        if self.banks_are_interpolated:
            self.core  # noqa: B018 (must be a configuration)
        self.placement  # noqa: B018 (must be one)
        self._set("results", tuple(result.checked(self) for result in self.results))

    def _set(self, key: str, value: object) -> None:
        object.__setattr__(self, key, value)

    def _check_scalars(self) -> None:
        if not isinstance(self.name, str):
            raise ConfigError(f"name = {shown(self.name)}: must be a string")
        if why_not := why_not_module_name(self.name):
            raise ConfigError(f"name = {shortened(self.name)!r}: {why_not}")
        one_of("norm", self.norm, NORMS)
        one_of("epsilon_placement", self.epsilon_placement, EPSILON_PLACEMENTS)
        one_of("gamma_rounding", self.gamma_rounding, GAMMA_ROUNDINGS)
        self._check_keys_of_norm()
        self._set("curvature", finite_float("curvature", self.curvature, 0.0, CURVATURE_MAX))
        if self.alpha is not None:
            self._set("alpha", finite_float("alpha", self.alpha))
            if not self.alpha:
                raise ConfigError("alpha = 0: must not be 0; every result would be beta")
        one_of("storage", self.storage, STORAGES)
        one_of("bank_order", self.bank_order, BANK_ORDERS)
        one_of("accuracy", self.accuracy, ("faithful", "tight", "as-is"))
        if self.accuracy == "as-is" and not self.formula.has_statistic:
            raise ConfigError(f'accuracy = "as-is": norm = "{self.norm}" has no root to be inexact; leave it out')
        self._set("rsqrt", RootChoice.of(self.rsqrt))
        if self.rsqrt != RootChoice() and not self.formula.has_statistic:
            raise ConfigError(f'rsqrt: {self.rsqrt}: norm = "{self.norm}" has no reciprocal square root; leave it out')
        one_of("target", self.target, TARGET_NAMES)
        boolean("defer", self.defer)
        if self.defer:
            DeferredScale.require_norm(NORMS[self.norm])
        self._check_architecture()
        one_of("algorithm", self.algorithm, ALGORITHMS)
        if not (self._named_placement.name == "variance" or ARCHITECTURES[self.architecture].exact):
            what = "norm" if self.formula.placement else "epsilon_placement"
            raise ConfigError(
                f"{what} = {getattr(self, what)!r}: architecture = {self.architecture!r} has its epsilon beside the "
                "variance"
            )
        for key in ("input", "output"):
            self._set(key, as_format(key, getattr(self, key), row_scaled=ROW_SCALED.get(key)))
        if self.residual is not None:
            self._set("residual", Residual.of(self.residual))
        if self.input_scale is not None:
            self.input_scale.require_goes_with(self)
        self._set("results", further_results(self.results))
        self._set("_read", (*self._read, *(file for result in self.results for file in result.files)))
        self._check_floats()
        self._set("lanes", integer_between("lanes", self.lanes, 1, LANES_MAX))
        self._set("max_length", integer_between("max_length", self.max_length, 1, LENGTH_MAX))
        if self.statistic_length is not None:
            what = ("statistic_length", self.statistic_length, 1, self.max_length, " (max_length)")
            self._set("statistic_length", integer_between(*what))
        note = " (max_length)"
        self._set("min_length", integer_between("min_length", self.min_length, 1, self.max_length, note))
        self._set("banks", integer_between("banks", self.banks, 1, BANKS_MAX))
        repeat = integer_between("parameter_repeat", self.parameter_repeat, 1, LENGTH_MAX)
        self._set("parameter_repeat", repeat)
        if self.banks * self.bank_values > VALUES_MAX:
            raise ConfigError(
                f"banks = {self.banks}: with {self.bank_values} values of gamma each they hold "
                f"{self.banks * self.bank_values}; must be at most {VALUES_MAX} in all, which is "
                f"{VALUES_MAX // self.bank_values} banks; or parameter_repeat larger"
            )
        if "epsilon" not in self.formula.keys:
            self._set("epsilon", self._computed("epsilon"))
        else:
            self._set("epsilon", finite_float("epsilon", self.epsilon, 0.0))
        if self.deviation is not None:
            self._set("deviation", positive_float("deviation", self.deviation))
        self._check_epsilon()
        self._set("gamma_offset", finite_float("gamma_offset", self.gamma_offset))
        self._set("clock_mhz", finite_float("clock_mhz", self.clock_mhz, 1.0, 1000.0))
        margin = self._computed("margin") if "margin" in self._defaulted else self.margin
        self._set("margin", finite_float("margin", margin, 0.0, MARGIN_MAX))
        for key, widths in _WIDTHS.items():
            bits = cast(int | None, getattr(self, key))
            if bits is not None:
                self._set(key, integer_between(key, bits, widths[0], widths[-1]))

    def _check_architecture(self) -> None:
        if "architecture" in self._defaulted:
            self._set("architecture", self._computed("architecture"))
        one_of("architecture", self.architecture, ARCHITECTURES)
        norm, architecture = NORMS[self.norm], ARCHITECTURES[self.architecture]
        if architecture.goes_with(norm, defer=self.defer):
            return
        if architecture.defers != self.defer:
            raise ConfigError(
                f"architecture = {self.architecture!r}: defer = {str(self.defer).lower()}; "
                f"allowed: {', '.join(architectures_of(norm, defer=self.defer))}"
            )
        if norm.has_statistic == architecture.has_statistic:
            why = "needs the mean before the deviations" if norm.has_absolute_sum else "has no variance to be updated"
        else:
            why = "has a statistic" if norm.has_statistic else "has no statistic"
        raise ConfigError(
            f"architecture = {self.architecture!r}: norm = {self.norm!r} {why}; "
            f"allowed: {', '.join(architectures_of(norm))}"
        )

    def _check_floats(self) -> None:
        """What there is no unit of whose elements or results are floating-point numbers."""
        if not self.is_floating:
            return
        key = "input" if self.input.is_float else "output"
        if self.defer:
            DeferredScale.require_integers(key, getattr(self, key))
        number_format = getattr(self, key).name
        norm = NORMS[self.norm]
        if not ARCHITECTURES[self.architecture].takes_floats(norm):
            able = [name for name in architectures_of(norm) if ARCHITECTURES[name].takes_floats(norm)]
            raise ConfigError(
                f"architecture = {self.architecture!r}: there is none for {key} = {number_format}; "
                f"allowed: {', '.join(able)}"
            )
        if self.computed.name != OWN_ALGORITHM:
            raise ConfigError(
                f"algorithm = {self.algorithm!r}: {key} = {number_format}: it computes with integers only"
            )

    def _check_keys_of_norm(self) -> None:
        """Keys that not every norm takes."""
        keys = NORMS[self.norm].keys
        for key in _KEYS_OF_NORMS:
            value = getattr(self, key)
            if key in keys and value is None and key in ALWAYS_SAID:
                raise ConfigError(f"missing key: {key}")
            if key not in keys and not (value is None or value == _FIELDS[key].default):
                takers = ", ".join(norm.name for norm in NORMS.values() if key in norm.keys)
                raise ConfigError(
                    f"{key} = {shown(value)}: norm = {self.norm!r} has no use for it; goes with: {takers}"
                )

    def _check_epsilon(self) -> None:
        """Nothing may be divided by 0, and what epsilon becomes in input steps must be no absurd number."""
        formula = self.formula
        if not formula.has_statistic:
            return
        unlimited, part = formula.square_limit(1) is None, self.statistic_length is not None
        where = f"statistic_length = {self.statistic_length}" if part else f"norm = {self.norm!r}"
        if (unlimited or formula.has_weight_root) and not self._named_placement.bears_zero:
            able = ", ".join(place.name for place in EPSILON_PLACEMENTS.values() if place.bears_zero)
            raise ConfigError(
                f"epsilon_placement = {self.epsilon_placement!r}: does not go with {where}; allowed: {able}"
            )
        if unlimited and not self.epsilon_in_steps:
            row = "a row whose first elements are 0" if part else "a row that is not 0"
            raise ConfigError(
                f"epsilon = {self.epsilon:g}: must be greater than 0 with {where}; {row} would be divided by 0"
            )

    def _check_parameters(self) -> None:
        repeat, signed_zeros = self.parameter_repeat, self.output.is_float
        for key in ("gamma", "beta"):
            given = getattr(self, key)
            checked = checked_parameter(key, given, self.max_length, self.banks, repeat, signed_zeros=signed_zeros)
            self._set(key, checked)
            self._largest_given(f"{key}_max")  # must be finite
        if self.parameters_are_streamed:
            StreamedParameters.require_goes_with(self)
        if self.banks_are_interpolated:
            InterpolatedBanks.require_goes_with(self)
        if self.parameters_are_known:
            for key in ("gamma_max", "beta_max"):
                if getattr(self, key) is not None:
                    raise ConfigError(
                        f'{key} = {shown(getattr(self, key))}: only goes with storage = "ram" or "stream"; '
                        'with "rom" the stored values themselves are the limit'
                    )
            if self.banks > 1 and all(np.ndim(p) < 2 for p in (self.gamma, self.beta) if p is not None):
                raise ConfigError(
                    f'banks = {self.banks}: with storage = "rom", gamma or beta must be an array of shape '
                    f"({self.banks}, {self.bank_values}); every bank would hold the same values"
                )
            return
        for key in ("gamma_max", "beta_max"):
            limit = getattr(self, key)
            if self.output.is_float:
                if limit is not None:
                    raise ConfigError(f"{key}: output = {self.output.name} has no use for it; any number may be loaded")
                continue
            if limit is None:
                self._set(key, self._computed(key))
                continue
            limit, given = positive_float(key, limit), self._largest_given(key)
            if limit < given:
                raise ConfigError(f"{key} = {limit:g}: must be at least {given:g}, the largest value already given")
            self._set(key, limit)

    def _check_widths(self) -> None:
        if self.parameter_format is None:
            self._set("parameter_format", self._computed("parameter_format"))
        else:
            self._set("parameter_format", require_parameter_format(self.parameter_format, self.output))
        if self.output.is_float:
            if not self._defaulted.issuperset(_WIDTHS):
                raise ConfigError(
                    f"gamma_bits and beta_bits: output = {self.output.name} has no use for them; parameter_format says "
                    "how gamma and beta are stored"
                )
            for key in _WIDTHS:
                self._set(key, self._computed(key))
            return
        given = self.given_parameters
        if self.row_scale is None and not self.defer:
            self._refuse_only_rounded_zeros()
            self._refuse_only_zeros(given)
        for key in _WIDTHS:
            if getattr(self, key) is None:
                self._set(key, self._computed(key))
        if not self._defaulted.issuperset(_WIDTHS) or self.computed.is_dyadic or self.defer:
            return  # widths given by hand are taken as they are; a dyadic number has its own; or nothing is stored
        error = given.storage_error(self.gamma_bits, self.beta_bits)
        if given.storage_error_max < error < math.inf:
            what, cure = self._what_is_stored()
            raise ConfigError(
                f"{what}: even gamma_bits = {self.gamma_bits} and beta_bits = {self.beta_bits}, the most there are, "
                f"would make results wrong by {error:.3g} output LSB; must be at most {given.storage_error_max:g}, "
                f"beside the rounding. Allowed: {cure}, a larger output scale, or gamma_bits and beta_bits given by "
                "hand, which are taken as they are"
            )

    def _what_is_stored(self) -> tuple[str, str]:
        """Which values gamma and beta have, and how to make storing them easier, for a message."""
        given = self.given_parameters
        if self.gamma_max is not None:
            return (
                f"gamma_max = {self.gamma_max:g} and beta_max = {self.beta_max:g}",
                "a smaller gamma_max or beta_max",
            )
        gamma, beta = given.gamma + given.gamma_offset, given.beta
        return (
            f"gamma from {gamma.min():g} to {gamma.max():g} and beta from {beta.min():g} to {beta.max():g}",
            "a smaller range of gamma and beta",
        )

    def _refuse_only_zeros(self, given: GivenParameters) -> None:
        largest = given.largest_result(given.z_limit)
        if 0 < largest < 0.5 * self.output.scale:
            sum_of = "z gamma + beta" if self.gamma_max is None else "z gamma_max + beta_max"
            raise ConfigError(
                f"in [output]: scale = {self.output.scale:g}: every result would be 0, since {sum_of} is at most "
                f"{largest:.3g}; must be less than {2 * largest:.3g}"
            )

    def _refuse_only_rounded_zeros(self) -> None:
        grid, z_limit = self.output_grid, self._limits_of_z[0]
        if grid is not None and z_limit > 0 and not grid.largest(z_limit):
            raise ConfigError(
                f'gamma_rounding = "output", and in [output]: scale = {self.output.scale:g}: every normalized value '
                f"would be rounded to 0, since it is at most {z_limit:.3g}; must be less than {2 * z_limit:.3g}"
            )

    @property
    def _limits_of_z(self) -> tuple[float, float]:
        return GivenParameters.limits_of_z(self.formula, self.normalized_input, self.max_length, self.least_deviation)

    @cached_property
    def output_grid(self) -> OutputGrid | None:
        """Where the normalized value is rounded before gamma; None where it is not, or to floating point."""
        has_steps = isinstance(self.output, IntFormat)
        return OutputGrid.of(self.output) if self.gamma_rounding == "output" and has_steps else None

    @cached_property
    def given_parameters(self) -> GivenParameters:
        """Gamma and beta before they are stored."""
        z_limit, z_max = self._limits_of_z
        grid = self.output_grid
        if grid is not None:
            z_limit, z_max = (grid.largest(z) * self.output.scale for z in (z_limit, z_max))
        return self._given_for(self.normalized_output, z_limit, z_max)

    def _given_for(self, output: NumberFormat, z_limit: float, z_max: float) -> GivenParameters:
        """The same for results of a format."""
        gamma_max, beta_max, error_max = self.gamma_max, self.beta_max, STORAGE_ERROR_MAX
        if self.banks_are_interpolated:
            gamma_max, beta_max = InterpolatedBanks.limits(self)
            error_max = InterpolatedBanks.STORAGE_ERROR_MAX
        return GivenParameters(
            gamma=np.asarray(1.0 if self.gamma is None else self.gamma),
            beta=np.asarray(0.0 if self.beta is None else self.beta),
            gamma_offset=self.gamma_offset,
            gamma_max=gamma_max,
            beta_max=beta_max,
            output=output,
            gamma_scale=output.scale if self.output_grid is None else 1.0,
            z_limit=z_limit,
            z_max=z_max,
            z_unit=self.formula.z_unit(self.normalized_input),
            storage_error_max=error_max,
        )

    def _computed(self, key: str) -> int | float | str | NumberFormat | None:
        """The default of a key that depends on others."""
        if key == "epsilon":
            return 0.0
        if key == "architecture":
            return architectures_of(NORMS[self.norm], defer=self.defer)[0]
        if key == "margin":
            family = TARGETS[self.target]
            bits = RowScale.core_bits(self.output) if isinstance(self.output, RowScaledFormat) else self.output.bits
            bits = max(bits, *(result.number.bits for result in self.results), 0)
            of_family = family.margin_of(self.lanes, self.normalized_input.bits, bits, self.clock_mhz)
            return round(of_family + NORMS[self.norm].margin, 2)
        if key == "parameter_format":
            return self._computed_parameter_format()
        if key in _WIDTHS and self.output.is_float:
            return self.parameter_format.bits
        if key in _WIDTHS:
            return self.given_parameters.default_bits[list(_WIDTHS).index(key)]
        if self.parameters_are_known:
            return None
        given = self._largest_given(key)
        is_array = isinstance(getattr(self, key.removesuffix("_max")), np.ndarray)
        return given if is_array and given > 0 else max(given, RAM_PARAMETER_MAX)

    def _computed_parameter_format(self) -> NumberFormat | None:
        if not self.output.is_float:
            return None
        if not self.parameters_are_known:
            return first_that_holds([np.array(np.pi)])
        gamma = (np.asarray(1.0 if self.gamma is None else self.gamma) + self.gamma_offset) * self.gamma_unit
        return first_that_holds([gamma, np.asarray(0.0 if self.beta is None else self.beta)])

    def _largest_given(self, key: str) -> float:
        """The largest magnitude of gamma with its offset, or of beta, that is there before any load."""
        values, absent, offset = (self.gamma, 1.0, self.gamma_offset) if key == "gamma_max" else (self.beta, 0.0, 0.0)
        with np.errstate(over="ignore"):
            largest = float(np.abs(np.asarray(absent if values is None else values) + offset).max())
        if largest == math.inf:
            raise ConfigError(f"gamma_offset = {offset:g}: gamma + gamma_offset must be finite")
        return largest

    @classmethod
    def from_toml(cls, path: str | os.PathLike[str]) -> "NormConfig":
        """Read a configuration file; paths in it are relative to the directory it is in.

        Raises
        ------
        ConfigError
            If the file cannot be read, is no TOML, has unknown or missing keys, or describes no valid
            configuration. The message begins with the file's name.
        """
        file = given_path(path, "a configuration file")
        keys = [f.name for f in key_fields()]
        with named_file(file):
            config = cls(**read_keywords(file, keys, _required_keys))
        config._set("source", file)
        for made in ("banked", "core"):
            vars(config).pop(made, None)  # looked at already, of no file
        config._set("_read", (*config._read, file.absolute()))
        return config

    def replace(self, **changes: Any) -> "NormConfig":
        """Return a copy with the given keys changed; keys left to a computed default get it anew.

        Raises
        ------
        ConfigError
            If there is no such key, or as for a configuration.
        """
        refuse_unknown(changes, [f.name for f in key_fields()])
        same = {f.name: getattr(self, f.name) for f in key_fields() if f.name not in self._defaulted}
        changed = NormConfig(**{**same, **changes})
        changed._set("source", self.source)
        changed._set("_read", (*changed._read, *self._read))
        return changed

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Arrays that were copied or unpickled can be changed again, which the digest would not notice."""
        self.__dict__.update(state)
        for has in (self, *self.results):
            for array in (has.gamma, has.beta):
                if isinstance(array, np.ndarray):
                    array.flags.writeable = False

    @property
    def device(self) -> Target:
        """The target at the clock, with the margin, that the unit is pipelined for."""
        return Target(self.target, self.clock_mhz, self.margin)

    def to_dict(self) -> dict[str, Any]:
        """Return every key as a JSON value; an array becomes its shape and the sha256 of its bytes."""
        return {f.name: _json_value(getattr(self, f.name)) for f in key_fields()}

    def digest(self) -> str:
        """Return the sha256, in hexadecimal, over the keys that differ from their default and the arrays' contents.

        So a key that a later version brings leaves the digest of a configuration without it as it is.
        """
        return self._digest

    @cached_property
    def _digest(self) -> str:
        said = {
            key.name: _json_value(value, only_said=True)
            for key in key_fields()
            if not _same(value := getattr(self, key.name), self._default(key))
        }
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    def _default(self, key: Field[Any]) -> Any:
        if key.name in ALWAYS_SAID and key.name in self.formula.keys:
            return MISSING
        return self._computed(key.name) if key.name in _COMPUTED_KEYS else key.default

    def refuse_overwriting(self, paths: Iterable[Path]) -> None:
        """Refuse to write over a file that the configuration, gamma or beta was read from.

        Raises
        ------
        ConfigError
            With the first of ``paths`` that is one of them, by whatever name.
        """
        read = {file_identity(path) for path in self._read}
        for path in paths:
            if file_identity(path) in read:
                raise ConfigError(f"{path}: the configuration is read from it; choose another name or directory")

    @contextmanager
    def named_in_errors(self) -> Iterator[None]:
        """Begin the message of a ConfigError with the name of the file that the configuration is from, once."""
        try:
            yield
        except ConfigError as error:
            where = None if self.source is None else f"{file_name(self.source)}: "
            if where is None or str(error).startswith(where):
                raise
            raise ConfigError(f"{where}{error}") from error

    @cached_property
    def core(self) -> "NormConfig":
        """The configuration of the unit that normalizes, without what is fused with it: its rows are those that are
        made of the streams that come in. Itself where nothing is fused."""
        if self.banks_are_interpolated:
            return InterpolatedBanks.core_of(self)
        return self.banked

    @cached_property
    def banked(self) -> "NormConfig":
        """The same with the banks that it interpolates between; :attr:`core` where it does not."""
        if self.residual is None and self.row_scale is None:
            return self
        return self.replace(residual=None, input=self.normalized_input, output=self.normalized_output)

    @cached_property
    def behind_front(self) -> "NormConfig":
        """The configuration of what stands behind the residual add: its rows are those that are normalized, its results
        those of this one. Itself without one."""
        return self if self.residual is None else self.replace(residual=None, input=self.normalized_input)

    @cached_property
    def centred_rows(self) -> "NormConfig | None":
        """With ``defer``, the configuration of the unit that makes ``x - mean`` of rows; None where no mean is
        subtracted, and without ``defer``."""
        if not (self.defer and self.formula.centred):
            return None
        return self.core.replace(**DeferredScale.keys_of_rows(self))

    @cached_property
    def by_result(self) -> Mapping[str, "NormConfig"]:
        """By the name of each further result, the configuration that has it for its own result and this one's own in
        its place: the same statistic, the same normalized values, and everything else as it is for that result."""
        return {result.name: result.first(self) for result in self.results}

    @property
    def parameters_are_known(self) -> bool:
        """Whether gamma and beta are the configuration's own, for good: else they may be any that are stored in as
        many bits, and come through the parameter stream."""
        return self.storage == "rom"

    @property
    def parameters_are_loaded(self) -> bool:
        """Whether gamma and beta are in a memory that the parameter stream writes to while no row is inside."""
        return self.storage == "ram"

    @property
    def parameters_are_streamed(self) -> bool:
        """Whether each row comes with its gamma and beta, rows of the parameter stream."""
        return self.storage == "stream"

    @property
    def normalized_input(self) -> NumberFormat:
        """Format of what is normalized: :attr:`input`, or that of the sums with a residual."""
        return self.input if self.residual is None else self.residual.sums(self.input).number

    @property
    def normalized_output(self) -> NumberFormat:
        """Format of what comes of the norm: :attr:`output`, or with a scale for each row that of what is scaled."""
        return self.output if self.row_scale is None else self.row_scale.core

    @cached_property
    def row_scale(self) -> RowScale | None:
        """How results and scale of a row follow from its largest result; None where the scale of results is given.

        Raises
        ------
        ConfigError
            If a scale would be beyond what its format holds.
        """
        if not isinstance(self.output, RowScaledFormat):
            return None
        z_max = self._limits_of_z[1]
        return RowScale.of(self.output, self._given_for(self.output, z_max, z_max).largest_result(z_max))

    @property
    def input_scale(self) -> InputScale | None:
        """What comes with each row where it brings its scale; None where the scale of elements is given."""
        return input_scale_of(self.input)

    @property
    def side_inputs(self) -> tuple[SideStream, ...]:
        """Streams that come in beside the rows that are normalized."""
        sides = () if self.residual is None else self.residual.inputs
        scales = () if self.input_scale is None else (self.input_scale.side,)
        blend = InterpolatedBanks.inputs if self.banks_are_interpolated else ()
        return (*sides, *scales, *self._streamed_parameters, *blend)

    @cached_property
    def _streamed_parameters(self) -> tuple[SideStream, ...]:
        return StreamedParameters.inputs(self) if self.parameters_are_streamed else ()

    @property
    def side_outputs(self) -> tuple[SideStream, ...]:
        """Streams that go out beside the results."""
        sums = () if self.residual is None else self.residual.outputs
        if self.defer:
            return (*sums, DeferredScale.side(self))
        results = tuple(result.side for result in self.results)
        return (*sums, *results) if self.row_scale is None else (*sums, self.row_scale.side)

    @cached_property
    def formula(self) -> Norm:
        """What there is to say about :attr:`norm`."""
        keys = {key: getattr(self, key) for key in (*_KEYS_OF_NORMS, "max_length")}
        return self.computed.norm(NORMS[self.norm].of(keys))

    @property
    def computed(self) -> Algorithm:
        """What there is to say about :attr:`algorithm`."""
        return ALGORITHMS[self.algorithm]

    @property
    def is_floating(self) -> bool:
        """Whether elements come in or go out as floating-point numbers: the unit is of the arithmetic for them."""
        return self.input.is_float or self.output.is_float

    @property
    def gamma_unit(self) -> float:
        """With floating-point output, what gamma is stored times: 1, or the significand of the input's scale, from 1 up
        to 2, where z counts input steps.

        Only where the output's last place is so coarse that nothing is lost by storing that product.
        """
        if not (isinstance(self.output, FloatFormat) and self.output.precision <= _UNIT_PRECISION_MAX):
            return 1.0
        return 2 * math.frexp(self.formula.z_unit(self.normalized_input))[0]

    @property
    def promises(self) -> bool:
        """Whether results keep to a proven bound of the error: with exact sums, and the project's own algorithm."""
        return ARCHITECTURES[self.architecture].exact and self.computed.promises

    @property
    def _named_placement(self) -> EpsilonPlacement:
        return EPSILON_PLACEMENTS[self.formula.placement or self.epsilon_placement]

    @cached_property
    def placement(self) -> EpsilonPlacement:
        """Where :attr:`epsilon` is added.

        Raises
        ------
        ConfigError
            If rows bring their scale, and epsilon is beside those that nobody may miss.
        """
        if self.input_scale is None:
            return self._named_placement
        largest = self._largest_given("gamma_max") if self.gamma_max is None else self.gamma_max
        source = self.input
        farthest = max(map(abs, self.formula.differences(*source.ends, source.zero_point)))
        gain = largest / self.normalized_output.scale
        tight = self.accuracy == "tight" or self.normalized_output.bits <= 8
        return RowVariancePlacement.of(self.input_scale.name, self.epsilon, farthest * gain, tight=tight)

    @cached_property
    def epsilon_in_steps(self) -> Fraction:
        """``e``, exact: what is beside the variance, or in its place, in steps of what is normalized; its largest where
        rows bring their scale."""
        scale = Fraction(self.normalized_input.scale)
        if self.deviation is not None:
            return (Fraction(self.deviation) / scale) ** 2
        return self.placement.in_steps(Fraction(self.epsilon), scale)

    @property
    def least_deviation(self) -> float:
        """The smallest number that a row may be divided by because of epsilon, in real units; 0 where rows bring their
        scale: in their steps it may be as small as anything."""
        if self.input_scale is not None:
            return 0.0
        return self.placement.least_deviation(self.epsilon) if self.deviation is None else self.deviation

    @property
    def max_beats(self) -> int:
        """Beats of the longest row."""
        return -(-self.max_length // self.lanes)

    @property
    def bank_values(self) -> int:
        """Values of gamma, and of beta, in each bank: one for ``parameter_repeat`` elements."""
        return -(-self.max_length // self.parameter_repeat)

    @property
    def load_lanes(self) -> int:
        """Values in a beat of the parameter stream: a lane each, or one where several elements share it."""
        return self.lanes if self.parameter_repeat == 1 else 1

    @property
    def rows_name_banks(self) -> bool:
        """Whether each row comes with the number of its bank."""
        return self.banks > 1 and self.bank_order == "given"

    @property
    def banks_are_interpolated(self) -> bool:
        """Whether each row comes with a number that says where between the two banks its gamma and beta are."""
        return self.bank_order == "interpolated"

    @property
    def statistic_beats(self) -> int:
        """Beats of a row after which its statistic is known: all of the longest row, or fewer where the norm has a
        ``statistic_length``."""
        return -(-(self.formula.statistic_length or self.max_length) // self.lanes)

    def __repr__(self) -> str:
        formats = f"{self.input.name} to {self.output.name}"
        rows = f"rows of up to {self.max_length}, {counted(self.lanes, 'lane')}"
        other = "" if self.algorithm == OWN_ALGORITHM else f"{self.algorithm}, "
        other += "" if self.architecture == self._computed("architecture") else f"{self.architecture}, "
        name = shortened(self.name, 20)
        return f"<NormConfig {name}: {self.norm}, {formats}, {rows}, {other}{self.target} at {self.clock_mhz:g} MHz>"

    def __eq__(self, other: object) -> bool:
        return self.digest() == other.digest() if isinstance(other, NormConfig) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest())


def checked_config(value: object) -> NormConfig:
    """Return a configuration that a user gives; ConfigError if it is something else, such as the name of its file."""
    return instance_of("config", value, NormConfig, "a NormConfig; NormConfig.from_toml reads a file")


ALWAYS_SAID = frozenset({"epsilon", "deviation", "alpha"})
"""Keys without a default, of the norms that take them."""

_KEYS_OF_NORMS = sorted({key for norm in NORMS.values() for key in norm.keys})
"""Keys that not every norm takes. A norm that is registered later takes no others."""


def key_fields() -> list[Field[Any]]:
    """Return the dataclass fields that are keys of a configuration, in order.

    Their metadata has "allowed", "meaning" and "default" for the documentation.
    """
    return [f for f in fields(NormConfig) if f.init]


def _same(value: Any, default: Any) -> bool:
    return not isinstance(value, np.ndarray) and bool(value == default)


def _json_value(value: Any, *, only_said: bool = False) -> Any:
    """``only_said``: of a format, only what differs from its default."""
    if isinstance(value, NumberFormat):
        keys = value.to_dict()
        plain = parse_format(keys["format"]).to_dict() if only_said else {}
        return {key: of for key, of in keys.items() if key == "format" or key not in plain or of != plain[key]}
    if isinstance(value, RootChoice | Residual):
        return value.to_dict()
    if isinstance(value, tuple):
        return [{key: _json_value(of, only_said=only_said) for key, of in result.to_dict().items()} for result in value]
    if isinstance(value, np.ndarray):
        # One byte order and one layout, so that the digest is the same on every machine.
        content = np.ascontiguousarray(value, dtype="<f8").tobytes()
        return {"shape": list(value.shape), "sha256": hashlib.sha256(content).hexdigest()}
    return value


def _required_keys(table: Mapping[str, Any]) -> list[str]:
    """Keys that must be said, given those that are."""
    norm = table.get("norm")
    needed = NORMS[norm].keys if isinstance(norm, str) and norm in NORMS else ("epsilon",)
    return [f.name for f in key_fields() if f.default is MISSING or (f.name in ALWAYS_SAID and f.name in needed)]


_FIELDS = {key.name: key for key in key_fields()}
