"""Papers on normalization, and what of each is configured here: the data of a table in docs/norms.md.

Formulas are written in our words: x is a row of n elements, mu and v its mean and variance, e epsilon, z what comes
before gamma and beta. In `Paper.configure`, everything between backticks is a line of a configuration, the name of a
key, a norm or an architecture, or a command; a test looks each of them up.
"""

from dataclasses import dataclass

__all__ = ["PAPERS", "Paper"]


@dataclass(frozen=True)
class Paper:
    """What a paper is about.

    Attributes
    ----------
    name : what people call it
    source : authors, year, and the arXiv number where there is one
    idea : the formula or the idea
    configure : what to say here, as Markdown
    """

    name: str
    source: str
    idea: str
    configure: str


NORMS_OF_ROWS = (
    Paper("LayerNorm", "Ba, Kiros, Hinton 2016, arXiv:1607.06450", "(x - μ) / √(v + ε)", '`norm = "layernorm"`'),
    Paper("RMSNorm", "Zhang, Sennrich 2019, arXiv:1910.07467", "x / √(mean x² + ε)", '`norm = "rmsnorm"`'),
    Paper(
        "pRMSNorm",
        "Zhang, Sennrich 2019, arXiv:1910.07467",
        "RMSNorm whose mean square is that of the first ⌈p n⌉ elements",
        '`norm = "rmsnorm"`, `statistic_length = 48` for p = 1/16 of 768',
    ),
    Paper(
        "Pre-RMSNorm",
        "Jiang, Gu, Zhu, Pan 2023, arXiv:2305.14858",
        "weights re-centred so that what flows between the layers has mean 0; LayerNorm of it is RMSNorm",
        'change the weights offline, a whole model by `streamnorm fold preln-to-rms`, then `norm = "rmsnorm"`; no '
        "other hardware",
    ),
    Paper(
        "CRMSNorm",
        "Jiang, Gu, Zhu, Pan 2023, arXiv:2305.14858",
        "of a row of mean 0 the last element is not sent: x / √((Σx² + (Σx)²) / n + ε) of the n - 1 others",
        '`norm = "crmsnorm"`; `max_length` is that of what is sent. The weights: `streamnorm fold preln-to-crms`',
    ),
    Paper(
        "FlashNorm",
        "Graef, Clapp, Wasielewski 2024, arXiv:2407.09577",
        "γ goes into the weights behind, and the row's factor is multiplied after the matrix: (x W) / √(mean x² + ε)",
        '`norm = "rmsnorm"` with `defer = true`: rows go through, and the factor leaves beside them (docs/around.md); '
        "γ into the weights: `streamnorm fold flashnorm`",
    ),
    Paper(
        "ScaleNorm, FixNorm",
        "Nguyen, Salazar 2019, arXiv:1910.05895",
        "g x / max(‖x‖₂, ε) with one learned g; x / ‖x‖₂ for embeddings",
        '`norm = "l2norm"`, `epsilon_placement = "floor"`, and the number g as `gamma`; FixNorm: without `gamma`',
    ),
    Paper(
        "AdaNorm",
        "Xu, Sun, Zhang, Zhao, Lin 2019, arXiv:1911.07013",
        "C (1 - k y) y with y = (x - μ) / σ, C and k constants",
        '`norm = "adanorm"`',
    ),
    Paper(
        "LayerNorm-simple",
        "Xu, Sun, Zhang, Zhao, Lin 2019, arXiv:1911.07013",
        "LayerNorm without γ and β",
        '`norm = "layernorm"` without `gamma` and `beta`, which then take no memory',
    ),
    Paper(
        "GroupNorm",
        "Wu, He 2018, arXiv:1803.08494",
        "LayerNorm of a group of channels, with γ and β of each channel",
        '`norm = "groupnorm"`, a row is a group; `parameter_repeat` positions share a γ and β, and with '
        '`bank_order = "cyclic"` each group of an image takes the next of `banks`',
    ),
    Paper(
        "InstanceNorm",
        "Ulyanov, Vedaldi, Lempitsky 2016, arXiv:1607.08022",
        "LayerNorm of one channel's positions, with a γ and β for the channel",
        '`norm = "instancenorm"`, a row is a channel; `parameter_repeat` is `max_length`, and with '
        '`bank_order = "cyclic"` each channel takes the next of `banks`',
    ),
    Paper(
        "mean-variance norm",
        "ONNX, MeanVarianceNormalization",
        "(x - μ) / (√v + ε)",
        '`norm = "layernorm"`, `epsilon_placement = "root"`; over more than a row it is not a norm of rows',
    ),
    Paper(
        "L1 norm, mean absolute deviation",
        "Lin, Li and others 2020, arXiv:2009.08034; iRNN: Sari, Courville, Partovi Nia 2021, arXiv:2109.09828, "
        "and Yin 2022",
        "(x - μ) / mean |x - μ|; a factor of √(2/π) makes it as large as LayerNorm of normal rows",
        '`norm = "l1norm"`; the factor goes into `gamma`',
    ),
    Paper(
        "LayerNorm with a frozen deviation, LayerNorm removal",
        "Baroni, Khara, Schaeffer, Subkhankulov, Heimersheim 2025, arXiv:2507.02559",
        "(x - μ) / σ with σ a constant of the layer; a finetuned model does without, one norm after the other",
        '`norm = "frozen"`, `deviation = 2.5`; what is left to do while norms are taken out: '
        "`streamnorm workload gpt2 --prune ffn-in:6-11`",
    ),
    Paper(
        "DyT, dynamic tanh",
        "Zhu, Chen, He, LeCun, Liu 2025, arXiv:2503.10622",
        "γ tanh(α x) + β, nothing is measured",
        '`norm = "dyt"`, `alpha = 0.5`',
    ),
)

FOLDED = (
    Paper(
        "BatchNorm at inference",
        "Ioffe, Szegedy 2015, arXiv:1502.03167",
        "a x + b for each channel, a = γ / √(v + ε), b = β - a μ of running statistics",
        '`streamnorm fold` makes a and b, then `norm = "affine"`',
    ),
    Paper(
        "PowerNorm at inference",
        "Shen, Yao, Gholami, Mahoney, Keutzer 2020, arXiv:2003.07845",
        "γ x / ψ + β for each channel, ψ² the running mean square",
        '`streamnorm fold`, then `norm = "affine"`',
    ),
    Paper(
        "Unified Normalization at inference",
        "Yang and others 2022, arXiv:2208.01313",
        "running statistics, smoothed in training; affine afterwards, so that the next matrix can take it in",
        '`streamnorm fold`, then `norm = "affine"`; or no unit at all, where the weights behind take it. The smoothing '
        "changes training only",
    ),
    Paper(
        "SLaNC",
        "Salmani, Trukhanov, Soloveychik 2024, arXiv:2410.10553",
        "a factor from the weights in front keeps Σx² within a narrow format; ε times its square",
        "not needed: sums are exact and never overflow. If a model comes with it, the factor goes into the `scale` of "
        "`input`, or its square into `epsilon`",
    ),
    Paper(
        "DeepNorm",
        "Wang, Ma, Dong, Huang, Zhang, Wei 2022, arXiv:2203.00555",
        "N(α x + f(x)), α a constant of the depth; smaller first weights",
        '`norm = "layernorm"` with `residual` and its alpha (docs/around.md); or `streamnorm fold deepnorm`, which '
        "tells α, puts 1/α into the last weights of f and ε/α² into `epsilon`, the same numbers. "
        "`streamnorm workload bert-large --placement deepnorm` has the norms. The first weights change training only",
    ),
    Paper(
        "LayerNorm Scaling",
        "Sun, Song, Li, Yin, Zheng, Liu 2025, arXiv:2502.05795",
        "pre-norm, each norm's output times 1/√l in layer l",
        "`streamnorm fold layernorm-scaling` multiplies `gamma` and `beta` by it, of one norm or of a model; "
        "`streamnorm workload llama-2-7b --placement layernorm-scaling` tells the factors. The hardware stays as it is",
    ),
    Paper(
        "NormFormer",
        "Shleifer, Weston, Ott 2021, arXiv:2110.09456",
        "pre-norm, a norm more behind attention and inside the feed-forward, a learned gain for each head",
        "`streamnorm workload gpt2 --placement normformer`; the gains go into the weights behind (`streamnorm fold "
        "gains`). The hardware stays as it is, `max_length` is the feed-forward's inner size",
    ),
)

GAMMA_AND_BETA = (
    Paper(
        "Liger RMSNorm, cast modes",
        "Hsu and others 2024, arXiv:2410.10989",
        'where to round: "llama" before γ and after, "gemma" once, behind 1 + γ, "none" never to something wider',
        'llama: `gamma_rounding = "output"`; gemma: `gamma_offset = 1.0`; none: as it is without either, which is more '
        "exact. Not yet: floating-point rows; integers of up to 24 bits stand for them",
    ),
    Paper(
        "TD-LayerNorm",
        "Liu, Zeng, He, Yu, Shen, Chen 2024, arXiv:2406.09416",
        "γ and β are s p₁ + (1 - s) p₂, s of the time step",
        '`banks = 2` with `bank_order = "interpolated"`: p₂ is bank 0 and p₁ bank 1, and s comes with each row '
        "(docs/around.md); the sigmoid that makes s of the time step is the host's",
    ),
    Paper(
        "adaptive LayerNorm: FiLM, DiT",
        "Perez and others 2017, arXiv:1709.07871; Peebles, Xie 2022, arXiv:2212.09748",
        "γ and β are made of a condition and come with the row",
        '`storage = "stream"`: γ and β come as rows beside the elements (docs/around.md); γ = 1 + scale by '
        '`gamma_offset = 1.0`. Or `storage = "ram"`, loaded when the condition changes; several at once by `banks`',
    ),
)

METHODS = (
    Paper(
        "naive and fused loops",
        "Spuler, Generative AI in C++, 2024",
        "mean, variance, normalize, scale and shift, each a scan of the row; fewer by fusing",
        '`architecture = "five-scan"` and `architecture = "three-scan"`',
    ),
    Paper(
        "Welford's LayerNorm in one pass",
        "OneFlow 2021",
        "mean and sum of squared deviations updated with each element, merged across lanes",
        '`architecture = "five-scan:welford"` and `architecture = "three-scan:welford"`, to compare; the default, one '
        "pass with exact sums, needs no updates",
    ),
    Paper(
        "IterNorm, IterL2Norm",
        "Ye, Sim, Kim, Jin, Jeong 2024, arXiv:2412.04778",
        "1/‖y‖ by five steps of an iteration, without division or root",
        'not yet: as a method of the root. Today: `norm = "layernorm"` with the root by table, within 1 ulp of the '
        "exact result for any row",
    ),
    Paper(
        "I-BERT LayerNorm",
        "Kim, Gholami, Yao, Mahoney, Keutzer 2021, arXiv:2101.01321",
        "integer √ by Newton's steps until it stops falling, then an integer factor ⌊2³¹/√⌋",
        'not yet: its very bits. Today: `norm = "layernorm"`, integers in and out, within 1 ulp of the exact result',
    ),
    Paper(
        "I-ViT LayerNorm",
        "Li, Gu 2022, arXiv:2207.01405",
        "integer √ by ten steps ⌊(k + ⌊V/k⌋) / 2⌋ from 2¹⁶",
        'not yet: its very bits. Today: `norm = "layernorm"`, as for I-BERT',
    ),
    Paper(
        "INT8 search",
        "Rock, Khalil, Shai, Grouchy: INT8 Transformers for Inference Acceleration, 2022",
        "square roots and divisions by binary search",
        'not yet: as a method of the root. Today: `norm = "layernorm"` with int8 `input` and `output`',
    ),
    Paper(
        "dyadic requantization: HAWQ-V3",
        "Yao and others 2020, arXiv:2011.10680",
        "a scale is m / 2^e, so that requantizing is a product and a shift",
        "not yet: a step of its own behind the norm, with its rounding. Today: the scales of `input` and `output` are "
        "any numbers, folded into what is stored, and a result is rounded once",
    ),
)

PLACEMENTS = (
    Paper(
        "pre-norm, post-norm",
        "Vaswani and others 2017, arXiv:1706.03762; Wang and others 2019, arXiv:1906.01787; Xiong and others 2020, "
        "arXiv:2002.04745",
        "a norm in front of each part, or behind the residual add",
        "the hardware is the same: `streamnorm workload gpt2 --placement pre`, "
        "`streamnorm workload gpt2 --placement post`. `residual` has the add inside of the unit, and with "
        "`emit_sum` the sum comes out (docs/around.md)",
    ),
    Paper(
        "Peri-LN, sandwich",
        "Kim and others 2025, arXiv:2502.02732; Gemma 2, 2024, arXiv:2408.00118",
        "a norm in front of each part and one behind, before the add",
        "the hardware is the same: `streamnorm workload llama-2-7b --placement peri`",
    ),
    Paper(
        "Mix-LN",
        "Li, Yin, Liu 2024, arXiv:2412.13795",
        "post-norm in the first layers, pre-norm in the others",
        "the hardware is the same: `streamnorm workload llama-2-7b --placement mix:8`",
    ),
    Paper(
        "Fixup, T-Fixup, norm pruning",
        "Zhang, Dauphin, Ma 2019, arXiv:1901.09321; Huang, Pérez, Ba, Volkovs 2020",
        "first weights so small that no norm is needed",
        "no unit: `streamnorm workload gpt2 --placement fixup`; some norms only: "
        "`streamnorm workload gpt2 --prune ffn-in:6-11`. The first weights change training only",
    ),
    Paper(
        "models that chose a norm",
        "OpenELM: Mehta and others 2024, arXiv:2404.14619; YOCO: Sun and others 2024, arXiv:2405.05254; GEB-1.3B: Wu, "
        "Zhu, Shen, Lu 2024, arXiv:2406.09900; Qwen2: Yang and others 2024, arXiv:2407.10671; Cramming: Geiping, "
        "Goldstein 2022, arXiv:2212.14034",
        "each is one of the norms and placements above, of some sizes",
        "`streamnorm workload --list` names those that come along, such as `streamnorm workload openelm-1.1b` and "
        "`streamnorm workload qwen2.5-7b`; others, YOCO, GEB-1.3B and Cramming among them, as a file of your own: "
        "`streamnorm workload my_model.toml`",
    ),
)

ACCELERATORS = (
    Paper(
        "ULSeq-TA",
        "Wang, Zhang, Li, Yang, Liu 2023, IEEE TCAD, doi:10.1109/TCAD.2023.3329039",
        "LayerNorm on two paths, by how much each dimension matters, the sparse one with fewer operations",
        'not yet: sparse rows. Today: `norm = "layernorm"` of whole rows; a beat takes a cycle whatever is in it',
    ),
    Paper(
        "norm units inside accelerators",
        "FlightLLM: Zeng and others 2024, arXiv:2401.03868; Li 2024; Wang 2024",
        "a special function unit that does norms, softmax and more",
        "nothing to configure: no figures of the norm alone were found to compare with. Those of two open designs, "
        "measured, stand in [figures.md](figures.md)",
    ),
)

PAPERS = {
    "Norms of rows": NORMS_OF_ROWS,
    "Folded into what is stored": FOLDED,
    "Where γ and β come from": GAMMA_AND_BETA,
    "How it is worked out": METHODS,
    "Where norms stand": PLACEMENTS,
    "Accelerators": ACCELERATORS,
}
"""Papers by subject."""
