"""Number formats of the elements that stream in and out."""

from .integer import IntFormat

__all__ = ["IntFormat"]
