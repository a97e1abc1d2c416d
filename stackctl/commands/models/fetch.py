"""Bringing files of a locked model here: a job for each, the progress, what the lock keeps."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from stackctl.commands.models.shelf import Shelf, now
from stackctl.model import Kind, LockedFile, LockedModel, StackError
from stackctl.system import terminal
from stackctl.system.durable import hand_over
from stackctl.system.progress import progress
from stackctl.system.transfer import Fetched, Job, Watch, fetch_all

#: seconds between two writings of the lock while files arrive
_KEEP = 5.0


def files(
    shelf: Shelf, model: LockedModel, chosen: Sequence[LockedFile]
) -> tuple[tuple[LockedFile, ...], tuple[StackError, ...]]:
    """Fetch files of one model -> those that are here, as they are to be locked, and failures."""
    last = [file for file in chosen if _comes_last(model, file)]
    first = [file for file in chosen if file not in last]
    done, failures = _fetch(shelf, model, first)
    if last and not failures:
        more, failures = _fetch(shelf, model, last)
        done += more
    return done, failures


def allocated(shelf: Shelf, chosen: Sequence[LockedFile]) -> int:
    """Bytes that unfinished downloads of these files take already."""
    total = 0
    for file in chosen:
        try:
            part = shelf.store.parts / f"{file.digest.algorithm}-{file.digest.hex}.part"
            total += min(file.size, part.stat().st_blocks * 512)
        except OSError:
            continue
    return total


def _comes_last(model: LockedModel, file: LockedFile) -> bool:
    """Ollama takes a model for there as soon as its manifest is."""
    return model.source.kind is Kind.OLLAMA and "/manifests/" in file.path


def _fetch(
    shelf: Shelf, model: LockedModel, chosen: Sequence[LockedFile]
) -> tuple[tuple[LockedFile, ...], tuple[StackError, ...]]:
    if not chosen:
        return (), ()
    jobs = [_job(shelf, model, file) for file in chosen]
    by_job = {id(job): file for job, file in zip(jobs, chosen, strict=True)}
    done: list[LockedFile] = []
    kept = time.monotonic()

    def ended(result: Fetched) -> None:
        nonlocal kept
        bar.ended(result.job.name)
        if result.failure:
            return
        hand_over(result.job.target)
        shelf.store.chains.save(result.job.digest.hex, result.chain)
        file = by_job[id(result.job)]
        done.append(replace(file, verified=now(), stamp=result.stamp, wrong=""))
        if time.monotonic() - kept > _KEEP:  # what is here need not be hashed after a kill -9
            kept = time.monotonic()
            shelf.record(tuple(done))

    with progress("fetching", sum(file.size for file in chosen)) as bar:
        watch = Watch(
            bytes_changed=lambda job, count: bar.advance(job.name, count, job.size),
            told=lambda job, text: bar.tell(f"{job.name}: {text}"),
            ended=ended,
        )
        try:
            results = fetch_all(shelf.web, jobs, watch)
        except KeyboardInterrupt:
            shelf.record(tuple(done))
            terminal.err("\nwhat has arrived is kept: pull again goes on with it")
            raise
    return tuple(done), tuple(r.failure for r in results if r.failure)


def _job(shelf: Shelf, model: LockedModel, file: LockedFile) -> Job:
    return Job(
        name=file.origin.rpartition("/")[2] or file.origin,
        url=shelf.url(model, file),
        size=file.size,
        digest=file.digest,
        target=shelf.path(file),
        parts=shelf.store.make(shelf.store.parts),
        chain=shelf.store.chains.load(file.digest.hex, file.size),
        headers=shelf.headers(model),
    )
