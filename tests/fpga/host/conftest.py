import numpy as np
import pytest

from streamnorm import IntFormat, NormConfig


@pytest.fixture(scope="session")
def config():
    """Beats partly filled, elements that do not fill their bytes, two banks."""
    return NormConfig(
        name="fake_unit",
        norm="layernorm",
        lanes=2,
        max_length=15,
        input=IntFormat(12, scale=0.1),
        output=IntFormat(8, scale=0.05),
        epsilon=1e-5,
        gamma=np.linspace(-1, 1, 30).reshape(2, 15),
        banks=2,
    )
