"""Which Verilog must stay as it is, byte for byte, and its hashes.

``python tests/ladder/verilog_hashes.py`` writes ``verilog_hashes.json`` anew: only where bytes are meant to change.
"""

import json
from pathlib import Path

from ladder.configurations import configuration
from streamnorm.spec.config import NormConfig
from streamnorm.verilog.emit import body_hash, verilog

HASHES = Path(__file__).with_name("verilog_hashes.json")
_EXAMPLES = Path(__file__).parents[2] / "examples"

NAMES = (
    "example:bert_int16",
    "example:bert_int8",
    "example:bert_int8_50mhz",
    "example:crmsnorm_int8",
    "example:gemma_rms_int16",
    "example:hx8k_layernorm",
    "example:icebreaker_rms",
    "example:llama_rms_int16",
    "example:minilm_int16_int8",
    "example:prmsnorm_int8",
    "example:qwen3_qk_norm",
    "example:scalenorm_int8",
    "example:short_rows",
    "example:ulx3s_bert_base",
    "generic_1000",
    "ice40_serial_int16",
    "ice40_lp8k",
    "one_element",
    "row_below_a_beat",
    "lanes_7",
    "min_length",
    "int4_int24",
    "uint20_int10",
    "epsilon_leads",
    "constants",
    "few_parameter_bits",
    "rom_banks",
    "ram_banks",
    "tight_int16",
    "l2_floor",
    "crms_ecp5_200",
    "frozen",
    "adanorm",
    "epsilon_root",
    "l1_ecp5_200",
    "l1_ram_banks",
    "rounded_first",
    "part_ecp5_200",
    "groups_56",
    "groups_49",
    "instances_ram",
    "affine",
    "affine_ice40",
    "dyt",
    "root_linear",
    "root_quadratic",
    "root_table_newton",
    "root_goldschmidt",
    "root_fast_inverse",
    "root_vfrsqrt7_as_is",
    "root_iterl2norm_as_is",
    "root_non_restoring",
    "root_binary_search",
    "root_cordic",
    "bert_ecp5_200 two-pass",
    "ram_banks two-pass",
    "lanes_7 two-pass",
    "lanes_5 three-scan",
    "ice40_up5k three-scan",
    "rms_ecp5_300 five-scan",
    "ram five-scan",
    "bert_ecp5_100 three-scan:welford",
    "rom_banks_beta five-scan:welford",
)
"""Norms, roots, targets, clocks, formats, storage, sharing, odd lanes, architectures; examples, or of the matrix."""


def unit(name: str) -> NormConfig:
    """The configuration that one of `NAMES` stands for."""
    where, _, architecture = name.partition(" ")
    kind, colon, example = where.partition(":")
    config = NormConfig.from_toml(_EXAMPLES / f"{example}.toml") if colon else configuration(kind)
    return config.replace(architecture=architecture) if architecture else config


def verilog_hash(name: str) -> str:
    """The sha256 of the Verilog of one of `NAMES`, without the comments at its head: they tell digest and version."""
    return body_hash(verilog(unit(name)))


if __name__ == "__main__":
    HASHES.write_text(json.dumps({name: verilog_hash(name) for name in NAMES}, indent=2) + "\n")
