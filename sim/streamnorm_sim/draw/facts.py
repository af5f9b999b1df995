"""What a picture may say of the unit of some cycle counts."""

from streamnorm_sim.cycles.counts import CycleCounts

__all__ = ["facts_of"]


def facts_of(counts: CycleCounts) -> dict[str, str]:
    """Return the facts that tell units apart, in words, in the order in which they are named."""
    config = counts.config
    return {
        "name": config.name,
        "norm": config.norm,
        "lanes": f"{config.lanes} lane" + ("s" if config.lanes > 1 else ""),
        "architecture": counts.plan.architecture,
        "formats": f"{config.input.name} → {config.output.name}",
    }
