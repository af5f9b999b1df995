"""Writes the gamma and beta files of the examples.

minilm_* are real: the LayerNorm after the first attention block of all-MiniLM-L6-v2, copied from the rows
that the simulation package carries (README.md says where they come from). All others are made up to look like
what trained models hold: values spread normally around the mean that such layers have. They come from
formulas, not from a random generator, so that every machine writes the same bytes.

Run it with ``python examples/data/make_parameters.py``; with ``--check`` it writes nothing and fails if a
file differs from what it would write.
"""

import argparse
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from streamnorm.spec.formats import FloatFormat
from streamnorm_sim.spread import spread

HERE = Path(__file__).resolve().parent
ROWS = HERE.parents[1] / "sim" / "streamnorm_sim" / "data" / "minilm_layernorm_rows.npz"
LAYER = "encoder.layer.0.attention.output.LayerNorm"


def parameters() -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """Yield the name and the contents of every file."""
    rows = np.load(ROWS)
    layer = rows["layer"].tolist().index(LAYER)
    yield "minilm_gamma.npy", rows["gamma"][layer]
    yield "minilm_beta.npy", rows["beta"][layer]
    yield "bert_gamma.npy", spread(768, 0.85, 0.08, 0.1)
    yield "bert_beta.npy", spread(768, -0.03, 0.12, 0.6)
    yield "llama_gamma.npy", spread(4096, 0.42, 0.05, 0.2)
    yield "llama_bf16_gamma.npy", held_by("bf16", spread(4096, 0.42, 0.05, 0.2))
    yield "gemma_bf16_gamma.npy", held_by("bf16", spread(2048, 0.4, 0.15, 0.25))
    yield "bert_fp16_gamma.npy", held_by("fp16", spread(768, 0.85, 0.08, 0.1))
    yield "bert_fp16_beta.npy", held_by("fp16", spread(768, -0.03, 0.12, 0.6))
    yield "tinyllama_gamma.npy", spread(2048, 0.35, 0.06, 0.7)
    yield "tinyllama_bf16_gamma.npy", held_by("bf16", spread(2048, 0.35, 0.06, 0.7))
    yield "qwen3_qk_gamma.npy", np.stack([spread(128, 1.6, 0.5, 0.15), spread(128, 1.4, 0.4, 0.65)])
    yield "gemma_gamma.npy", spread(2048, 0.4, 0.15, 0.25)
    yield "prmsnorm_gamma.npy", spread(512, 0.7, 0.1, 0.35)
    yield "crmsnorm_gamma.npy", spread(767, 0.9, 0.2, 0.45)
    yield "crmsnorm_beta.npy", spread(767, 0.0, 0.15, 0.95)
    yield "stories_gamma.npy", spread(288, 0.8, 0.12, 0.8)
    yield "stories_bf16_gamma.npy", held_by("bf16", spread(288, 0.8, 0.12, 0.8))
    yield "short_rows_gamma.npy", spread(64, 1.0, 0.15, 0.3)
    yield "ice40_gamma.npy", spread(256, 0.9, 0.1, 0.4)
    yield "ice40_beta.npy", spread(256, 0.0, 0.1, 0.9)
    yield "groupnorm_gamma.npy", spread(256, 0.9, 0.2, 0.5)
    yield "groupnorm_beta.npy", spread(256, -0.1, 0.3, 0.2)
    yield "td_gamma.npy", np.stack([spread(384, 0.9, 0.2, 0.25), spread(384, 1.4, 0.3, 0.85)])
    yield "td_beta.npy", np.stack([spread(384, 0.0, 0.15, 0.4), spread(384, -0.1, 0.3, 0.75)])


def held_by(name: str, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the nearest numbers of a format, as a model has them that was trained in it."""
    number_format = FloatFormat(name)
    return number_format.dequantize(number_format.quantize(values)).astype(np.float32)


def npy_bytes(values: npt.NDArray[np.float32]) -> bytes:
    """Return ``values`` as the contents of a .npy file, little-endian on every machine."""
    buffer = io.BytesIO()
    np.save(buffer, values.astype("<f4"))
    return buffer.getvalue()


def main() -> int:
    """Write the files, or compare them."""
    parser = argparse.ArgumentParser(description="Write the gamma and beta files of the examples.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file differs")
    check = parser.parse_args().check
    differing = []
    for name, values in parameters():
        path = HERE / name
        contents = npy_bytes(values)
        if not check:
            path.write_bytes(contents)
        elif not path.is_file() or path.read_bytes() != contents:
            differing.append(name)
    if differing:
        print(f"not what make_parameters.py writes: {', '.join(differing)}", file=sys.stderr)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
