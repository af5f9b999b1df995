"""Gamma and beta as a unit stores them, whatever its output is."""

from .config import NormConfig, checked_config
from .parameters import StoredParameters
from .stored_floats import StoredFloats

__all__ = ["stored_of"]


def stored_of(config: NormConfig) -> StoredParameters | StoredFloats:
    """Integers, or codes where the output is floating-point numbers: ``gamma``, ``beta``, and what quantizes others.

    Raises
    ------
    ConfigError
        As `StoredParameters.of` and `StoredFloats.of`.
    """
    return StoredFloats.of(config) if checked_config(config).output.is_float else StoredParameters.of(config)
