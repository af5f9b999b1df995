"""The family of norms for tests: every norm, with each value of the keys that only some of them take.

A norm that is entered in the registry joins by itself; one with keys of its own that must be said enters them here.
"""

from typing import Any

from streamnorm.spec.epsilon_placements import EPSILON_PLACEMENTS
from streamnorm.spec.norms import NORMS

PART = "rmsnorm, a part"

MEMBERS = (
    *NORMS,
    PART,
    *(f"{norm}, {place}" for norm in ("layernorm", "l2norm") for place in EPSILON_PLACEMENTS if place != "variance"),
)

BUILT = ("layernorm", "rmsnorm", "l2norm", "adanorm", PART)
"""Those that meet every value of every other key in hardware: what is compiled takes time.

The others differ from these in few terms, and have units of their own among the corners of the matrix.
"""

WITH_STATISTIC = tuple(member for member in MEMBERS if NORMS[member.partition(", ")[0]].has_statistic)


def can_be(member: str, epsilon: float) -> bool:
    """Whether a member may have that epsilon: where z is limited by nothing else, not 0 and no absurd one."""
    return member != PART or epsilon > 1e-12


def keys_of(member: str, *, longest: int, epsilon: float, reach: float) -> dict[str, Any]:
    """The keys that make a configuration a member of the family.

    ``longest`` is its max_length, ``reach`` the largest real value of its input; in norms that take none, ``epsilon``
    makes something else of the same order.
    """
    norm, _, place = member.partition(", ")
    keys: dict[str, Any] = {"norm": norm}
    if "epsilon" in NORMS[norm].keys:
        keys["epsilon"] = epsilon
    if "deviation" in NORMS[norm].keys:
        keys["deviation"] = min(max(epsilon**0.5, reach / 64), 4 * reach)
    if "alpha" in NORMS[norm].keys:
        keys["alpha"] = 4 / reach
    if member == PART:
        keys["statistic_length"] = -(-longest * 3 // 8)
    elif place:
        keys["epsilon_placement"] = place
    return keys
