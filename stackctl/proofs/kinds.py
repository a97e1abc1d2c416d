"""Every way in which an answer fails a proof, as data: how it shows, why, what to type. Pure."""

from __future__ import annotations

import re

from stackctl.catalogue import REQUESTS, filled, first
from stackctl.proofs.trouble import Blame, Kind

_LOGS = "stackctl logs ROLE; stackctl verify ROLE"
_PARSER = (
    "give the engine the parser of its model's family (vLLM: --enable-auto-tool-choice "
    "--tool-call-parser NAME, SGLang: --tool-call-parser NAME, llama.cpp: --jinja); stackctl lint "
    "tells its name; it belongs into ROLE_ARGS of env/stack.env, then: stackctl up ROLE"
)
_VERSION = "take a newer image of the engine (env/images.env), then: stackctl up ROLE"
_MODEL = "a larger model, a better description of the tool, or a lower temperature"

#: the way to the server and back
TRANSPORT: tuple[Kind, ...] = (
    Kind(
        "unreachable",
        "no connection",
        "nothing listens there, or its name or certificate is wrong",
        "stackctl status; stackctl up ROLE",
    ),
    Kind(
        "no-answer",
        "not a byte until the time was over",
        "the engine hangs, or its queue is longer than the time given",
        f"{_LOGS}; a longer --timeout",
    ),
    Kind(
        "too-slow",
        "an answer that did not end in time",
        "the engine is slow, or says the same for ever",
        "a longer --timeout, a smaller --concurrency; stackctl verify ROLE",
    ),
    Kind(
        "keep-alives-only",
        "a stream of comments without an event",
        "something before the engine keeps the connection open while the engine does nothing",
        _LOGS,
    ),
    Kind(
        "cut-off",
        "the connection ended inside the answer, or a stream without its end",
        "the engine crashed, or something between cuts connections",
        _LOGS,
    ),
    Kind("not-http", "no HTTP", "another program has that port", "stackctl status"),
    Kind(
        "html",
        "a page of HTML",
        "that is not the engine: a proxy's error page, a login page, or a web interface",
        "check the URL; stackctl status",
    ),
    Kind("not-json", "what is no JSON", "the engine, or a proxy, writes something else", _LOGS),
    Kind(
        "not-utf8",
        "bytes that are no UTF-8, e.g. half a character",
        "the engine cuts a character that has several tokens in two",
        _VERSION,
    ),
    Kind("too-large", "an answer without end", "the server sends on and on", _LOGS),
    Kind(
        "rate-limited",
        "HTTP 429",
        "the key's limit, or a full queue",
        "a smaller --concurrency; stackctl keys list",
    ),
    Kind(
        "key-refused",
        "HTTP 401 or 403",
        "no key, a wrong one, or one that may not use this model",
        "--key-env NAME, with the key in that variable; stackctl keys list",
    ),
    Kind("server-error", "HTTP 500 to 599", "the engine failed at this request", _LOGS),
    Kind("request-refused", "HTTP 400 to 499", "the engine does not take such a request", _LOGS),
    Kind("redirected", "HTTP 300 to 399", "that is not the API's address", "check the URL"),
    Kind("error-in-stream", "an error amid a stream", "the engine failed on the way", _LOGS),
    Kind("not-a-completion", "JSON of another form", "that is no OpenAI-compatible API", _VERSION),
    Kind("not-a-stream", "no stream where one was asked for", "stream: true is ignored", _VERSION),
    Kind("truncated", 'finish_reason "length"', "max_tokens was over", "a larger --max-tokens"),
    Kind(
        "empty-answer",
        "neither text nor a call, at most thoughts",
        "the parser of calls is missing, or of another family: what the model wrote is dropped",
        _PARSER,
    ),
)

#: the form of calls
TOOLS: tuple[Kind, ...] = (
    Kind(
        "parser-missing",
        "no call; in the text, one in the form of a model's family; or the engine says so",
        "the engine has no parser for what this model writes",
        _PARSER,
        pattern=r"requires --jinja",
    ),
    Kind(
        "parser-wrong",
        "marks of a model's form in a call's name or arguments, or in the text beside it",
        "the engine's parser is that of another family, or of an older form",
        _PARSER,
    ),
    Kind(
        "harmony-text",
        "harmony's marks (<|channel|>, to=functions.) in the answer",
        "gpt-oss's form was not parsed: no harmony parser, or one that lost its place",
        f"{_PARSER}; stackctl models verify; {_VERSION}",
    ),
    Kind(
        "tools-as-text",
        "no call; in the text, JSON that names one of the tools",
        "no parser, a parser that did not recognize it, or a template without the form",
        _PARSER,
    ),
    Kind(
        "template-without-tools",
        "no call, and the prompt is as long as without tools",
        "the chat template drops the tools: the model never saw them",
        "the model's own template (vLLM: --chat-template FILE, llama.cpp: --jinja, Ollama: a "
        "TEMPLATE with .Tools), then: stackctl up ROLE",
        pattern=r"does not support tools",
    ),
    Kind(
        "template-refuses",
        "an error of the chat template",
        "the template takes no tools, no results of tools, or not in this order",
        "the publisher's newest template (vLLM: --chat-template FILE), then: stackctl up ROLE",
        pattern=r"TemplateError|roles must alternate|Jinja Exception",
    ),
    Kind(
        "harmony-error",
        "an error of harmony's parser",
        "gpt-oss wrote what the parser of its format does not take",
        f"stackctl models verify; {_VERSION}",
        pattern=r"HarmonyError|openai_harmony",
    ),
    Kind(
        "choice-ignored",
        "no call, or another tool, though tool_choice forces it",
        "the engine does not enforce tool_choice",
        _VERSION,
    ),
    Kind(
        "calls-shape",
        "tool_calls is no array of functions with names",
        "the engine does not keep to OpenAI's form",
        _VERSION,
    ),
    Kind(
        "call-id",
        "a call without an id, or two with the same",
        "its result cannot be sent back to the right call",
        _VERSION,
    ),
    Kind(
        "wrong-finish",
        'a call with another finish_reason than "tool_calls"',
        "clients that look at finish_reason, as LangChain's agents do, do not see the call",
        _VERSION,
    ),
    Kind(
        "arguments-object",
        "arguments is an object instead of its text",
        "the engine answers in Ollama's own form",
        "ask on /v1/chat/completions; " + _VERSION,
    ),
    Kind(
        "arguments-json",
        "arguments that are no JSON",
        "the parser cut them, or the model wrote them so and nothing held it to JSON",
        f"{_PARSER}; {_VERSION}",
    ),
    Kind(
        "broken-characters",
        "replacement characters, lone surrogates, or UTF-8 read as Latin-1",
        "a character of several tokens was decoded in pieces",
        _VERSION,
    ),
    Kind(
        "stream-index",
        "a piece of a call without its index, or with one that was not begun",
        "clients cannot put the pieces together",
        _VERSION,
    ),
)

#: what the model decides
JUDGEMENT: tuple[Kind, ...] = (
    Kind("no-call", "text where a call was due", "the model chose to talk", _MODEL, Blame.MODEL),
    Kind(
        "call-unasked",
        "a call where no tool was needed",
        "the model calls whatever it is offered",
        _MODEL,
        Blame.MODEL,
    ),
    Kind(
        "wrong-tool",
        "another tool than the one that fits, or one that was not offered",
        "the model chose badly",
        _MODEL,
        Blame.MODEL,
    ),
    Kind(
        "arguments-schema",
        "arguments that violate the tool's schema",
        "the model wrote them so, and nothing held it to the schema",
        f"{_MODEL}; structured output of the engine (strict: true)",
        Blame.MODEL,
    ),
    Kind(
        "wrong-values",
        "arguments, or an answer, without what was given",
        "the model did not take over what it was told",
        _MODEL,
        Blame.MODEL,
    ),
    Kind(
        "text-beside-call",
        "text in content beside a call",
        "the model explains itself; clients that expect null show it as an answer",
        "tell it in the system prompt to call tools without a word",
        Blame.MODEL,
    ),
    Kind(
        "grammar-left",
        "llama.cpp ends a call: empty grammar stack",
        "the model wrote a token that the grammar of the tools on offer has no place for",
        _VERSION,
        Blame.MODEL,
        r"Unexpected empty grammar stack",
    ),
    Kind(
        "one-at-a-time",
        "one call where two were asked for at once",
        "this model calls one tool after the other, as gpt-oss does",
        "nothing: clients that loop get the second call next",
        Blame.LIMIT,
    ),
    Kind(
        "not-offered",
        "HTTP 404, 405 or 501",
        "this engine does not have this API",
        "nothing, unless your clients need it: docs/engines.md",
        Blame.LIMIT,
    ),
    Kind("not-asked", "nothing", "the server was given up before", "see above", Blame.LIMIT),
)

_REQUESTS = tuple(Kind(f.id, f.pattern, f.cause, f.fix) for f in REQUESTS)
KINDS: dict[str, Kind] = {kind.id: kind for kind in (*TRANSPORT, *TOOLS, *JUDGEMENT, *_REQUESTS)}


def fix(text: str, role: str) -> str:
    """What to type; of a server that is no role of ours (""), only what is not about roles."""
    if role:
        return filled(text, role)
    steps = text.replace(", then: stackctl up ROLE", "").split("; ")
    return "; ".join(s for s in steps if "ROLE" not in s) or "look into that server's own log"


def told(text: str) -> str:
    """The kind that an error's text tells; empty if none."""
    if known := first(text, REQUESTS):
        return known.failure.id
    own = (kind.id for kind in KINDS.values() if kind.pattern and re.search(kind.pattern, text))
    return next(own, "")
