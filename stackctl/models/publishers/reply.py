"""What a publisher's server answers, and what is said when it answers something else."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from stackctl.model.errors import StackError

_HEX = re.compile(r"[0-9a-f]+")
#: anything as long as a token; a server may quote ours back
_LONG_WORD = re.compile(r"[A-Za-z0-9_.\-]{20,}")
_MOST_BYTES = 1 << 62


@dataclass(frozen=True, slots=True)
class Reply:
    """`body` is parsed JSON, or the text where it is no JSON. `text` is the body as UTF-8, so that
    text.encode() are the bytes that came. Redirects were followed, retries made."""

    status: int
    headers: Mapping[str, str]
    body: Any
    text: str = ""

    def header(self, name: str) -> str:
        """One header, whatever the case of its name; "" where it is missing."""
        return next((v for k, v in self.headers.items() if k.lower() == name.lower()), "")


#: asks for a URL with extra headers; a network that fails raises a StackError in it
Get = Callable[[str, Mapping[str, str]], Reply]


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where publishers are asked. A mirror may have a path, and a slash at its end."""

    hub: str = "https://huggingface.co"
    modelscope: str = "https://www.modelscope.cn"
    ollama: str = "https://registry.ollama.ai"


def place(url: str) -> str:
    """A URL as it may be printed: no user, no password, no query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "what is no URL"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def odd(url: str, why: str) -> StackError:
    """Of JSON that has another shape than this publisher's."""
    return StackError(
        f"{place(url)} answers what cannot be understood: {why}",
        fix="if this is a mirror, ask the publisher itself; if it is the publisher, its API has "
        "changed: report it",
    )


def refused(reply: Reply, url: str) -> StackError:
    """Of an answer that is none, where the publisher has no reason of its own for it."""
    at = place(url)
    if reply.status == 407:
        return StackError(
            f"a proxy on the way to {at} wants a password",
            fix="put it in HTTPS_PROXY, or name the host in NO_PROXY",
        )
    if reply.status == 429:
        after = reply.header("retry-after")
        wait = f", it says after {after} seconds" if after.isdecimal() else ""
        return StackError(
            f"{at} says that it was asked too often (429){wait}",
            fix="wait and try again; with a token the limit is higher",
        )
    if reply.status >= 500:
        return StackError(
            f"{at} answers {reply.status}, also when asked again: the fault is its own",
            fix="try again later, or use a mirror",
        )
    said = _said(reply.body)
    return StackError(
        f"{at} answers {reply.status}{f' and says: {said}' if said else ''}",
        fix="check the source and the mirror's address",
    )


def json_of(reply: Reply, url: str) -> Any:
    """The JSON of an answer that has been found to be one."""
    if not 200 <= reply.status < 300:
        raise refused(reply, url)
    if isinstance(reply.body, str):
        if is_page(reply):
            raise web_page(url)
        raise odd(url, "no JSON")
    return reply.body


def is_page(reply: Reply) -> bool:
    if not isinstance(reply.body, str):
        return False
    start = reply.body.lstrip()[:15].lower()
    return "text/html" in reply.header("content-type") or start.startswith(("<!doctype", "<html"))


def web_page(url: str) -> StackError:
    return StackError(
        f"{place(url)} answers with a web page where data should be",
        fix="something on the way answers in its place: log in to the network (a captive portal), "
        "or set the proxy's exception; then try again",
    )


def size_of(value: object) -> int:
    """A size that can be one; else a ValueError."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _MOST_BYTES:
        raise ValueError("a size is no number of bytes")
    return value


def hex_of(value: object, digits: int) -> str:
    """A hash of so many digits, in small letters; else a ValueError."""
    found = value.lower() if isinstance(value, str) else ""
    if len(found) != digits or not _HEX.fullmatch(found):
        raise ValueError(f"a hash is not {digits} hexadecimal digits")
    return found


def text_of(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a text is none")
    value.encode()  # JSON may hold half a character, which no file name can
    return value


def _said(body: object) -> str:
    """A server's own words, cut and without what may be a token."""
    words: object = ""
    if isinstance(body, dict):
        words = body.get("error") or body.get("Message") or body.get("errors") or ""
    if isinstance(words, list) and words and isinstance(words[0], dict):
        words = words[0].get("message", "")
    return repr(_LONG_WORD.sub("…", words)[:200]) if isinstance(words, str) and words else ""
