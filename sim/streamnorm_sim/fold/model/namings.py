"""The names that common Pre-LN models give their tensors."""

from .naming import Naming, Read, Tied

__all__ = ["NAMINGS"]

_MASKS = ("*.attn.bias", "*.attn.masked_bias", "*.attention.bias", "*.attention.masked_bias", "*rotary_emb.inv_freq")
"""Masks and angles that libraries of the past stored with the weights."""

_GPT2 = Naming(
    tables=("*wte", "*wpe"),
    writers=("*h.*.attn.c_proj", "*h.*.mlp.c_proj"),
    reads=(Read("*h.*.attn.c_attn", "*h.*.ln_1"), Read("*h.*.mlp.c_fc", "*h.*.ln_2")),
    heads=(Read("score", "*ln_f"),),
    tied=(Tied("*wte", "lm_head", "*ln_f"),),
    left=_MASKS,
    layout="in-out",  # its layers are Conv1D
    may_miss=True,
)

_GPT_J = Naming(
    tables=("*wte",),
    writers=("*h.*.attn.out_proj", "*h.*.mlp.fc_out"),
    reads=(
        *(Read(f"*h.*.attn.{which}_proj", "*h.*.ln_1") for which in "qkv"),
        Read("*h.*.mlp.fc_in", "*h.*.ln_1"),  # attention and feed-forward side by side, behind one norm
    ),
    heads=(Read("lm_head", "*ln_f"), Read("score", "*ln_f")),
    left=_MASKS,
    may_miss=True,
)

_GPT_NEOX = Naming(
    tables=("*embed_in",),
    writers=("*layers.*.attention.dense", "*layers.*.mlp.dense_4h_to_h"),
    reads=(
        Read("*layers.*.attention.query_key_value", "*layers.*.input_layernorm"),
        Read("*layers.*.mlp.dense_h_to_4h", "*layers.*.post_attention_layernorm"),
    ),
    heads=(Read("embed_out", "*final_layer_norm"), Read("score", "*final_layer_norm")),
    left=_MASKS,
    may_miss=True,
)

_OPT = Naming(
    tables=("*decoder.embed_tokens", "*decoder.embed_positions"),
    writers=("*decoder.layers.*.self_attn.out_proj", "*decoder.layers.*.fc2"),
    reads=(
        *(
            Read(f"*decoder.layers.*.self_attn.{which}_proj", "*decoder.layers.*.self_attn_layer_norm")
            for which in "qkv"
        ),
        Read("*decoder.layers.*.fc1", "*decoder.layers.*.final_layer_norm"),
    ),
    heads=(Read("score", "*decoder.final_layer_norm"),),
    tied=(Tied("*decoder.embed_tokens", "lm_head", "*decoder.final_layer_norm"),),
    may_miss=True,
)

_VIT = Naming(
    tables=(
        "*embeddings.cls_token",
        "*embeddings.distillation_token",
        "*embeddings.mask_token",
        "*embeddings.position_embeddings",
    ),
    writers=(
        "*embeddings.patch_embeddings.projection",
        "*encoder.layer.*.attention.output.dense",
        "*encoder.layer.*.output.dense",
    ),
    reads=(
        *(
            Read(f"*encoder.layer.*.attention.attention.{which}", "*encoder.layer.*.layernorm_before")
            for which in ("query", "key", "value")
        ),
        Read("*encoder.layer.*.intermediate.dense", "*encoder.layer.*.layernorm_after"),
        Read("*pooler.dense", "*layernorm"),
    ),
    heads=(
        Read("classifier", "*layernorm"),
        Read("cls_classifier", "*layernorm"),
        Read("distillation_classifier", "*layernorm"),
    ),
    may_miss=True,
)

_VIT_TIMM = Naming(
    tables=("cls_token", "dist_token", "reg_token", "pos_embed"),
    writers=("patch_embed.proj", "blocks.*.attn.proj", "blocks.*.mlp.fc2"),
    reads=(Read("blocks.*.attn.qkv", "blocks.*.norm1"), Read("blocks.*.mlp.fc1", "blocks.*.norm2")),
    heads=(Read("head", "norm"), Read("head_dist", "norm")),
    may_miss=True,
)

NAMINGS: dict[str, Naming] = {
    "gpt2": _GPT2,
    "gpt-j": _GPT_J,
    "gpt-neox": _GPT_NEOX,
    "opt": _OPT,
    "vit": _VIT,
    "vit-timm": _VIT_TIMM,
}
"""Namings by what they are asked for as: those of Hugging Face transformers, gpt-neox Pythia's too, and timm's ViT."""
