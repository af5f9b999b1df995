"""The self-test: which rows a board sends through its unit when it starts, and what must come of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from streamnorm_sim.reference.answers import answers
from streamnorm_sim.reference.models import golden_model
from streamnorm_sim.streams.rows import RowBatch

from .banks import banks_of, in_turn
from .pattern import PatternModel
from .signature import rows_signature

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from streamnorm.spec.config import NormConfig

__all__ = ["Batch", "batches", "expected_signature", "pattern"]


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Rows of one kind.

    Members
    -------
    rows, length : int
    stalls : bool
        Whether source and sink stall at random.
    narrow : bool
        Whether the elements lie close together, far from zero.
    bank : int
        Of the first row; of the others, too, unless rows take the banks in turn.
    """

    rows: int
    length: int
    stalls: bool = False
    narrow: bool = False
    bank: int = 0


def batches(config: NormConfig) -> list[Batch]:
    """Return the self-test of a unit.

    Rows of all lengths that matter, with stalls and without; the last ones, of ``max_length`` and unstalled, leave
    their cycle counts in the counters.
    """
    full = config.max_length
    lengths = [
        Batch(rows=3, length=full, stalls=True),
        Batch(rows=9, length=1, stalls=True),
        Batch(rows=9, length=min(full, config.lanes + 1)),
        Batch(rows=3, length=max(1, full - 1), narrow=True, stalls=True),
        Batch(rows=4, length=full),
    ]
    # Where rows take the banks in turn, they do so from batch to batch.
    before = [sum(b.rows for b in lengths[:i]) if in_turn(config) else i for i in range(len(lengths))]
    return [replace(batch, bank=bank % config.banks) for batch, bank in zip(lengths, before, strict=True)]


def pattern(config: NormConfig) -> list[tuple[Batch, NDArray[np.int64]]]:
    """Return the self-test's rows: each batch, and its elements, shape (rows, length)."""
    model = PatternModel(config)
    return [(b, model.rows(b.rows, b.length, narrow=b.narrow)) for b in batches(config)]


def expected_signature(config: NormConfig) -> int:
    """Return the signature of a self-test that passes: that of the golden model's outputs."""
    golden = golden_model(config)
    signature = 0
    for batch, rows in pattern(config):
        banks = banks_of(config, batch.bank, len(rows))
        outputs = answers(golden, RowBatch.of(config, rows, banks=banks))
        signature = rows_signature(config, outputs.x, flags=outputs.flags, signature=signature)
    return signature
