"""The generated parts of docs/cycles.md and the pictures beside it: python tools/cycles_page.py [--check].

Everything is computed by the cycle model or recorded in Amaranth's simulator; half a minute.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from streamnorm.config import NormConfig
from streamnorm.marked_page import with_parts
from streamnorm_sim.cycle_counts import CycleCounts, computed
from streamnorm_sim.cycle_plot import plot_cycles
from streamnorm_sim.peers import peer_counts
from streamnorm_sim.stalls import NO_STALL, parse_stall
from streamnorm_sim.timeline import draw_timeline, record_timeline

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/cycles.md"
GROWTH, TIMELINE = "cycles_growth.svg", "cycles_timeline.svg"
_ROWS = 1000
_LENGTHS = (8, 64, 384, 768)
_LANES = (1, 2, 4, 8, 16, 32)


def example(name: str, **changes: object) -> NormConfig:
    """Return an example's configuration, with changes."""
    return NormConfig.from_toml(ROOT / f"examples/{name}.toml").replace(**changes)


def parts() -> dict[str, str]:
    """Return the tables of the page."""
    bert = example("bert_int8")
    return {
        "lanes": _table(
            ("lanes", "n", "L1", "L2", "L3", "SS", "M rows/s at 200 MHz"),
            (
                (*_shape(counts), f"{counts.config.clock_mhz / counts.SS:.3f}")
                for lanes in _LANES
                for counts in (computed(example("bert_int8", lanes=lanes), 768, _ROWS),)
            ),
        ),
        "lengths": _table(
            ("lanes", "n", "L1", "L2", "L3", "SS"),
            (_shape(computed(bert, length, _ROWS)) for length in _LENGTHS),
        ),
        "norms": _table(
            ("norm", "lanes", "n", "L1", "L2", "L3", "SS"),
            (
                (norm, *_shape(computed(example("bert_int8", norm=norm), 768, _ROWS)))
                for norm in ("layernorm", "rmsnorm")
            ),
        ),
        "stalls": _table(
            ("source", "sink", "cycles of 1000 rows", "source", "slots", "buffer", "rows", "interval", "sink"),
            (_stalled(bert, source, sink) for source, sink in (
                ("none", "none"), ("0.1", "none"), ("none", "0.1"), ("0.1", "0.1"), ("none", "burst:50/50"),
            )),
        ),
        "peers": _table(
            ("unit", "norm", "lanes", "n", "L1", "L2", "L3", "SS"),
            _beside_peers(),
        ),
    }  # fmt: skip


def pictures(directory: Path) -> None:
    """Draw the page's pictures into a directory."""
    lengths = [2**power for power in range(3, 13)]
    llama = example("llama_rms_int16")
    counts = [
        computed(config, length, 20)
        for config in (llama.replace(norm="layernorm", name="int16"), llama.replace(name="int16"))
        for length in lengths
    ]
    plot_cycles(directory / GROWTH, counts)
    draw_timeline(directory / TIMELINE, record_timeline(example("bert_int8"), (768, 64, 256, 8, 512)))


def _shape(counts: CycleCounts) -> tuple[str, ...]:
    return (*(f"{n}" for n in (counts.config.lanes, counts.length, counts.L1, counts.L2, counts.L3)), f"{counts.SS:g}")


def _stalled(config: NormConfig, source: str, sink: str) -> tuple[str, ...]:
    stalls = [NO_STALL if text == "none" else parse_stall(text) for text in (source, sink)]
    counts = computed(config, 768, _ROWS, source=stalls[0], sink=stalls[1])
    assert counts.losses is not None
    lost = counts.losses.to_dict()
    names = ("source", "slots", "buffer", "rows", "interval", "sink")
    return (source, sink, f"{counts.batch:,}", *(f"{lost[name]:,}" for name in names))


def _beside_peers() -> Iterable[tuple[str, ...]]:
    for norm, lanes, length in (
        ("layernorm", 8, 768), ("layernorm", 4, 768), ("layernorm", 16, 64), ("rmsnorm", 8, 768),
    ):  # fmt: skip
        counts = computed(example("bert_int8", norm=norm, lanes=lanes), length, _ROWS)
        yield ("streamnorm", norm, *_shape(counts))
        for peer in peer_counts({(norm, lanes, length)}):
            yield tuple(str(peer[key]) for key in ("name", "norm", "lanes", "n", "L1", "L2", "L3", "SS"))


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = tuple(head)
    lines = [names, tuple("---" for _ in names), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def main() -> int:
    """Write page and pictures, or compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="exit code 4 if the page is not today's")
    check = parser.parse_args().check
    page = with_parts(PAGE.read_text("utf-8"), parts())
    if check:
        return 0 if page == PAGE.read_text("utf-8") else 4
    with tempfile.TemporaryDirectory() as directory:
        pictures(Path(directory))
        for name in (GROWTH, TIMELINE):
            PAGE.with_name(name).write_bytes((Path(directory) / name).read_bytes())
    PAGE.write_text(page, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
