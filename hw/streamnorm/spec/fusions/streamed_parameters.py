"""Gamma and beta that change with the row: a stream of rows of them, in step with the elements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamnorm.errors import ConfigError
from streamnorm.spec.architectures import ARCHITECTURES, architectures_of
from streamnorm.spec.norms import NORMS
from streamnorm.spec.stored_number import StoredNumber

from .side_stream import SideStream

if TYPE_CHECKING:
    from streamnorm.spec.config import NormConfig

__all__ = ["StreamedParameters", "require_no_memory"]


class StreamedParameters:
    """What ``storage = "stream"`` brings: beat k of a row is multiplied by beat k of its row of parameters.

    The sources: FiLM, Perez and others 2017, arXiv:1709.07871; adaptive LayerNorm of DiT, Peebles and Xie 2022,
    arXiv:2212.09748, whose ``1 + scale`` is a ``gamma_offset`` of 1.

    A row has the length of its elements, whatever that of its row of parameters is. Where there are fewer parameters,
    beats without any take the last beat of them again; where there are more, those are swallowed. Such a row is
    flagged as malformed, and so is one whose lanes with parameters are not those with elements, which take what the
    others have. The next row begins with its own.
    """

    carrier = "param"

    @classmethod
    def inputs(cls, config: NormConfig) -> tuple[SideStream, ...]:
        """The rows of gamma and of beta, of the integers or codes that are stored."""
        meanings = {"gamma": "factors of the normalized values", "beta": "added after the factors"}
        return tuple(
            SideStream(name, StoredNumber.of(config, name), f"{meaning}, row by row", cls.carrier, follows=True)
            for name, meaning in meanings.items()
        )

    @staticmethod
    def require_goes_with(config: NormConfig) -> None:
        """ConfigError if there is no such unit of the configuration."""
        what = 'storage = "stream"'
        for key in ("gamma", "beta"):
            if getattr(config, key) is not None:
                raise ConfigError(f"{key}: does not go with {what}: each row comes with its own; leave it out")
        if config.banks > 1:
            raise ConfigError(
                f"banks = {config.banks}: does not go with {what}: nothing is stored; each row comes with its own"
            )
        if config.parameter_repeat > 1:
            raise ConfigError(
                f"parameter_repeat = {config.parameter_repeat}: does not go with {what}: each element comes with its "
                "own gamma and beta"
            )
        require_no_memory(config, what)


def require_no_memory(config: NormConfig, what: str) -> None:
    """ConfigError if the architecture takes gamma and beta from a memory only, and not as they come."""
    if not ARCHITECTURES[config.architecture].streams_parameters:
        able = [name for name in architectures_of(NORMS[config.norm]) if ARCHITECTURES[name].streams_parameters]
        raise ConfigError(
            f"architecture = {config.architecture!r}: does not go with {what}: it takes a row at a time, and has "
            f"gamma and beta in a memory; allowed: {', '.join(able)}"
        )
