"""`stackctl doctor --fix`: the safe repairs one by one, and what is left to the owner."""

from __future__ import annotations

import difflib
import shlex
import sys
from collections.abc import Sequence

from stackctl.model import Finding, Severity, StackError
from stackctl.model.host import Mend, mend_of
from stackctl.system import terminal
from stackctl.system.host import mending

_PROBLEMS = (Severity.WARNING, Severity.ERROR)


def fix(findings: Sequence[Finding], *, yes: bool, root: bool) -> bool:
    """Offer each repair, do those that are agreed to. Whether anything was changed."""
    mends = list(dict.fromkeys(m for f in findings if (m := mend_of(f))))
    changed = False
    ask = not yes
    for mend in mends:
        terminal.out("\n" + describe(mend))
        if mend.needs_root and not root:
            terminal.out("  not done: only root may do it: sudo stackctl doctor --fix")
        elif ask and not _can_ask():
            terminal.out("  not done: no terminal to ask on: stackctl doctor --fix --yes")
        elif ask and not _agreed():
            terminal.out("  not done")
        else:
            changed = _do(mend) or changed
    _rest([f for f in findings if f.severity in _PROBLEMS and not mend_of(f)], any_mend=bool(mends))
    return changed


def describe(mend: Mend) -> str:
    """What would be done, the command first of all."""
    lines = [mend.what]
    if mend.argv:
        lines.append(f"    run:      {shlex.join(mend.argv)}")
    else:
        lines.append(f"    write:    {mend.path}")
        lines += [f"        {line}" for line in _difference(mend)]
    lines.append(f"    safe:     {mend.safe}")
    if mend.after:
        lines.append(f"    after:    {mend.after}")
    return "\n".join(lines)


def _difference(mend: Mend) -> list[str]:
    old, new = mend.old.splitlines(), mend.text.splitlines()
    return list(difflib.unified_diff(old, new, lineterm="", n=1))[2:]


def _do(mend: Mend) -> bool:
    try:
        kept = mending.do(mend)
    except StackError as error:
        terminal.out(
            f"  FAILED: {error.message}" + (f"\n    fix: {error.fix}" if error.fix else "")
        )
        return False
    terminal.out("  done" + (f"; {kept}" if kept else ""))
    return True


def _rest(findings: Sequence[Finding], *, any_mend: bool) -> None:
    """What stackctl leaves to the owner: drivers, reboots, the kernel, firewalls, restarts."""
    if findings:
        terminal.out("\nnot done by stackctl:")
        for finding in findings:
            terminal.out(f"  {finding.subject}: {finding.summary}  [{finding.check}]")
            if finding.fix:
                terminal.out(f"      {finding.fix}")
    elif not any_mend:
        terminal.out("\nnothing to mend")


def _can_ask() -> bool:
    return terminal.interactive() and sys.stdin.isatty()


def _agreed() -> bool:
    try:
        return input("  do it? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False
