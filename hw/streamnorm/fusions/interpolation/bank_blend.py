"""What is between two banks of gamma and beta, lane by lane."""

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Module, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.spec.config import NormConfig
from streamnorm.spec.fusions import InterpolatedBanks
from streamnorm.spec.parameters import StoredParameters

__all__ = ["BankBlend"]

_FRAC_BITS = InterpolatedBanks.frac_bits
_HALF = 1 << (_FRAC_BITS - 1)


class BankBlend(wiring.Component):
    """Gamma and beta of a beat as :class:`~streamnorm.spec.fusions.interpolated_banks.InterpolatedBanks` has them, of
    the beat and the code that came :attr:`latency` cycles earlier; a beat a cycle.

    A word of a memory has, for each lane, the value of bank 0 and what that of bank 1 has more. What is the same in
    every beat is in no memory, and what is the same in both banks takes no multiplier.

    Parameters
    ----------
    config : NormConfig, of interpolated banks

    Members
    -------
    column : In(range(max_beats)), the beat's number in its row; t : In(frac_bits + 1), at most 1; both registers
    gamma, beta : Out(ArrayLayout(signed, lanes)), as they are stored; registers
    """

    def __init__(self, config: NormConfig) -> None:
        stored = StoredParameters.of(config)
        bits = {"gamma": stored.gamma_bits, "beta": stored.beta_bits}
        layouts = {name: data.ArrayLayout(signed(width), config.lanes) for name, width in bits.items()}
        super().__init__(
            {
                "column": In(range(config.max_beats)),
                "t": In(_FRAC_BITS + 1),
                **{name: Out(layout) for name, layout in layouts.items()},
            }
        )
        self._m = m = Module()
        p = Pipeline(m, config.device, "blend")
        column = p.input(self.column)
        # To all lanes it is far.
        t = p.delayed(p.input(self.t), 1)
        results: dict[str, list[Timed]] = {}
        for name, width in bits.items():
            first, second = _beats_of(config, getattr(stored, name))
            firsts, rises = _looked_up(p, f"{name}_banks", column, first, second - first)
            steady = bool((first == second).all())
            results[name] = [
                p.extend(each, width) if steady else p.registered(_between(p, each, rise, t, width))
                for each, rise in zip(firsts, rises, strict=True)
            ]
        self.latency = max(each.cycle for of in results.values() for each in of)
        for name, of in results.items():
            for port, each in zip(getattr(self, name), of, strict=True):
                p.drive(Value.cast(port), p.delayed(each, self.latency))
        self.multipliers, self.block_rams = p.multipliers, p.block_rams

    def elaborate(self, platform: object) -> Module:
        return self._m


def _beats_of(config: NormConfig, stored: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Values of (banks, bank_values) as each bank's beats have them, (banks, beats, lanes); 0 behind ``max_length``."""
    elements = np.repeat(stored, config.parameter_repeat, axis=1)[:, : config.max_length]
    padded = np.zeros((config.banks, config.max_beats * config.lanes), np.int64)
    padded[:, : config.max_length] = elements
    return padded.reshape(config.banks, config.max_beats, config.lanes)


def _looked_up(p: Pipeline, name: str, column: Timed, *parts: npt.NDArray[np.int64]) -> list[list[Timed]]:
    """Of each part, (beats, lanes), the values of all lanes in the beat ``column``: constants where they are the same
    in every beat, all others from one memory."""
    kept = [part for part in parts if (part != part[0]).any()]
    bits = [1 + max(int(part.max()).bit_length(), (~int(part.min())).bit_length()) for part in kept]
    lanes, starts = parts[0].shape[1], [0]
    for each in bits:
        starts.append(starts[-1] + each * lanes)
    words = [0] * len(parts[0])
    for part, start, each in zip(kept, starts, bits, strict=False):
        for beat, values in enumerate(part.tolist()):
            for lane, value in enumerate(values):
                words[beat] |= (value & ((1 << each) - 1)) << (start + lane * each)
    word = p.lookup(name, column, starts[-1], words) if kept else None
    places = iter(zip(starts, bits, strict=False))
    found: list[list[Timed]] = []
    for part in parts:
        if word is None or (part == part[0]).all():
            values = part[0].tolist()
            found.append([p.constant(value, signed(value.bit_length() + 1)) for value in values])
            continue
        start, each = next(places)
        found.append([word.bits(at, at + each).as_signed() for at in range(start, start + lanes * each, each)])
    return found


def _between(p: Pipeline, first: Timed, rise: Timed, t: Timed, bits: int) -> Timed:
    """``first + (rise * t + half >> frac_bits)``."""
    raised = p.concat(p.constant(_HALF, unsigned(_FRAC_BITS)), first).as_signed()
    total = p.add(p.multiply(rise, t), raised, signed(bits + _FRAC_BITS + 1), name="between")
    return total.bits(_FRAC_BITS, _FRAC_BITS + bits).as_signed()
