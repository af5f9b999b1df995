"""FPGA flow: placing and routing a unit, and what comes of it."""

from streamnorm_fpga.place.flow import fit, fit_verilog
from streamnorm_fpga.place.report import FitReport

__all__ = ["FitReport", "fit", "fit_verilog"]
