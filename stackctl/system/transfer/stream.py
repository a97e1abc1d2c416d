"""One range over HTTP: asked for, checked, written. What breaks off goes on at its last byte."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from tenacity import RetryCallState, Retrying, retry_if_exception_type

from stackctl.model import StackError
from stackctl.system.sha256 import RANGE
from stackctl.system.transfer.job import Job, Patience, Watch
from stackctl.system.transfer.part import Part
from stackctl.system.web import NETWORK, Passing, Web, asked_wait, check_passing, explained, plain

if TYPE_CHECKING:
    import requests

_CHUNK = 1 << 20
_SPAN = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


class Stopped(Exception):
    """The caller wants no more."""


class NoRanges(Exception):
    """The server sends whole files only."""


def fetch_range(
    web: Web, job: Job, part: Part, index: int, patience: Patience, watch: Watch
) -> None:
    """Bring one range to its end, over as many connections as it takes while each brings some."""

    def attempt() -> None:
        while not part.complete(index):
            before = part.written[index]
            try:
                _stream(web, job, part, index, patience, watch)
            except Passing:
                if part.written[index] == before:
                    raise
                watch.told(job, f"goes on at byte {index * RANGE + part.written[index]}")
        if not part.right(index):
            watch.bytes_changed(job, -part.length(index))
            part.drop(index)
            raise Passing(f"range {index} arrived with wrong bytes")

    _patiently(attempt, job, patience, watch)


def fetch_whole(web: Web, job: Job, part: Part, patience: Patience, watch: Watch) -> None:
    """A file from a server that knows no ranges: from the first byte to the last, or again."""

    def attempt() -> None:
        watch.bytes_changed(job, -part.have)
        part.clear()
        at = 0
        for chunk in _body(web, job, 0, job.size, patience, watch, whole=True):
            view = memoryview(chunk)
            while view:
                index, room = at // RANGE, RANGE - at % RANGE
                part.add(index, view[:room])
                at += len(view[:room])
                view = view[room:]
            watch.bytes_changed(job, len(chunk))

    _patiently(attempt, job, patience, watch)


def fetch_small(web: Web, job: Job, patience: Patience, watch: Watch) -> bytes:
    """A small file, whole and in memory."""
    body: list[bytes] = []

    def attempt() -> None:
        body[:] = _body(web, job, 0, job.size, patience, watch, whole=True)

    _patiently(attempt, job, patience, watch)
    return b"".join(body)


def _stream(web: Web, job: Job, part: Part, index: int, patience: Patience, watch: Watch) -> None:
    begin = index * RANGE + part.written[index]
    end = index * RANGE + part.length(index)
    whole = begin == 0 and end == job.size
    for chunk in _body(web, job, begin, end, patience, watch, whole=whole):
        part.add(index, chunk)
        watch.bytes_changed(job, len(chunk))


def _body(
    web: Web, job: Job, begin: int, end: int, patience: Patience, watch: Watch, *, whole: bool
) -> Iterator[bytes]:
    """Bytes begin to end of the file; ends early only by an exception."""
    import requests
    import urllib3

    if begin == end:
        return
    headers = {**web.headers(job.url), **job.headers}
    if not whole:
        headers["Range"] = f"bytes={begin}-{end - 1}"
    timeout = (patience.connect, patience.silence)
    try:
        with web.session.get(job.url, headers=headers, timeout=timeout, stream=True) as answer:
            _check(answer, job, begin, end, whole=whole)
            left = end - begin
            while left:
                if watch.stop.is_set():
                    raise Stopped
                chunk = answer.raw.read(min(_CHUNK, left))
                if not chunk:
                    raise Passing("the connection broke off")
                left -= len(chunk)
                yield chunk
    except requests.RequestException as error:
        raise explained(error, job.url) from None
    except urllib3.exceptions.ReadTimeoutError:
        raise Passing(f"nothing came for {patience.silence:.0f} s") from None
    except (urllib3.exceptions.HTTPError, OSError) as error:
        if isinstance(error, OSError) and error.errno and not isinstance(error, ConnectionError):
            raise  # of our disk, not of the line
        raise Passing("the connection broke off") from None


def _check(answer: requests.Response, job: Job, begin: int, end: int, *, whole: bool) -> None:
    """Whether this is the file and the part of it that was asked for."""
    check_passing(answer)
    status, where = answer.status_code, plain(job.url)
    if status == 416:
        raise _size(job, where, "a shorter one")
    if status in (401, 403):
        raise StackError(
            f"{where}: answers {status}: not for everybody",
            fix="accept the model's terms at its publisher's page, then set its token (HF_TOKEN)",
        )
    if status not in (200, 206):
        raise StackError(f"{where}: answers {status}", fix="stackctl models update")
    if "html" in answer.headers.get("Content-Type", "") and not job.name.endswith(("html", "htm")):
        raise Passing("a web page came instead: a captive portal or a proxy is in between")
    if status == 206:
        _check_span(answer, job, begin, where)
        return
    length = answer.headers.get("Content-Length", "")
    if length.isdecimal() and int(length) != job.size:
        raise _size(job, where, f"{length} bytes")
    if not whole:
        raise NoRanges


def _check_span(answer: requests.Response, job: Job, begin: int, where: str) -> None:
    span = _SPAN.fullmatch(answer.headers.get("Content-Range", ""))
    if span is None or int(span[1]) != begin:
        raise NoRanges  # it answers with another range than the one asked for
    if span[3] != "*" and int(span[3]) != job.size:
        raise _size(job, where, f"{span[3]} bytes")


def _size(job: Job, where: str, other: str) -> StackError:
    return StackError(
        f"{where}: the publisher lists {job.size} bytes and sends {other}",
        fix="a mirror or proxy may have an old copy; another endpoint, or: stackctl models update",
    )


def _patiently(attempt: Callable[[], None], job: Job, patience: Patience, watch: Watch) -> None:
    """Try, and try again after passing failures."""

    def tell(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        watch.told(job, f"{error}; trying again")

    def pause(seconds: float) -> None:
        watch.stop.wait(seconds)

    retrying = Retrying(
        retry=retry_if_exception_type(Passing),
        stop=lambda state: state.attempt_number >= patience.tries or watch.stop.is_set(),
        wait=lambda state: asked_wait(state, patience.pause, patience.longest),
        sleep=pause,
        before_sleep=tell,
        reraise=True,
    )
    try:
        retrying(attempt)
    except Passing as error:
        if watch.stop.is_set():
            raise Stopped from None
        raise StackError(
            f"{plain(job.url)}: {error}, {patience.tries} times in a row", fix=NETWORK
        ) from None
