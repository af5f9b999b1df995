"""The norms as their papers write them, in decimals: the truth that the exact reference is held against."""

from decimal import Context, Decimal

from streamnorm.spec.config import NormConfig

DIGITS = Context(prec=200)
TIE = Decimal(10) ** -120
"""What is closer to a tie than this is one: its decimals may end in ...999."""


def normalized(config: NormConfig, row: list[int]) -> list[Decimal]:
    """What gamma multiplies, of each element, by the paper's formula, in decimals; 0 where 0 would be divided by 0."""
    scale, zero_point = Decimal(config.input.scale), config.input.zero_point
    x = [scale * (value - zero_point) for value in row]
    if config.norm == "affine":
        return [Decimal(value - zero_point) for value in row]  # gamma as stored is that of an input step
    if config.norm == "dyt":
        powers = [(2 * Decimal(config.alpha) * value).exp() for value in x]
        return [(power - 1) / (power + 1) for power in powers]
    n, mean = len(x), sum(x) / len(x)
    if config.norm == "adanorm":
        if n == 1:
            return [Decimal(0)]
        deviation = (sum((value - mean) ** 2 for value in x) / (n - 1)).sqrt() + Decimal(config.epsilon)
        z = [(value - mean) / deviation if deviation > TIE else Decimal(0) for value in x]
        return [(1 - Decimal(config.curvature) * value) * value for value in z]
    if config.norm == "l1norm":
        deviation = sum(abs(value - mean) for value in x) / n + Decimal(config.epsilon)
        return [(value - mean) / deviation if deviation > TIE else Decimal(0) for value in x]
    if config.norm in ("layernorm", "groupnorm", "instancenorm", "frozen"):
        numerators = [value - mean for value in x]
        v = sum(value**2 for value in numerators) / n
    else:
        numerators = x
        counted = x[: config.statistic_length]
        v = {
            "rmsnorm": lambda: sum(value**2 for value in counted) / len(counted),
            "l2norm": lambda: sum(value**2 for value in x),
            "crmsnorm": lambda: (sum(value**2 for value in x) + sum(x) ** 2) / (n + 1),
        }[config.norm]()
    epsilon = Decimal(config.epsilon)
    if config.norm == "frozen":
        divisor = Decimal(config.deviation)
    else:
        divisor = {
            "variance": lambda: (v + epsilon).sqrt(),
            "root": lambda: v.sqrt() + epsilon,
            "floor": lambda: max(v.sqrt(), epsilon),
        }[config.epsilon_placement]()
    return [value / divisor if divisor > TIE else Decimal(0) for value in numerators]
