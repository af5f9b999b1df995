"""The algorithms: each is a description in a file of its own, entered here, that plan, hardware, models and pages read.

Its hardware is in :mod:`streamnorm.units.algorithms`, its model in ``streamnorm_sim.reference.published``.
"""

from .algorithm import Algorithm
from .i_bert import IBert
from .i_vit import IVit
from .int8_search import Int8Search
from .integer_layernorm import IntegerLayerNorm
from .q_layernorm_dyadic import QLayerNormDyadic
from .streamnorm import Streamnorm

__all__ = ["ALGORITHMS", "OWN_ALGORITHM", "Algorithm", "IntegerLayerNorm"]

OWN_ALGORITHM = "streamnorm"
"""What a unit computes unless it is asked for something else."""

ALGORITHMS: dict[str, Algorithm] = {
    algorithm.name: algorithm for algorithm in (Streamnorm(), IBert(), IVit(), QLayerNormDyadic(), Int8Search())
}
"""Every algorithm by its name, which is what ``NormConfig.algorithm`` may be."""
