"""Flags that the engine does not take: removed, renamed, another engine's, or nobody's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from stackctl.lint import edit_words
from stackctl.lint.command import Flag, Invocation
from stackctl.lint.issue import Edit, Edits, Issue, Known, Span
from stackctl.lint.rules.base import ERROR, WARNING, Rule, each, issue
from stackctl.lint.service import Service
from stackctl.lint.tables import engines, vllm
from stackctl.lint.tables.removed import FLAGS, PASSES, Gone

_TABLE = "stackctl's table of vLLM 0.32"


def _gone(call: Invocation, flag: Flag) -> Gone | None:
    return FLAGS.get(call.engine, {}).get(flag.name.replace("_", "-"))


def _removed(service: Service) -> Iterable[Issue]:
    call = service.invocation
    for flag in call.flags if call else ():
        gone = _gone(call, flag) if call else None
        if gone is None or call is None:
            continue
        edits: Edits | None
        if not gone.flag:
            edits = edit_words.remove(call, flag)
        elif gone.keep or not flag.value:
            edits = edit_words.rename(flag, gone.flag)
        else:
            edits = None
        yield issue(
            "flag.removed",
            service,
            f"{flag.name} is {'on its way out' if gone.soft else 'gone'}",
            gone.why,
            severity=WARNING if gone.soft else ERROR,
            span=flag.words[0].span,
            edits=edits,
            safe=gone.sure,
            advice=f"{gone.flag} {flag.value if gone.keep else ''}".strip()
            or f"take {flag.name} out",
        )


def _foreign(service: Service) -> Iterable[Issue]:
    call = service.invocation
    for flag in call.flags if call else ():
        if call is None or _gone(call, flag):
            continue
        for concept, spellings in engines.FLAGS.items():
            owners = [e for e, names in spellings.items() if _is(flag, names, e)]
            if not owners:
                continue
            mine = spellings.get(call.engine, ())
            if _own(call, flag):
                break
            there = call.find(concept)
            edits = (
                edit_words.remove(call, flag)
                if there
                else edit_words.rename(flag, mine[0])
                if mine
                else None
            )
            yield issue(
                "flag.other-engine",
                service,
                f"{flag.name} is a flag of {owners[0]}, not of {call.engine}",
                f"{call.engine} ends with `unrecognized arguments`"
                + (f"; there it is called {mine[0]}" if mine else "; it has nothing like it"),
                span=flag.words[0].span,
                edits=edits,
                safe=concept in engines.SAME_VALUE and not there,
                advice=f"{mine[0]} {flag.value}".strip() if mine else f"take {flag.name} out",
            )
            break


def _own(call: Invocation, flag: Flag) -> bool:
    if call.engine == "vllm" and vllm.knows(flag.name):
        return True
    return any(
        _is(flag, names.get(call.engine, ()), call.engine) for names in engines.FLAGS.values()
    )


def _is(flag: Flag, names: Sequence[str], engine: str) -> bool:
    if engine in engines.UNDERSCORES:
        return flag.name in names
    return flag.name.startswith("--") and flag.name.replace("_", "-") in names


def _unknown(services: Sequence[Service], known: Known) -> Iterable[Issue]:
    """vLLM's own parser where it was at hand, else the table."""
    for service in services:
        call = service.invocation
        if call is None or call.engine != "vllm":
            continue
        verdict = known.verdicts.get(service.name)
        if verdict is None:
            for flag in call.flags:
                if not vllm.knows(flag.name) and not _explained(call, flag):
                    yield _complaint(service, flag, f"vLLM has no flag {flag.name}", _TABLE)
            continue
        for error in verdict.errors:
            flags = [f for f in call.flags if re.search(re.escape(f.name) + r"\b", error)]
            unexplained = [flag for flag in flags if not _explained(call, flag)]
            if flags and not unexplained:
                continue
            yield _complaint(service, next(iter(unexplained), None), error, verdict.by)


def _explained(call: Invocation, flag: Flag) -> bool:
    """Whether another rule has something better to say of a flag."""
    if _gone(call, flag):
        return True
    return any(
        _is(flag, names, engine)
        for spellings in engines.FLAGS.values()
        for engine, names in spellings.items()
        if engine != call.engine
    )


def _complaint(service: Service, flag: Flag | None, text: str, by: str) -> Issue:
    call = service.invocation
    return issue(
        "flag.unknown",
        service,
        text,
        f"so says {by}; vLLM ends before it loads anything",
        span=flag.words[0].span if flag else service.command_span,
        edits=edit_words.remove(call, flag) if flag and call else None,
        advice="`vllm serve --help=all` lists what there is",
    )


def _passes(service: Service) -> Iterable[Issue]:
    call = service.invocation
    for flag in call.flags if call else ():
        for old, new in PASSES.items():
            if old not in flag.value and old not in flag.name:
                continue
            word = flag.words[-1]
            # a word's text lacks its quotes, so that the change is made in the source
            span = word.span
            edits: Edits | None = None
            if span is not None and old in span.text:
                at = span.start + span.text.index(old)
                edits = (Edit(Span(span.source, at, at + len(old)), new),)
            yield issue(
                "flag.renamed-pass",
                service,
                f"{old} is called {new} now",
                "vLLM ends with exit code 2: the pass is unknown",
                span=span,
                edits=edits,
                safe=True,
                advice=f"write {new} for {old}",
            )


RULES = (
    Rule("flag.removed", "the engine still has its flags", each(_removed)),
    Rule("flag.other-engine", "the flags are this engine's", each(_foreign)),
    Rule("flag.unknown", "vLLM knows its flags and their values", _unknown),
    Rule("flag.renamed-pass", "vLLM knows the passes of its compilation config", each(_passes)),
)
