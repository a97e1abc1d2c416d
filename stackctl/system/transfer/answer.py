"""One request for a part of a file: asked for, checked, read piece by piece."""

from __future__ import annotations

import re
from collections.abc import Iterator
from threading import Event
from typing import TYPE_CHECKING

from stackctl.model import StackError
from stackctl.system.transfer.job import Job, Patience, Stopped
from stackctl.system.web import Passing, Portal, Web, check_passing, explained, plain

if TYPE_CHECKING:
    import requests

_CHUNK = 1 << 20
_SPAN = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


class NoRanges(Passing):
    """It sends whole files only; asked twice, since one of a site's servers may be an old one."""

    tries = 2


class OtherSize(Passing):
    """Not what is listed; asked twice, since a proxy may have cut it off."""

    tries = 2
    fix = "a mirror or proxy may have an old copy; another endpoint, or: stackctl models update"

    def __init__(self, job: Job, other: str) -> None:
        super().__init__(f"the publisher lists {job.size} bytes, and this sends {other}")


def body(
    web: Web, job: Job, begin: int, end: int, patience: Patience, stop: Event
) -> Iterator[bytes]:
    """Bytes begin to end of the file; ends early only by an exception."""
    import urllib3

    if begin == end:
        return
    headers = {**web.headers(job.url), **job.headers}
    if whole := begin == 0 and end == job.size:
        headers.pop("Range", None)
    else:
        headers["Range"] = f"bytes={begin}-{end - 1}"
    timeout = (patience.connect, patience.silence)
    try:
        with web.session.get(job.url, headers=headers, timeout=timeout, stream=True) as answer:
            _check(answer, job, begin, whole=whole)
            left = end - begin
            while left:
                if stop.is_set():
                    raise Stopped
                # what there is, at once: `read` would lose up to a whole chunk when it breaks off
                chunk = answer.raw.read1(min(_CHUNK, left))
                if not chunk:
                    raise Passing("the connection broke off")
                left -= len(chunk)
                yield chunk
            return
    except (OSError, urllib3.exceptions.HTTPError) as error:
        failure = explained(error, job.url)
    raise failure  # out here, or the library's words with their whole URL would go with it


def _check(answer: requests.Response, job: Job, begin: int, *, whole: bool) -> None:
    """Whether this is the file and the part of it that was asked for."""
    check_passing(answer)
    status, where = answer.status_code, plain(job.url)
    length = answer.headers.get("Content-Length", "")
    if status == 416:
        raise OtherSize(job, "less")
    if status in (401, 403):
        raise StackError(
            f"{where}: answers {status}: not for everybody",
            fix="accept the model's terms at its publisher's page, then set its token (HF_TOKEN)",
        )
    if status not in (200, 206):
        raise StackError(f"{where}: answers {status}", fix="stackctl models update")
    if status == 206:
        span = _SPAN.fullmatch(answer.headers.get("Content-Range", ""))
        if span is None or int(span[1]) != begin:
            raise NoRanges("answers with another range than the one asked for")
        if span[3] != "*" and int(span[3]) != job.size:
            raise OtherSize(job, span[3])
        return
    if length != str(job.size):
        if "html" in answer.headers.get("Content-Type", ""):
            raise Portal("a web page came instead: a captive portal or a proxy is in between")
        if length.isdecimal():
            raise OtherSize(job, length)
    if not whole:
        raise NoRanges("sends whole files only")
