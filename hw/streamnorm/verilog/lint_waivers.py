"""What linters ask about a unit's Verilog and need not, as a file for Verilator."""

import textwrap

__all__ = ["lint_waivers"]

_WAIVED = {
    "DECLFILENAME": "One file holds all modules of a unit, so that nothing else is needed.",
    "PROCASSINIT": "Registers have an initial value, which FPGAs load with their bitstream; a reset gives it again.",
    "UNUSEDSIGNAL": "Elements and fields of a word have names of their own where the word is used as a whole, for "
    "those who look at waves. Nothing is computed for them.",
    "WIDTHEXPAND": "An operand narrower than the result is extended, by its own sign if it has one: what Verilog does "
    "is what is meant. Sums and products are as wide as their exact result.",
    "WIDTHTRUNC": "`! x` stands for `x == 0` where x has several bits.",
    "CMPCONST": "A comparison of a general block may be constant in this configuration.",
    "CASEINCOMPLETE": "What a case does not list has been assigned before it.",
}


def lint_waivers(name: str) -> str:
    """Return the text of ``NAME.vlt``: with it, ``verilator --lint-only -Wall NAME.vlt NAME.v`` has nothing to say."""
    lines = [
        f"// What Verilator's warnings ask about {name}.v, answered; read it before the file:",
        "//",
        f"//     $ verilator --lint-only -Wall {name}.vlt {name}.v",
        "//",
        "// Every warning that is not here would be a fault of the unit.",
        "",
        "`verilator_config",
    ]
    for rule, why in _WAIVED.items():
        lines += ["", *textwrap.wrap(why, 118, initial_indent="// ", subsequent_indent="// ")]
        lines += [f'lint_off -rule {rule} -file "{pattern}"' for pattern in (f"{name}.v", f"*/{name}.v")]
    return "\n".join(lines) + "\n"
