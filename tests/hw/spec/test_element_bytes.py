import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streamnorm.spec.formats.element_bytes import bytes_element, element_bytes


@given(byte_count=st.integers(1, 5), signed=st.booleans(), data=st.data())
def test_bytes_and_elements(byte_count, signed, data):
    low, high = (-(1 << (8 * byte_count - 1)), (1 << (8 * byte_count - 1)) - 1)
    low, high = (low, high) if signed else (0, (1 << (8 * byte_count)) - 1)
    values = np.array(data.draw(st.lists(st.integers(low, high), min_size=1, max_size=5)), np.int64)
    raw = element_bytes(values, byte_count)
    assert raw.shape == (len(values), byte_count)
    assert bytes_element(raw, signed=signed).tolist() == values.tolist()
