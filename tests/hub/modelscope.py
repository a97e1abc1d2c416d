"""ModelScope's protocol: a listing with sha256 of every file, and the files."""

from __future__ import annotations

from tests.hub.messages import Answer, Request
from tests.hub.repo import Blob, Commit
from tests.hub.shelf import Shelf

Entry = dict[str, object]
#: ModelScope's name of the newest state
_HEAD = "master"


def answer(shelf: Shelf, request: Request) -> Answer | None:
    match request.parts:
        case ("api", "v1", "models", org, name, *rest):
            pass
        case _:
            return None
    repo = shelf.repo(org, name, fresh=rest == ["repo", "files"])
    revision = request.query.get("Revision") or _HEAD
    commit = repo.find("main" if revision == _HEAD else revision) if repo else None
    if repo is None or (repo.token and request.token != repo.token):
        return _missing(f"model {org}/{name} not exists")
    if commit is None:
        return _missing(f"revision {revision} not exists")
    match rest:
        case []:
            return _good({"Id": 1, "Name": name, "Path": org, "Revision": _HEAD})
        case ["repo", "files"]:
            return _good({"Files": _listing(shelf, request, commit)})
        case ["repo"]:
            return _file(shelf, request, commit)
        case _:
            return None


def _good(data: Entry) -> Answer:
    return Answer.of_json({"Code": 200, "Success": True, "Message": "success", "Data": data})


def _missing(what: str) -> Answer:
    return Answer.of_json({"Code": 10010205001, "Success": False, "Message": what}, 404)


def _listing(shelf: Shelf, request: Request, commit: Commit) -> list[Entry]:
    """All below `Root`, cut without a word where long, or one folder, always whole."""
    root, deep = request.query.get("Root", "").strip("/"), request.says("Recursive")
    names = [
        name
        for name in sorted([*commit.files, *commit.folders])
        if (above := name.rpartition("/")[0]) == root
        or (deep and (not root or above.startswith(f"{root}/")))
    ]
    limit = shelf.listing_limit if deep else None
    return [_entry(commit, name, commit.files.get(name)) for name in names[:limit]]


def _entry(commit: Commit, name: str, blob: Blob | None) -> Entry:
    entry: Entry = {
        "Path": name,
        "Name": name.rpartition("/")[2],
        "Type": "blob" if blob else "tree",
        "Size": blob.size if blob else 0,
        "Revision": commit.id,
        "IsLFS": blob is not None and blob.is_lfs(name),
        "Sha256": blob.sha256 if blob else "",
    }
    return entry


def _file(shelf: Shelf, request: Request, commit: Commit) -> Answer:
    path = request.query.get("FilePath", "")
    if (blob := commit.files.get(path)) is None:
        return _missing(f"file {path} not exists")
    if shelf.redirect and blob.is_lfs(path):
        return Answer.redirect(302, shelf.lend(blob, path))
    return Answer.of_file(request, blob.path, blob.size, {"ETag": f'"{blob.sha256}"'})
