"""What the figures have to reach, beside the best that was there before."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streamnorm.errors import ConfigError

GATE_SEEDS = (1, 2, 3)
"""Placements that a promised clock rate has to hold for; more are recorded, none is picked."""

Figures = Mapping[str, Any]


@dataclass(frozen=True)
class Promise:
    """One figure with its limit.

    Attributes
    ----------
    name, unit : str
        What it is, and in which unit it is given.
    value : function of Figures
        Takes it from what is stored in docs/figures.json.
    at_most : bool
        Whether ``limit`` is the largest allowed value; the smallest otherwise.
    limit : float
    peer : str
        The best peer's, from sim/streamnorm_sim/data/peers.json, in words.
    digits : int
        Digits behind the point on the pages; rounded to the worse side.
    """

    name: str
    unit: str
    value: Callable[[Figures], float]
    at_most: bool
    limit: float
    peer: str
    digits: int = 0

    @property
    def target(self) -> str:
        """The limit in words."""
        return f"{'≤' if self.at_most else '≥'} {self.limit:g}"

    def kept(self, figures: Figures) -> bool:
        """Whether the stored figure meets the limit."""
        value = self.value(figures)
        return value <= self.limit if self.at_most else value >= self.limit


def least_clock(fitted: Mapping[str, Any], seeds: Sequence[int] | None = GATE_SEEDS) -> float:
    """Least clock of a fit in MHz over some seeds (all that were placed where None).

    Raises
    ------
    ConfigError
        If a seed has not been placed.
    """
    clocks = {int(seed): clock for seed, clock in fitted["fmax_mhz"].items()}
    missing = [seed for seed in seeds or () if seed not in clocks]
    if missing:
        raise ConfigError(f"seeds placed: {', '.join(map(str, clocks))}; {', '.join(map(str, missing))} needed too")
    return min(clocks[seed] for seed in seeds or clocks)


def usable_clock(fitted: Mapping[str, Any], seeds: Sequence[int] | None = GATE_SEEDS) -> float:
    """Clock in MHz that each seed (None: all) reaches and the block RAMs of the part bear, which nextpnr leaves out."""
    return min(least_clock(fitted, seeds), fitted["limit_mhz"])


def largest_error(figures: Figures, *units: str) -> float:
    """Largest error in output LSB over random, corner and real rows; of the examples named, or of all."""
    measured = figures["errors"]["units"]
    found = [measured[name][kind]["max_ulp"] for name in units or measured for kind in ("random", "corner")]
    if not units:
        found += [unit["max_ulp"] for unit in figures["minilm"]["units"]]
    return max(found)


def narrow_mean_error(figures: Figures) -> float:
    """Largest mean error of a unit with 8 output bits, output LSB; random rows and real ones."""
    examples, layers = figures["errors"]["units"].values(), figures["minilm"]["units"]
    return max(
        *(unit["random"]["mean_ulp"] for unit in examples if unit["output"] in ("int8", "uint8")),
        *(unit["mean_ulp"] for unit in layers if unit["output_bits"] == 8),
    )


def steady_excess(figures: Figures) -> float:
    """Cycles per row beyond n/P, the most over every unit and every number of beats measured."""
    return max(
        steady - beats
        for name, part in figures.items()
        if name.startswith("cycles-")
        for beats, steady in enumerate(part["ss_by_beats"], start=1)
    )


def least_cosine(figures: Figures) -> float:
    """Least cosine of any row of any real layer, int16 to int16."""
    return min(unit["min_cosine"] for unit in figures["minilm"]["units"] if unit["output_bits"] == 16)


def mismatches(figures: Figures) -> int:
    """Elements that differed from the golden model, over all that was run."""
    measured = figures["errors"]["units"].values()
    return sum(unit[kind]["mismatches"] for unit in measured for kind in ("random", "corner")) + sum(
        unit["mismatches"] for unit in figures["minilm"]["units"]
    )


def _cycles(unit: str, name: str) -> Callable[[Figures], float]:
    return lambda figures: figures[f"cycles-{unit}"]["measured"][name]


def _area(unit: str, name: str) -> Callable[[Figures], float]:
    return lambda figures: figures[f"fit-{unit}"][name]


def _clock(unit: str, seeds: Sequence[int] | None = GATE_SEEDS) -> Callable[[Figures], float]:
    return lambda figures: usable_clock(figures[f"fit-{unit}"], seeds)


_INT8 = "int8, n = 768, 8 lanes"
_INT16 = "int16, n = 768, 4 lanes"
_WRONG = "26849, results are wrong"

PROMISES = (
    Promise(f"{_INT8}: SS", "cycles", _cycles("bert_int8", "SS"), True, 96, "96"),
    Promise("every length measured, n/P ≥ 1: SS beyond n/P", "cycles", steady_excess, True, 0, "0.75 at n/P = 4"),
    Promise(f"{_INT8}: L1, planned for 200 MHz", "cycles", _cycles("bert_int8", "L1"), True, 96 + 40, "216"),
    Promise(f"{_INT8}: L1, planned for 50 MHz", "cycles", _cycles("bert_int8_50mhz", "L1"), True, 96 + 16, "216"),
    Promise(f"{_INT8}: clock, seeds 1–3", "MHz", _clock("bert_int8"), False, 200, "47.9", 1),
    Promise(f"{_INT8}: clock, seeds 1–8", "MHz", _clock("bert_int8", None), False, 203, "47.9", 1),
    Promise(f"{_INT8}: clock of the 50 MHz plan", "MHz", _clock("bert_int8_50mhz"), False, 50, "47.9", 1),
    Promise(f"{_INT8}: TRELLIS_COMB", "", _area("bert_int8", "comb"), True, 2600, "5606, no γ, β"),
    Promise(f"{_INT8}: MULT18X18D", "", _area("bert_int8", "dsp"), True, 30, "49, no γ, β"),
    Promise(f"{_INT8}: DP16KD", "", _area("bert_int8", "bram"), True, 12, "5, no γ, β"),
    Promise(f"{_INT16}: clock, seeds 1–3", "MHz", _clock("bert_int16"), False, 180, "37.1", 1),
    Promise(f"{_INT16}: TRELLIS_COMB", "", _area("bert_int16", "comb"), True, 3200, "7394"),
    Promise(f"{_INT16}: MULT18X18D", "", _area("bert_int16", "dsp"), True, 36, "62"),
    Promise(f"{_INT16}: L1", "cycles", _cycles("bert_int16", "L1"), True, 192 + 46, "406"),
    Promise(
        f"{_INT16}: largest error", "LSB", lambda f: largest_error(f, "bert_int16"), True, 1, _WRONG, 3
    ),
    Promise("every row run: largest error", "LSB", largest_error, True, 0.999, "0.59 to 26849", 3),
    Promise(
        "8-bit outputs: mean error, most of any unit", "LSB", narrow_mean_error, True, 0.26, "0.25", 3,
    ),
    Promise(
        "13 real layers, int16 to int16: least cosine of a row with float64", "", least_cosine, False, 0.99999,
        "–", 7,
    ),
    Promise("elements that differ from the golden model", "", mismatches, True, 0, "–"),
)  # fmt: skip
"""Every figure that the project states, in the order of the page."""
