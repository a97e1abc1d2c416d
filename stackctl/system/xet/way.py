"""Where the chunks of a file are, as the Hub says it: asked for anew each time, as tokens are short
lived and a lock is not the place for them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urljoin

from stackctl.model import StackError
from stackctl.system.transfer import Job
from stackctl.system.web import Web

_HASH = re.compile(r"[0-9a-f]{64}")
_REDIRECTS = 5
_TIMEOUT = (10.0, 30.0)
#: how the Hub writes its own address, whatever mirror one asks
_HUB = "https://huggingface.co"


@dataclass(frozen=True, slots=True)
class Way:
    """To a file: its hash there (of its chunks, not of its content), the store, what lets us in."""

    hash: str
    store: str
    token: str = field(repr=False)
    expires: int
    refresh: str


def find(web: Web, hub: str, job: Job) -> Way | None:
    """The way to a file, or None if there is none: then HTTP will say what is wrong."""
    import requests

    try:
        found = _head(web, job)
        if found is None:
            return None
        name, refresh = found
        if refresh.startswith(f"{_HUB}/"):
            refresh = hub.rstrip("/") + refresh.removeprefix(_HUB)
        answer = web.ask(refresh, tries=2)
    except (StackError, requests.RequestException, OSError, ValueError):
        return None
    store = answer.headers.get("x-xet-cas-url", "")
    token = answer.headers.get("x-xet-access-token", "")
    expires = answer.headers.get("x-xet-token-expiration", "")
    if answer.status != 200 or not (store and token and expires.isdecimal()):
        return None
    return Way(name, store, token, int(expires), refresh)


def _head(web: Web, job: Job) -> tuple[str, str] | None:
    """What the Hub says beside its redirect to the file: its hash, and where tokens are. The
    redirect to the store is not followed, one to the model's new name is."""
    url = job.url
    for _ in range(_REDIRECTS):
        headers = {**web.headers(url), **job.headers}
        with web.session.head(
            url, headers=headers, timeout=_TIMEOUT, allow_redirects=False
        ) as answer:
            name = answer.headers.get("X-Xet-Hash", "")
            refresh = answer.links.get("xet-auth", {}).get("url", "")
            refresh = refresh or answer.headers.get("X-Xet-Refresh-Route", "")
            if _HASH.fullmatch(name) and refresh:
                return name, urljoin(url, refresh)
            location = answer.headers.get("Location", "")
        if not location.startswith("/"):
            return None
        url = urljoin(url, location)
    return None
