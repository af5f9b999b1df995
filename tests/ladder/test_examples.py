"""Every example is built and simulated: random and corner rows, cycles, accuracy."""

from pathlib import Path

import numpy as np
import pytest

from ladder.checks import STALLS, agree, mixed_rows, traffic_of, within_bound
from ladder.configurations import units
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm_sim.check.measure import measure_cycles

NAMES = sorted(file.stem for file in (Path(__file__).parents[2] / "examples").glob("*.toml"))

QUICK = (
    "bert_int8", "ice40_int8", "icebreaker_rms", "minilm_int16", "orangecrab_tinyllama", "resnet_batchnorm_int8",
    "up5k_bf16_rms", "vit_dyt_int8", "vit_groupnorm_int8",
)  # fmt: skip
"""In every run: each family and width. Of all the others the Verilog, on which this was found, stays by hash."""


def test_the_promised_examples_are_there() -> None:
    assert {
        "bert_int8", "bert_int8_50mhz", "minilm_int16", "minilm_int16_int8", "llama_rms_int16", "short_rows",
        "ice40_int8", "ulx3s_bert_base", "icebreaker_rms", "hx8k_layernorm", "orangecrab_minilm",
        "orangecrab_tinyllama", "qwen3_qk_norm", "gemma_rms_int16", "scalenorm_int8", "prmsnorm_int8", "crmsnorm_int8",
        "vit_groupnorm_int8", "resnet_batchnorm_int8", "vit_dyt_int8", "llama_bf16", "bert_fp16", "gemma_bf16_int8",
        "fp8_e4m3", "fp32", "ulx3s_llama_bf16", "orangecrab_llama_bf16", "up5k_bf16_rms",
    } <= set(NAMES)  # fmt: skip


@pytest.mark.parametrize("name", units(QUICK, slow=NAMES))
def test_example_is_exact_in_values_and_cycles(name: str, examples: Path) -> None:
    config = NormConfig.from_toml(examples / f"{name}.toml")
    batch = mixed_rows(config, np.random.default_rng(1), elements=150_000)
    accuracy = within_bound(agree(config, traffic_of(batch, seed=1)))
    assert accuracy.max_ulp < 1
    agree(config, traffic_of(batch, source=STALLS[1], sink=STALLS[4], seed=2))
    lanes, full = config.lanes, config.max_length
    for n in sorted({config.min_length, lanes, lanes + 1, 3 * lanes - 1, full // 2, full - 1, full}):
        planned, measured = vars(Plan.of(config).latency(n)), measure_cycles(config, n).to_dict()
        assert measured == planned, f"{name}: n = {n}"
