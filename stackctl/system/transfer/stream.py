"""What one connection does: bring a range, a whole file or a small one, over as many requests as
it takes. What breaks off goes on at its last byte."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from stackctl.model import StackError
from stackctl.system import sha256
from stackctl.system.transfer.answer import NoRanges, body
from stackctl.system.transfer.job import Job, Patience, Stopped, Watch
from stackctl.system.transfer.part import Part
from stackctl.system.web import Passing, Web, plain, wait_for

#: how often a host is asked once more that just let another file down
_TRIES_AFTER_FAILURE = 2
#: how often a range is fetched that arrives otherwise than its chain says
_WRONG_RANGES = 2


@dataclass
class Lines:
    """Connections to publishers, for use by several threads."""

    web: Web
    patience: Patience
    watch: Watch
    _failing: set[str] = field(default_factory=set)

    def fetch_range(self, job: Job, part: Part, index: int) -> bool:
        """Bring one range to its end; False if it keeps coming otherwise than its chain says."""
        wrong = 0

        def attempt() -> None:
            nonlocal wrong
            if part.complete(index) and not part.right(index):
                self._again(job, part, index)
            begin = index * sha256.RANGE
            end = begin + part.length(index)
            for chunk in self._body(job, begin + part.written[index], end):
                part.add(index, chunk)
                self.watch.bytes_changed(job, len(chunk))
            if part.right(index):
                wrong = 0
                return
            wrong += 1
            if wrong == _WRONG_RANGES:
                return
            self._again(job, part, index)
            raise Passing(f"range {index} arrived with wrong bytes")

        self._patiently(job, attempt, lambda: part.written[index])
        return not wrong

    def fetch_whole(self, job: Job, part: Part) -> None:
        """A file from a server that knows no ranges: always from its first byte, but what is
        there stays."""

        def attempt() -> None:
            at = 0
            for chunk in self._body(job, 0, job.size):
                new = part.pour(at, memoryview(chunk))
                at += len(chunk)
                self.watch.bytes_changed(job, new)

        self._patiently(job, attempt, lambda: part.have)

    def fetch_small(self, job: Job) -> bytearray:
        """A small file, whole and in memory."""
        found = bytearray()

        def attempt() -> None:
            try:
                for chunk in self._body(job, len(found), job.size):
                    found.extend(chunk)
            except NoRanges:
                found.clear()
                raise

        self._patiently(job, attempt, lambda: len(found))
        return found

    def _again(self, job: Job, part: Part, index: int) -> None:
        self.watch.bytes_changed(job, -part.length(index))
        part.drop(index)

    def _body(self, job: Job, begin: int, end: int) -> Iterator[bytes]:
        return body(self.web, job, begin, end, self.patience, self.watch.stop)

    def _patiently(
        self, job: Job, attempt: Callable[[], None], progress: Callable[[], int]
    ) -> None:
        """Try, and try again after passing failures: at once where some bytes came, else with
        growing pauses. Whoever waited in vain for a host spares the others that."""
        host = urlsplit(job.url).netloc
        failures = 0
        while True:
            if self.watch.stop.is_set():
                raise Stopped
            before = progress()
            try:
                attempt()
                self._failing.discard(host)
                return
            except Passing as error:
                failure = error
            if progress() > before:
                failures = 0
                self._failing.discard(host)
                self.watch.told(job, f"{failure}; goes on with the next byte")
                continue
            failures += 1
            tries = _TRIES_AFTER_FAILURE if host in self._failing else self.patience.tries
            if failures >= min(tries, failure.tries):
                break
            pause = wait_for(failure, failures, self.patience.pause, self.patience.longest)
            self.watch.told(job, f"{failure}; trying again in {pause:.0f} s")
            self.watch.stop.wait(pause)
        if isinstance(failure, NoRanges):
            raise failure
        self._failing.add(host)
        raise StackError(f"{plain(job.url)}: {failure}, {failures} times in a row", fix=failure.fix)
