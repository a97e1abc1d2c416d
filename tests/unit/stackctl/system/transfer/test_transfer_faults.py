"""The fault matrix: what a publisher, a mirror or a proxy in between may do to a large file."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stackctl.system.transfer import Job
from tests.hub import (
    FOREVER,
    ClockSkew,
    Cut,
    Fault,
    Flip,
    Html,
    NoLength,
    NoRange,
    RedirectLoop,
    Reset,
    ShortLength,
    Stall,
    Status,
    WrongRange,
    WrongSize,
    Zeros,
)
from tests.unit.stackctl.system.transfer.conftest import DATA, RANGE, SMALL, Desk, chain, sha

SIZE = len(DATA)


def test_nothing_is_wrong(desk: Desk, big: Job) -> None:
    fetched = desk.right(big)
    assert fetched.chain == chain(DATA)
    assert fetched.stamp is not None
    assert desk.sent == SIZE
    assert {line.range for line in desk.hub.requests} == {
        f"bytes={at}-{min(at + RANGE, SIZE) - 1}" for at in range(0, SIZE, RANGE)
    }


@pytest.mark.parametrize(
    ("fault", "more"),
    [
        (Cut(after=1000), 0),
        (Cut(after=1000, times=FOREVER), 0),
        (Reset(after=1000), RANGE),
        (Reset(after=0, times=3), 0),
        (Stall(after=1000, seconds=3), RANGE),
        (Stall(after=RANGE // 2, seconds=3, times=FOREVER), SIZE),
        (Status(code=503, times=3), 0),
        (Status(code=500), 0),
        (Status(code=429, headers={"Retry-After": "0"}), 0),
        (Html(), 100),
        (ShortLength(length=999), 0),
        (NoLength(times=FOREVER), 0),
        (WrongRange(), RANGE + 1),
        (NoRange(), SIZE),
        (Flip(at=RANGE + 5), SIZE),
        (Zeros(at=RANGE + 5, length=4096), SIZE),
    ],
    ids=repr,
)
def test_a_fault_of_a_moment(desk: Desk, big: Job, fault: Fault, more: int) -> None:
    """The right file comes, and what had come before was not fetched again."""
    desk.hub.faults.append(fault)
    desk.right(big)
    assert any(line.faults for line in desk.hub.requests)
    assert SIZE <= desk.sent <= SIZE + more
    assert desk.told or isinstance(fault, NoLength)


def test_no_ranges_at_all(desk: Desk, big: Job) -> None:
    desk.hub.inject(NoRange(times=FOREVER))
    desk.right(big)
    assert "its server sends no ranges: fetching it whole" in desk.told


def test_no_ranges_on_resume(desk: Desk, big: Job) -> None:
    """What is there stays, though the server sends it once more."""
    desk.hub.inject(Status(code=404, skip=2, times=FOREVER))
    desk.wrong(big)
    before = sum(desk.changes)
    assert 0 < before < SIZE
    desk.changes.clear()
    desk.hub.faults[:] = [NoRange(times=FOREVER)]
    desk.right(big)
    assert desk.changes[0] == before
    assert min(desk.changes) >= 0


def test_no_ranges_and_cuts(desk: Desk, big: Job) -> None:
    """Each connection may bring more than the one before, and one does."""
    desk.hub.inject(NoRange(times=FOREVER), Cut(after=RANGE), Cut(after=2 * RANGE))
    desk.right(big)
    assert min(desk.changes) >= 0


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Status(code=503), "w.gguf: answers 503, 4 times in a row"),
        (Status(code=404), "w.gguf: answers 404"),
        (Status(code=401), "not for everybody"),
        (Status(code=403), "set its token (HF_TOKEN)"),
        (Status(code=511), "answers 511: this network wants a login first, 2 times in a row"),
        (Html(), "a web page came instead: a captive portal or a proxy is in between, 2 times"),
        (WrongSize(delta=5), f"lists {SIZE} bytes, and this sends {SIZE + 5}, 2 times"),
        (WrongSize(delta=-5), f"lists {SIZE} bytes, and this sends {SIZE - 5}, 2 times"),
        (WrongSize(delta=5 - SIZE), f"lists {SIZE} bytes, and this sends"),
        (RedirectLoop(), "redirects in a circle"),
        (Reset(), "the connection broke off, 4 times in a row"),
        (Stall(seconds=2), "no answer in time, 4 times in a row"),
        (Flip(at=9), "2x: what is sent is not what is listed"),
        (Zeros(at=9, length=5), "2x: what is sent is not what is listed"),
    ],
    ids=repr,
)
def test_a_fault_that_stays(desk: Desk, big: Job, fault: Fault, words: str) -> None:
    fault.times = FOREVER
    desk.hub.faults.append(fault)
    assert words in desk.wrong(big)
    if isinstance(fault, Flip | Zeros):
        assert desk.left == []  # nothing of it is worth keeping
        assert desk.sent == 2 * SIZE
    desk.hub.faults.clear()
    desk.changes.clear()
    desk.right(big)


def test_other_bytes_each_time(desk: Desk, big: Job) -> None:
    desk.hub.inject(Flip(at=9), Flip(at=99, skip=1))
    assert "other bytes each time" in desk.wrong(big)


@pytest.mark.parametrize("size", [RANGE - 1, RANGE, RANGE + 1, 2 * RANGE, SMALL + 1])
def test_sizes_around_a_range(desk: Desk, size: int) -> None:
    data = DATA[:size]
    fetched = desk.right(desk.publish("w.bin", data), data)
    assert fetched.chain == chain(data)
    assert len(desk.hub.requests) == -(-size // RANGE)


@pytest.mark.parametrize(
    "fault",
    [
        Cut(after=1000, times=FOREVER),
        NoRange(times=FOREVER),
        Flip(at=9),
        Html(),
        Status(code=502, times=3),
        Stall(after=1000, seconds=3),
        ShortLength(length=1000),
    ],
    ids=repr,
)
def test_a_small_file(desk: Desk, fault: Fault) -> None:
    data = DATA[:SMALL]
    desk.hub.faults.append(fault)
    desk.right(desk.publish("tokenizer.json", data), data)


def test_a_small_file_that_stays_wrong(desk: Desk) -> None:
    job = desk.publish("config.json", b"{}")
    desk.hub.inject(Flip(at=0, times=FOREVER))
    assert "2x" in desk.wrong(job)


def test_a_web_page_may_be_what_was_asked_for(desk: Desk) -> None:
    page = b"<html>a model card</html>"
    job = desk.publish("card.txt", page)
    desk.hub.inject(Html(text=page.decode(), times=FOREVER))
    desk.right(job, page)


def test_progress_forgives_earlier_failures(desk: Desk, big: Job) -> None:
    """Each connection brings some, with three refusals before it: more refusals than tries."""
    desk.hub.inject(*(Status(code=503, times=3, skip=n) for n in range(6)))
    desk.hub.inject(Cut(after=RANGE // 4, times=FOREVER))
    (fetched,) = desk.fetch(big, connections=1)
    assert fetched.failure is None
    assert desk.sent == SIZE


def test_one_that_fails_does_not_stop_the_others(desk: Desk, big: Job) -> None:
    gone = replace(big, name="gone", url=big.url + "-gone", digest=sha(b"x"))
    small = desk.publish("config.json", b"{}")
    results = desk.fetch(gone, small, big)
    assert [result.failure is None for result in results] == [False, True, True]
    assert [result.job for result in results] == [gone, small, big]


def test_a_dead_host_is_not_waited_for_again_by_each_file(desk: Desk) -> None:
    jobs = [desk.publish(f"{n}.json", b"%d" % n) for n in range(12)]
    desk.hub.inject(Status(code=503, times=FOREVER))
    results = desk.fetch(*jobs, connections=1)
    assert all(result.failure for result in results)
    assert len(desk.hub.requests) == 4 + 11 * 2


def test_clock_skew(desk: Desk, big: Job) -> None:
    """A date ten years ahead that is now by the server's own clock."""
    date = "Tue, 01 Jan 2036 00:00:00 GMT"
    headers = {"Retry-After": date, "Date": date}
    desk.hub.inject(Status(code=429, headers=headers, times=2), ClockSkew(times=FOREVER))
    desk.right(big)
