"""What a server did instead of answering -> one line, and what to type. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stackctl.catalogue import REQUESTS, filled, first, masked
from stackctl.chat.text import line
from stackctl.model import StackError
from stackctl.model.reply import Broken, Reply


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom. `role`: of our stack; empty for a URL. `models`: that there are, where known."""

    url: str
    model: str
    role: str = ""
    models: Sequence[str] = ()
    tools: bool = False

    @property
    def logs(self) -> str:
        if self.role:
            return f"stackctl logs {self.role}; stackctl verify {self.role}"
        return "on the box that serves it: stackctl verify, stackctl logs"


_BROKEN = {
    Broken.NO_ANSWER: "said nothing",
    Broken.SLOW: "began to answer and fell silent",
    Broken.SILENT: "sends keep-alives and no answer",
    Broken.CUT: "cut the answer off",
    Broken.NOT_HTTP: "does not speak HTTP",
    Broken.NOT_JSON: "sent what is no JSON",
    Broken.NOT_UTF8: "sent bytes that are no UTF-8",
    Broken.HTML: "sent a web page",
    Broken.TOO_LARGE: "sends without end",
}
_CONNECTING = (
    (
        r"CERTIFICATE_VERIFY_FAILED.*[Hh]ostname|IP address mismatch|doesn't match",
        "its certificate is for another name",
        "use the name that is in it (on the box: stackctl tls show)",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED",
        "its certificate is not trusted",
        "--ca FILE with the CA of the box (there: stackctl tls show), and a clock that is right",
    ),
    (r"WRONG_VERSION_NUMBER|record layer", "it does not speak TLS", "http:// instead of https://"),
    (
        r"NO_CERTIFICATE|PEM lib|BAD_BASE64",
        "the file of --ca holds no certificate",
        "ca.pem as the box has it: stackctl tls show, or its page at /",
    ),
    (
        r"getaddrinfo|Name or service|nodename|No address associated|name resolution|idna",
        "there is no such name",
        "check the host in --url",
    ),
)


def explain(reply: Reply, asked: Asked) -> StackError:
    """Why there is no (whole) answer. The words of the server are masked, and one line."""
    if reply.broken is Broken.UNREACHABLE:
        return _unreachable(reply.evidence, asked)
    page = reply.broken is Broken.HTML and reply.status not in (401, 403, 429)
    if reply.broken and (page or reply.status < 400):
        return _broken(reply.broken, reply, asked)
    return _refused(reply, asked)


def within(error: Any, asked: Asked) -> StackError:
    """An error that came in the middle of a stream."""
    text = words(error)
    return _known(text, asked) or StackError(
        f"{asked.url}: an error in the middle of the answer: {_short(text)}", fix=asked.logs
    )


def foreign(text: str, asked: Asked) -> StackError:
    """JSON, but no chat completion."""
    return StackError(
        f"{asked.url} answers in another form than OpenAI's: {_short(text)}",
        fix="check --url: it is to end before /v1" if not asked.role else asked.logs,
    )


def too_long(reply: Reply) -> bool:
    """Whether it says that the prompt does not fit into the context window."""
    text = words(reply.body)
    return reply.status in (400, 413, 422, 500) and bool(
        re.search(
            r"context[ _-]?(length|size|window)|exceed_context|maximum context|too long", text
        )
    )


def words(body: Any) -> str:
    """The message of an error in any of the usual forms."""
    if isinstance(body, dict):
        inner = body.get("error") or body.get("detail") or body.get("message") or body
        if isinstance(inner, dict) and isinstance(inner.get("message"), str):
            return str(inner["message"])
        return str(inner)
    return str(body or "")


def _unreachable(evidence: str, asked: Asked) -> StackError:
    for pattern, what, fix in _CONNECTING:
        if re.search(pattern, evidence, re.DOTALL):
            return StackError(f"{asked.url}: {what}", fix=fix)
    where = f"stackctl status; stackctl up {asked.role}" if asked.role else "check --url"
    return StackError(f"{asked.url} cannot be reached: {_short(evidence)}", fix=where)


def _broken(broken: Broken, reply: Reply, asked: Asked) -> StackError:
    fix = asked.logs
    if broken in (Broken.HTML, Broken.NOT_HTTP, Broken.NOT_JSON) and not asked.role:
        fix = "check --url: that is not the API, or a proxy is in between"
    elif broken in (Broken.NO_ANSWER, Broken.SLOW, Broken.SILENT):
        fix = f"a longer --timeout; {asked.logs}"
    shown = "" if broken is Broken.HTML else _short(reply.evidence)
    status = f" (HTTP {reply.status})" if reply.status not in (0, 200) else ""
    return StackError(
        f"{asked.url} {_BROKEN[broken]}{status}{': ' if shown else ''}{shown}", fix=fix
    )


def _refused(reply: Reply, asked: Asked) -> StackError:
    text, status = words(reply.body), reply.status
    said = f": {_short(text)}" if text else ""
    if status in (401, 403):
        fix = "--key-env NAME, with the key in that variable (on the box: stackctl keys list)"
        return StackError(f"{asked.url} refuses the key (HTTP {status}){said}", fix=fix)
    if status == 404 and asked.models and asked.model not in asked.models:
        known = ", ".join(line(name, 80) for name in asked.models[:20])
        return StackError(f"{asked.url} has no model {asked.model}", fix=f"--model: {known}")
    if status == 404:
        return StackError(f"{asked.url}: not found{said}", fix="check --url and --model")
    if status == 429:
        wait = line(reply.retry_after, 40)
        fix = f"try again in {wait} s" if wait.isdecimal() else f"try again {wait or 'later'}"
        return StackError(f"{asked.url}: too many requests{said}", fix=fix)
    if 300 <= status < 400:
        return StackError(f"{asked.url} leads elsewhere (HTTP {status})", fix="check --url")
    if explained := _known(text, asked):
        return explained
    if asked.tools and status in (400, 404, 422, 500) and "tool" in text.lower():
        return StackError(
            f"{asked.url} takes no tools{said}", fix="without --tools; stackctl prove tools"
        )
    fix = asked.logs if status >= 500 else "change what it names"
    return StackError(f"{asked.url} failed (HTTP {status}){said}", fix=fix)


def _known(text: str, asked: Asked) -> StackError | None:
    if not (found := first(text, REQUESTS)):
        return None
    fix = filled(found.failure.fix, asked.role)
    return StackError(f"{asked.url}: {found.failure.cause}", fix=fix)


def _short(text: str) -> str:
    return line(masked(text))
