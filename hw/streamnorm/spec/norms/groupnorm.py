"""GroupNorm: LayerNorm of a group of channels."""

from .layernorm import LayerNorm

__all__ = ["GroupNorm"]


class GroupNorm(LayerNorm):
    """A row is one group: ``C/G`` channels of S positions each, channel after channel, ``n = (C/G) * S`` elements.

    Gamma and beta are those of the channel, ``parameter_repeat = S``, and a bank holds those of one group.
    """

    name = "groupnorm"
    title = "GroupNorm"
    about = "the mean of a group of channels is subtracted"
    use = "images: ResNets and hybrids of them with transformers, diffusion models' U-nets"
    formula = "(x - mean(x)) / sqrt(var(x) + epsilon)"
    why_not_deferred = "gamma and beta are of channels, and no matrix is behind that would take them"
    source = "Wu, He: Group Normalization, 2018, arXiv:1803.08494"
