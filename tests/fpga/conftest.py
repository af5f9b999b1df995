"""What the tests of the FPGA flow share."""

from pathlib import Path

import pytest

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="session")
def small_verilog() -> str:
    """Two blocks, ``moments`` and ``apply``, behind a stream interface."""
    return (DATA / "small.v").read_text()


@pytest.fixture(scope="session")
def recorded_report() -> Path:
    """What nextpnr-ecp5 0.11.1 reported of the above."""
    return DATA / "nextpnr_ecp5_report.json"
