"""ModelScope: it states the SHA-256 of every file, but has no commit that pins them all.

Its listings are cut at 3000 entries without a word (read in modelscope-hub 0.5.1), and no
parameter asks for the rest. So every folder is listed by itself: a model has few.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

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

_DEFAULT = "master"
_CUT_AT = 3000
_MOST_REQUESTS = 2000


def listing(source: Source, endpoints: Endpoints, get: Get) -> Listing:
    """All files of a revision. What pins them is a hash over their own hashes."""
    found = list(_walk(source, endpoints, get))
    if not found:
        # an unknown revision is answered with an empty list and not with an error
        raise StackError(
            f"ModelScope lists no file of {source.name} at {source.revision or _DEFAULT!r}: "
            "there is no such branch or tag, or it is empty",
            fix=f"see {_page(source, endpoints)}/files for those it has",
            exit_code=2,
        )
    files = chosen(source, found)
    return Listing(source, pin(files), files)


def pin(files: Iterable[RemoteFile]) -> str:
    """40 digits that change when a path or the content of a file does."""
    lines = sorted(f"{file.path} {file.digest.hex}" for file in files)
    return hashlib.sha1("\n".join(lines).encode(), usedforsecurity=False).hexdigest()


def url(source: Source, revision: str, origin: str, endpoints: Endpoints) -> str:
    """Where one file is. The pin is none of ModelScope's revisions, so the branch is asked."""
    del revision
    query = (
        f"Revision={quote(source.revision or _DEFAULT, safe='')}&FilePath={quote(origin, safe='')}"
    )
    return f"{_api(source, endpoints)}/repo?{query}"


def explain(reply: Reply, url: str, source: Source, endpoints: Endpoints) -> StackError:
    """Why ModelScope refuses, for the API and for files alike."""
    if is_page(reply):
        return web_page(url)
    if reply.status in (400, 401, 403, 404):
        site = place(endpoints.modelscope.rstrip("/"))
        return StackError(
            f"{source.name} does not exist at {site}, is private, or has no revision "
            f"{source.revision or _DEFAULT!r}",
            fix=f"check it at {_page(source, endpoints)}; if it is private, set "
            "MODELSCOPE_API_TOKEN",
            exit_code=2,
        )
    return refused(reply, url)


def _page(source: Source, endpoints: Endpoints) -> str:
    return f"{place(endpoints.modelscope.rstrip('/'))}/models/{source.name}"


def _api(source: Source, endpoints: Endpoints) -> str:
    return f"{endpoints.modelscope.rstrip('/')}/api/v1/models/{source.name}"


def _walk(source: Source, endpoints: Endpoints, get: Get) -> Iterator[RemoteFile]:
    folders = [""]
    for _ in range(_MOST_REQUESTS):
        if not folders:
            return
        folder = folders.pop()
        address, entries = _ask(source, endpoints, get, folder)
        if len(entries) >= _CUT_AT:
            raise StackError(
                f"{source.name} has {len(entries)} files or more in the folder {folder or '/'!a}, "
                "and ModelScope lists no more of a folder than that",
                fix="take the model from Hugging Face",
            )
        for entry in entries:
            if entry["Type"] == "tree":
                folders.append(entry["Path"])
            else:
                yield _file(address, entry)
    raise odd(_api(source, endpoints), f"it has {_MOST_REQUESTS} folders or more")


def _ask(
    source: Source, endpoints: Endpoints, get: Get, folder: str
) -> tuple[str, list[dict[str, Any]]]:
    query = f"Revision={quote(source.revision or _DEFAULT, safe='')}&Recursive=False"
    root = f"&Root={quote(folder, safe='')}" if folder else ""
    address = f"{_api(source, endpoints)}/repo/files?{query}{root}"
    reply = get(address, {})
    if 400 <= reply.status < 500 and reply.status not in (407, 429):
        raise explain(reply, address, source, endpoints)
    body = json_of(reply, address)
    try:
        if body["Success"] is not True:
            raise refused(reply, address)
        entries = [_entry(entry, folder) for entry in body["Data"]["Files"] or []]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise odd(address, f"no list of files ({type(error).__name__})") from error
    return address, entries


def _entry(entry: Any, folder: str) -> dict[str, Any]:
    path, kind = text_of(entry["Path"]), text_of(entry["Type"])
    if kind not in ("tree", "blob") or (folder and not path.startswith(f"{folder}/")):
        raise ValueError("neither a file nor a folder of this folder")
    return {"Path": path, "Type": kind, "Size": entry.get("Size"), "Sha256": entry.get("Sha256")}


def _file(address: str, entry: dict[str, Any]) -> RemoteFile:
    if not entry["Sha256"]:
        raise StackError(
            f"{place(address)} states no SHA-256 of {entry['Path']!a}, so its content could not "
            "be verified",
            fix="take the model from Hugging Face, or from ModelScope itself if this is a mirror",
        )
    try:
        digest = Digest(Algorithm.SHA256, hex_of(entry["Sha256"], 64))
        return RemoteFile(entry["Path"], size_of(entry["Size"]), digest)
    except ValueError as error:
        raise odd(address, str(error)) from error
