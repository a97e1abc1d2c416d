"""One file on a plain web server; its owner states the hash."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from stackctl.model.errors import StackError
from stackctl.model.weights import Listing, RemoteFile, Source
from stackctl.models.publishers.paths import chosen
from stackctl.models.publishers.reply import Endpoints, Get, Reply, place, refused, web_page
from stackctl.models.source import address


def listing(source: Source, endpoints: Endpoints, head: Get) -> Listing:
    """The one file; `head` asks for the headers of an answer alone."""
    at = url(source, "", "", endpoints)
    if source.digest is None:
        raise StackError(
            f"{place(at)} has no SHA-256", fix="add #sha256= and its 64 digits", exit_code=2
        )
    # compressed on the way, its length would be another
    reply = head(at, {"Accept-Encoding": "identity"})
    if not 200 <= reply.status < 300:
        raise explain(reply, at, source, endpoints)
    name = unquote(urlsplit(at).path).rpartition("/")[2]
    if "text/html" in reply.header("content-type") and not name.endswith((".html", ".htm")):
        raise web_page(at)
    file = RemoteFile(name, _size(reply, at), source.digest)
    return Listing(source, source.digest.hex, chosen(source, [file]))


def url(source: Source, revision: str, origin: str, endpoints: Endpoints) -> str:
    """The source's own address; a lock has it whole."""
    del revision, origin, endpoints
    return address(source)


def explain(reply: Reply, url: str, source: Source, endpoints: Endpoints) -> StackError:
    """Why a web server refuses."""
    del source, endpoints
    if reply.status in (401, 403):
        return StackError(
            f"{place(url)} is not for everyone ({reply.status})",
            fix="its address may have run out, or want an account: get another",
        )
    if reply.status in (404, 410):
        return StackError(
            f"{place(url)} is not there ({reply.status})",
            fix="check the address; its publisher may have moved the file",
            exit_code=2,
        )
    return refused(reply, url)


def _size(reply: Reply, at: str) -> int:
    length = reply.header("content-length")
    encoding = reply.header("content-encoding").lower()
    plain = encoding in ("", "identity") and length.isascii() and length.isdecimal()
    if not plain or len(length) > 18 or int(length) == 0:
        raise StackError(
            f"{place(at)} does not say how large the file is",
            fix="serve it with a Content-Length and without compression, or download it yourself "
            "and name it as file:/…",
        )
    return int(length)
