"""The command line: ``streamnorm plan | generate | simulate | fit | build FILE``, and what is for boards.

Each command is a module with ``add_parser(commands)``, which declares its options, and ``run(args) -> int``,
which does the work and returns the exit code. Simulator and place-and-route packages are imported inside
``run`` only: the other commands work, and work fast, without them.

Exit codes: 0 done; 1 a tool failed, or a bug in streamnorm; 2 usage or configuration; 3 a tool is missing; 4 a check
failed; 130 interrupted; 141 the reader of the output went away. An error is a line on stderr; with ``--json`` it is an
object ``{"error": {"message": …, "exit_code": …}}`` on stdout besides, unless a report that tells of it stands there.
"""

import argparse
import difflib
import errno
import os
import re
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NoReturn

from streamnorm import __version__
from streamnorm.errors import ConfigError, StreamnormError
from streamnorm.spec.values import nearest, shortened

from .commands import (
    boards,
    build,
    cache,
    cycles,
    doctor,
    fit,
    flash,
    fold,
    generate,
    host,
    init,
    norms,
    plan,
    rsqrt,
    simulate,
    workload,
)
from .interrupts import interrupts_are_kept
from .options import Reported, formatter, print_json
from .terminal import ignore_odd_sizes, prepare_streams

COMMANDS = {
    "init": init,
    "plan": plan,
    "generate": generate,
    "simulate": simulate,
    "fit": fit,
    "cycles": cycles,
    "norms": norms,
    "rsqrt": rsqrt,
    "boards": boards,
    "build": build,
    "flash": flash,
    "host": host,
    "fold": fold,
    "workload": workload,
    "doctor": doctor,
    "cache": cache,
}

_EPILOG = """\
examples:
  streamnorm init                                    write a folder to begin with
  streamnorm plan examples/bert_int8.toml            what would be built, and what it costs
  streamnorm simulate examples/bert_int8.toml        run random rows through the hardware, check every value
  streamnorm generate examples/bert_int8.toml -o rtl write the Verilog, its manifest and test vectors
  streamnorm cycles examples/bert_int8.toml --lanes 1,2,4,8,16   cycle counts side by side
  streamnorm norms                                   the norms: formula, keys, and what a unit of each costs
  streamnorm rsqrt compare examples/bert_int8.toml   the unit with each way to 1/sqrt: error, cycles, cost
  streamnorm fit examples/bert_int8.toml             place and route the unit alone: area and clock rate
  streamnorm workload llama-3.1-8b --tokens 2048     the norms of a whole model: cycles, and units that keep up
  streamnorm boards                                  the boards a unit can be put on
  streamnorm build examples/icebreaker_rms.toml --board icebreaker -o out
  streamnorm flash out/icebreaker_rms.bin --board icebreaker
  streamnorm host --virtual examples/icebreaker_rms.toml   rows through the board's design, simulated or real
  streamnorm fold batchnorm mean.npy var.npy gamma.npy beta.npy 1e-5   BatchNorm as gamma and beta of a unit
  streamnorm doctor                                  which tools are there, and what to install

exit codes: 0 done, 1 a tool failed, or a bug in streamnorm, 2 usage or configuration, 3 missing tool,
  4 a check failed, 130 interrupted, 141 the reader of the output went away
"""

EXIT_BUG, EXIT_USAGE, EXIT_INTERRUPTED, EXIT_PIPE = 1, 2, 130, 141


class _Parser(argparse.ArgumentParser):
    """Raises what is wrong with the arguments, where argparse would print twenty lines of usage first.

    Options are not abbreviated: a later one might begin alike, and ``--json`` has to be seen before all is parsed.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options, allow_abbrev=False)

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print help or version; argparse would keep to itself that nobody reads it, or that the disk is full."""
        (file or sys.stdout).write(message)

    def error(self, message: str) -> NoReturn:
        # What argparse says of `--stalls=1`, in the words of a user.
        message = re.sub(r"ignored explicit argument .*", "takes no value", message, flags=re.DOTALL)
        message = re.sub(r"\S{100,}", lambda word: shortened(word[0]), message)
        raise ConfigError(f"{shortened(message, 400)}; {self.prog} --help tells more")

    def parse_known_args(  # pyright: ignore[reportIncompatibleMethodOverride] - it is overloaded
        self, args: Any = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """Refuse what is not known here, where the command is known that it was said to."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            options = dict.fromkeys(re.findall(r"--[a-z][a-z-]+", self.format_help()))
            self.error(f"unrecognized arguments: {shortened(' '.join(unknown), 300)}{nearest(unknown[0], options)}")
        return found, unknown


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line; ConfigError is what it raises where arguments are wrong."""
    top = _Parser(
        prog="streamnorm",
        description="Plan, generate, simulate and fit streaming LayerNorm and RMSNorm units,\nand put them on boards.",
        epilog=_EPILOG,
        formatter_class=formatter,
    )
    top.add_argument("--version", action="version", version=f"streamnorm {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True, title="commands")
    for command in COMMANDS.values():
        command.add_parser(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments without the program's name; those of the process by default.

    Returns
    -------
    int
        The exit code; nothing is raised, and no :exc:`SystemExit` either.
    """
    prepare_streams()
    ignore_odd_sizes()
    code = EXIT_USAGE
    try:
        code = _run(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()  # here, where a closed pipe is still caught
    except BrokenPipeError:  # `streamnorm plan FILE | head`
        _drop_output()
        return EXIT_PIPE
    except OSError:  # a full disk, of which the code tells
        _drop_output()
    return code


def _drop_output() -> None:
    """Let what is left of the output go nowhere: keep the interpreter from complaining when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(arguments: list[str]) -> int:
    """Run one command and return its exit code; only that the reader of the output went away is raised."""
    as_json = "--json" in arguments
    verbose = not {"-v", "--verbose"}.isdisjoint(arguments)
    try:
        with interrupts_are_kept():
            code = _command(arguments)
            sys.stdout.flush()  # a full disk is told like any other failure
        return code
    except Reported as error:
        return _fail(str(error), error.exit_code, as_json=False)
    except StreamnormError as error:
        return _fail(str(error), error.exit_code, as_json)
    except KeyboardInterrupt:
        return _fail("interrupted", EXIT_INTERRUPTED, as_json)
    except BrokenPipeError:
        raise
    except OSError as error:
        return _fail(_of_system(error), EXIT_USAGE, as_json)
    except Exception as error:
        if verbose:
            traceback.print_exc()
        hint = "" if verbose else "; run again with -v for the traceback"
        what = f"{type(error).__name__}: {_first_line(error)}"
        return _fail(f"this is a bug in streamnorm: {what}{hint}", EXIT_BUG, as_json)


def _command(arguments: list[str]) -> int:
    """Run the command that the arguments name."""
    top = parser()
    _refuse_unknown_command(top, arguments)
    try:
        args = top.parse_args(arguments)
    except SystemExit:  # argparse has printed the help or the version
        return 0
    return COMMANDS[args.command].run(args)


def _refuse_unknown_command(top: argparse.ArgumentParser, arguments: list[str]) -> None:
    """End with a message that names the nearest command, where argparse would only list them."""
    # No option before the command takes a value, so the first word without a dash is the command.
    word = next((argument for argument in arguments if not argument.startswith("-")), None)
    if word is None:
        return
    before = arguments[: arguments.index(word)]
    if before and not {"-h", "--help", "--version"} & set(before):
        top.error(f"{before[0]}: options go behind the command, as in streamnorm {word} … {before[0]}")
    if word in COMMANDS:
        return
    nearest = difflib.get_close_matches(word, COMMANDS, n=1)
    hint = f"did you mean {nearest[0]}?" if nearest else f"commands are {', '.join(COMMANDS)}"
    top.error(f"unknown command {word!r}: {hint}")


def _of_system(error: OSError) -> str:
    """Return the message for an error of the system that no command expects."""
    if isinstance(error, FileNotFoundError) and not _has_current_directory():
        return "the current directory is not there any more; go to another one"
    where = f"{shortened(str(error.filename), 300)}: " if error.filename else _full_output(error)
    return f"{where}{error.strerror or error}"


def _has_current_directory() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    return True


def _full_output(error: OSError) -> str:
    """Return what an error that names no file is about: standard output, if that takes not even the end of a line."""
    try:
        if error.errno == errno.ENOSPC:
            print(flush=True)
    except OSError:
        return "standard output: "
    return ""


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]


def _fail(message: str, code: int, as_json: bool) -> int:
    try:
        print(f"streamnorm: error: {message}", file=sys.stderr, flush=True)
    except OSError:  # nobody can be told, but the exit code still tells what kind of error it was
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - open to the end
    if as_json:
        with suppress(OSError):  # that stdout takes nothing is what the message may be about
            print_json({"error": {"message": message, "exit_code": code}})
            sys.stdout.flush()
    return code
