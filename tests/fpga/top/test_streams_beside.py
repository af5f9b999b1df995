"""The board logic around a unit with streams beside its rows and results: each a memory, a player or a recorder."""

import json

import numpy as np
import pytest
from amaranth.hdl import Cat
from amaranth.lib.fifo import SyncFIFO

from fpga.top.bench_board import beat_octets, run
from fpga.top.stand_in import StandIn, config, outputs
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.fusions import SideStream
from streamnorm_fpga.host.rows import RowGroup, group_rows
from streamnorm_fpga.link.protocol import CONTROL_STALLS, FLAG_SELF_TEST_FINISHED, Operation, Status, rows_header
from streamnorm_fpga.top import self_test
from streamnorm_fpga.top.signature import all_signatures, rows_signature
from streamnorm_fpga.top.unit_streams import outputs_of
from streamnorm_sim.streams.rows import RowBatch

F = SideStream("f", IntFormat(12, signed=False), "of each element")
E = SideStream("e", IntFormat(20, signed=False), "of each row", per_row=True)
G = SideStream("g", IntFormat(12, signed=False), "of each element")
D = SideStream("d", IntFormat(20, signed=False), "of each row", per_row=True)


@pytest.fixture
def unit(monkeypatch):
    """A stand-in to whose rows goes a stream of rows and one of a number each; both come out again."""
    monkeypatch.setattr(NormConfig, "side_inputs", property(lambda self: (F, E)))
    monkeypatch.setattr(NormConfig, "side_outputs", property(lambda self: (G, D)))
    return config(lanes=3, max_length=7)


class Loops(StandIn):
    """The stand-in; what comes in on f and e leaves on g and d, one bit inverted, from queues that hold two beats, so
    that a row of the one is not through before another stream has moved on.

    ``silent`` is a stream that never gives a beat; ``wrong`` a cycle since reset in which one bit more is inverted.
    """

    def __init__(self, config, *, silent="", wrong=False):
        self._silent, self._wrong = silent, wrong
        super().__init__(config)

    def elaborate(self, platform):
        m = super().elaborate(platform)
        for given, taken in (("f", "g"), ("e", "d")):
            data, keep, last, valid, ready = (
                getattr(self, f"s_axis_{given}_t{name}") for name in ("data", "keep", "last", "valid", "ready")
            )
            m.submodules[taken] = queue = SyncFIFO(width=len(data) + len(keep) + 1, depth=2)
            kept = Cat(bit.replicate(8) for bit in keep)
            m.d.comb += [
                queue.w_data.eq(Cat((data ^ 1 ^ (self._wrong and taken == "g")) & kept, keep, last)),
                queue.w_en.eq(valid),
                ready.eq(queue.w_rdy),
                Cat(getattr(self, f"m_axis_{taken}_t{name}") for name in ("data", "keep", "last")).eq(queue.r_data),
                getattr(self, f"m_axis_{taken}_tvalid").eq(queue.r_rdy & (taken != self._silent)),
                queue.r_en.eq(getattr(self, f"m_axis_{taken}_tready") & (taken != self._silent)),
            ]
        return m


def inverted(rows, lanes):
    """What the loops make of rows: the lowest bit of each first lane is inverted."""
    rows = rows.copy()
    rows[:, ::lanes] ^= 1
    return rows


def together(config, x, f, e, signatures=(0, 0, 0)):
    """The signatures of what comes of them."""
    rows = (outputs(config, x), inverted(f, config.lanes), inverted(e, 1))
    return [
        rows_signature(config, of, stream, signature=signature)
        for of, stream, signature in zip(rows, outputs_of(config), signatures, strict=True)
    ]


def signature_of(config):
    """Of a self-test that passes."""
    signatures = [0, 0, 0]
    for _, rows in self_test._patterns(config):
        signatures = together(config, rows[""], rows["f"], rows["e"], signatures)
    return all_signatures(signatures)


def drawn(config, count, length, seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(-128, 128, (count, length))
    return x, rng.integers(0, 4096, (count, length)), rng.integers(0, 1 << 20, (count, 1))


def body_of(config, x, f, e, control=0):
    """A ROWS request: behind each row of elements the others that go with it."""
    beats = -(-x.shape[1] // config.lanes)
    body = rows_header(0, stalls=bool(control), beats=beats, kept=x.shape[1] - (beats - 1) * config.lanes)
    for row in range(len(x)):
        for of, number, lanes in ((x, config.input, config.lanes), (f, F.number, config.lanes), (e, E.number, 1)):
            body += beat_octets(lanes, number, of[row : row + 1])
    return body


def payload_of(config, x, f, e):
    """What comes back: one stream after the other."""
    rows = (outputs(config, x), inverted(f, config.lanes), inverted(e, 1))
    streams = zip(rows, (config.output, G.number, D.number), (config.lanes, config.lanes, 1), strict=True)
    return b"".join(beat_octets(lanes, number, of) for of, number, lanes in streams)


def test_rows_of_all_streams_come_back_and_rows_that_are_not_whole_are_malformed(unit):
    async def bench(host):
        await host.until(lambda: host.context.get(host.dut.leds) >> 1 & 3)
        assert host.context.get(host.dut.leds) >> 1 & 3 == 1
        for seed, (count, length, control) in enumerate([(3, 1, 0), (2, 4, 0), (3, 7, CONTROL_STALLS)]):
            rows = drawn(unit, count, length, seed)
            record, payload = await host.ask(Operation.ROWS, body_of(unit, *rows, control))
            assert (record.status, record.rows_out, record.row_errors) == (Status.OK, count, 0)
            assert payload == payload_of(unit, *rows), f"seed {seed}"
            assert record.signature == all_signatures(together(unit, *rows))
            assert record.beats_in == record.beats_out
        body = body_of(unit, *drawn(unit, 2, 5, 1))
        for cut in (3, 1):  # the last row's number, an octet of it
            record, payload = await host.ask(Operation.ROWS, body[:-cut])
            assert (record.status, payload) == (Status.MALFORMED, b""), cut

    run(unit, bench, signature=signature_of(unit), unit=Loops(unit))


@pytest.mark.slow  # that its signature counts, the answers tell above
def test_one_wrong_stream_fails_the_self_test(unit):
    async def bench(host):
        record, _ = await host.ask(Operation.INFO)
        assert record.flags == FLAG_SELF_TEST_FINISHED

    run(unit, bench, signature=signature_of(unit), unit=Loops(unit, wrong=True))


@pytest.mark.parametrize("silent", [pytest.param("g", marks=pytest.mark.slow), "d"])  # the same, of another stream
def test_one_silent_stream_is_a_unit_that_hangs(unit, silent):
    async def bench(host):
        record, said = await host.ask(Operation.INFO)
        assert (json.loads(said)["inputs"], json.loads(said)["outputs"]) == (["f", "e"], ["g", "d"])
        assert record.flags == FLAG_SELF_TEST_FINISHED
        record, payload = await host.ask(Operation.ROWS, body_of(unit, *drawn(unit, 2, 5, 1)))
        assert (record.status, record.rows_out, payload) == (Status.HUNG, 0, b"")

    run(unit, bench, signature=signature_of(unit), unit=Loops(unit, silent=silent))


def test_the_self_test_is_that_of_the_golden_model(unit, monkeypatch):
    class Golden:
        config = unit

        def normalize(self, x, lengths, banks, *, f, e):
            return outputs(unit, x)

        def beside(self, batch):
            rows = {"g": inverted(batch.beside["f"], unit.lanes), "d": inverted(batch.beside["e"], 1)}
            return {name: RowBatch.arrange(of) for name, of in rows.items()}

    monkeypatch.setattr(self_test, "golden_model", lambda config: Golden())
    assert self_test.expected_signature(unit) == signature_of(unit)


def test_requests_and_answers_of_the_host(unit):
    x, f, e = drawn(unit, 3, 7, 1)
    group = RowGroup(np.arange(3), 7, 0, False)
    request = group.request(unit, x, {"f": f, "e": e})
    payload = payload_of(unit, x, f, e)
    assert request.body == body_of(unit, x, f, e)
    assert request.answer_octets == len(payload)
    found = group.elements(unit, payload)
    assert found["g"][:, :7].tolist() == inverted(f, 3).tolist()
    assert found["d"].tolist() == (e ^ 1).tolist()
    with pytest.raises(ValueError, match="are not 9 beats"):
        group.elements(unit, payload[:-1])
    # A row has 3 beats of 3 octets, 3 of 6, and 3 octets.
    lengths, banks = np.full(8, 7), np.zeros(8, np.int64)
    groups = group_rows(unit, lengths, banks, memory_beats=64, stalls=False, request_octets=60)
    assert [len(group.indices) for group in groups] == [2, 2, 2, 2]
