"""The extent of a GGUF file by its own header: ggml's docs/gguf.md, version 2 and 3."""

from __future__ import annotations

import struct
from typing import BinaryIO

#: bytes of the scalar metadata types, by their number
_SCALARS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_STRING, _ARRAY, _UINT32 = 8, 9, 4
#: ggml tensor types: weights per block, bytes per block (ggml.c, `type_traits`)
_TENSORS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34),
    9: (32, 36), 10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210),
    15: (256, 292), 16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18),
    21: (256, 110), 22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8),
    28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66), 39: (32, 17),
}  # fmt: skip
#: more would be a damaged header, not a model
_MOST = 10_000_000
_DEFAULT_ALIGNMENT = 32


class BadHeader(ValueError):
    """The header contradicts the format."""


def needed_bytes(file: BinaryIO) -> int:
    """Bytes a file must have to hold every tensor; `file` stands behind the magic number.

    Raises BadHeader. A tensor type that is not known here counts with no bytes.
    """
    version, tensors, pairs = struct.unpack("<IQQ", _take(file, 20))
    if version not in (2, 3):
        raise BadHeader(f"version {version}")
    if tensors > _MOST or pairs > _MOST:
        raise BadHeader(f"{tensors} tensors, {pairs} metadata entries")
    alignment = _DEFAULT_ALIGNMENT
    for _ in range(pairs):
        key = _string(file)
        (kind,) = struct.unpack("<I", _take(file, 4))
        if key == b"general.alignment" and kind == _UINT32:
            (alignment,) = struct.unpack("<I", _take(file, 4))
        else:
            _skip(file, kind)
    end = max((_tensor_end(file) for _ in range(tensors)), default=0)
    if not alignment:
        raise BadHeader("alignment 0")
    data = -(-file.tell() // alignment) * alignment
    return data + end


def _tensor_end(file: BinaryIO) -> int:
    _string(file)
    (dimensions,) = struct.unpack("<I", _take(file, 4))
    if dimensions > 8:
        raise BadHeader(f"a tensor of {dimensions} dimensions")
    weights = 1
    for size in struct.unpack(f"<{dimensions}Q", _take(file, 8 * dimensions)):
        weights *= size
    kind, offset = struct.unpack("<IQ", _take(file, 12))
    block, size = _TENSORS.get(kind, (1, 0))
    end: int = offset + -(-weights // block) * size
    return end


def _skip(file: BinaryIO, kind: int) -> None:
    if kind == _STRING:
        _string(file)
    elif kind == _ARRAY:
        inner, count = struct.unpack("<IQ", _take(file, 12))
        if count > _MOST or inner == _ARRAY:
            raise BadHeader(f"an array of {count} entries")
        if inner in _SCALARS:
            _take(file, _SCALARS[inner] * count)
        else:
            for _ in range(count):
                _skip(file, inner)
    elif kind in _SCALARS:
        _take(file, _SCALARS[kind])
    else:
        raise BadHeader(f"metadata type {kind}")


def _string(file: BinaryIO) -> bytes:
    (length,) = struct.unpack("<Q", _take(file, 8))
    if length > _MOST:
        raise BadHeader(f"a text of {length} bytes")
    return _take(file, length)


def _take(file: BinaryIO, size: int) -> bytes:
    raw = file.read(size)
    if len(raw) != size:
        raise BadHeader("it is cut off")
    return raw
