"""Elements in messages."""

from .number_format import NumberFormat

__all__ = ["element_text"]


def element_text(number_format: NumberFormat, element: int) -> str:
    """An element as messages have it: an integer as it is, a code with the number that it stands for."""
    if not number_format.is_float:
        return str(element)
    digits = -(-number_format.bits // 4)
    return f"0x{element:0{digits}x} ({number_format.dequantize([element]).item():g})"
