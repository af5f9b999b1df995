"""What came out of a unit under cocotb against the golden model."""

from cocotb.triggers import RisingEdge

from streamnorm.errors import CheckFailed, ConfigError
from streamnorm.spec.values import shown
from streamnorm_sim.check.compare import row_difference
from streamnorm_sim.reference.answers import answers
from streamnorm_sim.reference.loaded_parameters import LoadedParameters
from streamnorm_sim.reference.models import golden_model
from streamnorm_sim.streams.rows import RowBatch
from streamnorm_sim.streams.stimulus import DRAIN_CYCLES, HangError, patience

from .rows import Row, RowSink, RowSource
from .streams import Handshake

__all__ = ["Scoreboard"]


class Scoreboard:
    """Compares the rows that a sink receives with those that a source has sent, in order, bit for bit.

    What has to come out is computed by the golden model, with the γ and β that are loaded by then, cut rows and all
    flags included.

    Parameters
    ----------
    source : RowSource
    sink : RowSink
        From which nobody else receives.

    Attributes
    ----------
    checked : int
        Rows that have come out and were right.

    Raises
    ------
    ConfigError
        If they are something else, or of different configurations.
    """

    def __init__(self, source: RowSource, sink: RowSink) -> None:
        if not isinstance(source, RowSource) or not isinstance(sink, RowSink):
            raise ConfigError(f"Scoreboard({shown(source)}, {shown(sink)}): must be given a RowSource, then a RowSink")
        if sink.config != source.config:
            raise ConfigError("source and sink are of different configurations, and a unit has only one")
        self.source, self.sink = source, sink
        self.config = source.config
        self.checked = 0
        self._stored = LoadedParameters(self.config)
        self._model = golden_model(self.config)
        self._patience = patience(self.config, source.open, sink.open)
        prefixes = ["s_axis", "m_axis", *(["s_axis_param"] if source.loads else [])]
        self._handshakes = [Handshake(source.dut, prefix) for prefix in prefixes]

    def __repr__(self) -> str:
        return f"<Scoreboard of {self.config.name}: {self.checked} rows checked, {self.pending} pending>"

    @property
    def pending(self) -> int:
        """Rows that were sent and have not been checked."""
        return sum(isinstance(sent, RowBatch) for sent in self.source.sent)

    async def check(self) -> Row:
        """Wait for the next row, compare it, and return it.

        Raises
        ------
        CheckFailed
            If it differs, with its flags, or its first element that does: ``row 3 lane 2: got 5, want 6 in beat 0``; if
            nothing was sent for it; or if its beats are malformed, or more than a row has.
        HangError
            If the unit stops taking and giving beats.
        """
        await self._arrival()
        got = await self.sink.recv()
        sent = self._next_row()
        if sent is None:
            raise CheckFailed(f"row {self.checked} came out, and nothing was sent for it")
        difference = row_difference(self.config, self.checked, got.batch, answers(self._model, sent))
        if difference is not None:
            raise CheckFailed(difference)
        self.checked += 1
        return got

    async def finish(self) -> None:
        """Check every row that was sent, and that no beat is offered behind the last one.

        Raises
        ------
        CheckFailed, HangError
            As `check`; or if a beat is offered too many, also one that the sink does not take.
        """
        while self.pending:
            await self.check()
        for _ in range(DRAIN_CYCLES):
            await RisingEdge(self.source.dut.aclk)
            if self.source.dut.m_axis_tvalid.value == 1 or self.sink.begun or not self.sink.empty():
                raise CheckFailed(f"more came out than the {self.checked} rows that were sent")

    def clear(self) -> None:
        """After a reset: forget the rows that were sent and have not come out. Loads stay, as they do in the unit."""
        while self._next_row() is not None:
            pass
        self.source.clear()
        self.sink.clear()

    def _next_row(self) -> RowBatch | None:
        """Take the next row that was sent, and before it the loads in front of it."""
        while self.source.sent:
            sent = self.source.sent.popleft()
            if isinstance(sent, RowBatch):
                return sent
            self._stored.load(sent)
            self._model = golden_model(self.config, **self._stored.values)
        return None

    async def _arrival(self) -> None:
        idle, most = 0, self.config.max_beats
        while self.sink.empty():
            await RisingEdge(self.source.dut.aclk)
            if self.sink.begun >= most:
                raise CheckFailed(f"row {self.checked}: {self.sink.begun} beats without tlast, and {most} are the most")
            idle = 0 if any(handshake.moves() for handshake in self._handshakes) else idle + 1
            if idle > self._patience:
                rows = self.checked + self.pending
                raise HangError(f"the unit hangs: {self.checked} of {rows} rows came out, and nothing moves any more")
