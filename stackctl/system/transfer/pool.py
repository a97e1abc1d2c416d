"""Many files at once, large ones in ranges. One thread leads each file; the connections, of which
there are a few, take ranges and small files as they come."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import TypeAlias

from stackctl.model import Algorithm, StackError, Stamp
from stackctl.system.durable import fault
from stackctl.system.hashing import Pace, Task, hash_files, stamp_of
from stackctl.system.transfer import small
from stackctl.system.transfer.answer import NoRanges
from stackctl.system.transfer.job import Fetched, Job, Patience, Stopped, Watch
from stackctl.system.transfer.part import Part
from stackctl.system.transfer.stream import Lines
from stackctl.system.web import Web

#: connections at once; hubs allow about this many
CONNECTIONS = 8
#: up to here a file is fetched whole and in memory, bytes
_SMALL = 4 << 20
#: how often a file whose hash is wrong is fetched
_ROUNDS = 2
_POLL = 0.1
_FULL = (errno.ENOSPC, errno.EDQUOT)

#: brings what it can of a file by another way; HTTP brings the rest
Feeding: TypeAlias = Callable[[Job, Part, Watch], None]


def fetch_all(
    web: Web,
    jobs: Sequence[Job],
    watch: Watch,
    patience: Patience | None = None,
    connections: int = CONNECTIONS,
    feed: Feeding | None = None,
) -> list[Fetched]:
    """Fetch every job, small ones first; one that fails does not stop the others.

    Results in the order of the jobs. A KeyboardInterrupt leaves at once; what has arrived is kept,
    and a later call goes on with it.
    """
    pool = ThreadPoolExecutor(connections, "connection")
    leaders = ThreadPoolExecutor(connections, "file")
    lead = _Leader(Lines(web, patience or Patience(), watch), pool, watch, feed)
    in_order = sorted(range(len(jobs)), key=lambda i: jobs[i].size)
    try:
        under_way = {i: leaders.submit(lead.fetch, jobs[i]) for i in in_order}
        return [under_way[i].result() for i in range(len(jobs))]
    except BaseException:
        watch.stop.set()
        raise
    finally:
        # at the end of a call they idle; after Ctrl-C nobody waits for them
        leaders.shutdown(wait=False, cancel_futures=True)
        pool.shutdown(wait=False, cancel_futures=True)


class _Leader:
    def __init__(
        self, lines: Lines, pool: ThreadPoolExecutor, watch: Watch, feed: Feeding | None
    ) -> None:
        self._lines, self._pool, self._watch, self._feed = lines, pool, watch, feed

    def fetch(self, job: Job) -> Fetched:
        """One file from beginning to end."""
        try:
            result = self._small(job) if _is_small(job) else self._large(job)
        except StackError as error:
            result = Fetched(job, failure=error)
        except Stopped:
            result = Fetched(job, failure=StackError(f"{job.name}: interrupted"))
        except OSError as error:
            result = Fetched(job, failure=_of_disk(job, error))
        self._watch.ended(result)
        return result

    def _small(self, job: Job) -> Fetched:
        wrong: list[str] = []
        while len(wrong) < _ROUNDS:
            if small.there(job):
                self._watch.bytes_changed(job, job.size)
                return Fetched(job, _stamp(job))
            body = self._pool.submit(self._lines.fetch_small, job).result()
            found = small.digest(job, body)
            if found == job.digest.hex:
                small.put(job, body)
                self._watch.bytes_changed(job, job.size)
                return Fetched(job, _stamp(job))
            wrong.append(found)
            self._watch.told(job, "arrived with a wrong hash")
        raise _wrong(job, wrong)

    def _large(self, job: Job) -> Fetched:
        part = Part(job.parts, job.part_name, job.size, job.chain, self._waiting(job))
        try:
            if not part.have and (there := self._there(job)):
                part.remove()
                return there
            self._watch.bytes_changed(job, part.have)
            if self._feed:
                self._feed(job, part, self._watch)
            wrong: list[str] = []
            while len(wrong) < _ROUNDS:
                suspects = self._fill(job, part)
                found, chain = part.finish()
                if found == job.digest.hex:
                    part.put(job.target)
                    return Fetched(job, _stamp(job), chain)
                wrong.append(found)
                if suspects:  # the rest is as its chain says, and stays for the next time
                    for index in suspects:
                        self._watch.bytes_changed(job, -part.length(index))
                        part.drop(index)
                    raise _wrong(job, wrong)
                self._watch.told(job, "arrived with a wrong hash")
                self._watch.bytes_changed(job, -part.have)
                part.clear()
            part.remove()
            raise _wrong(job, wrong)
        finally:
            part.close()

    def _waiting(self, job: Job) -> Callable[[], None]:
        told = False

        def waits() -> None:
            nonlocal told
            if not told:
                self._watch.told(job, "another stackctl fetches it; waiting")
            told = True
            if self._watch.stop.wait(_POLL):
                raise Stopped

        return waits

    def _there(self, job: Job) -> Fetched | None:
        """The file itself, if it has come meanwhile, say by the process we waited for."""
        if job.target.is_symlink() or not job.target.is_file():
            return None
        if job.target.stat().st_size != job.size:
            return None
        task = Task(job.target, job.digest, job.chain)
        (hashed,) = hash_files([task], Pace(stop=self._watch.stop), threads=1)
        if not hashed.right:
            return None
        self._watch.bytes_changed(job, job.size)
        return Fetched(job, hashed.stamp, hashed.chain)

    def _fill(self, job: Job, part: Part) -> list[int]:
        """All that is missing or not checked: in ranges, or whole where the server knows no
        ranges. Returns the ranges that keep coming otherwise than the chain says."""
        missing = [i for i in range(len(part.written)) if not part.sure(i)]
        pieces: list[Future[bool]] = [
            self._pool.submit(self._lines.fetch_range, job, part, i) for i in missing
        ]
        wait(pieces, return_when=FIRST_EXCEPTION)
        for piece in pieces:
            piece.cancel()  # does nothing unless another failed
        wait(pieces)
        failures = [error for p in pieces if not p.cancelled() and (error := p.exception())]
        for error in failures:
            if not isinstance(error, NoRanges):
                raise error
        if failures:
            self._watch.told(job, "its server sends no ranges: fetching it whole")
            self._pool.submit(self._lines.fetch_whole, job, part).result()
            return []
        return [i for i, piece in zip(missing, pieces, strict=True) if not piece.result()]


def _is_small(job: Job) -> bool:
    return job.size <= _SMALL or job.digest.algorithm is Algorithm.GIT_SHA1


def _stamp(job: Job) -> Stamp:
    return stamp_of(job.target.stat())


def _wrong(job: Job, found: Sequence[str]) -> StackError:
    text = (
        "what is sent is not what is listed: the publisher's file, a mirror or a proxy is wrong"
        if len(set(found)) == 1
        else "it arrives with other bytes each time: the line, a proxy or this machine's memory"
    )
    return StackError(
        f"{job.name}: {job.digest.algorithm} is {found[-1][:16]}, not {job.digest.hex[:16]}, "
        f"{len(found)}x: {text}",
        fix="nothing was put in place; try another network or endpoint, then: stackctl models pull",
    )


def _of_disk(job: Job, error: OSError) -> StackError:
    where = error.filename2 or error.filename
    failure = fault(error, Path(where) if isinstance(where, str) else job.target)
    if error.errno in _FULL:
        failure.message += "; what has arrived is kept"
    return failure
