"""Units that are compiled several as one program, in two thirds of the time; less, if they are not optimized."""

from collections.abc import Iterable
from functools import cache

from ladder.configurations import CORNERS, PAIRS, configuration
from streamnorm.spec.config import NormConfig
from streamnorm_sim.engines.cxxrtl import compile_together

ALONE = frozenset({
    "bert_ecp5_200", "generic_1", "ice40_serial", "one_element", "row_below_a_beat", "row_of_one_beat", "lanes_3",
    "length_16384", "rom_banks", "ram_banks", "min_length", "below_a_block_ram", "bf16_part", "affine", "dyt",
})  # fmt: skip
"""Of `CORNERS` those that tests of their own run, which would have to wait for the others."""

AT_ONCE = 6
"""More gain little, and who wants one of them would wait for all."""


def programs(configs: Iterable[NormConfig]) -> list[tuple[NormConfig, ...]]:
    """Units by programs that they can be compiled as."""
    alike: dict[tuple[object, ...], list[NormConfig]] = {}
    for config in configs:
        alike.setdefault((config.banks > 1, config.rows_name_banks, config.storage), []).append(config)
    return [tuple(some[start : start + AT_ONCE]) for some in alike.values() for start in range(0, len(some), AT_ONCE)]


def compile_with_its_like(config: NormConfig, among: Iterable[NormConfig]) -> None:
    """Compile a unit as one program with some of the others that it can be compiled with."""
    _compile(next(program for program in programs(among) if config in program))


_compile = cache(compile_together)


@cache
def program_numbers() -> dict[str, int]:
    """Of each unit that is compiled with others its program; tests that have one follow each other."""
    found = programs(map(configuration, (name for name in (*PAIRS, *CORNERS) if name not in ALONE)))
    return {config.name: number for number, program in enumerate(found) for config in program}


def compile_with_others(name: str) -> None:
    """Compile the program of a unit that is among `program_numbers`."""
    numbers = program_numbers()
    _compile(tuple(configuration(other) for other in numbers if numbers[other] == numbers[name]))
