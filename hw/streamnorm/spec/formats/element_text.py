"""Elements and errors in messages."""

from .number_format import NumberFormat

__all__ = ["element_text", "error_unit"]


def element_text(number_format: NumberFormat, element: int) -> str:
    """An element as messages have it: an integer as it is, a code with the number that it stands for."""
    if not number_format.is_float:
        return str(element)
    digits = -(-number_format.bits // 4)
    return f"0x{element:0{digits}x} ({number_format.dequantize([element]).item():g})"


def error_unit(number_format: NumberFormat) -> str:
    """In what errors of results of the format are told."""
    return "ulp" if number_format.is_float else "output LSB"
