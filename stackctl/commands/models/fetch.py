"""Bringing files of a model here: a job for each content, the progress, what the lock keeps."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from stackctl.commands.models import quarantine, reuse
from stackctl.commands.models.shelf import Shelf, now
from stackctl.model import Digest, Kind, LockedFile, LockedModel, StackError
from stackctl.system import terminal
from stackctl.system.progress import Progress, progress
from stackctl.system.transfer import Fetched, Job, Watch, fetch_all
from stackctl.system.xet import Feed

#: seconds between two writings of the lock while files arrive
_KEEP = 5.0
#: failures that are printed
_SHOWN = 3


def files(
    shelf: Shelf,
    model: LockedModel,
    chosen: Sequence[LockedFile],
    *,
    replaced: Collection[str] = (),
) -> tuple[tuple[LockedFile, ...], tuple[StackError, ...]]:
    """Fetch files of one model -> those that are here, as they are to be locked, and failures.

    What stands where they belong is put aside first, unless its path is in `replaced`."""
    last = [file for file in chosen if _comes_last(model, file)]
    first = [file for file in chosen if not _comes_last(model, file)]
    done, failures = _Fetch(shelf, model, replaced).run(first)
    if last and not failures:
        more, failures = _Fetch(shelf, model, replaced).run(last)
        done += more
    return done, failures


def begun(shelf: Shelf, chosen: Sequence[LockedFile]) -> int:
    """Bytes of these files that broken downloads have brought already."""
    total = 0
    for file in {file.digest: file for file in chosen}.values():
        try:
            total += min(file.size, part_of(shelf, file).stat().st_blocks * 512)
        except OSError:
            continue
    return total


def part_of(shelf: Shelf, file: LockedFile) -> Path:
    """Where what has arrived of a file is kept."""
    name = f"{file.digest.algorithm}-{file.digest.hex}.part"
    return shelf.store.parts_for(shelf.path(file)) / name


def bytes_of(chosen: Sequence[LockedFile]) -> int:
    """Bytes to be fetched; one content of several files comes once."""
    return sum({file.digest: file.size for file in chosen}.values())


def say(text: str) -> None:
    """A line at once, also where somebody reads from a pipe."""
    terminal.out(text)
    sys.stdout.flush()


def failed(error: StackError) -> None:
    say(f"error: {error.message}" + (f"\n  fix: {error.fix}" if error.fix else ""))


def all_failed(errors: Sequence[StackError]) -> None:
    """Of ten thousand files that fail for one reason a few are enough."""
    for error in errors[:_SHOWN]:
        failed(error)
    if len(errors) > _SHOWN:
        say(f"and {len(errors) - _SHOWN} more files that failed")


@contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C ends the program at once, and says what becomes of what has arrived."""
    try:
        yield
    except KeyboardInterrupt:
        terminal.err("\ninterrupted; what has arrived is kept, the same command goes on with it")
        sys.stdout.flush()
        # connections may still wait for their publisher; nobody wants to wait with them
        os._exit(130)


def _comes_last(model: LockedModel, file: LockedFile) -> bool:
    """Ollama takes a model for there as soon as its manifest is."""
    return model.source.kind is Kind.OLLAMA and "/manifests/" in file.path


class _Fetch:
    """Some files of one model, under way."""

    def __init__(self, shelf: Shelf, model: LockedModel, replaced: Collection[str]) -> None:
        self._shelf, self._model, self._replaced = shelf, model, replaced
        self._done: list[LockedFile] = []
        self._kept = time.monotonic()
        self._aside: dict[str, Path] = {}
        self._said: list[str] = []

    def run(
        self, chosen: Sequence[LockedFile]
    ) -> tuple[tuple[LockedFile, ...], tuple[StackError, ...]]:
        if not chosen:
            return (), ()
        firsts: dict[Digest, LockedFile] = {}
        for file in chosen:
            firsts.setdefault(file.digest, file)
        try:
            for file in chosen:
                self._put_aside(file)
            failures = self._fetch(tuple(firsts.values()))
            twins = [file for file in chosen if firsts[file.digest] is not file]
            self._copy(twins)
        finally:
            self._settle(chosen)
            self._shelf.record(self._done)
        missing = {file.path for file in chosen} - {file.path for file in self._done}
        if missing and not failures:
            failures = (StackError(f"{min(missing)}: could not be copied", fix="df -h; df -i"),)
        return tuple(self._done), failures

    def _fetch(self, chosen: Sequence[LockedFile]) -> tuple[StackError, ...]:
        shelf, jobs = self._shelf, [self._job(file) for file in chosen]
        feed = Feed(shelf.web, shelf.endpoints.hub, shelf.config.environ)
        by_job = {id(job): file for job, file in zip(jobs, chosen, strict=True)}
        with progress("fetching", sum(file.size for file in chosen)) as bar:
            watch = Watch(
                bytes_changed=lambda job, count: bar.advance(job.name, count, job.size),
                told=lambda job, text: bar.tell(f"{job.name}: {text}"),
                ended=lambda result: self._ended(result, by_job[id(result.job)], bar),
            )
            results = fetch_all(shelf.web, jobs, watch, feed=feed)
        return tuple(r.failure for r in map(feed.explained, results) if r.failure)

    def _job(self, file: LockedFile) -> Job:
        target = self._shelf.path(file)
        return Job(
            name=file.origin.rpartition("/")[2] or file.origin,
            url=self._shelf.url(self._model, file),
            size=file.size,
            digest=file.digest,
            target=target,
            parts=self._shelf.store.parts_for(target),
            chain=self._shelf.store.chains.load(file.digest.hex, file.size),
            headers=self._shelf.headers(self._model),
        )

    def _ended(self, result: Fetched, file: LockedFile, bar: Progress) -> None:
        bar.ended(result.job.name)
        if result.failure:
            return
        self._shelf.store.chains.save(result.job.digest.hex, result.chain)
        self._done.append(replace(file, verified=now(), stamp=result.stamp, wrong=""))
        if time.monotonic() - self._kept > _KEEP:  # what is here need not be hashed after kill -9
            self._kept = time.monotonic()
            self._shelf.record(tuple(self._done))

    def _copy(self, twins: Sequence[LockedFile]) -> None:
        """Files whose content has come under another name."""
        have = {file.digest: file for file in self._done}
        taken = reuse.take(self._shelf, twins, have) if twins else ()
        # what has got a second name is seen anew
        self._done = [*have.values(), *taken]

    def _put_aside(self, file: LockedFile) -> None:
        if file.path not in self._replaced:
            kept = quarantine.aside(self._shelf, file)
            if kept:
                self._aside[file.path] = kept

    def _settle(self, chosen: Sequence[LockedFile]) -> None:
        here = {file.path for file in self._done}
        for file in chosen:
            if (kept := self._aside.get(file.path)) is None:
                continue
            if file.path in here:
                text = quarantine.settle(self._shelf, file, kept)
            else:
                text = quarantine.give_back(self._shelf, file, kept)
                if file.wrong:  # still so, though its second name changed what stat says
                    stamp = self._shelf.store.stamp(file.path)
                    self._shelf.record([replace(file, stamp=stamp)])
            if text:
                say(text)
