"""What ``streamnorm fold`` folds: each kind's arguments, and the function of `streamnorm_sim.fold` that does it."""

from .affine import BATCHNORM, POWERNORM, UNIFIED
from .kind import Kind
from .layers import DEEPNORM, FLASHNORM, GAINS, RECENTRE
from .models import PRELN_TO_CRMS, PRELN_TO_RMS
from .scaling import LAYERNORM_SCALING

__all__ = ["KINDS", "Kind"]

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        BATCHNORM,
        POWERNORM,
        UNIFIED,
        RECENTRE,
        FLASHNORM,
        DEEPNORM,
        GAINS,
        LAYERNORM_SCALING,
        PRELN_TO_RMS,
        PRELN_TO_CRMS,
    )
}
"""Every kind by its name."""
