"""`verify --record`, with `--heal`: what a timer runs. Look, remember, tell, heal, look again."""

from __future__ import annotations

import time
from dataclasses import replace

from stackctl import settings
from stackctl.commands import heal as healer
from stackctl.commands import record, snapshot
from stackctl.commands.history import changed_since_green
from stackctl.commands.look import Look, look, tell
from stackctl.commands.net import forward_keep
from stackctl.commands.tls import renew
from stackctl.model.incident import Figure
from stackctl.system import files, terminal
from stackctl.system.docker import Docker


def make(*, answers: bool, as_json: bool, heal: bool, quiet: bool) -> int:
    """One round over the whole box. 1 if something is in error after it."""
    try:
        # its own lock: one that waited would pile up behind a driver that hangs
        with files.lock(settings.find_root() / ".stackctl" / "watch.lock", "verify --record"):
            if heal:
                renew.renew_if_due()  # first, so that a failure is among what is seen
            seen, changed = _remember(look((), None, answers=answers))
            if heal and healer.heal(seen, lambda: look((), None), watching=True):
                seen, changed = _remember(look((), None, answers=answers))
    except files.Busy:
        terminal.out("another `stackctl verify --record` is still at work; nothing was done")
        return 0
    if seen.failed and changed and not as_json:
        terminal.out(changed + "\n")
    return tell(seen, as_json=as_json, quiet=quiet)


def _remember(seen: Look) -> tuple[Look, str]:
    """Into the history; what went wrong with that is a finding as well. And what the box was not
    when all was fine, in words: most of what broke in the night is an upgrade of that night."""
    forwarded = forward_keep.watch(settings.find_root() / ".stackctl")
    seen = replace(seen, findings=(*seen.findings, *forwarded))
    there = {o.service.name for o in seen.facts.observed}
    figures = (
        *snapshot.figures(seen.facts, seen.findings),
        *(Figure("service_up", name, 0.0) for name in seen.facts.wanted if name not in there),
    )
    parts = snapshot.box(seen.facts, Docker().repo_digests)
    found = record.record(seen.findings, figures, parts, time.time())
    seen = replace(seen, findings=(*seen.findings, *found))
    return seen, changed_since_green(parts) if seen.failed else ""
