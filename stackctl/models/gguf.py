"""The extent of a GGUF file by its own header: ggml's docs/gguf.md, version 2 and 3."""

from __future__ import annotations

import math
import re
import struct
from typing import BinaryIO

#: bytes of the scalar metadata types, by their number
_SCALARS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_STRING, _ARRAY, _UINT32 = 8, 9, 4
#: ggml tensor types: weights per block, bytes per block (ggml.c, `type_traits`)
TENSORS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34),
    9: (32, 36), 10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210),
    15: (256, 292), 16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18),
    21: (256, 110), 22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8),
    28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66), 39: (32, 17),
    40: (64, 36), 41: (128, 18),
}  # fmt: skip
#: more would be a damaged header, not a model
_MOST = 10_000_000
_LONGEST_HEADER = 1 << 27
_DEFAULT_ALIGNMENT = 32
_FIRST_READ = 1 << 18
#: a list of texts beyond this is a vocabulary: walking it costs 0.1 ms per thousand
_LONG_LIST = 1000
#: what the entry behind a vocabulary is called, the likeliest first
_NEXT_KEYS = (b"tokenizer.", b"general.", b"quantize.", b"split.")
_KEY = re.compile(rb"[a-z0-9_.-]+")
_LONGEST_KEY = 128


class BadHeader(ValueError):
    """The header contradicts the format."""


def examine(file: BinaryIO, size: int) -> str:
    """What is wrong with a GGUF file; `file` stands at its beginning."""
    if file.read(4) != b"GGUF":
        return "not a GGUF file: its first bytes are wrong"
    try:
        needed = needed_bytes(file, size)
    except BadHeader as error:
        return f"its header is damaged: {error}"
    return "" if needed <= size else f"{size} bytes, its header promises {needed}"


def needed_bytes(file: BinaryIO, size: int = 0) -> int:
    """Bytes a file must have to hold every tensor; `file` stands behind the magic number.

    Raises BadHeader. A tensor type that is not known here counts with no bytes.

    The vocabulary is most of a header, half a million texts that only a slow walk passes. So it is
    leapt over, to the name of the entry behind. A leap is a guess: when what follows does not fit
    in `size` or makes no sense, the header is walked.
    """
    begin = file.tell()
    leaping = _Header(file, leap=True)
    try:
        needed = leaping.needed_bytes()
    except BadHeader:
        needed = size + 1
        if not leaping.leapt:
            raise
    if leaping.leapt and needed > size:
        file.seek(begin)
        return _Header(file, leap=False).needed_bytes()
    return needed


class _Header:
    """A header, read as far as it is asked for."""

    def __init__(self, file: BinaryIO, *, leap: bool) -> None:
        self.leapt = False
        self._leap = leap
        self._file = file
        self._begin = file.tell()
        self._data = b""
        self._at = 0

    def needed_bytes(self) -> int:
        version, tensors, pairs = self._numbers("<IQQ")
        if version not in (2, 3):
            raise BadHeader(f"version {version}")
        if tensors > _MOST or pairs > _MOST:
            raise BadHeader(f"{tensors} tensors, {pairs} metadata entries")
        alignment = _DEFAULT_ALIGNMENT
        for _ in range(pairs):
            key = self._text()
            (kind,) = self._numbers("<I")
            if key == b"general.alignment" and kind == _UINT32:
                (alignment,) = self._numbers("<I")
            else:
                self._skip(kind)
        if not alignment:
            raise BadHeader("alignment 0")
        places = sorted(self._tensor(alignment) for _ in range(tensors))
        end = 0
        for begin, stop in places:
            if begin < end:
                raise BadHeader(f"two tensors at {begin}")
            end = max(end, stop)
        here = self._begin + self._at
        return -(-here // alignment) * alignment + end if places else here

    def _tensor(self, alignment: int) -> tuple[int, int]:
        """Where a tensor begins and ends, from the first one on."""
        self._text()
        (dimensions,) = self._numbers("<I")
        if dimensions > 8:
            raise BadHeader(f"a tensor of {dimensions} dimensions")
        weights = math.prod(self._numbers(f"<{dimensions}Q"))
        kind, offset = self._numbers("<IQ")
        block, size = TENSORS.get(kind, (1, 0))
        if weights % block or offset % alignment:
            raise BadHeader(f"a tensor of {weights} weights of type {kind} at {offset}")
        return offset, offset + weights // block * size

    def _skip(self, kind: int) -> None:
        if kind == _STRING:
            self._text()
        elif kind == _ARRAY:
            inner, count = self._numbers("<IQ")
            if count > _MOST or inner == _ARRAY:
                raise BadHeader(f"an array of {count} entries")
            if inner == _STRING:
                self._texts(count)
            else:
                self._take(_SCALARS.get(inner, 0) * count)
                kind = inner
        elif kind in _SCALARS:
            self._take(_SCALARS[kind])
        if kind not in _SCALARS and kind not in (_STRING, _ARRAY):
            raise BadHeader(f"metadata type {kind}")

    def _texts(self, count: int) -> None:
        if count > _LONG_LIST and self._leap and (to := self._next_key(count)):
            self._at, self.leapt = to, True
            return
        length = struct.Struct("<Q").unpack_from
        data, at = self._data, self._at
        for _ in range(count):
            if at + 8 > len(data) or (end := at + 8 + length(data, at)[0]) > len(data):
                self._at = at
                self._text()
                data, at = self._data, self._at
            else:
                at = end
        self._at = at

    def _next_key(self, count: int) -> int:
        """Where the entry behind a list of texts begins; 0 if that cannot be told."""
        first = self._at + 8 * count + 8
        for bytes_per_text in (20, 40, 80):
            self._reach(self._at + bytes_per_text * count + _FIRST_READ)
            for name in _NEXT_KEYS:
                at = self._data.find(name, first)
                while at >= 0 and not self._is_entry(at):
                    at = self._data.find(name, at + 1)
                if at >= 0:
                    return at - 8
        return 0

    def _is_entry(self, at: int) -> bool:
        """Whether a key begins here: its length before it, a type behind it."""
        (length,) = struct.unpack_from("<Q", self._data, at - 8)
        kind = self._data[at + length : at + length + 4] if length <= _LONGEST_KEY else b""
        return (
            len(kind) == 4
            and int.from_bytes(kind, "little") in (*_SCALARS, _STRING, _ARRAY)
            and _KEY.fullmatch(self._data, at, at + length) is not None
        )

    def _text(self) -> bytes:
        (length,) = self._numbers("<Q")
        if length > _MOST:
            raise BadHeader(f"a text of {length} bytes")
        at = self._take(length)
        return self._data[at : at + length]

    def _numbers(self, layout: str) -> tuple[int, ...]:
        at = self._take(struct.calcsize(layout))
        return struct.unpack_from(layout, self._data, at)

    def _take(self, size: int) -> int:
        """Where the next bytes begin in what is read; they are there."""
        at, end = self._at, self._at + size
        if end > len(self._data):
            self._reach(max(end, min(2 * len(self._data), end + _LONGEST_HEADER), _FIRST_READ))
            if end > len(self._data):
                raise BadHeader("it is cut off")
        self._at = end
        return at

    def _reach(self, end: int) -> None:
        """Read up to there, if there is as much."""
        if end > _LONGEST_HEADER:
            end = _LONGEST_HEADER
        if end > len(self._data):
            self._data += self._file.read(end - len(self._data))
