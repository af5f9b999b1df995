"""The Verilog of a reciprocal square root alone, to be synthesized and placed."""

from amaranth.hdl import Fragment

from streamnorm.logic.primitives import Emission, wrapper_modules
from streamnorm.units.root_alone import RootAlone

from .conversion import converted
from .elaboration import without_garbage_collection

__all__ = ["ROOT_MODULE", "root_verilog"]

ROOT_MODULE = "reciprocal_root"
"""Name of the top module."""


@without_garbage_collection()
def root_verilog(root: RootAlone, primitives: str) -> str:
    """Return the Verilog of a root alone, as cells of the family ``primitives``; it can be converted once.

    The module :data:`ROOT_MODULE` has the root's ports, a clock ``clk`` and, where something is reset, ``rst``.
    """
    fragment = Fragment.get(root, Emission(primitives))
    text = converted(fragment, {name: getattr(root, name) for name in root.signature.members}, ROOT_MODULE)
    wrappers = wrapper_modules(text)
    return f"{text.rstrip()}\n\n{wrappers}" if wrappers else text
