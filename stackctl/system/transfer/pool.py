"""Many files at once, large ones in ranges. One thread leads each file; the connections, of which
there are a few, take ranges and small files as they come."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait

from stackctl.model import Algorithm, StackError
from stackctl.system.hashing import stamp_of
from stackctl.system.transfer import small, stream
from stackctl.system.transfer.job import Fetched, Job, Patience, Watch
from stackctl.system.transfer.part import Part
from stackctl.system.web import Web

#: connections at once; hubs allow about this many
CONNECTIONS = 8
#: up to here a file is fetched whole and in memory, bytes
_SMALL = 4 << 20
#: how often a file whose hash is wrong is fetched
_ROUNDS = 2


def fetch_all(
    web: Web,
    jobs: Sequence[Job],
    watch: Watch,
    patience: Patience | None = None,
    connections: int = CONNECTIONS,
) -> list[Fetched]:
    """Fetch every job, small ones first; one that fails does not stop the others.

    Results in the order of the jobs. A KeyboardInterrupt leaves at once; what has arrived is kept,
    and a later call goes on with it.
    """
    lines = ThreadPoolExecutor(connections, "connection")
    leaders = ThreadPoolExecutor(connections, "file")
    lead = _Leader(web, lines, watch, patience or Patience())
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
        lines.shutdown(wait=False, cancel_futures=True)


class _Leader:
    def __init__(
        self, web: Web, lines: ThreadPoolExecutor, watch: Watch, patience: Patience
    ) -> None:
        self._web, self._lines, self._watch, self._patience = web, lines, watch, patience

    def fetch(self, job: Job) -> Fetched:
        """One file from beginning to end."""
        try:
            result = self._small(job) if _is_small(job) else self._large(job)
        except StackError as error:
            result = Fetched(job, failure=error)
        except stream.Stopped:
            result = Fetched(job, failure=StackError(f"{job.name}: interrupted"))
        except OSError as error:
            result = Fetched(job, failure=_of_disk(job, error))
        self._watch.ended(result)
        return result

    def _small(self, job: Job) -> Fetched:
        wrong: list[str] = []
        while len(wrong) < _ROUNDS:
            body = self._lines.submit(
                stream.fetch_small, self._web, job, self._patience, self._watch
            ).result()
            found = small.digest(job, body)
            if found == job.digest.hex:
                small.put(job, body)
                self._watch.bytes_changed(job, job.size)
                return Fetched(job, stamp_of(job.target.stat()))
            wrong.append(found)
            self._watch.told(job, "arrived with a wrong hash")
        raise _wrong(job, wrong)

    def _large(self, job: Job) -> Fetched:
        def waits() -> None:
            self._watch.told(job, "another stackctl fetches it; waiting")

        part = Part(job.parts, job.part_name, job.size, job.chain, waits)
        try:
            self._watch.bytes_changed(job, part.have)
            wrong: list[str] = []
            while len(wrong) < _ROUNDS:
                self._fill(job, part)
                found, chain = part.finish()
                if found == job.digest.hex:
                    part.put(job.target)
                    return Fetched(job, stamp_of(job.target.stat()), chain)
                wrong.append(found)
                self._watch.told(job, "arrived with a wrong hash")
                self._watch.bytes_changed(job, -part.have)
                part.clear()
            part.remove()
            raise _wrong(job, wrong)
        finally:
            part.close()

    def _fill(self, job: Job, part: Part) -> None:
        """All that is missing: in ranges, or whole where the server knows no ranges."""
        tools = (self._web, job, part)
        missing = [i for i in range(len(part.written)) if not part.complete(i)]
        pieces: list[Future[None]] = [
            self._lines.submit(stream.fetch_range, *tools, i, self._patience, self._watch)
            for i in missing
        ]
        wait(pieces, return_when=FIRST_EXCEPTION)
        for piece in pieces:
            piece.cancel()  # does nothing unless another failed
        wait(pieces)
        failures = [error for p in pieces if not p.cancelled() and (error := p.exception())]
        for error in failures:
            if not isinstance(error, stream.NoRanges):
                raise error
        if failures:
            self._watch.told(job, "its server sends no ranges: fetching it whole")
            self._lines.submit(stream.fetch_whole, *tools, self._patience, self._watch).result()


def _is_small(job: Job) -> bool:
    return job.size <= _SMALL or job.digest.algorithm is Algorithm.GIT_SHA1


def _wrong(job: Job, found: Sequence[str]) -> StackError:
    text = (
        "what is sent is not what is listed: the publisher's file, a mirror or a proxy is wrong"
        if len(set(found)) == 1
        else "it arrives with other bytes each time: the line, a proxy or this machine's memory"
    )
    return StackError(
        f"{job.name}: {job.digest.algorithm} is {found[-1][:16]}, not {job.digest.hex[:16]}, "
        f"{len(found)} times in a row: {text}",
        fix="nothing was put in place; try another network or endpoint, then: stackctl models pull",
    )


def _of_disk(job: Job, error: OSError) -> StackError:
    return StackError(
        f"{job.target}: {error.strerror or error}; what has arrived is kept",
        fix=f"make room, or give yourself the right to write there: df -h {job.parts.parent}",
    )
