"""Files without a protocol: a web server of old, and the CDN that hubs redirect to."""

from __future__ import annotations

from tests.hub.messages import Answer, Request
from tests.hub.repo import Blob
from tests.hub.shelf import Shelf


def answer(shelf: Shelf, request: Request) -> Answer | None:
    match request.parts:
        case ("cdn", sha256, *_):
            blob = shelf.lent(sha256)
            # as in life, not the hub's own etag
            etag = f'"cdn-{sha256[:32]}"'
        case ("files", *path):
            blob = _find(shelf, path)
            etag = f'"{blob.mtime_ns:x}-{blob.size:x}"' if blob else ""
        case _:
            return None
    if blob is None:
        return Answer(404, {"Content-Type": "text/plain"}, b"not found")
    return Answer.of_file(request, blob.path, blob.size, {"ETag": etag})


def _find(shelf: Shelf, path: list[str]) -> Blob | None:
    """A file of a model's newest state, or else one below the folder."""
    if len(path) > 2 and (repo := shelf.repos.get(f"{path[0]}/{path[1]}")):
        return repo.head.files.get("/".join(path[2:]))
    place = shelf.folder.joinpath(*path).resolve()
    inside = place.is_relative_to(shelf.folder) and place.is_file()
    return Blob.of(place) if inside else None
