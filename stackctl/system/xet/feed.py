"""Filling a part from the chunk store, where that pays."""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence

from stackctl.model import StackError
from stackctl.system import sha256
from stackctl.system.transfer.job import Fetched, Job, Stopped, Watch
from stackctl.system.transfer.part import Part
from stackctl.system.web import Web
from stackctl.system.xet.reader import Failed, Reader
from stackctl.system.xet.way import Way, find

#: from here on it pays, bytes: below, HTTP is done before hf_xet has begun
SMALLEST = 1 << 30
#: beyond this the Hub does not promise to send a file over HTTP
_LARGEST_OVER_HTTP = 50_000_000_000
#: processes at once: each has dozens of connections, and much memory
_MOST = 2
_POLL = 0.1
_OFF = ("0", "no", "off", "false")
_ON = ("1", "yes", "on", "true")

Span = tuple[int, int]


def wanted(environ: Mapping[str, str]) -> bool:
    """Whether the user lets us use the chunk store."""
    if environ.get("STACKCTL_XET", "").lower() in _OFF:
        return False
    return environ.get("HF_HUB_DISABLE_XET", "").lower() not in _ON


class Feed:
    """Brings what the chunk store has of files of the Hub. The rest, and what it brings wrong, is
    left to HTTP."""

    def __init__(
        self, web: Web, hub: str, environ: Mapping[str, str], smallest: int = SMALLEST
    ) -> None:
        self._web, self._hub, self._smallest = web, hub.rstrip("/"), smallest
        self._schemes = ("https://",) if hub.startswith("https://") else ("https://", "http://")
        self._installed = importlib.util.find_spec("hf_xet") is not None
        self._on = self._installed and wanted(environ)
        self._down = False  # it costs a minute to find out, and nobody wants to wait again
        self._turn = threading.Semaphore(_MOST)

    def __call__(self, job: Job, part: Part, watch: Watch) -> None:
        """Bring what is missing of a part, if that pays."""
        if not self._on or not self._ours(job) or job.size - part.have < self._smallest:
            return
        while not self._turn.acquire(timeout=_POLL):
            if watch.stop.is_set():
                raise Stopped
        had = part.have
        try:
            if not self._down and (way := find(self._web, self._hub, job)):
                self._fill(job, part, watch, way)
        except Failed as failure:
            self._down = part.have == had
            watch.told(job, f"not from the Hub's chunk store: {failure}; goes on over HTTP")
        finally:
            self._turn.release()

    def explained(self, fetched: Fetched) -> Fetched:
        """With what to do about a file that its server may be unable to send over HTTP."""
        job, failure = fetched.job, fetched.failure
        if not failure or self._on or not self._ours(job) or job.size <= _LARGEST_OVER_HTTP:
            return fetched
        fix = (
            "the Hub may send files beyond 50 GB to hf-xet only: unset STACKCTL_XET and "
            "HF_HUB_DISABLE_XET, then: stackctl models pull"
            if self._installed
            else "the Hub may send files beyond 50 GB to hf-xet only: "
            f"{sys.executable} -m pip install hf-xet; then: stackctl models pull"
        )
        return Fetched(job, failure=StackError(failure.message, fix=fix))

    def _ours(self, job: Job) -> bool:
        return job.url.startswith(f"{self._hub}/")

    def _fill(self, job: Job, part: Part, watch: Watch, way: Way) -> None:
        if not way.store.startswith(self._schemes):
            raise Failed(f"{way.store} is no address for it")
        spans = missing(part)
        ask = {
            "store": {
                "endpoint": way.store,
                "token": way.token,
                "token_expiry_unix_secs": way.expires,
                "token_refresh_url": way.refresh,
                "token_refresh_headers": self._web.headers(way.refresh),
            },
            "hash": way.hash,
            "size": job.size,
            "spans": spans,
        }
        with Reader(ask) as reader:
            for at, piece in placed(spans, reader.pieces(watch.stop)):
                watch.bytes_changed(job, part.pour(at, piece))
        if missing(part):
            raise Failed("it ended too early")


def missing(part: Part) -> list[Span]:
    """What has not arrived yet, first byte and last, in as few pieces as may be."""
    spans: list[Span] = []
    for index, count in enumerate(part.written):
        begin = index * sha256.RANGE + count
        end = index * sha256.RANGE + part.length(index)
        if begin == end:
            continue
        if spans and spans[-1][1] == begin:
            begin = spans.pop()[0]
        spans.append((begin, end))
    return spans


def placed(spans: Sequence[Span], pieces: Iterable[memoryview]) -> Iterator[tuple[int, memoryview]]:
    """Where each piece belongs: they come in the order of the spans."""
    todo = iter(spans)
    at = end = 0
    for piece in pieces:
        while piece:
            if at == end:
                at, end = next(todo, (0, 0))
            if at == end:
                raise Failed("it sends more than was asked for")
            fits = piece[: end - at]
            yield at, fits
            at += len(fits)
            piece = piece[len(fits) :]
