"""Tool calls: the choice needs a parser, and the parser is the model's.

Sources: vLLM 0.32 `TypeError: Error: --enable-auto-tool-choice requires --tool-call-parser`,
and the HTTP 400 `"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser`.
"""

from __future__ import annotations

from collections.abc import Iterable

from stackctl.lint import edit_words
from stackctl.lint.command import spelling
from stackctl.lint.interpolate import known
from stackctl.lint.issue import Issue
from stackctl.lint.rules.base import ERROR, WARNING, Rule, each, issue
from stackctl.lint.service import Service
from stackctl.lint.tables.models import GPT_OSS

_KINDS = {
    "tool parser": "tool calls come back as text",
    "reasoning parser": "thoughts and answer mix",
}


def _no_parser(service: Service) -> Iterable[Issue]:
    call = service.invocation
    flag = call.find("automatic tool choice") if call else None
    if not call or not flag or call.find("tool parser"):
        return
    parsers = service.family.tools.get(call.engine, ()) if service.family else ()
    name = spelling("tool parser", call.engine)
    yield issue(
        "tools.no-parser",
        service,
        f"{flag.name} without {name}",
        "vLLM ends with a TypeError: it has to be told how the model writes its tool calls",
        span=flag.words[0].span,
        edits=edit_words.add(call, name, parsers[0]) if parsers else None,
        safe=True,
        advice=f"{name} {parsers[0] if parsers else 'PARSER'}",
    )


def _no_choice(service: Service) -> Iterable[Issue]:
    call = service.invocation
    flag = call.find("tool parser") if call else None
    name = spelling("automatic tool choice", call.engine) if call else ""
    if not call or not flag or not name or call.find("automatic tool choice"):
        return
    if service.family is GPT_OSS:
        return  # vLLM always has it on for gpt-oss, and says so in its log
    yield issue(
        "tools.no-choice",
        service,
        f"{flag.name} without {name}",
        'a request with `"tool_choice": "auto"`, the default, is answered by HTTP 400',
        severity=WARNING,
        span=flag.words[0].span,
        edits=edit_words.add(call, name),
        safe=True,
        advice=name,
    )


def _wrong_parser(service: Service) -> Iterable[Issue]:
    call, family = service.invocation, service.family
    if not call or not family:
        return
    for concept, symptom in _KINDS.items():
        right = (family.tools if concept == "tool parser" else family.reasoning).get(call.engine)
        flag = call.find(concept)
        if not right or not flag or not known(flag.value) or flag.value in right:
            continue
        yield issue(
            "tools.wrong-parser",
            service,
            f"{flag.name} {flag.value} does not read what {family.name} writes",
            f"{symptom}, or the engine does not know the parser at all",
            # a fine-tuned child of another family may have been taught another way to call
            severity=ERROR if family is GPT_OSS else WARNING,
            span=flag.words[0].span,
            edits=edit_words.set_value(flag, right[0]),
            safe=family is GPT_OSS,
            advice=f"{flag.name} {right[0]}",
        )


def _sglang(service: Service) -> Iterable[Issue]:
    """SGLang parses nothing unless told; vLLM and TensorRT-LLM do so for gpt-oss by themselves."""
    call, family = service.invocation, service.family
    if not call or call.engine != "sglang" or family is not GPT_OSS:
        return
    missing = [c for c in _KINDS if not call.find(c)]
    if not missing:
        return
    words = []
    for concept in missing:
        right = family.tools if concept == "tool parser" else family.reasoning
        words += [spelling(concept, "sglang"), right["sglang"][0]]
    yield issue(
        "tools.none",
        service,
        f"gpt-oss without a {' and a '.join(missing)}",
        "SGLang then hands harmony's markup to the client as text",
        severity=WARNING,
        span=call.words[0].span,
        edits=edit_words.add(call, *words),
        safe=True,
        advice=" ".join(words),
    )


RULES = (
    Rule("tools.no-parser", "automatic tool choice has a parser", each(_no_parser)),
    Rule("tools.no-choice", "a tool parser has automatic tool choice", each(_no_choice)),
    Rule("tools.wrong-parser", "the parsers are the model's", each(_wrong_parser)),
    Rule("tools.none", "gpt-oss on SGLang has its parsers", each(_sglang)),
)
