"""The other end of a serial line, for testbenches in Amaranth's simulator."""

import random

REST = 1


async def send_octet(context, line, octet, bit_cycles, *, stop=1):
    """Send an octet; without ``stop``, its stop bit is 0, and the line rests for a bit afterwards."""
    for bit in (0, *(octet >> index & 1 for index in range(8)), stop, *([] if stop else [REST])):
        context.set(line, bit)
        await context.tick().repeat(bit_cycles)
    context.set(line, REST)


async def receive_octet(context, line, bit_cycles):
    """Wait for an octet and return it, None if its stop bit is missing."""
    while context.get(line):
        await context.tick()
    await context.tick().repeat(bit_cycles // 2)
    octet = 0
    for index in range(8):
        await context.tick().repeat(bit_cycles)
        octet |= context.get(line) << index
    await context.tick().repeat(bit_cycles)
    return octet if context.get(line) else None


def noisy_frames(seed, frames, encode):
    """Octets of frames on a bad line: some flags shared or repeated, some octets spoilt, lost, or doubled.

    Returns the octets and the contents that were sent.
    """
    draw = random.Random(seed)
    octets, sent = bytearray(), []
    for _ in range(frames):
        # Mostly octets that need an escape, and their neighbours.
        content = bytes(
            draw.choice((0x7C, 0x7D, 0x7E, 0x7F, 0x5D, 0x5E, draw.randrange(256)))
            for _ in range(draw.choice((2, 2, 3, 4, 9, 30)))
        )
        frame = bytearray(encode(content))
        sent.append(content)
        if octets and octets[-1] == frame[0] and draw.random() < 0.3:
            del frame[0]
        fault = draw.randrange(8)
        place = draw.randrange(len(frame))
        if fault == 0:
            frame[place] ^= 1 << draw.randrange(8)
        elif fault == 1:
            del frame[place]
        elif fault == 2:
            del frame[place:]
        elif fault == 3:
            frame[place:place] = bytes(draw.choice((0x7D, 0x7E, draw.randrange(256))) for _ in range(3))
        octets += frame
    return bytes(octets), sent
