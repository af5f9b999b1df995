"""InstanceNorm: LayerNorm of the positions of one channel."""

from .layernorm import LayerNorm

__all__ = ["InstanceNorm"]


class InstanceNorm(LayerNorm):
    """A row is one channel of one instance: n positions, with one gamma and one beta, those of the channel.

    So ``parameter_repeat`` is ``max_length``, and a bank holds the two numbers of one channel.
    """

    name = "instancenorm"
    title = "InstanceNorm"
    about = "the mean of a channel is subtracted"
    use = "images: style transfer and generators, where each channel's contrast is taken away"
    formula = "(x - mean(x)) / sqrt(var(x) + epsilon)"
    why_not_deferred = "gamma and beta are of channels, and no matrix is behind that would take them"
    source = "Ulyanov, Vedaldi, Lempitsky: Instance Normalization, 2016, arXiv:1607.08022"
