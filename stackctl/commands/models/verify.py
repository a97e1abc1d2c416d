"""`stackctl models verify`: what is on the disk against the lock, as thoroughly as asked."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import PurePosixPath

from stackctl import report
from stackctl.checks import run, worst
from stackctl.checks.models import CHECKS
from stackctl.commands import plan
from stackctl.commands.models import figures, hashes, memory
from stackctl.commands.models.reading import Outcome, Reader, Terms
from stackctl.commands.models.shelf import Models, Shelf, locked, open_shelf
from stackctl.facts import models as facts
from stackctl.model import (
    Damage,
    DamagedModel,
    Facts,
    Finding,
    LockedFile,
    Phase,
    Service,
    Severity,
    StackError,
)
from stackctl.models import lock, quick
from stackctl.models.state import State, judge
from stackctl.models.verdict import Verdict, spec
from stackctl.models.verdict import judge as to_verdict
from stackctl.system import idle as idling
from stackctl.system import terminal
from stackctl.system.progress import progress
from stackctl.system.sha256 import RANGE

_MB = 1_000_000


def verify(
    names: Sequence[str],
    *,
    level: str,
    share: int | None,
    rate: int | None,
    idle: bool,
    as_json: bool,
) -> int:
    """Compare models with the lock; 1 if anything is wrong."""
    began = time.monotonic()
    if share and level != "full":
        raise StackError(
            "--share goes with --full", fix="stackctl models verify --full --share 7", exit_code=2
        )
    shelf = open_shelf()
    models, services = _chosen(names, shelf)
    if idle and (lacking := idling.be_idle()):
        terminal.err(lacking)
    terms = Terms(rate * _MB if rate else None, None, idle)
    outcome, earlier = Outcome(), 0
    unread = sum(file.size for file in {f.path: f for m in models for f in m.files}.values())
    if level != "quick":
        quiet = as_json or (idle and not terminal.interactive())
        outcome, earlier, unread = _read(names, shelf, models, level, share, terms, quiet=quiet)
    models = lock.record(models, _learned(shelf, outcome))
    findings = _findings(shelf, models, services.result(), outcome, named=bool(names))
    numbers = figures.Figures(
        shelf.store.folder, level, models, outcome, earlier, unread, time.monotonic() - began
    )
    failed = worst(findings) is Severity.ERROR
    if as_json:
        terminal.out(report.as_json(findings, ok=not failed, **numbers.values))
    else:
        _show(findings, numbers)
    if outcome.stopped:
        terminal.err("\nstopped; " + _kept(shelf))
        raise KeyboardInterrupt
    return 1 if failed else 0


def _chosen(names: Sequence[str], shelf: Shelf) -> tuple[Models, Future[tuple[Service, ...]]]:
    """What the lock has of what the user named, and the services that are meant: those named, all
    of the stack if nothing. Compose is asked for them while the files are read."""
    roles = [name for name in names if ":" not in name and "/" not in name]
    texts = [name for name in names if name not in roles]
    pool = ThreadPoolExecutor(1)
    services = pool.submit(_services, names, roles, shelf)
    pool.shutdown(wait=False)
    models = locked(texts, shelf) if texts or not names else ()
    if roles:
        wanted = [model for each in services.result() for model, _ in facts.owned(each).files]
        models = tuple(dict.fromkeys((*models, *wanted)))
    return models, services


def _services(names: Sequence[str], roles: Sequence[str], shelf: Shelf) -> tuple[Service, ...]:
    if names and not roles:
        return ()
    try:
        return plan.select(plan.resolve(shelf.config).services, roles)
    except StackError:
        if roles:
            raise
        return ()  # a box that only keeps models may have no Docker and no stack


def _read(
    names: Sequence[str],
    shelf: Shelf,
    models: Models,
    level: str,
    share: int | None,
    terms: Terms,
    *,
    quiet: bool,
) -> tuple[Outcome, int, int]:
    """Hash what the level asks for; and the bytes that an earlier run of this round did, and those
    that nobody did."""
    files = {file.path: file for model in models for file in model.files}
    states = {p: judge(file, shelf.store.stamp(p)) for p, file in files.items()}
    there = [f for p, f in files.items() if states[p] is State.UNSURE or _whole(shelf, f)]
    full = level == "full"
    alone = (
        shelf.store.exclusive(
            "models verify --full",
            "models verify --full",
            lambda holder: terminal.err(f"waiting for {holder}"),
        )
        if full and shelf.store.writable
        else nullcontext()
    )
    with alone:
        known = memory.load(shelf.store)
        key = " ".join(sorted(names))
        within = None
        if not full:
            wanted = [file for file in there if states[file.path] is State.UNSURE]
        elif share:
            # what is known to be wrong would take every night's share
            wanted = [file for file in there if states[file.path] is not State.BAD]
            terms.budget = -(-sum(file.size for file in there) // share)
        else:
            within = known.rounds.setdefault(key, memory.Round(memory.now()))
            wanted = [file for file in there if not within.has(file, states[file.path])]
        wanted.sort(key=lambda file: (file.path not in known.parts, file.verified))
        earlier = sum(_read_before(shelf, known, file, within) for file in wanted)
        total = sum(file.size for file in wanted) - earlier
        total = total if terms.budget is None else min(total, terms.budget)
        with nullcontext() if quiet else progress("checking", total) as bar:
            if bar:
                terms.moved = lambda count: bar.advance("checking", count, total)
            outcome = Reader(shelf, known, terms, within).read(wanted)
        if within and not outcome.left:
            del known.rounds[key]
        if shelf.store.writable:
            known.save()
    before = sum(file.size for file in there if file not in wanted) if within else 0
    done = {*outcome.right, *(each.file.path for each in outcome.wrong)}
    unread = sum(file.size for path, file in files.items() if path not in done) - before
    unread -= sum(_read_before(shelf, known, file, within) for file in outcome.left)
    return outcome, earlier + before, unread


def _read_before(
    shelf: Shelf, known: memory.Memory, file: LockedFile, within: memory.Round | None
) -> int:
    part = known.part(file, shelf.store.stamp(file.path), within)
    return min(file.size, part.next * RANGE) if part else 0


def _whole(shelf: Shelf, file: LockedFile) -> bool:
    stamp = shelf.store.stamp(file.path)
    return stamp is not None and stamp.size == file.size


def _learned(shelf: Shelf, outcome: Outcome) -> list[LockedFile]:
    """What the lock has now of the files that were read, or would have if we might write it."""
    told = (hashes.told(shelf, each) for each in outcome.wrong)
    return [*outcome.right.values(), *filter(None, told)]


def _findings(
    shelf: Shelf, models: Models, services: Sequence[Service], outcome: Outcome, *, named: bool
) -> tuple[Finding, ...]:
    """`named` says that the user did: a role of the stack that was never pulled is no damage, but
    who names it wants to know."""
    verdict = Verdict()
    forbidden = {e.file.path: e for e in outcome.wrong if hashes.forbidden(shelf, e)}
    fine: list[Finding] = []
    for model in models:
        owned = [(model, file) for file in model.files if file.path not in forbidden]
        seen, rest = quick.look(shelf.store.folder, owned, quick.common(model), shelf.store.stamp)
        closed = tuple(f"{PurePosixPath(path).name}:" for path in forbidden)
        rest = tuple(text for text in rest if not text.startswith(closed))
        name, folder = spec(model), str(shelf.store.folder)
        found = to_verdict(name, name, folder, seen, rest, quick.common(model))
        texts = [e.text for e in forbidden.values() if e.file in model.files]
        if texts:
            path = next(p for p in forbidden if any(p == file.path for file in model.files))
            found += _unread(shelf, name, path, texts)
        if found == Verdict():
            text = f"{len(model.files)} file{'s' * (len(model.files) != 1)} as locked"
            fine.append(Finding("model.hash", Severity.OK, name, text))
        verdict += found
    for service in services:
        looked = facts.look(service)
        if looked.locked:
            continue
        if named or not looked.verdict.missing:
            verdict += looked.verdict
        if looked.verdict == Verdict() and facts.model_on_host(service):
            fine.append(
                Finding(
                    "model.hash",
                    Severity.SKIPPED,
                    service.name,
                    "its model is not locked, so only its structure was checked",
                    fix=f"stackctl models adopt, or stackctl models pull {service.role}",
                )
            )
    seen_facts = Facts(
        missing_models=verdict.missing,
        damaged_models=verdict.damaged,
        unsure_models=verdict.unsure,
    )
    return (*fine, *run(CHECKS, seen_facts, Phase.RUNNING))


def _unread(shelf: Shelf, name: str, path: str, texts: Sequence[str]) -> Verdict:
    at = str(shelf.store.folder / path)
    fix = f"ls -l {at}; give yourself the right to read it, or use sudo"
    return Verdict(damaged=(DamagedModel(name, at, tuple(texts), fix, Damage.RIGHTS),))


def _show(findings: Sequence[Finding], numbers: figures.Figures) -> None:
    for finding in findings:
        if finding.severity is Severity.SKIPPED:
            terminal.out(f"{finding.subject}: {finding.summary}: {finding.fix}")
    bad = worst(findings) in (Severity.WARNING, Severity.ERROR)
    if bad:
        terminal.out(report.text(findings, colour=terminal.colour()) + "\n")
    terminal.out(numbers.line(report.summary(findings) if bad else ""))


def _kept(shelf: Shelf) -> str:
    if shelf.store.writable:
        return "what was hashed is kept, and the same command goes on with it"
    return f"nothing is kept: no right to write in {shelf.store.folder}"
