"""The configurations that the hardware is compared on: any two values of any two keys, and every key at its corners."""

import zlib
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest

from ladder.pairwise import ANY, keys, pairs
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.norms import NORMS


def signed(bits: int, scale: float = 0.05, zero_point: int = 0) -> IntFormat:
    return IntFormat(bits, scale=scale, zero_point=zero_point)


def unsigned(bits: int, scale: float = 0.05, zero_point: int = 0) -> IntFormat:
    return IntFormat(bits, signed=False, scale=scale, zero_point=zero_point)


BERT = {"gamma": ANY, "beta": ANY, "lanes": 8, "max_length": 100}
ECP5 = "ecp5-85k-6"

MATRIX: dict[str, dict[str, Any]] = {
    # Clocks and targets: the same numbers, other pipelines.
    "bert_generic": BERT,
    "bert_ecp5_50": {**BERT, "target": ECP5, "clock_mhz": 50},
    "bert_ecp5_100": {**BERT, "target": ECP5, "clock_mhz": 100, "output": unsigned(8, 0.04, 128)},
    "bert_ecp5_200": {**BERT, "target": ECP5, "clock_mhz": 200},
    "bert_ecp5_300": {**BERT, "target": "ecp5-85k-8", "clock_mhz": 300, "max_length": 64},
    "rms_ecp5_300": {"norm": "rmsnorm", "target": "ecp5-25k-7", "clock_mhz": 300, "lanes": 3, "gamma": ANY},
    "generic_1000": {"clock_mhz": 1000, "lanes": 2, "gamma": ANY, "beta": ANY},
    "generic_1": {"clock_mhz": 1, "lanes": 3, "gamma": ANY, "beta": ANY},
    "ice40_hx8k": {"target": "ice40-hx8k", "clock_mhz": 48, "lanes": 1, "max_length": 64, "min_length": 16,
                   "gamma": ANY, "beta": ANY, "gamma_bits": 12, "beta_bits": 14},
    "ice40_serial": {"target": "ice40-hx8k", "clock_mhz": 100, "lanes": 1, "max_length": 96, "min_length": 48,
                     "gamma": ANY, "beta": ANY, "gamma_bits": 12, "beta_bits": 14},
    "ice40_serial_int16": {"target": "ice40-hx8k", "clock_mhz": 60, "lanes": 2, "max_length": 99, "min_length": 64,
                           "input": signed(16, 0.001), "output": signed(16, 0.001), "gamma": ANY, "beta": ANY},
    "ice40_serial_tiles": {"norm": "rmsnorm", "target": "ice40-up5k", "clock_mhz": 30, "lanes": 1, "max_length": 64,
                           "min_length": 64, "gamma": ANY},
    "ice40_up5k": {"target": "ice40-up5k", "clock_mhz": 20, "lanes": 2, "max_length": 70, "gamma": ANY},
    "ice40_lp8k": {"norm": "rmsnorm", "target": "ice40-lp8k", "clock_mhz": 30, "lanes": 1, "max_length": 48,
                   "input": signed(6), "output": signed(6)},
    # Lanes and lengths.
    "one_element": {"lanes": 1, "max_length": 1, "beta": 0.7},
    "two_elements": {"lanes": 1, "max_length": 2, "epsilon": 0.0, "gamma": ANY, "beta": ANY},
    "row_below_a_beat": {"lanes": 5, "max_length": 3, "gamma": ANY, "beta": ANY, "target": ECP5},
    "row_of_one_beat": {"norm": "rmsnorm", "lanes": 4, "max_length": 4, "gamma": ANY, "beta": ANY},
    "lanes_3": {"lanes": 3, "max_length": 50, "input": signed(6), "output": signed(10, 0.01), "gamma": ANY},
    "lanes_5": {"lanes": 5, "max_length": 123, "input": signed(12, 0.001), "gamma": ANY, "beta": ANY},
    "lanes_7": {"norm": "rmsnorm", "lanes": 7, "max_length": 99, "target": ECP5, "clock_mhz": 150, "gamma": ANY},
    "lanes_16": {"lanes": 16, "max_length": 64, "input": unsigned(8, 0.04, 128), "gamma": ANY},
    "lanes_64": {"norm": "rmsnorm", "lanes": 64, "max_length": 150, "input": signed(4, 0.5), "output": signed(4, 0.5)},
    "length_16384": {"lanes": 4, "max_length": 16384, "target": ECP5, "gamma": 1.5, "beta": -0.3},
    "length_16383": {"norm": "rmsnorm", "lanes": 3, "max_length": 16383, "input": signed(16, 0.001),
                     "output": signed(16, 0.004), "gamma": -0.5},
    "length_1000": {"lanes": 8, "max_length": 1000, "min_length": 500, "gamma": ANY, "beta": ANY,
                    "target": ECP5, "clock_mhz": 200},
    "below_a_block_ram": {"lanes": 8, "max_length": 4000, "target": ECP5},
    "min_length": {"lanes": 4, "max_length": 90, "min_length": 33, "target": ECP5, "gamma": ANY, "beta": ANY},
    # The family of norms.
    "l2_floor": {"norm": "l2norm", "epsilon_placement": "floor", "epsilon": 0.5, "lanes": 4, "max_length": 60,
                 "output": signed(8, 0.01), "gamma": ANY, "target": ECP5, "clock_mhz": 150},
    "crms_ecp5_200": {"norm": "crmsnorm", "lanes": 3, "max_length": 63, "gamma": ANY, "target": ECP5,
                      "clock_mhz": 200},
    "frozen": {"norm": "frozen", "deviation": 1.5, "lanes": 4, "max_length": 70, "gamma": ANY, "beta": ANY},
    "adanorm": {"norm": "adanorm", "lanes": 2, "max_length": 50, "gamma": 1.2, "target": ECP5, "clock_mhz": 150},
    "epsilon_root": {"epsilon_placement": "root", "epsilon": 0.1, "lanes": 3, "max_length": 60, "gamma": ANY},
    "l1_ecp5_200": {"norm": "l1norm", "epsilon": 0.1, "lanes": 3, "max_length": 60, "gamma": ANY, "beta": ANY,
                    "target": ECP5, "clock_mhz": 200},
    "l1_ram_banks": {"norm": "l1norm", "epsilon": 0.0, "lanes": 4, "max_length": 50, "storage": "ram", "banks": 2,
                     "input": signed(12, 2e-3)},
    # Rounded before gamma.
    "rounded_first": {"gamma_rounding": "output", "lanes": 3, "max_length": 50, "target": ECP5, "clock_mhz": 150,
                      "gamma": ANY, "beta": ANY},
    "rounded_first_uint8": {"norm": "rmsnorm", "gamma_rounding": "output", "lanes": 2, "max_length": 40,
                            "output": unsigned(8, 0.03, 100), "storage": "ram", "banks": 2},
    # A statistic of a part of the row, which leaves before its end.
    "part_ecp5_200": {"norm": "rmsnorm", "lanes": 8, "max_length": 100, "statistic_length": 26, "target": ECP5,
                      "clock_mhz": 200, "gamma": ANY, "beta": ANY},
    "part_of_one_element": {"norm": "rmsnorm", "lanes": 3, "max_length": 50, "statistic_length": 1, "clock_mhz": 1,
                            "gamma": ANY},
    "part_but_one_beat": {"norm": "rmsnorm", "lanes": 1, "max_length": 17, "statistic_length": 16, "clock_mhz": 1,
                          "beta": ANY},
    "part_min_length": {"norm": "rmsnorm", "lanes": 4, "max_length": 90, "min_length": 33, "statistic_length": 8,
                        "target": ECP5, "clock_mhz": 150, "gamma": ANY, "beta": ANY},
    "part_ram_banks": {"norm": "rmsnorm", "lanes": 2, "max_length": 31, "statistic_length": 7, "storage": "ram",
                       "banks": 3, "gamma": ANY, "beta": ANY, "target": ECP5, "clock_mhz": 200},
    "part_ram_slow": {"norm": "rmsnorm", "lanes": 2, "max_length": 31, "statistic_length": 2, "storage": "ram",
                      "clock_mhz": 1, "gamma": ANY, "beta": ANY},
    "part_below_a_block_ram": {"norm": "rmsnorm", "lanes": 8, "max_length": 4000, "statistic_length": 20,
                               "target": ECP5, "clock_mhz": 200},
    # Formats.
    "int4": {"lanes": 2, "max_length": 33, "input": signed(4, 0.4), "output": signed(4, 0.4), "gamma": ANY},
    "uint4": {"lanes": 3, "max_length": 40, "input": unsigned(4, 0.4, 7), "output": unsigned(4, 0.4, 8),
              "beta": ANY},
    "int4_int24": {"lanes": 2, "max_length": 40, "input": signed(4, 0.4), "output": signed(24, 2e-6),
                   "gamma": ANY, "beta": ANY},
    "int24": {"lanes": 1, "max_length": 45, "input": signed(24, 1e-6), "output": signed(24, 2e-6), "gamma": ANY,
              "beta": ANY},
    "int24_int8": {"norm": "rmsnorm", "lanes": 2, "max_length": 300, "input": signed(24, 1e-6, -4_000_000),
                   "gamma": ANY},
    "int16_ecp5_100": {"lanes": 4, "max_length": 96, "target": ECP5, "input": signed(16, 4e-4),
                       "output": signed(16, 1e-3), "gamma": ANY, "beta": ANY},
    "int16_int8": {"lanes": 4, "max_length": 97, "target": ECP5, "clock_mhz": 180, "input": signed(16, 4e-4),
                   "output": signed(8, 0.23), "gamma": ANY, "beta": ANY},
    "uint16_uint12": {"norm": "rmsnorm", "lanes": 3, "max_length": 77, "input": unsigned(16, 1e-3, 1000),
                      "output": unsigned(12, 2e-3, 777), "gamma": ANY, "beta": ANY},
    "uint20_int10": {"lanes": 2, "max_length": 64, "input": unsigned(20, 1e-4, 5), "output": signed(10, 0.02, -511),
                     "gamma": ANY},
    # Epsilon, scales.
    "epsilon_0": {"lanes": 3, "max_length": 60, "epsilon": 0.0, "gamma": ANY},
    "epsilon_0_rms": {"norm": "rmsnorm", "lanes": 2, "max_length": 60, "epsilon": 0.0, "input": signed(8, 0.1, 3),
                      "beta": ANY},
    "epsilon_tiny": {"lanes": 2, "max_length": 60, "epsilon": 1e-30, "input": signed(16, 1e-3), "gamma": ANY},
    "epsilon_large": {"lanes": 2, "max_length": 60, "epsilon": 1e6, "gamma": ANY, "output": signed(8, 1e-5)},
    "epsilon_leads": {"norm": "rmsnorm", "lanes": 4, "max_length": 64, "epsilon": 1e-2, "input": signed(8, 1e-3),
                      "gamma": ANY},
    "saturating": {"lanes": 3, "max_length": 64, "output": signed(8, 1e-3), "gamma": ANY, "beta": ANY},
    # Gamma, beta.
    "constants": {"lanes": 4, "max_length": 64, "gamma": -1.25, "beta": 2.3, "target": ECP5},
    "beta_only": {"lanes": 3, "max_length": 61, "beta": ANY, "target": ECP5, "clock_mhz": 120},
    "gemma": {"norm": "rmsnorm", "lanes": 4, "max_length": 60, "gamma": ANY, "gamma_offset": 1.0,
              "output": signed(12, 4e-3)},
    "few_parameter_bits": {"lanes": 2, "max_length": 48, "gamma": ANY, "beta": ANY, "gamma_bits": 4, "beta_bits": 8},
    "many_parameter_bits": {"lanes": 2, "max_length": 48, "input": signed(12), "output": signed(12, 2e-3),
                            "gamma": ANY, "beta": ANY, "gamma_bits": 32, "beta_bits": 36},
    "rom_banks": {"lanes": 4, "max_length": 50, "banks": 4, "gamma": ANY, "beta": ANY, "target": ECP5,
                  "clock_mhz": 200},
    "rom_banks_beta": {"lanes": 3, "max_length": 31, "banks": 16, "beta": ANY},
    "ram": {"lanes": 3, "max_length": 40, "storage": "ram", "gamma": ANY, "beta": ANY},
    "ram_banks": {"lanes": 2, "max_length": 31, "storage": "ram", "banks": 3, "gamma": ANY, "beta": ANY,
                  "target": ECP5, "clock_mhz": 200},
    # Channels of several elements: whole beats by shift and by count, across beats, less than a beat, a number a row.
    "groups_56": {"norm": "groupnorm", "lanes": 8, "max_length": 224, "parameter_repeat": 56, "banks": 5, "gamma": ANY,
                  "beta": ANY, "target": ECP5, "clock_mhz": 200},
    "groups_16_ram": {"norm": "groupnorm", "lanes": 4, "max_length": 75, "parameter_repeat": 16, "storage": "ram",
                      "banks": 3, "bank_order": "cyclic", "gamma": ANY, "beta": ANY},
    "groups_49": {"norm": "groupnorm", "lanes": 8, "max_length": 196, "parameter_repeat": 49, "banks": 6,
                  "bank_order": "cyclic", "gamma": ANY, "beta": ANY, "target": ECP5, "clock_mhz": 200},
    "groups_5_ram": {"norm": "groupnorm", "lanes": 4, "max_length": 33, "parameter_repeat": 5, "storage": "ram",
                     "banks": 3, "gamma": ANY, "beta": ANY, "target": "ice40-hx8k", "clock_mhz": 40},
    "groups_3_ram": {"norm": "groupnorm", "lanes": 8, "max_length": 100, "parameter_repeat": 3, "storage": "ram",
                     "banks": 3, "gamma": ANY, "beta": ANY},
    "instances": {"norm": "instancenorm", "lanes": 4, "max_length": 49, "parameter_repeat": 64, "banks": 20,
                  "bank_order": "cyclic", "gamma": ANY, "beta": ANY, "target": "ice40-hx8k", "clock_mhz": 40},
    "instances_ram": {"norm": "instancenorm", "lanes": 3, "max_length": 40, "parameter_repeat": 40, "banks": 300,
                      "storage": "ram", "gamma": ANY, "beta": ANY, "target": ECP5, "clock_mhz": 200},
    # Without a statistic.
    "affine": {"norm": "affine", "lanes": 4, "max_length": 50, "gamma": ANY, "beta": ANY, "target": ECP5,
               "clock_mhz": 200},
    "dyt": {"norm": "dyt", "alpha": 0.7, "lanes": 4, "max_length": 50, "gamma": ANY, "beta": ANY,
            "input": signed(12, 2e-3), "target": ECP5, "clock_mhz": 200},
    # Its output queue is a block RAM, and as many beats are on their way at full rate as are counted.
    "affine_ice40": {"norm": "affine", "lanes": 2, "max_length": 50, "gamma": ANY, "beta": ANY,
                     "output": signed(4, 0.5), "target": "ice40-hx8k", "clock_mhz": 75},
    "affine_groups_49": {"norm": "affine", "lanes": 8, "max_length": 196, "parameter_repeat": 49, "banks": 6,
                         "bank_order": "cyclic", "gamma": ANY, "beta": ANY, "target": ECP5, "clock_mhz": 200},
    "affine_groups_56": {"norm": "affine", "lanes": 8, "max_length": 224, "parameter_repeat": 56, "banks": 3,
                         "gamma": ANY, "beta": ANY},
    "affine_groups_3_ram": {"norm": "affine", "lanes": 8, "max_length": 100, "parameter_repeat": 3, "storage": "ram",
                            "banks": 3, "gamma": ANY, "beta": ANY},
    "dyt_instances_ram": {"norm": "dyt", "alpha": 0.7, "lanes": 3, "max_length": 40, "parameter_repeat": 40,
                          "banks": 20, "bank_order": "cyclic", "storage": "ram", "gamma": ANY, "beta": ANY,
                          "target": "ice40-hx8k", "clock_mhz": 40},
    # Methods for the reciprocal square root: one behind the other, in loops, and two of them in a unit.
    "root_linear": {"rsqrt": "linear", "lanes": 2, "max_length": 40, "gamma": ANY, "target": ECP5, "clock_mhz": 200},
    "root_quadratic": {"rsqrt": "quadratic", "lanes": 1, "max_length": 60, "min_length": 40, "gamma": ANY,
                       "target": "ice40-hx8k", "clock_mhz": 60, "gamma_bits": 12, "beta_bits": 14},
    "root_table_newton": {"rsqrt": "table-newton", "lanes": 2, "max_length": 90, "min_length": 80, "gamma": ANY,
                          "input": signed(12, 2e-3), "output": signed(16, 1e-3), "target": ECP5, "clock_mhz": 200},
    "root_goldschmidt": {"rsqrt": "goldschmidt", "norm": "rmsnorm", "lanes": 2, "max_length": 90, "gamma": ANY,
                         "input": signed(12, 2e-3), "output": signed(16, 1e-3), "target": ECP5, "clock_mhz": 150},
    "root_fast_inverse": {"rsqrt": {"method": "fast-inverse", "steps": 3}, "lanes": 3, "max_length": 50,
                          "gamma": ANY, "clock_mhz": 10},
    "root_vfrsqrt7_as_is": {"rsqrt": {"method": "vfrsqrt7", "steps": 0}, "accuracy": "as-is", "lanes": 2,
                            "max_length": 40, "gamma": ANY, "beta": ANY, "target": ECP5, "clock_mhz": 200},
    "root_iterl2norm_as_is": {"rsqrt": "iterl2norm", "norm": "l2norm", "accuracy": "as-is", "lanes": 1,
                              "max_length": 100, "min_length": 90, "output": signed(8, 0.01), "gamma": ANY,
                              "target": ECP5, "clock_mhz": 150},
    "root_non_restoring": {"rsqrt": "non-restoring", "lanes": 1, "max_length": 64, "min_length": 48, "gamma": ANY,
                           "beta": ANY, "target": "ice40-hx8k", "clock_mhz": 80, "gamma_bits": 12, "beta_bits": 14},
    "root_binary_search": {"rsqrt": "binary-search", "epsilon_placement": "root", "epsilon": 0.1, "lanes": 3,
                           "max_length": 60, "min_length": 30, "gamma": ANY, "target": ECP5, "clock_mhz": 200},
    "root_cordic": {"rsqrt": "cordic", "lanes": 2, "max_length": 33, "gamma": ANY, "beta": ANY, "target": ECP5,
                    "clock_mhz": 200},
    # Floating point: formats on either side, norms, targets, where gamma and beta are, special rows among all others.
    "bf16": {"lanes": 4, "max_length": 96, "input": "bf16", "output": "bf16", "gamma": ANY, "beta": ANY,
             "target": ECP5, "clock_mhz": 150},
    "bf16_rms": {"norm": "rmsnorm", "lanes": 4, "max_length": 96, "input": "bf16", "output": "bf16", "gamma": ANY,
                 "parameter_format": "bf16", "target": ECP5, "clock_mhz": 160},
    "fp16_min_length": {"lanes": 3, "max_length": 90, "min_length": 33, "input": "fp16", "output": "fp16",
                        "gamma": ANY, "beta": ANY, "target": ECP5, "clock_mhz": 150},
    "fp32": {"lanes": 2, "max_length": 60, "epsilon": 0.0, "input": "fp32", "output": "fp32", "gamma": ANY,
             "beta": ANY, "target": ECP5, "clock_mhz": 140},
    "fp8_e4m3": {"norm": "rmsnorm", "lanes": 5, "max_length": 64, "input": "fp8_e4m3fn", "output": "fp8_e4m3fn",
                 "gamma": 100.0},
    "fp8_e4m3_nan": {"lanes": 1, "max_length": 40, "input": "fp8_e5m2",
                     "output": {"format": "fp8_e4m3fn", "overflow": "nan"}, "gamma": 90.0, "beta": 200.0},
    "bf16_int8": {"norm": "rmsnorm", "lanes": 4, "max_length": 64, "input": "bf16", "output": signed(8, 0.03, 4),
                  "gamma": ANY, "gamma_offset": 1.0, "target": ECP5, "clock_mhz": 150},
    "fp16_uint8": {"lanes": 2, "max_length": 50, "input": "fp16", "output": unsigned(8, 0.03, 128), "gamma": ANY,
                   "beta": ANY, "storage": "ram", "banks": 2},
    "int16_bf16": {"lanes": 3, "max_length": 70, "input": signed(16, 4e-4, -100), "output": "bf16", "gamma": ANY,
                   "beta": ANY, "target": ECP5, "clock_mhz": 150},
    "int8_fp16_part": {"norm": "rmsnorm", "lanes": 2, "max_length": 50, "statistic_length": 7, "input": signed(8, 0.1),
                       "output": "fp16", "gamma": ANY, "epsilon": 1e-2},
    "bf16_part": {"norm": "rmsnorm", "lanes": 4, "max_length": 80, "statistic_length": 22, "input": "bf16",
                  "output": "bf16", "gamma": ANY, "beta": ANY, "target": ECP5, "clock_mhz": 150},
    "bf16_ram_banks": {"lanes": 2, "max_length": 31, "storage": "ram", "banks": 3, "input": "bf16", "output": "bf16",
                       "parameter_format": "fp16", "gamma": ANY, "beta": ANY},
    "fp16_groups": {"norm": "groupnorm", "lanes": 4, "max_length": 75, "parameter_repeat": 16, "storage": "ram",
                    "banks": 3, "bank_order": "cyclic", "input": "fp16", "output": "fp16", "gamma": ANY, "beta": ANY},
    "bf16_rounded_first": {"norm": "rmsnorm", "gamma_rounding": "output", "lanes": 3, "max_length": 50,
                           "input": "bf16", "output": "bf16", "gamma": ANY, "target": ECP5, "clock_mhz": 150},
    "fp16_rounded_first": {"gamma_rounding": "output", "lanes": 2, "max_length": 40, "input": "fp16",
                           "output": "fp8_e5m2", "gamma": ANY, "beta": ANY},
    "bf16_root": {"epsilon_placement": "root", "epsilon": 0.1, "lanes": 2, "max_length": 40, "input": "bf16",
                  "output": "bf16", "gamma": ANY},
    "fp16_floor": {"norm": "l2norm", "epsilon_placement": "floor", "epsilon": 0.5, "lanes": 3, "max_length": 60,
                   "input": "fp16", "output": "fp16", "gamma": ANY},
    "bf16_crms": {"norm": "crmsnorm", "lanes": 3, "max_length": 63, "input": "bf16", "output": "fp16", "gamma": ANY},
    "fp16_adanorm": {"norm": "adanorm", "lanes": 2, "max_length": 50, "input": "fp16", "output": "bf16", "gamma": 1.2},
    "bf16_l1": {"norm": "l1norm", "lanes": 4, "max_length": 61, "input": "bf16", "output": "bf16", "gamma": ANY,
                "beta": ANY, "target": ECP5, "clock_mhz": 150},
    "fp32_l1": {"norm": "l1norm", "epsilon": 0.0, "lanes": 2, "max_length": 30, "input": "fp32", "output": "fp32",
                "gamma": ANY, "beta": ANY, "target": ECP5, "clock_mhz": 140},
    "fp16_l1_int8": {"norm": "l1norm", "epsilon": 1.0, "lanes": 3, "max_length": 40, "input": "fp16",
                     "output": signed(8, 0.03, 4), "gamma": ANY},
    "int12_l1_bf16": {"norm": "l1norm", "epsilon": 1e-2, "lanes": 4, "max_length": 50, "storage": "ram", "banks": 2,
                      "input": signed(12, 2e-3, -900), "output": "bf16", "target": ECP5, "clock_mhz": 150},
    "fp8_l1_rounded_first": {"norm": "l1norm", "gamma_rounding": "output", "lanes": 1, "max_length": 9,
                             "input": "fp8_e5m2", "output": "fp16", "gamma": ANY, "beta": ANY, "clock_mhz": 1},
    "bf16_frozen": {"norm": "frozen", "deviation": 1.5, "lanes": 4, "max_length": 70, "input": "bf16",
                    "output": "bf16", "gamma": ANY, "beta": ANY, "target": ECP5, "clock_mhz": 150},
    "fp16_frozen_rounded_first": {"norm": "frozen", "deviation": 0.3, "gamma_rounding": "output", "lanes": 2,
                                  "max_length": 40, "input": "fp16", "output": "bf16", "gamma": ANY, "beta": ANY},
    "int8_fp16_frozen": {"norm": "frozen", "deviation": 1.5, "lanes": 3, "max_length": 50, "storage": "ram",
                         "banks": 2, "output": "fp16", "gamma": ANY, "beta": ANY},
    "float_4_5": {"lanes": 2, "max_length": 33, "input": "float(4, 5)", "output": "float(6, 9)", "beta": ANY,
                  "clock_mhz": 1000},
    "bf16_hx8k": {"norm": "rmsnorm", "lanes": 1, "max_length": 64, "min_length": 48, "input": "bf16", "output": "bf16",
                  "gamma": ANY, "parameter_format": "bf16", "target": "ice40-hx8k", "clock_mhz": 40},
    "bf16_up5k": {"norm": "rmsnorm", "lanes": 1, "max_length": 64, "min_length": 32, "input": "bf16",
                  "output": "bf16", "gamma": ANY, "parameter_format": "bf16", "target": "ice40-up5k", "clock_mhz": 18},
    "bf16_one_element": {"lanes": 1, "max_length": 1, "input": "bf16", "output": "bf16", "beta": 0.7},
    "bf16_root_non_restoring": {"rsqrt": "non-restoring", "lanes": 2, "max_length": 40, "min_length": 30,
                                "input": "bf16", "output": "bf16", "gamma": ANY, "target": ECP5, "clock_mhz": 150},
    # Accuracy.
    "tight_int8": {"lanes": 4, "max_length": 100, "accuracy": "tight", "target": ECP5, "gamma": ANY, "beta": ANY},
    "tight_int16": {"norm": "rmsnorm", "lanes": 2, "max_length": 100, "accuracy": "tight",
                    "input": signed(12, 2e-3), "output": signed(16, 1e-3), "gamma": ANY, "beta": ANY},
}  # fmt: skip

PAIRS: dict[str, dict[str, Any]] = {f"pair_{number:02}": keys(choice) for number, choice in enumerate(pairs())}
"""Any two values of any two keys meet in one of these."""

CORNERS = (
    "bert_ecp5_200", "generic_1", "generic_1000", "ice40_serial", "one_element", "two_elements", "row_below_a_beat",
    "row_of_one_beat", "lanes_3", "length_16384", "saturating", "rom_banks", "ram_banks", "min_length",
    "root_non_restoring", "root_binary_search", "root_vfrsqrt7_as_is", "root_table_newton",
    "below_a_block_ram", "l2_floor", "epsilon_root", "l1_ecp5_200", "crms_ecp5_200", "frozen", "affine", "dyt",
    "bf16", "bf16_rms", "fp16_min_length", "fp32", "fp8_e4m3_nan", "bf16_int8", "int16_bf16", "bf16_part",
    "bf16_ram_banks", "bf16_frozen", "bf16_rounded_first", "bf16_root", "bf16_hx8k", "bf16_l1", "int12_l1_bf16",
)  # fmt: skip
"""What no pair stands for, and the units of tests of their own. The others of `MATRIX` are for `make test-slow`."""

_DEFAULTS: dict[str, Any] = {
    "norm": "layernorm",
    "max_length": 80,
    "epsilon": 1e-5,
    "input": signed(8),
    "output": signed(8),
}


def configuration(name: str, **changes: Any) -> NormConfig:
    """One of `MATRIX` or `PAIRS`, with changed keys."""
    given = {**_DEFAULTS, **(MATRIX.get(name) or PAIRS[name]), **changes}
    if "epsilon" not in NORMS[given["norm"]].keys:
        given.pop("epsilon")
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    shape = (given.get("banks", 1), -(-given["max_length"] // given.get("parameter_repeat", 1)))
    gamma, beta = rng.normal(1, 0.4, shape), rng.normal(0, 0.8, shape)
    for key, values in (("gamma", gamma), ("beta", beta)):
        if given.get(key) is ANY:
            given[key] = values if shape[0] > 1 else values[0]
    return NormConfig(name=name, **given)


def pair(fits: Callable[[NormConfig], bool]) -> str:
    """The name of the first of `PAIRS` that has what a test needs."""
    return next(name for name in PAIRS if fits(configuration(name)))


def units(quick: Iterable[str] = (*PAIRS, *CORNERS), *, slow: Iterable[str] = MATRIX) -> list[Any]:
    """Names for ``parametrize``: those for every run, then the others, for `make test-slow`."""
    quick = list(quick)
    later = [pytest.param(name, marks=pytest.mark.slow) for name in slow if name not in quick]
    return [*quick, *later]
