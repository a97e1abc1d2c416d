"""Files are hashed in parallel, in parts, with a chain that may lie, on a disk that may fail."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackctl.model import Algorithm, Digest
from stackctl.system import hashing, sha256
from stackctl.system.hashing import Hashed, Pace, Task, hash_files
from stackctl.system.sha256 import Chained

RANGE = 1 << 12
DATA = random.Random(5).randbytes(5 * RANGE + 77)


@pytest.fixture(autouse=True)
def small_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sha256, "RANGE", RANGE)


def digest(data: bytes) -> Digest:
    return Digest(Algorithm.SHA256, hashlib.sha256(data).hexdigest())


def chain(data: bytes) -> tuple[bytes, ...]:
    hasher, states = Chained(), []
    for at in range(0, len(data) - RANGE + 1, RANGE):
        hasher.update(bytearray(data[at : at + RANGE]))
        states.append(hasher.state)
    return tuple(states)


def one(task: Task, pace: Pace | None = None, threads: int = 3) -> Hashed:
    (hashed,) = hash_files([task], pace or Pace(), threads)
    return hashed


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(DATA)
    return path


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("size", [0, 1, RANGE - 1, RANGE, RANGE + 1, 2 * RANGE, len(DATA)])
def test_right(file: Path, size: int, known: bool) -> None:
    data = DATA[:size]
    file.write_bytes(data)
    told = 0

    def tell(count: int) -> None:
        nonlocal told
        told += count

    task = Task(file, digest(data), chain(data) if known else ())
    hashed = one(task, Pace(told=tell))
    assert hashed.right
    assert (hashed.chain, hashed.bad, hashed.problem) == (chain(data), (), "")
    assert hashed.stamp == hashing.stamp_of(file.stat())
    assert told == size


def test_a_chain_without_its_last_state(file: Path) -> None:
    """As a run leaves it that stopped at the last border."""
    file.write_bytes(DATA[: 3 * RANGE])
    task = Task(file, digest(DATA[: 3 * RANGE]), chain(DATA)[:2])
    assert one(task).right


def test_git_sha1(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"what is up, doc?")
    name = Digest(Algorithm.GIT_SHA1, "bd9dbf5aae1a3862dd1526723246b20206e5fc37")
    assert one(Task(path, name)).right
    assert one(Task(path, name), Pace(budget=0)).hex == ""


@pytest.mark.parametrize("at", [0, RANGE, 3 * RANGE + 5, len(DATA) - 1])
def test_damage_is_known_by_its_range(file: Path, at: int) -> None:
    spoiled = bytearray(DATA)
    spoiled[at] ^= 1
    file.write_bytes(spoiled)
    hashed = one(Task(file, digest(DATA), chain(DATA)))
    assert not hashed.right
    assert hashed.hex == hashlib.sha256(spoiled).hexdigest()
    assert hashed.bad == (at // RANGE,)


def test_a_damaged_chain_is_not_a_damaged_file(file: Path) -> None:
    known = list(chain(DATA))
    known[2] = bytes(32)
    hashed = one(Task(file, digest(DATA), tuple(known)))
    assert hashed.right
    assert hashed.bad == ()
    assert hashed.chain == chain(DATA)


def test_shorter_and_longer_than_the_chain(file: Path) -> None:
    for data in (DATA[: 2 * RANGE + 1], DATA[:10], b"", DATA + bytes(3 * RANGE)):
        file.write_bytes(data)
        hashed = one(Task(file, digest(DATA), chain(DATA), begin=0))
        assert not hashed.right
        assert not hashed.problem


@pytest.mark.parametrize("known", [False, True])
def test_budget_ends_at_a_border_and_goes_on_there(file: Path, known: bool) -> None:
    task = Task(file, digest(DATA), chain(DATA) if known else ())
    reads = 0
    for _ in range(10):
        pace = Pace(budget=RANGE + 1)
        hashed = one(task, pace, threads=1)
        reads += pace._spent
        if hashed.hex:
            break
        assert task.begin < hashed.next
        task = Task(file, task.digest, hashed.chain, hashed.next)
    assert hashed.right
    assert hashed.chain == chain(DATA)
    assert reads == len(DATA)


def test_what_was_left_of_another_file_is_begun_anew(file: Path) -> None:
    assert one(Task(file, digest(DATA), chain(DATA), begin=99)).right
    assert one(Task(file, digest(DATA), (), begin=2)).right


def test_stop(file: Path) -> None:
    pace = Pace()
    pace.stop.set()
    hashed = one(Task(file, digest(DATA)), pace)
    assert (hashed.hex, hashed.next, hashed.problem) == ("", 0, "")


def test_leaving_early_does_not_stop_the_caller(file: Path) -> None:
    pace = Pace()
    results = hash_files([Task(file, digest(DATA))] * 5, pace, 1)
    assert next(results).right
    results.close()  # type: ignore[attr-defined]
    assert pace.stopped
    assert not pace.stop.is_set()


def test_rate_counts_over_all_threads(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    pace = Pace(rate=1000.0)
    slept: list[float] = []
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    monkeypatch.setattr(pace.stop, "wait", slept.append)
    for _ in range(3):
        pace.spend(500)
    assert slept == pytest.approx([0.5, 1.0, 1.5])


def test_order_and_files_that_are_not_there(tmp_path: Path) -> None:
    paths = [tmp_path / str(n) for n in range(20)]
    for path in paths[::2]:
        path.write_bytes(path.name.encode())
    results = list(hash_files([Task(p, digest(p.name.encode())) for p in paths], Pace(), 4))
    assert [result.right for result in results] == [True, False] * 10
    assert results[1].problem == "cannot be read: No such file or directory"
    (tmp_path / "folder").mkdir()
    folder = one(Task(tmp_path / "folder", digest(b"")))
    assert folder.problem == "cannot be read: Is a directory at byte 0"


def spoil_reads(monkeypatch: pytest.MonkeyPatch, act: Callable[[int], None]) -> None:
    real = os.preadv

    def preadv(file: int, buffers: Any, at: int) -> int:
        act(at)
        return real(file, buffers, at)

    monkeypatch.setattr(os, "preadv", preadv)


@pytest.mark.parametrize("known", [False, True])
def test_a_bad_sector_is_told_with_its_place(
    monkeypatch: pytest.MonkeyPatch, file: Path, known: bool
) -> None:
    def act(at: int) -> None:
        if at == 2 * RANGE:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    spoil_reads(monkeypatch, act)
    hashed = one(Task(file, digest(DATA), chain(DATA) if known else ()))
    assert hashed.problem == f"cannot be read: Input/output error at byte {2 * RANGE}"
    assert hashed.bad == ((2,) if known else ())
    assert not hashed.right


@pytest.mark.parametrize("known", [False, True])
def test_changed_while_it_was_read(
    monkeypatch: pytest.MonkeyPatch, file: Path, known: bool
) -> None:
    def act(at: int) -> None:
        if at == 2 * RANGE:
            with file.open("ab") as more:
                more.write(b"more")

    spoil_reads(monkeypatch, act)
    hashed = one(Task(file, digest(DATA), chain(DATA) if known else ()), threads=1)
    assert hashed.problem == "changed while it was read"


def test_became_shorter(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    def act(at: int) -> None:
        if at == 2 * RANGE:
            os.truncate(file, at)

    spoil_reads(monkeypatch, act)
    assert one(Task(file, digest(DATA))).problem == "became shorter while it was read"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    size=st.integers(0, 4 * RANGE),
    flips=st.sets(st.integers(0, 4 * RANGE), max_size=3),
    broken=st.sets(st.integers(0, 3), max_size=2),
    known=st.booleans(),
)
def test_never_right_when_wrong(
    tmp_path: Path, size: int, flips: set[int], broken: set[int], known: bool
) -> None:
    """Whatever is damaged, file or chain: the verdict is that of hashlib."""
    data = DATA[:size]
    spoiled = bytearray(data)
    for at in flips:
        if at < size:
            spoiled[at] ^= 4
    states = list(chain(data)) if known else []
    for index in broken:
        if index < len(states):
            states[index] = bytes(32)
    path = tmp_path / "any"
    path.write_bytes(spoiled)
    hashed = one(Task(path, digest(data), tuple(states)))
    assert hashed.hex == hashlib.sha256(spoiled).hexdigest()
    assert hashed.right is (bytes(spoiled) == data)
    if hashed.right:
        assert hashed.chain == chain(data)
