"""The Hub's protocol, as far as clients need it to list, load and verify a model."""

from __future__ import annotations

from urllib.parse import urlencode

from tests.hub.messages import Answer, Request
from tests.hub.repo import Blob, Commit, Repo
from tests.hub.shelf import Shelf

Entry = dict[str, object]
_WHEN = "2026-01-01T00:00:00.000Z"


def answer(shelf: Shelf, request: Request) -> Answer | None:
    match request.parts:
        case ("api", "models", org, name):
            return _info(shelf, request, org, name, "main")
        case ("api", "models", org, name, "revision", revision):
            return _info(shelf, request, org, name, revision)
        case ("api", "models", org, name, "tree", revision, *under):
            return _tree(shelf, request, (org, name, revision), "/".join(under))
        case (org, name, "resolve", revision, *path) if path:
            return _file(shelf, request, (org, name, revision), "/".join(path))
        case _:
            return None


def _error(status: int, code: str, message: str, **headers: str) -> Answer:
    return Answer.of_json(
        {"error": message}, status, X_Error_Code=code, X_Error_Message=message, **headers
    )


def _find(
    shelf: Shelf, request: Request, org: str, name: str, revision: str
) -> tuple[Repo, Commit] | Answer:
    """The state asked for, or what the Hub says to whoever may not see it."""
    fresh = request.parts[0] == "api" and revision == "main"
    repo = shelf.repo(org, name, fresh=fresh)
    hidden = repo and repo.token and not repo.gated and request.token != repo.token
    if repo is None or hidden:
        # the Hub does not tell strangers what exists
        if request.token is None:
            return _error(401, "RepoNotFound", "Invalid username or password.")
        return _error(404, "RepoNotFound", "Repository not found")
    if (commit := repo.find(revision)) is None:
        return _error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
    return repo, commit


def _info(shelf: Shelf, request: Request, org: str, name: str, revision: str) -> Answer:
    found = _find(shelf, request, org, name, revision)
    if isinstance(found, Answer):
        return found
    repo, commit = found
    sizes = request.says("blobs")
    return Answer.of_json(
        {
            "_id": "0" * 24,
            "id": repo.id,
            "modelId": repo.id,
            "sha": commit.id,
            "private": repo.token is not None and not repo.gated,
            "gated": "auto" if repo.gated else False,
            "disabled": False,
            "tags": [],
            "downloads": 0,
            "likes": 0,
            "createdAt": _WHEN,
            "lastModified": _WHEN,
            "siblings": [_sibling(path, blob, sizes) for path, blob in commit.files.items()],
        }
    )


def _sibling(path: str, blob: Blob, sizes: bool) -> Entry:
    entry: Entry = {"rfilename": path}
    if sizes:
        entry |= {"size": blob.size, "blobId": blob.oid(path)}
        if blob.is_lfs(path):
            pointer = len(blob.pointer)
            entry["lfs"] = {"sha256": blob.sha256, "size": blob.size, "pointerSize": pointer}
    return entry


def _tree(shelf: Shelf, request: Request, where: tuple[str, str, str], under: str) -> Answer:
    """One page of a listing; the `Link` header leads on."""
    found = _find(shelf, request, *where)
    if isinstance(found, Answer):
        return found
    _, commit = found
    prefix, deep = under.strip("/"), request.says("recursive")
    if prefix and prefix not in commit.folders:
        return _error(404, "EntryNotFound", f"{prefix} does not exist on {where[2]}")
    names = [
        name
        for name in sorted([*commit.files, *commit.folders])
        if (above := name.rpartition("/")[0]) == prefix
        or (deep and (not prefix or above.startswith(f"{prefix}/")))
    ]
    first = int(request.query.get("cursor") or 0)
    size = min(shelf.page, int(request.query.get("limit") or shelf.page))
    page = Answer.of_json([_entry(commit, name) for name in names[first : first + size]])
    if first + size < len(names):
        query = urlencode(request.query | {"cursor": str(first + size)})
        url = f"http://{request.host}{request.target.partition('?')[0]}?{query}"
        page.headers["Link"] = f'<{url}>; rel="next"'
    return page


def _entry(commit: Commit, name: str) -> Entry:
    if (blob := commit.files.get(name)) is None:
        return {"type": "directory", "oid": "0" * 40, "size": 0, "path": name}
    entry: Entry = {"type": "file", "oid": blob.oid(name), "size": blob.size, "path": name}
    if blob.is_lfs(name):
        pointer = len(blob.pointer)
        entry["lfs"] = {"oid": blob.sha256, "size": blob.size, "pointerSize": pointer}
    return entry


def _file(shelf: Shelf, request: Request, where: tuple[str, str, str], path: str) -> Answer:
    found = _find(shelf, request, *where)
    if isinstance(found, Answer):
        return found
    repo, commit = found
    if repo.gated and request.token != repo.token:
        what = f"Access to model {repo.id} is restricted."
        return _error(401 if request.token is None else 403, "GatedRepo", what)
    if (blob := commit.files.get(path)) is None:
        return _error(404, "EntryNotFound", "Entry not found", X_Repo_Commit=commit.id)
    etag = f'"{blob.etag(path)}"'
    headers = {"X-Repo-Commit": commit.id, "ETag": etag}
    if blob.is_lfs(path):
        headers |= {"X-Linked-Size": str(blob.size), "X-Linked-Etag": etag}
        if shelf.redirect:
            return Answer.redirect(302, shelf.lend(blob, path), headers)
    return Answer.of_file(request, blob.path, blob.size, headers)
