"""Frames at the host's end."""

from hypothesis import given
from hypothesis import strategies as st

from fpga.link.serial_line import noisy_frames
from streamnorm_fpga.link.codec import FrameDecoder, encode_frame

contents = st.binary(min_size=2, max_size=40) | st.lists(
    st.sampled_from((0x7C, 0x7D, 0x7E, 0x5D, 0x5E)), min_size=2, max_size=20
).map(bytes)


def test_check_sequence_is_that_of_the_standard():
    # The check value of CRC-16/IBM-SDLC, of the octets "123456789", is 906E.
    assert encode_frame(b"123456789") == b"\x7e123456789\x6e\x90\x7e"


def test_flags_and_escapes_are_escaped():
    assert encode_frame(b"\x7e\x7d")[1:5] == b"\x7d\x5e\x7d\x5d"
    assert encode_frame(b"\x7e\x7d").count(0x7E) == 2


@given(st.lists(contents, max_size=5), st.integers(1, 7))
def test_frames_come_back_however_they_are_cut(frames, piece):
    octets = b"".join(map(encode_frame, frames))
    decoder = FrameDecoder()
    came = [frame for start in range(0, len(octets), piece) for frame in decoder.feed(octets[start : start + piece])]
    assert came == frames
    assert decoder.dropped == 0


def test_one_flag_between_frames_is_enough():
    octets = encode_frame(b"one") + encode_frame(b"two")[1:]
    assert list(FrameDecoder().feed(octets)) == [b"one", b"two"]


def test_what_is_before_the_first_flag_is_dropped():
    decoder = FrameDecoder()
    assert list(decoder.feed(b"rubbish" + encode_frame(b"first") + encode_frame(b"second"))) == [b"first", b"second"]
    assert decoder.dropped == 1


def test_aborted_and_short_frames_are_dropped():
    decoder = FrameDecoder()
    good = encode_frame(b"good")
    assert list(decoder.feed(b"\x7eabort\x7d\x7e" + good + b"x\x7e" + good)) == [b"good", b"good"]
    assert decoder.dropped == 2


@given(contents, st.data())
def test_damaged_frame_is_dropped_and_the_next_one_comes(content, data):
    frame = bytearray(encode_frame(content))
    place = data.draw(st.integers(1, len(frame) - 2))
    bit = data.draw(st.integers(0, 7))
    frame[place] ^= 1 << bit
    decoder = FrameDecoder()
    came = list(decoder.feed(bytes(frame) + encode_frame(b"next")))
    assert came[-1] == b"next"
    assert content not in came[:-1]


def test_noise_makes_no_frame_that_was_not_sent():
    for seed in range(200):
        octets, sent = noisy_frames(seed, 30, encode_frame)
        came = list(FrameDecoder().feed(octets + encode_frame(b"last")))
        assert came[-1] == b"last", f"seed {seed}"
        assert all(frame in sent for frame in came[:-1]), f"seed {seed}"


@given(contents)
def test_first_two_octets_are_known_as_soon_as_they_have_come(content):
    frame = encode_frame(content)
    decoder = FrameDecoder()
    assert decoder.started is None
    known = None
    for place in range(len(frame) - 1):
        assert not list(decoder.feed(frame[place : place + 1]))
        raw = frame[1 : place + 1]
        # An escape does not count until what it escapes is there.
        arrived = len(raw.rstrip(b"\x7d")) - raw.rstrip(b"\x7d").count(0x7D)
        known = content[:2] if arrived >= 2 else None
        assert decoder.started == known
    assert known == content[:2]
    assert list(decoder.feed(frame[-1:])) == [content]
    assert decoder.started is None
