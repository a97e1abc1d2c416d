"""Publishers of models: what they list under a source, and where each file is.

Pure: requests are made by the functions that are handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from stackctl.model.errors import StackError
from stackctl.model.weights import Kind, Listing, Source
from stackctl.models.publishers import hub, modelscope, ollama
from stackctl.models.publishers import url as web
from stackctl.models.publishers.reply import Endpoints, Get, Reply

__all__ = [
    "PUBLISHERS",
    "Endpoints",
    "Get",
    "Publisher",
    "Reply",
    "explain",
    "listing",
    "of",
    "url",
]


@dataclass(frozen=True, slots=True)
class Publisher:
    """`explain` says why an answer is none. `headers` go with every request, for files too."""

    listing: Callable[[Source, Endpoints, Get], Listing]
    url: Callable[[Source, str, str, Endpoints], str]
    explain: Callable[[Reply, str, Source, Endpoints], StackError]
    headers: Mapping[str, str] = field(default_factory=dict)


PUBLISHERS: Mapping[Kind, Publisher] = {
    Kind.HUB: Publisher(hub.listing, hub.url, hub.explain),
    Kind.MODELSCOPE: Publisher(modelscope.listing, modelscope.url, modelscope.explain),
    Kind.OLLAMA: Publisher(ollama.listing, ollama.url, ollama.explain, ollama.HEADERS),
    Kind.URL: Publisher(web.listing, web.url, web.explain),
}


def of(source: Source) -> Publisher:
    """The publisher of a source; files that are here already have none."""
    if source.kind not in PUBLISHERS:
        raise StackError(
            f"file:{source.name} has no publisher to ask: it is on this disk",
            fix="put it where the source says; its hashes are taken from there",
        )
    return PUBLISHERS[source.kind]


def listing(source: Source, endpoints: Endpoints, get: Get, head: Get) -> Listing:
    """What the publisher offers now. `head` asks for headers alone: a web server's answer to GET
    would be the file."""
    return of(source).listing(source, endpoints, head if source.kind is Kind.URL else get)


def url(source: Source, revision: str, origin: str, endpoints: Endpoints) -> str:
    """Where one file is, from what a lock has."""
    return of(source).url(source, revision, origin, endpoints)


def explain(reply: Reply, url: str, source: Source, endpoints: Endpoints) -> StackError:
    """Why the publisher refuses a file or a listing."""
    return of(source).explain(reply, url, source, endpoints)
