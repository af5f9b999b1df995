#!/bin/sh
# Prepares .venv with streamnorm (editable) and every extra: with uv where it is installed, else with venv and pip.
# Run by `make setup`; ends with one line naming the Debian packages where a program is missing.
set -eu
cd "$(dirname "$0")/.."

# Prints the first Python that is new enough, or nothing.
find_python() {
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.14}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
}

missing=
for program in g++ make perl; do
    command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
done
python=$(find_python)
if command -v uv >/dev/null 2>&1; then
    uv=yes # brings its own Python and needs no venv module
elif [ -z "$python" ] && command -v python3 >/dev/null 2>&1; then
    uv= missing="$missing python3.11 python3.11-venv" # such as Ubuntu 22.04, whose python3 is 3.10
elif [ -z "$python" ]; then
    uv= missing="$missing python3 python3-venv"
else
    uv=
    # Debian ships venv without ensurepip unless python3-venv is installed.
    "$python" -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
fi
if [ -n "$missing" ]; then
    echo "setup: g++, make, perl and Python 3.11 or newer are needed; on Debian or Ubuntu: sudo apt-get install$missing" >&2
    exit 3
fi

echo "setup: preparing .venv (once; a few hundred MB of tools from PyPI)" >&2
prepare_with_uv() {
    uv venv --quiet --clear --python "${python:-3.11}" .venv &&
        uv pip install --quiet --python .venv/bin/python --editable '.[sim,fpga,fold,dev]'
}
prepare_with_pip() {
    "$python" -m venv --clear .venv &&
        .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[sim,fpga,fold,dev]'
}
if [ -z "$uv" ]; then
    prepare_with_pip
elif ! prepare_with_uv; then
    [ -n "$python" ] || exit 1
    echo "setup: uv failed; trying venv and pip" >&2
    prepare_with_pip
fi
# The first start of each of these compiles it for this machine: better now, and once, than in whatever runs first.
echo "setup: preparing yosys and nextpnr for this machine (once; a minute or two)" >&2
for tool in yosys nextpnr-ecp5 nextpnr-ice40; do
    .venv/bin/yowasp-$tool --version >/dev/null 2>&1 || true
done
if [ -z "$(.venv/bin/python -m find_libpython)" ]; then
    echo "setup: the engines verilator and icarus also need Python's shared library:" \
        "sudo apt-get install libpython3-dev" >&2
fi
