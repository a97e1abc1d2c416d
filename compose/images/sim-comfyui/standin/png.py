"""A picture of one colour as PNG, with nothing but the standard library."""

import struct
import zlib


def encode(width: int, height: int, colour: int) -> bytes:
    header = struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)
    row = b"\0" + colour.to_bytes(3, "big") * width
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(row * height))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
