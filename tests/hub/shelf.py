"""All that is published, whatever the protocol."""

from __future__ import annotations

import threading
from pathlib import Path
from urllib.parse import quote

from tests.hub.repo import Blob, Files, Repo, store


class Shelf:
    """Models by their id; those that lie in `folder/<org>/<name>/` are found there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.repos: dict[str, Repo] = {}
        #: where bytes are said to lie: another host name, as with a real CDN
        self.cdn_url = ""
        #: answer for large files with a redirect to `cdn_url`
        self.redirect = False
        #: entries on one page of a Hugging Face listing
        self.page = 1000
        #: entries after which ModelScope cuts a recursive listing, silently
        self.listing_limit: int | None = None
        self._lent: dict[str, Blob] = {}
        self._lock = threading.Lock()

    @property
    def objects(self) -> Path:
        return self.folder / ".objects"

    def add(
        self, repo: str, files: Files | Path, *, token: str | None = None, gated: bool = False
    ) -> Repo:
        """Publish a model: bytes or paths by name, or a folder as it is."""
        made = Repo(repo, self.objects, token, gated)
        if isinstance(files, Path):
            made.folder = files
            made.refresh()
        else:
            made.commit(files)
        self.repos[repo] = made
        return made

    def repo(self, org: str, name: str, *, fresh: bool = False) -> Repo | None:
        """`fresh`: look at its folder again, as whoever asks for the newest state must."""
        with self._lock:
            found = self.repos.get(f"{org}/{name}")
            if found is None:
                if not {org, name}.isdisjoint(("", ".", "..")) or org.startswith("."):
                    return None
                folder = self.folder / org / name
                return self.add(f"{org}/{name}", folder) if folder.is_dir() else None
            if fresh:
                found.refresh()
            return found

    def store(self, value: bytes) -> Blob:
        """Bytes made on the way, as the manifest of an Ollama model."""
        return store(self.objects, value)

    def lend(self, blob: Blob, name: str) -> str:
        """Where on the CDN this lies; the name is there for faults and logs to find."""
        self._lent[blob.sha256] = blob
        return f"{self.cdn_url}/cdn/{blob.sha256}/{quote(name)}"

    def lent(self, sha256: str) -> Blob | None:
        return self._lent.get(sha256)
