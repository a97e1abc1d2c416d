"""Each fault does what it says, once, and nothing to anybody else."""

from __future__ import annotations

import random
import time
from email.utils import parsedate_to_datetime

import pytest

from tests.hub import (
    FOREVER,
    ClockSkew,
    Cut,
    Fault,
    Flip,
    Html,
    Hub,
    NoLength,
    NoRange,
    NotJson,
    RedirectLoop,
    Reset,
    ShortLength,
    Slow,
    Stall,
    Status,
    WrongRange,
    WrongSize,
    Zeros,
)
from tests.unit.hub.client import Reply, ask

#: never a zero byte, so that zeros are seen
DATA = bytes(byte | 2 for byte in random.Random(1).randbytes(300_000))
API = "/api/models/acme/tiny"


@pytest.fixture(autouse=True)
def published(hub: Hub) -> None:
    hub.add("acme/tiny", {"w.gguf": DATA, "config.json": b"{}"})


def get(hub: Hub, method: str = "GET", **headers: str) -> Reply:
    return ask(f"{hub.url}/acme/tiny/resolve/main/w.gguf", method, 5, **headers)


def whole(reply: Reply) -> bool:
    return (reply.status, reply.body, reply.broken) == (200, DATA, None)


@pytest.mark.parametrize(
    "fault",
    [
        Status(code=429, headers={"Retry-After": "7"}),
        Html(),
        Cut(after=1000),
        Flip(at=5),
        Zeros(at=200_000),
        ShortLength(length=99),
        WrongSize(delta=1000),
        WrongSize(delta=-1),
        Reset(),
        Reset(after=100_000),
    ],
    ids=repr,
)
def test_a_fault_spoils_one_answer_only(hub: Hub, fault: Fault) -> None:
    fault.path = "w.gguf"
    hub.faults.append(fault)
    assert get(hub, "HEAD").status == 200
    assert ask(hub.url + API).status == 200
    try:
        assert not whole(get(hub))
    except ConnectionResetError:
        assert fault == Reset(path="w.gguf", times=0)
    assert whole(get(hub))
    assert [line.faults for line in hub.requests] == [(), (), (type(fault).__name__,), ()]


def test_status_brings_its_headers(hub: Hub) -> None:
    hub.inject(Status(code=429, headers={"Retry-After": "7"}, method=None, skip=1))
    assert get(hub, "HEAD").status == 200
    reply = get(hub, "HEAD")
    assert (reply.status, reply.headers["retry-after"]) == (429, "7")


def test_faults_of_one_group_are_a_script(hub: Hub) -> None:
    hub.inject(Status(code=503), Status(code=429), Html(), Flip(at=1), Flip(at=2))
    assert [get(hub).status for _ in range(2)] == [503, 429]
    assert get(hub).headers["content-type"] == "text/html"
    assert get(hub).body[:4] == bytes([DATA[0], DATA[1] ^ 1, DATA[2] ^ 1, DATA[3]])


def test_cut_for_ever_lets_each_connection_bring_a_little(hub: Hub) -> None:
    hub.inject(Cut(after=200_000, times=FOREVER))
    first = get(hub)
    assert (first.headers["content-length"], len(first.body)) == (str(len(DATA)), 200_000)
    assert first.broken
    rest = get(hub, Range="bytes=200000-")
    assert (rest.status, rest.broken, first.body + rest.body) == (206, None, DATA)


def test_flip_counts_from_the_begin_of_the_file_and_waits_for_its_byte(hub: Hub) -> None:
    hub.inject(Cut(after=100_000), Flip(at=150_000))
    first = get(hub)
    assert first.body == DATA[:100_000]
    rest = get(hub, Range="bytes=100000-")
    wrong = [
        n for n, pair in enumerate(zip(rest.body, DATA[100_000:], strict=True)) if len({*pair}) > 1
    ]
    assert wrong == [50_000]
    assert whole(get(hub))


def test_zeros(hub: Hub) -> None:
    hub.inject(Zeros(at=100_000))
    assert get(hub).body == DATA[:100_000] + bytes(65536) + DATA[165_536:]


def test_reset_is_no_orderly_end(hub: Hub) -> None:
    hub.inject(Reset(after=100_000), Reset())
    assert get(hub).broken is ConnectionResetError
    with pytest.raises(ConnectionResetError):
        get(hub)


def test_a_short_length_looks_complete(hub: Hub) -> None:
    hub.inject(ShortLength(length=99))
    reply = get(hub)
    assert (reply.body, reply.headers["content-length"], reply.broken) == (DATA[:99], "99", None)


def test_no_length_hides_a_cut(hub: Hub) -> None:
    hub.inject(NoLength(), Cut(after=99))
    reply = get(hub)
    assert (reply.body, reply.broken, "content-length" in reply.headers) == (DATA[:99], None, False)


@pytest.mark.parametrize("delta", [100, -100])
def test_a_wrong_size_is_consistent_with_itself(hub: Hub, delta: int) -> None:
    hub.inject(WrongSize(delta=delta, method=None, times=2))
    size = len(DATA) + delta
    assert get(hub, "HEAD").headers["x-linked-size"] == str(size)
    assert get(hub, Range=f"bytes={size - 3}-").headers["content-range"].endswith(f"/{size}")


def test_no_range_and_wrong_range_wait_for_a_range(hub: Hub) -> None:
    hub.inject(NoRange(), WrongRange(shift=10))
    assert whole(get(hub))
    assert whole(get(hub, Range="bytes=100-"))
    reply = get(hub, Range="bytes=100-199")
    assert reply.headers["content-range"] == f"bytes 110-199/{len(DATA)}"
    assert reply.body == DATA[110:200]


def test_slow_and_stall_take_their_time(hub: Hub) -> None:
    hub.inject(Slow(rate=1_500_000, times=1), Stall(after=1000, seconds=0.2, skip=1))
    for _ in range(2):
        start = time.monotonic()
        assert whole(get(hub))
        assert 0.15 < time.monotonic() - start < 2


def test_a_stall_ends_with_the_hub(hub: Hub) -> None:
    hub.inject(Stall(after=10, seconds=60))
    reply = ask(f"{hub.url}/acme/tiny/resolve/main/w.gguf", timeout=0.1)
    assert (reply.body, reply.broken) == (DATA[:10], TimeoutError)


def test_not_json_is_for_the_api(hub: Hub) -> None:
    hub.inject(NotJson())
    assert whole(get(hub))
    with pytest.raises(ValueError, match="Unterminated"):
        assert ask(hub.url + API).json
    assert ask(hub.url + API).json["id"] == "acme/tiny"


def test_clock_skew_and_redirect_loop(hub: Hub) -> None:
    hub.inject(ClockSkew(years=-10))
    date = parsedate_to_datetime(get(hub).headers["date"])
    assert 9.9 < (time.time() - date.timestamp()) / 365.25 / 86400 < 10.1
    hub.inject(RedirectLoop())
    for _ in range(3):
        assert get(hub).headers["location"] == "/acme/tiny/resolve/main/w.gguf"


def test_faults_that_touch_bytes_let_redirects_pass(hub: Hub) -> None:
    hub.redirect = True
    hub.inject(Cut(after=10), Flip(at=50))
    reply = get(hub)
    assert reply.status == 302
    assert len(ask(reply.headers["location"]).body) == 10
    body = ask(reply.headers["location"]).body
    assert body[50] == DATA[50] ^ 1
