"""A file on its way: what its journal may be believed, who has it, what outlasts what."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackctl.model import StackError
from stackctl.system.transfer import journal
from stackctl.system.transfer.part import Part
from tests.unit.stackctl.system.transfer.conftest import DATA, RANGE, chain

SIZE = len(DATA)
HEX = hashlib.sha256(DATA).hexdigest()
CHAIN = chain(DATA)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "parts"


@contextmanager
def opened(folder: Path, known: tuple[bytes, ...] = ()) -> Iterator[Part]:
    with closing(Part(folder, "sha256-x", SIZE, known)) as part:
        yield part


def bring(part: Part, *indices: int, count: int = RANGE, step: int = 10_000) -> None:
    """Bytes of ranges, as they would arrive."""
    for index in indices:
        end = min(part.written[index] + count, part.length(index))
        while (have := part.written[index]) < end:
            at = index * RANGE + have
            part.add(index, DATA[at : at + min(step, end - have)])


def test_any_order_gives_hash_and_chain(folder: Path) -> None:
    with opened(folder) as part:
        bring(part, 4, 2, 0, 1, 3)
        assert part.have == SIZE
        assert part.finish() == (HEX, CHAIN)
        part.put(folder.parent / "w")
    assert (folder.parent / "w").read_bytes() == DATA
    assert list(folder.iterdir()) == []


def test_goes_on_where_it_was_without_a_second_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(folder) as part:
        bring(part, 0, 1)
        bring(part, 3, count=100)
    reads: list[int] = []
    monkeypatch.setattr(Part, "_hash", lambda *_: reads.append(1))
    with opened(folder) as part:
        assert part.written == [RANGE, RANGE, 0, 100, 0]
        assert part._hasher.done >= RANGE
    assert reads == []


def test_power_failure_keeps_what_is_proven(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(folder) as part:
        bring(part, 0, 1, 2)
        bring(part, 3, count=100)
        part.finish()
    path = folder / "sha256-x.part"
    with path.open("r+b") as file:  # the disk never got the end of range 2
        file.seek(2 * RANGE + 500)
        file.write(bytes(RANGE))
    monkeypatch.setattr(journal, "_boot", lambda: "another")
    with opened(folder) as part:
        assert part.written == [RANGE, RANGE, 0, 0, 0]
        bring(part, 2)
        bring(part, 3, count=5)
    with opened(folder) as part:  # once is enough: what came since is not in doubt
        assert part.written == [RANGE, RANGE, RANGE, 5, 0]
        bring(part, 3, 4)
        assert part.finish() == (HEX, CHAIN)


def test_power_failure_and_a_chain(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every range can be looked at by itself."""
    with opened(folder, CHAIN) as part:
        bring(part, 1, 2, 3, 4)
    with (folder / "sha256-x.part").open("r+b") as file:
        file.seek(2 * RANGE + 500)
        file.write(b"\0")
    monkeypatch.setattr(journal, "_boot", lambda: "another")
    with opened(folder, CHAIN) as part:
        assert part.written == [0, RANGE, 0, RANGE, 0]


@pytest.mark.parametrize("gone", ["part", "log"])
def test_half_of_the_pair_is_nothing(folder: Path, gone: str) -> None:
    with opened(folder) as part:
        bring(part, 0, 1)
    (folder / f"sha256-x.{gone}").unlink()
    with opened(folder) as part:
        assert part.have == 0
        bring(part, 0, 1, 2, 3, 4)
        assert part.finish() == (HEX, CHAIN)


def test_a_part_cut_short(folder: Path) -> None:
    with opened(folder) as part:
        bring(part, 0, 1)
    with (folder / "sha256-x.part").open("r+b") as file:
        file.truncate(RANGE + 7)
    with opened(folder) as part:
        assert part.written == [RANGE, 7, 0, 0, 0]
        bring(part, 1, 2, 3, 4)
        assert part.finish() == (HEX, CHAIN)


def test_other_size_other_ranges(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(folder) as part:
        bring(part, 0)
    with closing(Part(folder, "sha256-x", SIZE + 1)) as part:
        assert part.have == 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
@given(st.data())
def test_any_damage_to_the_log_is_survived(tmp_path: Path, data: st.DataObject) -> None:
    """Whatever it says, nothing raises, and the hash is never said to be right when it is not."""
    folder = tmp_path / "any"
    with opened(folder) as part:
        part.clear()
        bring(part, 0, 1, 3, step=RANGE)
        bring(part, 4, count=10)
    log = folder / "sha256-x.log"
    text = bytearray(log.read_bytes())
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        if data.draw(st.booleans()):
            text[at] = data.draw(st.sampled_from(b"0123456789 \nrhvx.\xff"))
        else:
            del text[at : at + data.draw(st.integers(1, 40))]
            text = text or bytearray(b"\n")
    log.write_bytes(text)
    with opened(folder) as part:
        for index in range(5):
            bring(part, index)
        if part.finish()[0] == HEX:
            assert part.path.read_bytes() == DATA


def test_half_a_line_is_no_line(folder: Path) -> None:
    """A full disk may end a line anywhere; a number cut short would be another number."""
    with opened(folder) as part:
        bring(part, 0)
    with (folder / "sha256-x.log").open("ab") as log:
        log.write(b"\nr 0 1")
    with opened(folder) as part:
        assert part.written[0] == RANGE


def test_only_one_has_it(folder: Path) -> None:
    """The second waits, may give up, and does not take a file for its own that has moved on."""
    asked = threading.Event()
    second: list[Part] = []

    def wait() -> None:
        asked.set()
        threading.Event().wait(0.01)

    def other() -> None:
        second.append(Part(folder, "sha256-x", SIZE, waits=wait))

    class Enough(Exception):
        pass

    def enough() -> None:
        raise Enough

    with opened(folder) as first:
        with pytest.raises(Enough):
            Part(folder, "sha256-x", SIZE, waits=enough)
        thread = threading.Thread(target=other)
        thread.start()
        assert asked.wait(10)
        bring(first, 0, 1, 2, 3, 4)
        first.finish()
        first.put(folder.parent / "w")
        assert not second
    thread.join(10)
    with closing(second[0]) as part:
        assert part.have == 0
        part.add(0, b"other bytes")
    assert (folder.parent / "w").read_bytes() == DATA


def test_a_file_taken_away_is_not_put(folder: Path) -> None:
    with opened(folder) as part:
        bring(part, 0, 1, 2, 3, 4)
        part.finish()
        part.path.replace(folder / "else")
        part.path.write_bytes(b"not ours")
        with pytest.raises(StackError, match="took it away"):
            part.put(folder.parent / "w")
    assert not (folder.parent / "w").exists()


def test_nothing_stays_open_when_it_cannot_begin(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **_more: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        with pytest.raises(OSError, match="No space"):
            Part(folder, "sha256-x", SIZE)
    with opened(folder) as part:  # the lock is free
        assert part.have == 0


def test_many_threads(folder: Path) -> None:
    with opened(folder) as part:
        threads = [threading.Thread(target=bring, args=(part, i)) for i in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert part.finish() == (HEX, CHAIN)
