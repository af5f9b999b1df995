"""A self-checking bench for a unit in plain Verilog, which plays the test vectors."""

import numpy as np
import numpy.typing as npt

from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.fusions import streams_of

from .ports import Port, ports
from .vector_files import BeatLayout, Vectors, beat_layouts

__all__ = ["plain_bench"]

_PATIENCE = 4096
_MARGIN = 16


def plain_bench(config: NormConfig, vectors: Vectors) -> str:
    """Return the text of the module ``NAME_tb``, Verilog-2005, which plays the .hex files of ``vectors``.

    It sends the beats of ``input.hex``, loads gamma and beta before the closing rows if these come with a load,
    compares what comes out with ``expected.hex``, bit for bit, and checks that beats are offered before they can be
    taken, that an offered one stays until it is, that none is offered behind the last one, and that the unit does not
    hang. Comments at its head say how to run it and what it prints.
    """
    layouts, closing = beat_layouts(config), vectors.closing
    rows_in, rows_out = layouts["s_axis"], layouts["m_axis"]
    first = beats_in = beats_out = _beats(config, vectors.lengths)
    loaded = False
    if closing is not None:
        lengths = closing.rows.lengths
        beats_in += _beats(config, lengths)
        beats_out += _beats(config, np.minimum(lengths, config.max_length))
        loaded = closing.parameters is not None
    # Scans of some architectures go over a row for a while, and nothing moves.
    longest = Plan.of(config).latency(config.max_length).L3
    memories = [("input_beats", rows_in, "BEATS_IN"), ("expected_beats", rows_out, "BEATS_OUT")]
    files = [("input_beats", "input", "BEATS_IN"), ("expected_beats", "expected", "BEATS_OUT")]
    sources = _source("s_axis", rows_in, "input_beats", "sent", "BEATS_IN", _ROWS_ALLOWED if loaded else "aresetn")
    moved = "s_axis_tvalid && s_axis_tready || m_axis_tvalid && m_axis_tready"
    if loaded:
        layout = layouts["s_axis_param"]
        memories.append(("load_beats", layout, "BEATS_LOADED"))
        files.append(("load_beats", "parameters", "BEATS_LOADED"))
        sources += _source("s_axis_param", layout, "load_beats", "loads_sent", "BEATS_LOADED", _LOADS_ALLOWED)
        moved += "\n        || s_axis_param_tvalid && s_axis_param_tready"
    allowed = _ROWS_ALLOWED if loaded else "aresetn"
    rows = len(vectors.lengths) + (0 if closing is None else len(closing.rows.lengths))
    for name, sides in streams_of(config.side_inputs).items():
        port, count = f"s_axis_{name}", str(rows) if sides[0].per_row else "BEATS_IN"
        memories.append((f"{name}_beats", layouts[port], count))
        files.append((f"{name}_beats", name, count))
        sources += _source(port, layouts[port], f"{name}_beats", f"{name}_sent", count, allowed, f"{name}_open")
        moved += f"\n        || {port}_tvalid && {port}_tready"
    checks, all_out = "", ["received == BEATS_OUT"]
    for name, sides in streams_of(config.side_outputs).items():
        port, count = f"m_axis_{name}", str(rows) if sides[0].per_row else "BEATS_OUT"
        memories.append((f"{name}_beats", layouts[port], count))
        files.append((f"{name}_beats", name, count))
        checks += _check(name, layouts[port], count)
        moved += f"\n        || {port}_tvalid && {port}_tready"
        all_out.append(f"{name}_received == {count}")
    driven = list(streams_of(config.side_inputs))
    counters = ["sent", *(["loads_sent"] if loaded else []), *(f"{name}_sent" for name in driven)]
    beats_loaded = config.banks * -(-config.bank_values // config.load_lanes)
    parts = {
        "ABOUT": (_CLOSING if closing else "") + (_LOAD if loaded else ""),
        "NAME": config.name,
        "FIRST": str(first),
        "BEATS_IN": str(beats_in),
        "BEATS_OUT": str(beats_out),
        "BEATS_LOADED": f", BEATS_LOADED = {beats_loaded}" if loaded else "",
        "QUIET": str(_MARGIN + longest),
        "PATIENCE": str(_PATIENCE + 2 * longest),
        "MEMORIES": "".join(_memory(*memory) for memory in memories),
        "PORTS": "".join(map(_declaration, ports(config))),
        "CONNECTIONS": ",\n".join(f"        .{port.name}({port.name})" for port in ports(config)),
        "COUNTERS": ", ".join(counters),
        "RESET_COUNTERS": " ".join(f"{counter} = 0;" for counter in counters),
        "SIDES": "".join(map(_side_signals, driven)),
        "CHECKS": checks,
        "ALL_OUT": " && ".join(all_out),
        "RANGE": f"[{rows_out.bits - 1}:0]",
        "GOT": _packed("m_axis", rows_out),
        "FORMAT": "_".join(["%h"] * len(rows_out.widths)),
        "GOT_FIELDS": ", ".join(f"m_axis_{field}" for field in rows_out.widths),
        "WANT_FIELDS": ", ".join(f"want[{_bits(rows_out, field)}]" for field in rows_out.widths),
        "FIELDS": rows_out.title,
        "FILES": "".join(_READ.format(memory=memory, file=file, beats=beats) for memory, file, beats in files),
        "MOVED": moved,
        "SOURCES": sources,
    }
    text = _BENCH
    for part, replacement in parts.items():
        text = text.replace(f"@{part}@", replacement)
    return text


def _beats(config: NormConfig, lengths: npt.NDArray[np.integer]) -> int:
    return int((-(-lengths // config.lanes)).sum())


def _memory(name: str, layout: BeatLayout, count: str) -> str:
    return f"    reg [{layout.bits - 1}:0] {name} [0:{count} - 1];  // {layout.title}\n"


def _declaration(port: Port) -> str:
    bits = f"[{port.width - 1}:0] " if port.width > 1 else ""
    return f"    reg  {bits}{port.name} = 0;\n" if port.direction == "in" else f"    wire {bits}{port.name};\n"


def _packed(stream: str, layout: BeatLayout) -> str:
    """A beat of a stream as the number that its line in a file is."""
    fields = []
    for field, width in layout.widths.items():
        if padding := 4 * layout.digits[field] - width:
            fields.append(f"{padding}'b0")
        fields.append(f"{stream}_{field}")
    return f"{{{', '.join(fields)}}}"


def _bits(layout: BeatLayout, field: str) -> str:
    start, width = layout.starts[field], layout.widths[field]
    return f"{start + width - 1}:{start}" if width > 1 else f"{start}"


def _source(
    stream: str, layout: BeatLayout, memory: str, counter: str, count: str, allowed: str, is_open: str = "source_open"
) -> str:
    fields = "".join(
        f"                {stream}_{field} <= {memory}[{counter}][{_bits(layout, field)}];\n" for field in layout.widths
    )
    return (
        f"        if (!{stream}_tvalid || {stream}_tready) begin\n"
        f"            {stream}_tvalid <= 0;\n"
        f"            if ({allowed} && {counter} < {count} && {is_open}) begin\n"
        f"                {stream}_tvalid <= 1;\n"
        f"{fields}"
        f"                {counter} <= {counter} + 1;\n"
        "            end\n"
        "        end\n"
    )


def _side_signals(name: str) -> str:
    return _SIDE_OPEN.replace("@NAME@", name)


def _check(name: str, layout: BeatLayout, count: str) -> str:
    """What takes and compares the beats of a stream beside the results."""
    port = f"m_axis_{name}"
    parts = {
        "SIDE": name,
        "RANGE": f"[{layout.bits - 1}:0]",
        "GOT": _packed(port, layout),
        "FORMAT": "_".join(["%h"] * len(layout.widths)),
        "GOT_FIELDS": ", ".join(f"{port}_{field}" for field in layout.widths),
        "WANT_FIELDS": ", ".join(f"{name}_want[{_bits(layout, field)}]" for field in layout.widths),
        "FIELDS": layout.title,
        "COUNT": count,
    }
    text = _SIDE_CHECK
    for part, replacement in parts.items():
        text = text.replace(f"@{part}@", replacement)
    return text


_ROWS_ALLOWED = "aresetn && (sent < FIRST || loads_sent == BEATS_LOADED && !s_axis_param_tvalid)"
_LOADS_ALLOWED = "aresetn && sent == FIRST && !s_axis_tvalid"

_CLOSING = """\
//
// Behind the rows of input.npy, input.hex holds closing rows: more than the unit has room for, the first of them longer
// than max_length, so that it must come out cut, with its error flag set.
"""
_LOAD = """\
// Before the closing rows, parameters.hex is loaded; until then, the unit has gamma and beta of its configuration.
"""
_READ = """\
        find("{file}.hex", {beats});
        if (!ended) $readmemh(path, {memory});
"""

_BENCH = """\
// A bench for @NAME@: sends the beats of vectors/ and checks every bit that comes out.
//
//     $ iverilog -o bench @NAME@_tb.v @NAME@.v
//     $ vvp bench +stalls=30
//     $ verilator --binary --top-module @NAME@_tb @NAME@.vlt @NAME@_tb.v @NAME@.v
//     $ obj_dir/V@NAME@_tb +stalls=30
//
//     +stalls=P     source and sink each stall in P of 100 cycles, at random: 0 (if not given) to 99; from 1 on
//                   the sink also pauses twice, and the source sends on, until nothing moves any more
//     +seed=N       of the stalls, 1 if not given; they are the same in every simulator
//     +vectors=DIR  where the .hex files are, if not in vectors
//
// It prints one line, which begins with PASS: or with FAIL:. After FAIL: the exit code of Icarus Verilog and Verilator
// is not 0. Cycles are counted from the first beat that goes in to the last one that comes out.
@ABOUT@
module @NAME@_tb;
    localparam BEATS_IN = @BEATS_IN@, BEATS_OUT = @BEATS_OUT@@BEATS_LOADED@;  // of the files
    localparam FIRST = @FIRST@;  // beats before the closing rows
    localparam QUIET = @QUIET@;  // cycles in which nothing moves until a pause of the sink ends
    localparam PATIENCE = @PATIENCE@;  // cycles in which nothing moves until the unit counts as hung
    localparam RESET = 2;  // cycles of reset, as few as there may be
    localparam DRAIN = 128;  // cycles for which beats too many are waited for

    // The files: a beat in each line, its fields in whole hexadecimal digits.
@MEMORIES@
@PORTS@
    @NAME@ unit (
@CONNECTIONS@
    );

    integer stalls, seed, file, count, lines;
    integer held, @COUNTERS@, received, rows, cycles, idle, drained;
    reg ended, waiting, paused;
    reg @RANGE@ waited;
    reg [31:0] source_random, sink_random;
    reg [8*32-1:0] text;
    reg [8*1024-1:0] directory, path;
    reg [8*2048-1:0] line;

    // The sink pauses before the first beat and, under stalls, before the closing rows.
    wire pausing = paused && !(m_axis_tvalid && (stalls == 0 || idle >= QUIET));
    wire source_open = paused || source_random % 100 >= stalls;
    wire sink_open = !pausing && sink_random % 100 >= stalls;
@SIDES@    wire moved = @MOVED@;
    wire @RANGE@ got = @GOT@;
    wire @RANGE@ want = expected_beats[received];

    function [31:0] xorshift(input [31:0] state);
        begin
            xorshift = state ^ (state << 13);
            xorshift = xorshift ^ (xorshift >> 17);
            xorshift = xorshift ^ (xorshift << 5);
        end
    endfunction

    task fail;  // after the line that says why
        begin
            ended = 1;
`ifdef __ICARUS__
            $finish_and_return(1);
`elsif VERILATOR
            $fatal;
`else
            $finish;
`endif
        end
    endtask

    function digit(input [7:0] character);
        digit = character >= "0" && character <= "9";
    endfunction

    task find(input [8*16-1:0] name, input integer beats);
        if (!ended) begin
            $sformat(path, "%0s/%0s", directory, name);
            file = $fopen(path, "r");
            if (file == 0) begin
                $display("FAIL: %0s cannot be read", path);
                fail;
            end else begin
                lines = 0;
                count = $fgets(line, file);
                while (count > 0) begin
                    if (line[8*count-1 -: 8] > " " && line[8*count-1 -: 8] != "/") lines = lines + 1;
                    count = $fgets(line, file);
                end
                $fclose(file);
                if (lines != beats) begin
                    $display("FAIL: %0s has %0d beats: must be %0d", path, lines, beats);
                    fail;
                end
            end
        end
    endtask

    always #5 aclk = ~aclk;

    initial begin
        ended = 0; waiting = 0; paused = 1;
        held = 0; @RESET_COUNTERS@ received = 0; rows = 0; cycles = 0; idle = 0; drained = 0;
        text = "0";
        if ($test$plusargs("stalls") && !$value$plusargs("stalls=%s", text)) text = 0;
        stalls = 10 * text[11:8] + {28'b0, text[3:0]};  // of one or two digits
        if (!$value$plusargs("seed=%d", seed)) seed = 1;
        if (!$value$plusargs("vectors=%s", directory)) directory = "vectors";
        if (text >> 16 != 0 || !digit(text[7:0]) || text[15:8] != 0 && !digit(text[15:8])) begin
            $display("FAIL: +stalls=%0s: must be from 0 to 99", text);
            fail;
        end
        if (^seed === 1'bx) begin
            $display("FAIL: +seed: must be an integer");
            fail;
        end
        source_random = (2 * seed + 1) * 32'h9e3779b1;  // odd, so never 0
        sink_random = (2 * seed + 1) * 32'h85ebca6b;
@FILES@    end

    always @(posedge aclk) if (!ended) begin
        source_random <= xorshift(source_random);
        sink_random <= xorshift(sink_random);
        held <= held + 1;
        if (held == RESET - 1) aresetn <= 1;

        // An offered beat stays until it is taken; a new one waits for a cycle without stall.
@SOURCES@        m_axis_tready <= aresetn && sink_open;
        if (aresetn) paused <= pausing
            || stalls != 0 && FIRST < BEATS_OUT && received == FIRST - 1 && m_axis_tvalid && m_axis_tready;

        // What comes out, after the reset.
        if (aresetn) begin
            waiting <= m_axis_tvalid && !m_axis_tready;
            waited <= got;
            idle <= moved ? 0 : idle + 1;
            if (received < BEATS_OUT && (cycles > 0 || s_axis_tvalid && s_axis_tready)) cycles <= cycles + 1;
            if (@ALL_OUT@) drained <= drained + 1;
            if ((m_axis_tvalid ^ s_axis_tready) === 1'bx) begin
                $display("FAIL: m_axis_tvalid or s_axis_tready is unknown before beat %0d", received);
                fail;
            end else if (waiting && (!m_axis_tvalid || got !== waited)) begin
                $display("FAIL: beat %0d of row %0d: m_axis changed while it waited", received, rows);
                fail;
            end else if (m_axis_tvalid && received == BEATS_OUT) begin  // taken or not
                $display("FAIL: more than %0d beats", BEATS_OUT);
                fail;
            end else if (m_axis_tvalid && m_axis_tready) begin
                received <= received + 1;
                if (m_axis_tlast) rows <= rows + 1;
                if (got !== want) begin
                    $display("FAIL: beat %0d of row %0d: got @FORMAT@ want @FORMAT@ (@FIELDS@)",
                        received, rows,
                        @GOT_FIELDS@,
                        @WANT_FIELDS@);
                    fail;
                end
            end else if (idle == PATIENCE && paused) begin
                $display("FAIL: no beat is offered while m_axis_tready is 0, after %0d of %0d", received, BEATS_OUT);
                fail;
            end else if (idle == PATIENCE) begin
                $display("FAIL: the unit hangs after %0d of %0d beats", received, BEATS_OUT);
                fail;
            end else if (drained == DRAIN) begin
                $display("PASS: %0d rows, %0d beats, %0d cycles", rows, received, cycles);
                ended = 1;
                $finish;
            end
        end
    end
@CHECKS@endmodule
"""

_SIDE_OPEN = """\
    wire @NAME@_open = paused || source_random[31:8] % 100 >= stalls;
"""

_SIDE_CHECK = """\

    // The stream m_axis_@SIDE@ beside the results: every beat of @SIDE@.hex, in order, none besides.
    integer @SIDE@_received = 0;
    reg @SIDE@_waiting = 0;
    reg @RANGE@ @SIDE@_waited;
    wire @RANGE@ @SIDE@_got = @GOT@;
    wire @RANGE@ @SIDE@_want = @SIDE@_beats[@SIDE@_received];

    always @(posedge aclk) if (!ended) begin
        m_axis_@SIDE@_tready <= aresetn && sink_random[31:8] % 100 >= stalls;
        if (aresetn) begin
            @SIDE@_waiting <= m_axis_@SIDE@_tvalid && !m_axis_@SIDE@_tready;
            @SIDE@_waited <= @SIDE@_got;
            if (m_axis_@SIDE@_tvalid === 1'bx) begin
                $display("FAIL: m_axis_@SIDE@_tvalid is unknown before beat %0d", @SIDE@_received);
                fail;
            end else if (@SIDE@_waiting && (!m_axis_@SIDE@_tvalid || @SIDE@_got !== @SIDE@_waited)) begin
                $display("FAIL: beat %0d of m_axis_@SIDE@ changed while it waited", @SIDE@_received);
                fail;
            end else if (m_axis_@SIDE@_tvalid && @SIDE@_received == @COUNT@) begin
                $display("FAIL: more than %0d beats on m_axis_@SIDE@", @COUNT@);
                fail;
            end else if (m_axis_@SIDE@_tvalid && m_axis_@SIDE@_tready) begin
                @SIDE@_received <= @SIDE@_received + 1;
                if (@SIDE@_got !== @SIDE@_want) begin
                    $display("FAIL: beat %0d of m_axis_@SIDE@: got @FORMAT@ want @FORMAT@ (@FIELDS@)",
                        @SIDE@_received,
                        @GOT_FIELDS@,
                        @WANT_FIELDS@);
                    fail;
                end
            end
        end
    end
"""
