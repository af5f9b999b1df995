import numpy as np
import pytest

from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.parameters import StoredParameters
from streamnorm_sim.check.compare import compare, golden_rows
from streamnorm_sim.reference.golden import GoldenModel
from streamnorm_sim.streams.beats import decode_rows, encode_rows
from streamnorm_sim.streams.rows import RowBatch
from streamnorm_sim.streams.trace import Trace
from streamnorm_sim.streams.traffic import ParameterLoad, Traffic

ROWS = [[1, 2, 3], [40, -5], [7, 8, 9, 10]]


def config(**more):
    return NormConfig(
        norm="layernorm", lanes=2, max_length=4, input=IntFormat(8), output=IntFormat(8), epsilon=0.0, **more
    )


def trace_of(unit, rows, traffic, errors=()):
    """A trace in which ``rows`` came out."""
    beats = encode_rows(unit, RowBatch.arrange(rows))
    beats.user[np.flatnonzero(beats.last)[list(errors)]] = 1
    cycles = np.arange(len(beats))
    return Trace.of(
        unit,
        traffic,
        "by hand",
        outputs=beats,
        input_cycles=cycles,
        load_cycles=cycles[:0],
        output_cycles=cycles,
        seconds=1.0,
    )


@pytest.fixture
def right():
    """What has to come out for ROWS."""
    golden = GoldenModel(config())
    return [golden.normalize(np.array([row]))[0] for row in ROWS]


def test_no_difference(right):
    comparison = compare(trace_of(config(), right, Traffic(rows=ROWS)))
    assert comparison.mismatches == 0
    assert comparison.first is None


def test_elements_that_differ_are_counted_and_the_first_is_named(right):
    want = right[2].copy()
    right[2] = want + np.array([0, 0, 0, 1])
    right[1] = right[1] + [1, 0]
    comparison = compare(trace_of(config(), right, Traffic(rows=ROWS, seed=5)))
    assert comparison.mismatches == 2
    assert comparison.first == f"row 1 lane 0: got {right[1][0]}, want {right[1][0] - 1} in beat 0 (seed 5)"
    right[1] = right[1] - [1, 0]
    comparison = compare(trace_of(config(), right, Traffic(rows=ROWS, seed=5)))
    assert comparison.first == f"row 2 lane 1: got {want[3] + 1}, want {want[3]} in beat 1 (seed 5)"


def test_a_row_of_another_length_counts_with_all_its_elements(right):
    right[0] = right[0][:2]
    comparison = compare(trace_of(config(), right, Traffic(rows=ROWS)))
    assert comparison.mismatches == 3
    assert comparison.first == "row 0: got 2 elements, want 3 (seed 0)"


def test_an_error_flag_counts(right):
    comparison = compare(trace_of(config(), right, Traffic(rows=ROWS), errors=[1]))
    assert comparison.mismatches == 2
    assert comparison.first == "row 1: got error flag 1, want 0 (seed 0)"


def test_a_missing_error_flag_counts(right):
    rows = [*ROWS[:2], [7, 8, 9, 10, 11]]
    comparison = compare(trace_of(config(), right, Traffic(rows=rows)))
    assert comparison.first == "row 2: got error flag 0, want 1 (seed 0)"
    assert compare(trace_of(config(), right, Traffic(rows=rows), errors=[2])).first is None


@pytest.mark.parametrize(("rows", "got", "mismatches"), [(slice(0, 2), 2, 4), (slice(0, 0), 0, 9)])
def test_missing_rows_count(right, rows, got, mismatches):
    comparison = compare(trace_of(config(), right[rows], Traffic(rows=ROWS)))
    assert comparison.mismatches == mismatches
    assert comparison.first == f"got {got} rows, want 3 (seed 0)"


def test_rows_too_many_count(right):
    comparison = compare(trace_of(config(), [*right, [1, 2]], Traffic(rows=ROWS)))
    assert comparison.mismatches == 2
    assert comparison.first == "got 4 rows, want 3 (seed 0)"


def test_loads_change_the_golden_rows_from_their_row_on():
    unit = config(storage="ram", banks=2)
    stored = StoredParameters.of(unit)
    gamma, beta = np.array([50, 60, 70, 80]), np.array([5, 6, 7, 8])
    loads = [ParameterLoad(0, gamma, beta, 1), ParameterLoad(2, gamma[:2], beta[:2], 0)]
    rows = [[1, 2, 3, 9]] * 5
    trace = trace_of(unit, rows, Traffic(rows=rows, banks=[1, 1, 0, 0, 1], loads=loads))
    golden = golden_rows(trace)

    def alone(g, b):
        both = {"gamma": np.array([g] * 2), "beta": np.array([b] * 2)}
        return GoldenModel(unit, **both).normalize(np.array(rows[:1]))[0].tolist()

    untouched = alone(stored.gamma[0], stored.beta[0])
    mixed = alone([50, 60, *stored.gamma[0, 2:]], [5, 6, *stored.beta[0, 2:]])
    assert golden.x.tolist() == [untouched, alone(gamma, beta), untouched, mixed, alone(gamma, beta)]


def test_loads_and_a_reset_are_not_compared():
    unit = config(storage="ram")
    loads = [ParameterLoad(0, np.ones(4, int), np.ones(4, int))]
    trace = trace_of(unit, ROWS, Traffic(rows=ROWS, loads=loads, reset_at=2))
    with pytest.raises(ValueError, match="cannot be compared"):
        compare(trace)


def test_beats_decode_to_what_was_compared(right):
    trace = trace_of(config(), right, Traffic(rows=ROWS))
    assert trace.rows.x.tolist() == decode_rows(config(), trace.outputs).x.tolist()
