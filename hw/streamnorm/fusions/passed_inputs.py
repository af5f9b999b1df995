"""Streams that go through what stands around a unit to the unit within, as they are."""

from typing import Any

from amaranth.lib import stream
from amaranth.lib.wiring import In

from streamnorm.units.streams import side_layout

__all__ = ["passed_inputs"]


def passed_inputs(core: Any) -> dict[str, In]:
    """The ports of the streams that ``core`` takes beside the rows, by their names, but for that of gamma and beta."""
    config = core.config
    return {
        side.name: In(stream.Signature(side_layout(config, side))) for side in config.side_inputs if not side.carrier
    }
