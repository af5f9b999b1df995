"""The norms of a model on given units: cycles of a pass, what of them is waited for, and how that grows."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from streamnorm.plan import Limits, Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.values import integer_between

from .calls import Step, calls, steps
from .constants import constants
from .demand import Demand
from .model import Model, Stack
from .pace import Need, keep_up, line_rate
from .timing import Pool, Rows, Run, Span
from .traffic import Traffic, is_fused, traffic_of
from .unit import differences, loaded, parameter_bits, row_buffer_bytes, serving

__all__ = ["Growth", "Phase", "Site", "Workload"]


@dataclass(frozen=True)
class Site:
    """Like steps of a phase, taken together.

    Attributes
    ----------
    stack, site, length : where, ``q + k`` for norms side by side; elements of a row, the longest of the step
    norms, rows : how many norms, and how many rows of them all
    busy : cycles for which rows and loads occupy units, of all units together
    loading : cycles of these steps in which gamma and beta are loaded
    total, exposed, hidden : cycles of these steps one behind the other, loads among them, see :class:`Span`
    """

    stack: str
    site: str
    length: int
    norms: int
    rows: int
    busy: int
    loading: int
    total: int
    exposed: int
    hidden: int


@dataclass(frozen=True)
class Phase:
    """A forward pass over the whole input ("prefill"), or one that adds a token to each sequence ("decode").

    Attributes
    ----------
    name, tokens, sequences : ``tokens`` that go through the pass in each sequence
    sites : in the order in which they are met
    demand : of matrix unit and memory
    needs : units that keep up with them
    traffic : octets through memory of all rows; None where nothing is fused with a norm
    """

    name: str
    tokens: int
    sequences: int
    sites: tuple[Site, ...]
    demand: Demand
    needs: tuple[Need, ...]
    traffic: Traffic | None = None

    @property
    def rows(self) -> int:
        return sum(site.rows for site in self.sites)

    @property
    def busy(self) -> int:
        """Unit cycles of all rows and loads."""
        return sum(site.busy for site in self.sites)

    @property
    def loading(self) -> int:
        """Cycles of the critical path in which gamma and beta are loaded."""
        return sum(site.loading for site in self.sites)

    @property
    def total(self) -> int:
        """Cycles of the critical path if nothing else goes on while the units work."""
        return sum(site.total for site in self.sites)

    @property
    def exposed(self) -> int:
        """Cycles of the critical path if what feeds the units keeps their rate."""
        return sum(site.exposed for site in self.sites)

    @property
    def busy_per_token(self) -> float:
        return self.busy / (self.tokens * self.sequences)


@dataclass(frozen=True)
class Growth:
    """A phase on more units: ``speedup`` of ``total`` against one unit, ``use`` the share of time they are occupied."""

    units: int
    total: int
    exposed: int
    speedup: float
    use: float


COUNT_MAX = 1_000_000_000
"""Tokens, sequences and units that a workload may have."""
WEIGHT_BITS_MAX = 64


@dataclass(frozen=True)
class Workload:
    """The norms of a model on equal units, or on as many of each kind.

    Parameters
    ----------
    model : what is normalized
    configs : by what units: one, or one for each norm and epsilon of the model; none if it has no norm
    tokens : of the input of each sequence; in decode, the tokens already there
    sequences : worked off together
    units : of each configuration, that take its rows in turn
    flops, memory, link : see :mod:`.pace`; None: not asked
    weight_bits : of a weight in memory; keys and values are as wide as the units' widest results

    Raises
    ------
    ConfigError
        If the units cannot do the norms of the model, or ``tokens``, ``sequences`` or ``units`` is no integer from 1 to
        `COUNT_MAX`, or ``weight_bits`` from 1 to `WEIGHT_BITS_MAX`.
    """

    model: Model
    configs: tuple[NormConfig, ...]
    tokens: int
    sequences: int = 1
    units: int = 1
    flops: float | None = None
    memory: float | None = None
    link: float | None = None
    weight_bits: int = 16

    def __post_init__(self) -> None:
        for key in ("tokens", "sequences", "units"):
            integer_between(key, getattr(self, key), 1, COUNT_MAX)
        integer_between("weight_bits", self.weight_bits, 1, WEIGHT_BITS_MAX)
        serving(self.model, self.configs)

    @property
    def plans(self) -> list[Plan]:
        """The plan of each kind of unit."""
        return [Plan.of(config) for config in self.configs]

    @property
    def notices(self) -> list[str]:
        """What targets have too little of for one unit, a sentence each."""
        return [notice for plan in self.plans for notice in Limits(plan).notices]

    @cached_property
    def possible(self) -> bool:
        """Whether targets have room for the units and bear their clock, as far as plans tell; else no time is told."""
        return not any(Limits(plan).why_not() for plan in self.plans)

    @property
    def clock_mhz(self) -> float:
        """The clock, which all units share; 1 where there is none, and nothing takes time."""
        return self.configs[0].clock_mhz if self.configs else 1.0

    @cached_property
    def _passes(self) -> dict[str, list["_Work"]]:
        """The steps of each phase, and what they are for the units."""
        stacks = [(stack, 1 if i and stack.role == "decoder" else self.tokens)
                  for i, stack in enumerate(self.model.stacks)]  # fmt: skip
        result = {"prefill": list(self._work(stacks))}
        if self.model.generates:
            result["decode"] = list(self._work([(self.model.stacks[-1], 1)]))
        return result

    def _work(self, stacks: list[tuple[Stack, int]]) -> Iterator["_Work"]:
        """Every step of some stacks, each with so many tokens of a sequence; a pass follows upon one like it."""
        by_kind = serving(self.model, self.configs)
        whole = [(stack, own, step) for stack, own in stacks for step in steps(stack)]
        norms: list[list[_Set]] = [[] for _ in self.configs]
        for place, (_, own, step) in enumerate(whole):
            for call in step:
                for number in range(call.sets):
                    # Norms without gamma and beta share a set, of ones and zeros.
                    name = (place, call.site, number) if call.kind.affine else (call.length,)
                    rows = call.rows // call.sets * own * self.sequences
                    norms[by_kind[call.kind.norm, call.kind.epsilon]].append(_Set(place, name, call.length, rows))
        runs: list[dict[int, list[Run]]] = [{} for _ in whole]
        for index, sets in enumerate(norms):
            for each, first in zip(sets, loaded((each.name for each in sets), self.configs[index]), strict=True):
                _append(runs[each.place].setdefault(index, []), (each.length, each.rows), first)
        for (stack, _, step), by_unit in zip(whole, runs, strict=True):
            like = tuple(replace(call, layer=None) for call in step)
            yield _Work(stack.role, like, tuple((index, tuple(each)) for index, each in by_unit.items()))

    def phases(self, units: int | None = None) -> list[Phase]:
        """Prefill, and decode if the model generates."""
        demands = {"prefill": Demand.of_prefill, "decode": Demand.of_decode}
        return [
            self._phase(units or self.units, name, demands[name](self.model, self.tokens, self.sequences))
            for name in self._passes
        ]

    def _phase(self, units: int, name: str, demand: Demand) -> Phase:
        pools = [Pool(plan, units) for plan in self.plans]
        # What differs in its loads only is one site.
        alike: dict[object, Counter[_Work]] = {}
        for work in self._passes[name]:
            alike.setdefault(work.site, Counter())[work] += 1
        lines = [_site(like, pools) for like in alike.values()]
        hertz = self.clock_mhz * 1e6

        def occupied(units: int) -> float:
            shared = [Pool(plan, units) for plan in self.plans]
            return sum(
                count * max(shared[index].occupied(runs) for index, runs in work.runs)
                for like in alike.values()
                for work, count in like.items()
            ) / hertz  # fmt: skip

        needs = (
            []
            if not lines
            else keep_up(
                demand,
                occupied,
                sum(site.exposed for site in lines) / hertz,
                rows=max((rows for like in alike.values() for work in like for rows in work.rows.values()), default=0),
                flops=self.flops,
                memory=self.memory,
                weight_bytes=self.weight_bits / 8,
                cache_bytes=max(_whole_bytes(config.output.bits) for config in self.configs),
            )
        )
        tokens = self.tokens if name == "prefill" else 1
        return Phase(name, tokens, self.sequences, tuple(lines), demand, tuple(needs), self._traffic(name))

    def _traffic(self, name: str) -> Traffic | None:
        """Of all rows of a phase."""
        if not any(is_fused(config) for config in self.configs):
            return None
        rows: list[list[Rows]] = [[] for _ in self.configs]
        for work in self._passes[name]:
            for index, runs in work.runs:
                rows[index] += [each for run in runs for each in run.rows]
        return sum((traffic_of(*unit) for unit in zip(self.configs, rows, strict=True)), Traffic())

    def growth(self) -> dict[str, list[Growth]]:
        """Each phase on 1, 2, 4, … units: to `UNITS_SHOWN`, or ``units`` if that is more, or until none gets faster."""
        one = self.phases(1)
        result: dict[str, list[Growth]] = {phase.name: [] for phase in one}
        units = 1
        while True:
            now = self.phases(units)
            for phase, alone in zip(now, one, strict=True):
                use = phase.busy / (units * len(self.configs) * phase.total) if phase.total else 0.0
                speedup = alone.total / phase.total if phase.total else 1.0
                result[phase.name].append(Growth(units, phase.total, phase.exposed, speedup, use))
            stuck = units > 1 and all(lines[-1].total == lines[-2].total for lines in result.values())
            if units >= max(self.units, UNITS_SHOWN) or stuck:
                return result
            units *= 2

    def line_units(self) -> int | None:
        """Units of each kind that normalize all that ``link`` brings, whatever the model; None if there can be none."""
        if self.link is None or not self.possible or not self.configs:
            return None
        return max(
            line_rate(
                self.link, lanes=config.lanes, element_bytes=_whole_bytes(config.input.bits), clock_mhz=config.clock_mhz
            )
            for config in self.configs
        )

    def memory_use(self) -> dict[str, int]:
        """Bytes: of the row buffers of one unit of each kind and of all units, and of gamma and beta of every norm.

        ``parameter_sets`` are the gammas and betas of their own that norms have. A unit holds as many as its ``banks``;
        what is loaded again in each pass is in the cycles of the phases.
        """
        buffer = sum(row_buffer_bytes(plan) for plan in self.plans)
        bits = [parameter_bits(plan) for plan in self.plans]
        by_kind = serving(self.model, self.configs)
        stored = [
            (call.sets, call.length * bits[by_kind[call.kind.norm, call.kind.epsilon]])
            for call in calls(self.model)
            if call.kind.affine and bits[by_kind[call.kind.norm, call.kind.epsilon]]
        ]
        return {
            "row_buffer_bytes": buffer,
            "row_buffer_bytes_all": buffer * self.units,
            "parameter_sets": sum(sets for sets, _ in stored),
            "parameter_bytes": -(-sum(sets * size for sets, size in stored) // 8),
        }

    def differences(self) -> list[str]:
        """What the units do otherwise than the model asks for."""
        return differences(self.model, self.configs)

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON values."""
        kinds: dict[tuple[str, float], int] = {}
        for call in calls(self.model):
            kinds[call.kind.norm, call.kind.epsilon] = kinds.get((call.kind.norm, call.kind.epsilon), 0) + 1
        return {
            "model": {
                "name": self.model.name,
                "norms": [
                    {"norm": norm, "epsilon": epsilon, "count": count} for (norm, epsilon), count in kinds.items()
                ],
                "stacks": [
                    {
                        "role": stack.role,
                        "layers": len(stack.layers),
                        "d_model": stack.d_model,
                        "norms": _norms(stack),
                        "schedule": list(stack.schedule),
                        "constants": [constant.to_dict() for constant in constants(self.model, stack)],
                    }
                    for stack in self.model.stacks
                ],
                "source": self.model.source,
                "read_from": list(self.model.read_from),
            },
            "tokens": self.tokens,
            "sequences": self.sequences,
            "units": self.units,
            "configs": [
                {**plan.config.to_dict(), "latency_at_max_length": vars(plan.latency(plan.config.max_length))}
                for plan in self.plans
            ],
            "differences": self.differences(),
            "memory": self.memory_use(),
            "phases": [
                {
                    "name": phase.name,
                    "tokens": phase.tokens,
                    **{
                        key: getattr(phase, key)
                        for key in ("rows", "busy", "busy_per_token", "loading", "total", "exposed")
                    },
                    "hidden": phase.total - phase.exposed,
                    "total_us": phase.total / self.clock_mhz if self.possible else None,
                    "exposed_us": phase.exposed / self.clock_mhz if self.possible else None,
                    "demand": asdict(phase.demand),
                    "needs": [asdict(need) | ({} if self.possible else _UNKNOWN) for need in phase.needs],
                    "sites": [asdict(site) for site in phase.sites],
                    "traffic": None if phase.traffic is None else phase.traffic.to_dict(),
                }
                for phase in self.phases()
            ],
            "growth": {name: [asdict(line) for line in lines] for name, lines in self.growth().items()},
            "link_units": self.line_units(),
            "notices": self.notices,
        }


_UNKNOWN = {"norm_seconds": None, "waited_seconds": None, "units": None}
"""Of a need, where there can be no such unit."""

UNITS_SHOWN = 64
"""Units to which growth is followed, if a phase still gets faster."""


@dataclass(frozen=True)
class _Set:
    """A set of gamma and beta in a step (its place among all), its name, and the rows it serves."""

    place: int
    name: tuple[object, ...]
    length: int
    rows: int


@dataclass(frozen=True)
class _Work:
    """A step, and by kind of unit what runs it is; ``step`` without its layer."""

    role: str
    step: Step
    runs: tuple[tuple[int, tuple[Run, ...]], ...]

    @property
    def label(self) -> str:
        return " + ".join(dict.fromkeys(call.site for call in self.step))

    @property
    def site(self) -> tuple[object, ...]:
        """What steps of a line of the table have in common."""
        return self.role, tuple((call.site, call.length, call.rows) for call in self.step)

    @property
    def rows(self) -> dict[int, int]:
        """Rows for each kind of unit."""
        return {index: sum(count for run in runs for _, count in run.rows) for index, runs in self.runs}


def _append(runs: list[Run], rows: Rows, load: bool) -> None:
    """Let rows follow, behind a load if they need one; rows of equal length join."""
    if load or not runs:
        runs.append(Run((rows,), rows[0] if load else 0))
        return
    length, count = runs[-1].rows[-1]
    more = ((length, count + rows[1]),) if length == rows[0] else ((length, count), rows)
    runs[-1] = Run((*runs[-1].rows[:-1], *more), runs[-1].loaded)


def _site(alike: Counter[_Work], pools: list[Pool]) -> Site:
    first = next(iter(alike))
    spans = [(_side_by_side(pools[index].span(runs) for index, runs in work.runs), count)
             for work, count in alike.items()]  # fmt: skip
    return Site(
        stack=first.role,
        site=first.label,
        length=max(call.length for call in first.step),
        norms=alike.total() * len(first.step),
        rows=alike.total() * sum(first.rows.values()),
        busy=sum(count * pools[index].busy(runs) for work, count in alike.items() for index, runs in work.runs),
        loading=sum(count * span.loading for span, count in spans),
        total=sum(count * span.total for span, count in spans),
        exposed=sum(count * span.exposed for span, count in spans),
        hidden=sum(count * span.hidden for span, count in spans),
    )


def _side_by_side(spans: Iterable[Span]) -> Span:
    """The cycles of pools that work at the same time."""
    every = list(spans)
    return Span(*(max(getattr(span, key) for span in every) for key in ("taken", "total", "loading")))


def _norms(stack: Stack) -> int:
    return sum(len(step) for step in steps(stack))


def _whole_bytes(bits: int) -> int:
    return -(-bits // 8)
