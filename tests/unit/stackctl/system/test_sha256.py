"""Our SHA-256 counts as hashlib does, wherever it is cut."""

from __future__ import annotations

import hashlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackctl.system import sha256
from stackctl.system.sha256 import INITIAL, RANGE, Chained, ranges


@given(st.binary(max_size=2000), st.lists(st.integers(0, 2000), max_size=8))
def test_any_cut_gives_the_same_hash(data: bytes, cuts: list[int]) -> None:
    hasher = Chained()
    borders = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for begin, end in itertools.pairwise(borders):
        hasher.update(bytearray(data[begin:end]))
    assert hasher.done == len(data)
    assert hasher.hexdigest() == hashlib.sha256(data).hexdigest()


@given(st.binary(max_size=2000), st.integers(0, 31))
def test_goes_on_from_any_state(data: bytes, blocks: int) -> None:
    done = min(blocks, len(data) // 64) * 64
    first = Chained()
    first.update(bytearray(data[:done]))
    second = Chained(first.state, done)
    assert second.state == first.state
    second.update(memoryview(bytearray(data))[done:])
    assert second.hexdigest() == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("done", [1 << 29, 1 << 32, (1 << 35) + 64])
def test_length_beyond_32_bits(done: int) -> None:
    """The length in bits is part of what is hashed: padding by hand must give the same state."""
    tail = b"\x80" + bytes(55) + (done << 3).to_bytes(8, "big")
    by_hand = Chained(INITIAL, done)
    by_hand.update(bytearray(tail))
    assert Chained(INITIAL, done).hexdigest() == by_hand.state.hex()


def test_no_state_between_blocks() -> None:
    with pytest.raises(ValueError, match="after 1 bytes"):
        Chained(INITIAL, 1)
    with pytest.raises(ValueError, match="after 64 bytes"):
        Chained(b"short", 64)
    hasher = Chained()
    hasher.update(bytearray(b"x"))
    with pytest.raises(ValueError, match="after 1 bytes"):
        _ = hasher.state


def test_ranges() -> None:
    assert RANGE % 64 == 0
    sizes = [0, 1, RANGE - 1, RANGE, RANGE + 1, 3 * RANGE]
    assert [ranges(size) for size in sizes] == [1, 1, 1, 1, 2, 3]


def test_a_library_that_counts_otherwise_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    library = sha256._library()
    assert sha256._counts(library)
    monkeypatch.setattr(sha256, "INITIAL", bytes(32))
    assert not sha256._counts(library)
