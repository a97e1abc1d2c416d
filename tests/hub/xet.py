"""A hub whose large files are in a chunk store as well: hf_xet's own, in a folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.hub.hub import Hub
from tests.hub.messages import Answer, Request

_UPLOAD = """
import hf_xet, sys
(made,) = hf_xet.upload_files([sys.argv[1]], sys.argv[2], None, None, None, None)
print(made.hash)
"""


class XetHub(Hub):
    """`chunk(path)` puts a file's bytes into the store; the Hub then says so to who asks for it."""

    #: how long a token is good, seconds since 1970
    expires = 4_000_000_000

    @property
    def cas(self) -> Path:
        return self.folder / ".cas"

    @property
    def cas_url(self) -> str:
        return f"local://{self.cas}"

    @property
    def xorbs(self) -> list[Path]:
        """The files with the chunks, largest last."""
        found = self.cas.glob("xet/xorbs/xorbs/default.*")
        return sorted(
            (path for path in found if path.suffix != ".tagset"),
            key=lambda path: path.stat().st_size,
        )

    def chunk(self, path: Path, sha256: str) -> str:
        """Its hash in the store."""
        self.cas.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [sys.executable, "-c", _UPLOAD, str(path), self.cas_url],
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        self._hashes[sha256] = done.stdout.strip()
        return self._hashes[sha256]

    def __init__(self, folder: Path, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._hashes: dict[str, str] = {}
        super().__init__(folder, host=host, port=port)

    def _answer(self, request: Request) -> Answer:
        parts = request.parts
        if parts[:2] == ("api", "models") and parts[4:5] == ("xet-read-token",):
            return self._token()
        answer = super()._answer(request)
        if parts[2:3] == ("resolve",):
            sha256 = answer.headers.get("X-Linked-Etag", "").strip('"')
            if found := self._hashes.get(sha256):
                answer.headers["X-Xet-Hash"] = found
                route = f"/api/models/{parts[0]}/{parts[1]}/xet-read-token/{parts[3]}"
                answer.headers["X-Xet-Refresh-Route"] = route
        return answer

    def _token(self) -> Answer:
        body = {"accessToken": "chunks", "exp": self.expires, "casUrl": self.cas_url}
        return Answer.of_json(
            body,
            X_Xet_Cas_Url=self.cas_url,
            X_Xet_Access_Token="chunks",
            X_Xet_Token_Expiration=str(self.expires),
        )
