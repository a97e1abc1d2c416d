"""A file that was here before: what its chain knows is fetched, no more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stackctl.system.transfer import Job
from stackctl.system.transfer.journal import Journal, Known
from tests.hub import FOREVER, Flip, NoRange
from tests.unit.stackctl.system.transfer.conftest import DATA, RANGE, Desk, chain

SIZE = len(DATA)


def damaged(path: Path, at: int) -> Path:
    spoiled = bytearray(DATA)
    spoiled[at] ^= 1
    path.write_bytes(spoiled)
    return path


def seed(job: Job, bad: set[int]) -> None:
    """As a repair does it: the damaged file becomes the part."""
    job.parts.mkdir()
    known = Known(SIZE)
    for index in set(range(len(known.written))) - bad:
        known.written[index] = known.length(index)
    Journal(job.parts / f"{job.part_name}.log", known).close()
    job.target.replace(job.parts / f"{job.part_name}.part")


@pytest.mark.parametrize("at", [0, 2 * RANGE + 5, SIZE - 1])
def test_only_the_bad_range_is_fetched(desk: Desk, known: Job, at: int) -> None:
    damaged(known.target, at)
    seed(known, {at // RANGE})
    assert not known.target.exists()
    fetched = desk.right(known)
    begin = at // RANGE * RANGE
    (line,) = desk.hub.requests
    assert line.range == f"bytes={begin}-{min(begin + RANGE, SIZE) - 1}"
    assert fetched.chain == chain(DATA)


@pytest.mark.parametrize("said", [set(), {2}, {0, 1, 2, 3, 4}])
def test_what_is_said_of_a_seed_is_not_believed(desk: Desk, known: Job, said: set[int]) -> None:
    damaged(known.target, 5)
    seed(known, said)
    desk.right(known)
    assert "bytes=0-65535" in {line.range for line in desk.hub.requests}
    assert len(desk.hub.requests) == len(said | {0})


def test_a_seed_without_its_chain_is_read_whole(desk: Desk, big: Job) -> None:
    damaged(big.target, 5)
    seed(big, {2})
    desk.right(big)
    assert desk.sent == RANGE + SIZE


def test_a_shorter_seed_is_taken_as_far_as_it_goes(desk: Desk, known: Job) -> None:
    known.target.write_bytes(DATA[: 3 * RANGE + 10])
    seed(known, {3})
    desk.right(known)
    assert desk.sent == SIZE - 3 * RANGE


def test_wrong_once_costs_one_range(desk: Desk, known: Job) -> None:
    desk.hub.inject(Flip(at=2 * RANGE))
    desk.right(known)
    assert desk.sent == SIZE + RANGE
    assert "range 2 arrived with wrong bytes; trying again in 0 s" in desk.told


def test_wrong_always_keeps_the_rest(desk: Desk, known: Job) -> None:
    desk.hub.inject(Flip(at=2 * RANGE, times=FOREVER))
    assert "what is sent is not what is listed" in desk.wrong(known)
    assert desk.sent == SIZE + RANGE
    desk.hub.faults.clear()
    desk.hub.forget()
    desk.changes.clear()
    desk.right(known)
    assert desk.sent == RANGE


@pytest.mark.parametrize("index", [0, 1, 3])
def test_a_damaged_chain_is_done_without(desk: Desk, known: Job, index: int) -> None:
    states = list(chain(DATA))
    states[index] = bytes(32)
    fetched = desk.right(replace(known, chain=tuple(states)))
    assert fetched.chain == chain(DATA)
    assert desk.sent <= SIZE + 2 * RANGE


def test_a_chain_of_another_length_is_not_used(desk: Desk, known: Job) -> None:
    desk.right(replace(known, chain=known.chain[:2]))


def test_no_ranges_and_a_chain(desk: Desk, known: Job) -> None:
    desk.hub.inject(NoRange(times=FOREVER))
    desk.right(known)
