from streamnorm_fpga.tools import NEXTPNR, PACK, PLL


def test_versions_are_told():
    assert {tool.version().split(".")[0] for tool in NEXTPNR.values()} == {"0"}


def test_every_family_has_every_tool():
    assert set(NEXTPNR) == set(PACK) == set(PLL) == {"ecp5", "ice40"}
