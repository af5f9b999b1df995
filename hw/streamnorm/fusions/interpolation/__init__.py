"""Gamma and beta between two banks, made for each row beside the unit that normalizes."""

from .interpolation_unit import InterpolationUnit

__all__ = ["InterpolationUnit"]
