"""Hugging Face's Hub, and mirrors of it: the tree of a repository at a commit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from stackctl.model.errors import StackError
from stackctl.model.weights import Algorithm, Digest, Listing, RemoteFile, Source
from stackctl.models.publishers.paths import chosen
from stackctl.models.publishers.reply import (
    Endpoints,
    Get,
    Reply,
    hex_of,
    is_page,
    json_of,
    odd,
    place,
    refused,
    size_of,
    text_of,
    web_page,
)

#: the name of every repository's default branch
_DEFAULT = "main"
#: of a thousand files each
_MOST_PAGES = 200
_NEXT = re.compile(r'<([^<>]*)>\s*;[^,]*\brel="?next"?')


def listing(source: Source, endpoints: Endpoints, get: Get) -> Listing:
    """All files of the commit that the revision is now."""
    api = f"{_base(endpoints)}/api/models/{source.name}"
    first = f"{api}/revision/{quote(source.revision or _DEFAULT, safe='')}"
    body = _ask(first, source, endpoints, get)[0]
    try:
        commit = hex_of(body["sha"], 40)
    except (KeyError, TypeError, ValueError) as error:
        raise odd(first, f"no commit in it ({error})") from error
    files = [
        file
        for url, page in _pages(f"{api}/tree/{commit}?recursive=true", source, endpoints, get)
        for file in _files(url, page)
    ]
    return Listing(source, commit, chosen(source, files))


def url(source: Source, revision: str, origin: str, endpoints: Endpoints) -> str:
    """Where one file is, at a commit."""
    return f"{_base(endpoints)}/{source.name}/resolve/{quote(revision, safe='')}/{quote(origin)}"


def explain(reply: Reply, url: str, source: Source, endpoints: Endpoints) -> StackError:
    """Why the Hub refuses, for the API and for files alike."""
    code = reply.header("x-error-code")
    page = f"{place(_base(endpoints))}/{source.name}"
    if code == "GatedRepo":
        return StackError(
            f"{source.name} is gated: its publisher lets those have it who accepted its terms",
            fix=f"accept its terms at {page} with your account, then set HF_TOKEN to a token of "
            "that account",
        )
    if code == "RevisionNotFound":
        return StackError(
            f"{source.name} has no branch, tag or commit {source.revision or _DEFAULT!r}",
            fix=f"see {page}/tree/main for those it has",
            exit_code=2,
        )
    if code == "EntryNotFound":
        return StackError(
            f"{place(url)} is not there: {source.name} has no such file any more",
            fix=f"see {page}/tree/main, and pin the model again",
        )
    if code == "DisabledRepo" or "disabled" in reply.header("x-error-message").lower():
        return StackError(
            f"{source.name} was disabled by the Hub", fix=f"see {page}, and choose another model"
        )
    # without a token it says "Invalid username or password" of what does not exist
    if reply.status == 401 and "invalid credentials" in reply.header("x-error-message").lower():
        return StackError(
            f"{place(_base(endpoints))} does not accept the token",
            fix="set HF_TOKEN to a valid one, or unset it if the model is public",
        )
    if is_page(reply):
        return web_page(url)
    if reply.status in (401, 403, 404):
        # the Hub says the same of what does not exist and of what one may not see
        return StackError(
            f"{source.name} does not exist at {place(_base(endpoints))}, or is private",
            fix=f"check its name at {page}; set HF_TOKEN if it is private",
            exit_code=2,
        )
    return refused(reply, url)


def _base(endpoints: Endpoints) -> str:
    return endpoints.hub.rstrip("/")


def _ask(url: str, source: Source, endpoints: Endpoints, get: Get) -> tuple[Any, Reply]:
    reply = get(url, {})
    if 400 <= reply.status < 500 and reply.status not in (407, 429):
        raise explain(reply, url, source, endpoints)
    return json_of(reply, url), reply


def _pages(
    url: str, source: Source, endpoints: Endpoints, get: Get
) -> Iterator[tuple[str, object]]:
    host = _origin(url)
    for _ in range(_MOST_PAGES):
        body, reply = _ask(url, source, endpoints, get)
        yield url, body
        link = _NEXT.search(reply.header("link"))
        if not link:
            return
        try:
            following = urljoin(url, link[1])
            same = _origin(following) == host
        except ValueError as error:
            raise odd(url, "its link to the next page is no URL") from error
        if not same:
            # the token goes where the link goes
            raise odd(url, f"its next page is on another host, {place(following)!a}")
        if following == url:
            raise odd(url, "its next page is the same page")
        url = following
    raise odd(url, f"there are more than {_MOST_PAGES} pages of files")


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def _files(url: str, page: object) -> Iterator[RemoteFile]:
    if not isinstance(page, list):
        raise odd(url, "no list of files")
    for entry in page:
        try:
            if entry["type"] != "directory":
                yield _file(entry)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise odd(url, f"an entry of another shape ({type(error).__name__})") from error


def _file(entry: dict[str, Any]) -> RemoteFile:
    if entry["type"] != "file":
        raise ValueError("neither a file nor a folder")
    path, size = text_of(entry["path"]), entry["size"]
    lfs, xet = entry.get("lfs"), entry.get("xetHash")
    if lfs is None:
        return RemoteFile(path, size_of(size), Digest(Algorithm.GIT_SHA1, hex_of(entry["oid"], 40)))
    # the entry's own oid is that of the pointer in git, not of the file
    digest = Digest(Algorithm.SHA256, hex_of(lfs["oid"], 64))
    return RemoteFile(path, size_of(lfs["size"]), digest, hex_of(xet, 64) if xet else "")
