"""The norms of a model on given units: cycles of a pass, what of them is waited for, and how that grows."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from streamnorm.plan import Plan
from streamnorm.spec.config import BANKS_MAX, NormConfig

from .calls import Step, steps
from .demand import Demand
from .model import Model, Stack
from .pace import Need, keep_up, line_rate
from .timing import Pool, Rows, Span
from .unit import check_unit, differences, parameter_bits, row_buffer_bytes

__all__ = ["Growth", "Phase", "Site", "Workload"]


@dataclass(frozen=True)
class Site:
    """Equal steps of a phase, taken together.

    Attributes
    ----------
    stack, site, length : where, ``q + k`` for norms side by side; elements of a row, the longest of the step
    norms, rows : how many norms, and how many rows of them all
    busy : cycles for which the rows occupy one unit
    total, exposed, hidden : cycles of these steps one behind the other, see :class:`Span`
    """

    stack: str
    site: str
    length: int
    norms: int
    rows: int
    busy: int
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
    """

    name: str
    tokens: int
    sequences: int
    sites: tuple[Site, ...]
    demand: Demand
    needs: tuple[Need, ...]

    @property
    def rows(self) -> int:
        return sum(site.rows for site in self.sites)

    @property
    def busy(self) -> int:
        """Unit cycles of all rows."""
        return sum(site.busy for site in self.sites)

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


@dataclass(frozen=True)
class Workload:
    """The norms of a model on equal units.

    Parameters
    ----------
    model, config : what is normalized, and by what unit
    tokens : of the input of each sequence; in decode, the tokens already there
    sequences : worked off together
    units : that take rows in turn
    flops, memory, link : see :mod:`.pace`; None: not asked
    weight_bits : of a weight in memory; keys and values are as wide as the unit's results
    """

    model: Model
    config: NormConfig
    tokens: int
    sequences: int = 1
    units: int = 1
    flops: float | None = None
    memory: float | None = None
    link: float | None = None
    weight_bits: int = 16

    def __post_init__(self) -> None:
        check_unit(self.model, self.config)

    @property
    def plan(self) -> Plan:
        return Plan.of(self.config)

    def phases(self, units: int | None = None) -> list[Phase]:
        """Prefill, and decode if the model generates."""
        pool = Pool(self.plan, units or self.units)
        stacks = [(stack, 1 if i and stack.role == "decoder" else self.tokens)
                  for i, stack in enumerate(self.model.stacks)]  # fmt: skip
        work = Demand.of_prefill(self.model, self.tokens, self.sequences)
        result = [self._phase(pool, "prefill", self.tokens, stacks, work)]
        if self.model.generates:
            work = Demand.of_decode(self.model, self.tokens, self.sequences)
            result.append(self._phase(pool, "decode", 1, [(self.model.stacks[-1], 1)], work))
        return result

    def _phase(self, pool: Pool, name: str, tokens: int, stacks: Iterable[tuple[Stack, int]], demand: Demand) -> Phase:
        sites: dict[tuple[str, str, tuple[Rows, ...]], list[Step]] = {}
        for stack, own in stacks:
            for step in steps(stack):
                rows = tuple((call.length, call.rows * own * self.sequences) for call in step)
                label = " + ".join(dict.fromkeys(call.site for call in step))
                sites.setdefault((stack.role, label, rows), []).append(step)
        lines = [
            _site(role, label, alike, rows, pool.span(rows), pool.busy(rows))
            for (role, label, rows), alike in sites.items()
        ]
        hertz = self.config.clock_mhz * 1e6

        def occupied(units: int) -> float:
            shared = Pool(self.plan, units)
            return sum(shared.occupied(rows) * len(alike) for (*_, rows), alike in sites.items()) / hertz

        needs = keep_up(
            demand,
            occupied,
            sum(site.exposed for site in lines) / hertz,
            rows=max((sum(count for _, count in rows) for *_, rows in sites), default=0),
            flops=self.flops,
            memory=self.memory,
            weight_bytes=self.weight_bits / 8,
            cache_bytes=_whole_bytes(self.config.output.bits),
        )
        return Phase(name, tokens, self.sequences, tuple(lines), demand, tuple(needs))

    def growth(self) -> dict[str, list[Growth]]:
        """Each phase on 1, 2, 4, … units: to `UNITS_SHOWN`, or ``units`` if that is more, or until none gets faster."""
        one = self.phases(1)
        result: dict[str, list[Growth]] = {phase.name: [] for phase in one}
        units = 1
        while True:
            now = self.phases(units)
            for phase, alone in zip(now, one, strict=True):
                use = phase.busy / (units * phase.total) if phase.total else 0.0
                speedup = alone.total / phase.total if phase.total else 1.0
                result[phase.name].append(Growth(units, phase.total, phase.exposed, speedup, use))
            stuck = units > 1 and all(lines[-1].total == lines[-2].total for lines in result.values())
            if units >= max(self.units, UNITS_SHOWN) or stuck:
                return result
            units *= 2

    def line_units(self) -> int | None:
        """Units that normalize all that ``link`` brings, whatever the model."""
        if self.link is None:
            return None
        size = _whole_bytes(self.config.input.bits)
        return line_rate(self.link, lanes=self.config.lanes, element_bytes=size, clock_mhz=self.config.clock_mhz)

    def memory_use(self) -> dict[str, int]:
        """Bytes: of a unit's and all units' row buffers, and of gamma and beta of every norm of the model.

        ``parameter_sets`` are the norms with gamma and beta of their own. A unit holds ``banks_max`` of them at most;
        if there are more, units that serve every norm load each set again, in ``load_beats`` a pass.
        """
        lengths = [call.length for stack in self.model.stacks for step in steps(stack) for call in step]
        bits = parameter_bits(self.plan)
        buffer = row_buffer_bytes(self.plan)
        sets = len(lengths) if bits else 0
        loads = sets > BANKS_MAX and self.config.storage == "ram"
        return {
            "row_buffer_bytes": buffer,
            "row_buffer_bytes_all": buffer * self.units,
            "parameter_sets": sets,
            "parameter_bytes": -(-sum(lengths) * bits // 8),
            "banks_max": BANKS_MAX,
            "load_beats": sum(-(-n // self.config.lanes) for n in lengths) if loads else 0,
        }

    def differences(self) -> list[str]:
        """What the units do otherwise than the model asks for."""
        return differences(self.model, self.config)

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON values."""
        latency = self.plan.latency(self.config.max_length)
        return {
            "model": {
                "name": self.model.name,
                "norm": self.model.norm,
                "epsilon": self.model.stacks[0].epsilon,
                "stacks": [
                    {"role": stack.role, "layers": stack.layers, "d_model": stack.d_model, "norms": _norms(stack)}
                    for stack in self.model.stacks
                ],
                "source": self.model.source,
                "read_from": list(self.model.read_from),
            },
            "tokens": self.tokens,
            "sequences": self.sequences,
            "units": self.units,
            "unit": {**self.config.to_dict(), "latency_at_max_length": vars(latency)},
            "differences": self.differences(),
            "memory": self.memory_use(),
            "phases": [
                {
                    "name": phase.name,
                    "tokens": phase.tokens,
                    **{key: getattr(phase, key) for key in ("rows", "busy", "busy_per_token", "total", "exposed")},
                    "hidden": phase.total - phase.exposed,
                    "total_us": phase.total / self.config.clock_mhz,
                    "exposed_us": phase.exposed / self.config.clock_mhz,
                    "demand": asdict(phase.demand),
                    "needs": [asdict(need) for need in phase.needs],
                    "sites": [asdict(site) for site in phase.sites],
                }
                for phase in self.phases()
            ],
            "growth": {name: [asdict(line) for line in lines] for name, lines in self.growth().items()},
            "link_units": self.line_units(),
        }


UNITS_SHOWN = 64
"""Units to which growth is followed, if a phase still gets faster."""


def _site(role: str, label: str, alike: list[Step], rows: tuple[Rows, ...], span: Span, busy: int) -> Site:
    count = len(alike)
    return Site(
        stack=role,
        site=label,
        length=max(length for length, _ in rows),
        norms=count * len(rows),
        rows=count * sum(number for _, number in rows),
        busy=count * busy,
        total=count * span.total,
        exposed=count * span.exposed,
        hidden=count * span.hidden,
    )


def _norms(stack: Stack) -> int:
    return sum(len(step) for step in steps(stack))


def _whole_bytes(bits: int) -> int:
    return -(-bits // 8)
