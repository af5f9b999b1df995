"""Entering a norm of a user's own, together with its exact formula."""

from streamnorm.errors import ConfigError
from streamnorm.spec.norms import Norm
from streamnorm.spec.norms.register import register
from streamnorm.spec.values import shown

from .exact import FORMULAS, RowFormula, formula_of_rows

__all__ = ["RowFormula", "register_norm"]


def register_norm(norm: Norm, formula: RowFormula) -> None:
    """Enter a norm and its exact reference: it is configured, planned, generated, simulated and checked as any other.

    Parameters
    ----------
    norm : Norm
        Its description, from which golden model and hardware are made.
    formula : function of one row
        From its elements, integers less the zero point, to ``(c, D, W)`` with ``z = c / sqrt(D + W**2 * e)``, integers
        too; ``e`` is epsilon in squared input steps, and stands where ``epsilon_placement`` says. Results are measured
        against it, so it is written from the norm's definition and not from its description.

    Raises
    ------
    ConfigError
        If ``formula`` is no function, or as :func:`streamnorm.spec.norms.register.register`.
    """
    if not callable(formula):
        raise ConfigError(f"formula = {shown(formula)}: must be a function of the elements of one row")
    register(norm)
    FORMULAS[norm.name] = formula_of_rows(formula)
