"""Environment variables that no engine reads any more."""

from __future__ import annotations

import re
from collections.abc import Iterable

from stackctl.lint import edit_words
from stackctl.lint.interpolate import known
from stackctl.lint.issue import Edits, Issue
from stackctl.lint.rules.base import Rule, both, each, issue
from stackctl.lint.service import Service
from stackctl.lint.tables.removed import SUFFIXES, VARIABLES, Gone

_FALSE = frozenset({"", "0", "false", "no"})


def _removed(service: Service) -> Iterable[Issue]:
    table = VARIABLES.get(service.engine, {})
    set_here = {name: (value.text, value.span) for name, value in service.env.items()}
    call = service.invocation
    inner = {
        n: (text, word.span or service.span)
        for n, (text, word) in (call.env if call else {}).items()
    }
    for name, (text, span) in {**inner, **set_here}.items():
        gone = table.get(name)
        if gone is None:
            continue
        flag = _flag(gone, text)
        yield issue(
            "env.removed",
            service,
            f"{name} is gone" + (f"; its place is taken by {flag}" if flag else ""),
            gone.why,
            span=span,
            edits=_edits(service, name, flag),
            safe=gone.sure and known(text),
            advice=f"{flag}, and no {name}" if flag else f"take {name} out",
        )


def _flag(gone: Gone, text: str) -> str:
    """What to write instead; nothing for a switch that is off."""
    if not gone.flag or (not gone.keep and text.lower() in _FALSE):
        return ""
    for suffix in SUFFIXES:
        text = text.removesuffix(suffix)
    return f"{gone.flag} {text}" if gone.keep else gone.flag


def _edits(service: Service, name: str, flag: str) -> Edits:
    cut = service.editor.remove_env(name)
    if not flag:
        return both(cut)
    call = service.invocation
    first = flag.split()[0]
    if call is None or not re.fullmatch(r"[\w\s.-]+", flag):
        return ()
    # a flag that is there already wins, as the variable is not read
    return both(cut) if call.named(first) else both(cut, edit_words.add(call, *flag.split()))


RULES = (Rule("env.removed", "the engine reads its environment variables", each(_removed)),)
