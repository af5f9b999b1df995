"""Everything a project needs of a unit, as files: Verilog, manifest, instantiation template, bench, test vectors."""

import hashlib
import json
import os
import re
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from amaranth.hdl import Fragment

from streamnorm import __version__
from streamnorm.errors import ConfigError
from streamnorm.logic.primitives import Emission, wrapper_modules
from streamnorm.plan import Plan
from streamnorm.precision.stored_words import stored_words
from streamnorm.spec.algorithms import OWN_ALGORITHM
from streamnorm.spec.architectures import ARCHITECTURES, ONE_PASS
from streamnorm.spec.config import NormConfig, checked_config
from streamnorm.spec.directory_files import write_files
from streamnorm.spec.formats import NumberFormat
from streamnorm.spec.fusions import DeferredScale, InterpolatedBanks, SideStream, streams_of
from streamnorm.spec.parameter_lane import parameter_lane
from streamnorm.spec.parameters import StoredParameters
from streamnorm.spec.paths import check_directory, given_path
from streamnorm.spec.row_flags import FLAGS, flags_of
from streamnorm.spec.values import instance_of, require_function

from .axi import AxiNorm
from .conversion import converted
from .elaboration import without_garbage_collection
from .lint_waivers import lint_waivers
from .plain_bench import plain_bench
from .ports import ports
from .readable import purposes, readable
from .vector_files import VECTOR_FILES, Vectors, side_files, vector_files

__all__ = ["Vectors", "body_hash", "generate", "instance", "manifest", "netlist_name", "verilog"]

MANIFEST = "manifest.json"

_VECTORS = re.compile(r"vectors/[a-z][a-z0-9_]*\.(npy|hex)")


@without_garbage_collection()
def verilog(config: NormConfig) -> str:
    """Return the Verilog text of the unit: the top module ``config.name`` and all that it needs.

    Multipliers and memories are the target family's cells where ``SYNTHESIS`` is defined, and behavioural
    models of the same latency elsewhere. The text depends on the configuration and on the versions of
    streamnorm and Amaranth only; it holds no path and no date.
    """
    top = AxiNorm(checked_config(config))
    fragment = Fragment.get(top, Emission(config.device.primitives))
    text = converted(fragment, {port.name: getattr(top, port.name) for port in ports(config)}, config.name)
    parts = [_header(config), readable(text, purposes(fragment, config.name)), wrapper_modules(text)]
    return "\n".join(part.rstrip() + "\n" for part in parts if part)


def body_hash(text: str) -> str:
    """Return the sha256 of a unit's Verilog without the comments at its head, which tell digest and version."""
    lines = text.splitlines(keepends=True)
    start = next(index for index, line in enumerate(lines) if not line.startswith("//"))
    return hashlib.sha256("".join(lines[start:]).encode()).hexdigest()


def instance(config: NormConfig) -> str:
    """Return the text of a Verilog module that holds the unit and nothing else, to copy from."""
    listed, streams = ports(config), _streams(config)
    width = max(len(port.name) for port in listed)
    declarations, connections = [], []
    for index, port in enumerate(listed):
        comma = "" if port is listed[-1] else ","
        bits = f"[{port.width - 1}:0] " if port.width > 1 else ""
        kind = "input  wire" if port.direction == "in" else "output wire"
        # One comment above each stream.
        stream = port.name.rpartition("_")[0]
        if stream and stream != listed[index - 1].name.rpartition("_")[0]:
            declarations.append(f"    // {streams[stream]}")
        declarations.append(f"    {kind} {bits}{port.name}{comma}  // {port.meaning}")
        connections.append(f"        .{port.name:<{width}} ({port.name}){comma}")
    lines = [
        _header(config),
        f"module {config.name}_instance (",
        *declarations,
        ");",
        f"    {config.name} unit (",
        *connections,
        "    );",
        "endmodule",
    ]
    return "\n".join(lines) + "\n"


def manifest(config: NormConfig, files: dict[str, bytes]) -> dict[str, Any]:
    """Return what ``manifest.json`` says of a unit and of its files' contents."""
    plan = Plan.of(config)
    meanings = {
        f"{config.name}.v": "the unit: one file, no other is needed",
        f"{config.name}_instance.v": "a module that holds the unit and nothing else: copy from it",
        f"{config.name}.vlt": "which warnings of Verilator need no answer, and why; read before the unit",
        netlist_name(config): "the unit as cells of its target, in place of the Verilog; its head says how",
        _bench_name(config): "a self-checking bench that plays the vectors, in plain Verilog; its head says how",
        **VECTOR_FILES,
        **side_files(config),
    }
    return {
        "name": config.name,
        "about": _about(config, with_vectors=any(name in VECTOR_FILES for name in files)),
        "digest": config.digest(),
        "architecture": config.architecture,
        "tools": {"streamnorm": __version__, "amaranth": version("amaranth")},
        "config": config.to_dict(),
        "ports": [port.to_dict() for port in ports(config)],
        "formats": {
            "input": _format_limits(config.input),
            "output": _format_limits(config.output),
            **{
                side.name: _format_limits(side.number)
                for side in (*config.side_inputs, *config.side_outputs)
                if not side.carrier  # those of gamma and beta follow
            },
            **_parameter_formats(config),
        },
        "latency": plan.latency_formulas(),
        "plan": plan.to_dict(),
        "files": {
            name: {"meaning": meanings[name], "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in files.items()
        },
    }


def generate(
    config: NormConfig,
    directory: str | os.PathLike[str],
    vectors: Vectors | None = None,
    *,
    netlist: Callable[[NormConfig, str], str] | None = None,
) -> list[Path]:
    """Write all files of a unit into ``directory`` (made if it is not there) and return their paths.

    Everything is made first and then moved into place, ``manifest.json`` last. Files of an earlier run are
    overwritten, or removed where this run has none (netlist, vectors and their bench); other files are left alone.

    Parameters
    ----------
    netlist : function
        Makes of configuration and Verilog what is to be ``NAME_netlist.v``, such as
        ``streamnorm_fpga.gate_level.netlist_verilog``. What it raises is passed on, and nothing is written.

    Raises
    ------
    ConfigError
        If an argument is something else than it has to be; or ``directory`` is a file, holds a unit with another name,
        or cannot be written to; or the configuration, gamma or beta were read from a file that would be overwritten or
        removed.
    """
    directory = given_path(directory, "a directory", "directory")
    if vectors is not None:
        instance_of("vectors", vectors, Vectors, "Vectors, as streamnorm_sim.vectors.make_vectors returns them")
    require_function("netlist", netlist, "a configuration and its Verilog")
    earlier = _check_directory(checked_config(config), directory)
    if vectors is not None and vectors.config not in (None, config):
        raise ConfigError(f"vectors: were made for another configuration than {config.name}'s")
    text = verilog(config)
    files = {
        f"{config.name}.v": text.encode(),
        f"{config.name}_instance.v": instance(config).encode(),
        f"{config.name}.vlt": lint_waivers(config.name).encode(),
    }
    if netlist is not None:
        files[netlist_name(config)] = b""  # takes long, and so comes after what can be refused
    if vectors is not None:
        bench = f"{_header(config)}\n//\n{plain_bench(config, vectors)}"
        files |= {_bench_name(config): bench.encode(), **vector_files(config, vectors)}
    optional = {netlist_name(config), _bench_name(config), *VECTOR_FILES, *side_files(config), *earlier}
    config.refuse_overwriting(directory / name for name in (*files, MANIFEST, *optional))
    for path in (directory / name for name in files):  # the manifest has been looked at
        _check_file(path)
        check_directory(path.parent)
    if netlist is not None:
        files[netlist_name(config)] = f"{_header(config)}\n//\n{netlist(config, text)}".encode()
    files[MANIFEST] = (json.dumps(manifest(config, files), indent=2) + "\n").encode()
    return write_files(directory, files, optional - files.keys())


def _streams(config: NormConfig) -> dict[str, str]:
    """What each stream carries, by its ports' prefix."""
    return {
        "s_axis": "rows in",
        "m_axis": "rows out",
        "s_axis_param": "gamma and beta, loaded at run time",
        **{f"s_axis_{name}": _carried(sides) for name, sides in streams_of(config.side_inputs).items()},
        **{f"m_axis_{name}": _carried(sides) for name, sides in streams_of(config.side_outputs).items()},
    }


def _carried(sides: Sequence[SideStream]) -> str:
    """What a stream beside carries."""
    if len(sides) == 1:
        return sides[0].meaning
    return "; ".join(f"{side.name}: {side.meaning}" for side in sides)


def _parameter_formats(config: NormConfig) -> dict[str, Any]:
    """Of gamma and beta, if there are any; a dyadic multiplier with its shift, what is added to it, and codes have no
    binary point."""
    if config.computed.is_dyadic:
        return {name: {"bits": words.bits, "signed": True} for name, words in stored_words(config).items()}
    if config.output.is_float:
        code = {"bits": config.parameter_format.bits, "signed": False, "format": config.parameter_format.name}
        return {"gamma": code, "beta": code}
    if config.defer:
        return {}
    formats = {}
    for part in parameter_lane(config):
        stored = StoredParameters.of(part.config)
        frac_bits = {"gamma": stored.gamma_frac_bits, "beta": stored.beta_frac_bits}[part.key]
        formats[part.name] = {"bits": part.bits, "signed": True, "frac_bits": frac_bits}
    return formats


def _header(config: NormConfig) -> str:
    header = (
        f"// {config.name}: {config.formula.title} of rows of up to {config.max_length} elements, "
        f"{config.lanes} a cycle, {config.input.name} to {config.output.name}.\n"
        f"// Made by streamnorm {__version__} for {config.target} at {config.clock_mhz:g} MHz.\n"
        f"// Configuration: sha256 {config.digest()}"
    )
    for result in config.results:
        header += f"\n// {result.name}: the same values with another gamma and beta, as {result.number.name}"
    if config.residual is not None:
        times = "" if config.residual.alpha == 1.0 else f"{config.residual.alpha:g} times "
        header += f"\n// Residual: {times}the rows plus those of s_axis_residual are normalized"
    if config.accuracy == "as-is" and (plan := Plan.of(config)).promise == "as-is":
        unit = "ulp" if config.output.is_float else "output steps"
        header += f"\n// Accuracy as it is: results are off by up to {plan.error_bound:.4g} {unit}"
    if (bound := Plan.of(config).scale_error_bound if config.defer else None) is not None:
        rows = "go through as they are" if config.centred_rows is None else "leave less their mean"
        header += f"\n// Scale of a row: m_axis_scale, off by up to {bound:.4g} of itself; rows {rows}"
    if config.algorithm != OWN_ALGORITHM:
        header += f"\n// Algorithm: {config.algorithm}, bit by bit; results are not within the error bound"
    if config.architecture == ONE_PASS or not ARCHITECTURES[config.architecture].has_statistic:
        return header
    header += f"\n// Architecture: {config.architecture}"
    if Plan.of(config).report.architecture == ONE_PASS:
        return f"{header}, which is one-pass where there is no mean"
    return header if ARCHITECTURES[config.architecture].exact else f"{header}; results are not within the error bound"


def _about(config: NormConfig, *, with_vectors: bool) -> list[str]:
    text = [
        "A streaming normalization unit, AXI4-Stream in and out. A stream moves a beat at each rising edge "
        "of aclk at which tvalid and tready are both 1.",
        "Elements sit in whole bytes, sign-extended if signed, lane 0 in the low ones. Element k of a row is "
        "in lane k % lanes of beat k // lanes. tkeep has a bit for each byte.",
        *_numbers(config),
        f"A row longer than max_length is cut: the excess is swallowed, m_axis_tuser{_error_bit(config)} is 1 with its "
        "last beat.",
        "latency: cycles for a row of n elements, with tvalid and tready held at 1. L1: first beat in to "
        "first beat out; L2: last in to first out; L3: first in to last out; SS: from row to row.",
    ]
    if config.banks > 1 and config.bank_order == "cyclic":
        text.append(
            "Rows take the banks of gamma and beta in turn, the first row after reset bank 0; a cut row counts."
        )
    if config.banks_are_interpolated:
        text.append(
            "s_axis_blend brings a number t with each row, a beat with tlast 1: an unsigned integer, in steps of "
            f"2**-{InterpolatedBanks.frac_bits}. The row's gamma is t gamma_1 + (1 - t) gamma_0 of the two banks, and "
            "so is beta. A t above 1 is taken as 1, and its row has its error flag set. A row waits for its t."
        )
    text += _residual(config)
    for result in config.results:
        text.append(
            f"m_axis_{result.name} gives a further result of each row: the normalized values of m_axis with another "
            f"gamma and beta, in the format {result.name!r} of formats. Where one of these streams is not taken, the "
            "others go on until its queue is full."
        )
    if config.input_scale is not None:
        code = config.input_scale.about
        text.append(
            f"s_axis_input_scale brings {code} with each row, its scale: a beat with tlast 1. A row begins when its "
            "scale is there."
            + (
                " Where that is 0, negative, infinite or no number, every result of the row is beta, and "
                "m_axis_tuser is 1 with its last beat."
                if config.input_scale.fraction_bits
                else ""
            )
        )
    if config.row_scale is not None:
        text.append(
            "A result is q * scale, with the scale of its row: m_axis_scale gives one of each row, a beat with tlast 1."
        )
    text += _deferred(config)
    if not config.parameters_are_known:
        gamma, beta, *further = parameter_lane(config)
        code, stored = _stored(config)
        above = ", then ".join(f"{part.name} in {part.bytes}" for part in further)
        held = f"above that, {above}; all are" if further else "both are"
        text.append(
            f"s_axis_param: each lane holds a stored gamma in {gamma.bytes} byte(s) and, above it, a stored "
            f"beta in {beta.bytes}; {held} {code}. {_loaded(config)}. {stored}"
            + (" Those of a further result are in steps of its own format." if further else "")
        )
    if with_vectors:
        text.append(
            "vectors: send the lines of input.hex to s_axis, and m_axis gives those of "
            f"expected.hex;{_beside(config)} where a comment says so, load parameters.hex before going on. "
            f"{_bench_name(config)} does all this. A line is one number for $readmemh; underscores "
            "part its fields, each in whole hexadecimal digits: tuser, tlast, tkeep, tdata, without those that the "
            "stream does not have."
        )
    return text


def _beside(config: NormConfig) -> str:
    """Which files have the beats of streams beside."""
    return "".join(
        f" {port}_{stream} {verb} those of {stream}.hex;"
        for port, verb, sides in (("s_axis", "takes", config.side_inputs), ("m_axis", "gives", config.side_outputs))
        for stream in streams_of(sides)
    )


def _residual(config: NormConfig) -> list[str]:
    """What the streams of a residual carry."""
    if config.residual is None:
        return []
    text = [
        "s_axis_residual brings a row f with each row x of s_axis, of as many elements. What is normalized is alpha x "
        f"+ f{config.residual.sums(config.input).in_full}. Where the two rows differ in length or tkeep, the row ends "
        "with the shorter one and has its error flag set; what the longer has more is swallowed."
    ]
    if config.residual.emit_sum:
        rounded = "" if config.residual.sum_grid(config.input) is None else ", rounded to its own format"
        text.append(f"m_axis_sum gives these rows{rounded}; a row cut there is cut here, and flagged.")
    return text


def _deferred(config: NormConfig) -> list[str]:
    """What the stream of scales carries that leave beside the rows."""
    if not config.defer:
        return []
    number, plan = DeferredScale.number(config), Plan.of(config)
    bits = number.mantissa_bits
    leave, zeros = "as they came", "zeros"
    if config.centred_rows is not None:
        leave = f"less the mean of their row, off by at most {plan.error_bound:.4g} steps, saturated"
        zeros = "equal elements"
    return [
        f"Elements leave {leave}. A normalized one is s * (q - zero_point), with the scale s of its row: "
        f"m_axis_scale gives one of each row, a beat with tlast 1. s = mantissa * 2**exponent: tdata[{bits - 1}:0] is "
        f"the mantissa, unsigned, its highest bit 1; tdata[{number.bits - 1}:{bits}] the exponent, two's complement. s "
        f"is off by at most {plan.scale_error_bound:.4g} of itself, whatever the row; that of a row of {zeros} is some "
        f"number. It follows the last beat of its row by {plan.scale_latency} cycles, with tready held at 1. Where "
        "nobody takes the scales, rows wait in front of the unit."
    ]


def _numbers(config: NormConfig) -> list[str]:
    """What elements stand for, and what is said of rows with floating-point numbers."""
    text = []
    if not (config.input.is_float and config.output.is_float):
        text.append("A quantized integer q stands for scale * (q - zero_point).")
    if names := flags_of(config):
        flags = "; ".join(f"bit {bit}, {name}: {FLAGS[name]}" for bit, name in enumerate(names, 1))
        text.append(
            "A floating-point number is its code: sign, exponent, fraction, from the highest bit down; bytes are 0 "
            f"above it. In a row's last beat m_axis_tuser has flags of the row above the error: {flags}."
        )
    return text


def _error_bit(config: NormConfig) -> str:
    return "[0]" if flags_of(config) else ""


def _stored(config: NormConfig) -> tuple[str, str]:
    """As what gamma and beta are loaded, and what stands for a real number."""
    if config.output.is_float:
        name = config.parameter_format.name
        return f"{name} codes", "Stored are the nearest numbers to gamma + gamma_offset, and to beta, ties to even."
    divided = _in_steps(config) + (" / output scale" if config.output_grid is None else "")
    return (
        "two's complement",
        f"Stored is round((gamma + gamma_offset){divided} * 2**frac_bits), and "
        "round((beta / output scale + output zero point) * 2**frac_bits), ties to even, frac_bits from formats.",
    )


def _loaded(config: NormConfig) -> str:
    if config.parameters_are_streamed:
        return (
            "Each row comes with a row of them of as many elements; where it has another length or tkeep, the row has "
            "its error flag set, and the next row begins with its own"
        )
    return f"{_elements_of_a_beat(config)}; tlast ends a load"


def _elements_of_a_beat(config: NormConfig) -> str:
    if config.parameter_repeat == 1:
        return "Beat k loads elements k * lanes and following"
    if config.bank_values == 1:
        return "There is one lane, and one beat is for all elements"
    repeat = config.parameter_repeat
    return f"There is one lane, and beat k is for the {repeat} elements from k * {repeat} on"


def _in_steps(config: NormConfig) -> str:
    return " * input scale" if config.formula.counts_steps else ""


def _format_limits(number_format: NumberFormat) -> dict[str, Any]:
    limits = {"min": number_format.min, "max": number_format.max, "bytes": number_format.bytes}
    return {**number_format.to_dict(), **limits}


def _check_directory(config: NormConfig, directory: Path) -> set[str]:
    """The files with test vectors of the unit that is there already, under whatever names its results had."""
    check_directory(directory)
    _check_file(directory / MANIFEST)
    try:
        manifest = json.loads((directory / MANIFEST).read_bytes())
        earlier, files = manifest["name"], set(map(str, manifest["files"]))
    except (OSError, ValueError, KeyError, TypeError):
        return set()  # no unit there, or what is left of one
    if earlier != config.name:
        raise ConfigError(f"{directory}: holds the unit {earlier!r}; choose another directory for {config.name!r}")
    return {name for name in files if _VECTORS.fullmatch(name)}


def _check_file(path: Path) -> None:
    if os.path.exists(path) and not os.path.isfile(path):  # a pipe would be waited for
        kind = "a directory" if path.is_dir() else "no regular file"
        raise ConfigError(f"{path}: is {kind}; a file of that name would be written")


def _bench_name(config: NormConfig) -> str:
    return f"{config.name}_tb.v"


def netlist_name(config: NormConfig) -> str:
    """Return the name of the file that holds the synthesized unit."""
    return f"{config.name}_netlist.v"
