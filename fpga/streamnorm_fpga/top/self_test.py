"""The self-test: which rows a board sends through its unit when it starts, and what must come of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from streamnorm_sim.reference.answers import answers
from streamnorm_sim.reference.models import golden_model
from streamnorm_sim.streams.rows import RowBatch

from .banks import banks_of, in_turn
from .pattern import PatternModel
from .signature import all_signatures, rows_signature
from .unit_streams import inputs_of, outputs_of

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
    return [(batch, streams[""]) for batch, streams in _patterns(config)]


def _patterns(config: NormConfig) -> list[tuple[Batch, dict[str, NDArray[np.int64]]]]:
    """The same with the rows beside, by their names; those of elements have none."""
    models = [(stream, PatternModel(config, stream)) for stream in inputs_of(config)]
    return [
        (
            b,
            {
                name: rows
                for stream, model in models
                for name, rows in zip(stream.names, model.each(b.rows, b.length, narrow=b.narrow), strict=True)
            },
        )
        for b in batches(config)
    ]


def expected_signature(config: NormConfig) -> int:
    """Return the signature of a self-test that passes: that of the golden model's outputs."""
    golden = golden_model(config)
    results, *beside = outputs_of(config)
    signatures = [0] * (1 + len(beside))
    for played, rows in _patterns(config):
        x = rows.pop("")
        batch = RowBatch.of(config, x, banks=banks_of(config, played.bank, len(x)), **rows)
        outputs = answers(golden, batch)
        signatures[0] = rows_signature(config, outputs.x, results, flags=outputs.flags, signature=signatures[0])
        others = golden.beside(batch) if beside else {}
        for stream in beside:
            [name] = stream.names
            of = others[name].x
            signatures[stream.index] = rows_signature(config, of, stream, signature=signatures[stream.index])
    return all_signatures(signatures)
