"""What a client may ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stackctl.model.gateway import Backend, Key

#: where the client's own key belongs
KEY = "sk-stack-YOUR-KEY"
#: what an engine's API is for
FOR = {"text": "chat", "audio": "speech to text", "comfyui": "pictures, in a browser"}


@dataclass(frozen=True, slots=True)
class Offer:
    """To whom it is made does not matter. `origin`: https://HOST:PORT. `ca`: whether clients have
    to be told to trust the CA in ca.pem."""

    origin: str
    backends: tuple[Backend, ...]
    ca: bool = False
    key: str = KEY

    @property
    def base(self) -> str:
        """What SDKs call base URL."""
        return f"{self.origin}/v1"

    @property
    def chat(self) -> tuple[Backend, ...]:
        return self._of("text")

    @property
    def audio(self) -> tuple[Backend, ...]:
        return self._of("audio")

    @property
    def comfyui(self) -> str:
        """Where browsers find it."""
        return f"{self.origin}/comfyui/"

    def _of(self, api: str) -> tuple[Backend, ...]:
        return tuple(b for b in self.backends if b.api == api and b.model)


def allowed(backends: Sequence[Backend], key: Key | None = None) -> tuple[Backend, ...]:
    """Those that a key may use, chat first; a key may name a model, an alias or the service."""
    ranks = list(FOR)
    rows = sorted(backends, key=lambda b: ranks.index(b.api) if b.api in FOR else len(ranks))
    if key is None or not key.models:
        return tuple(rows)
    named = set(key.models)
    return tuple(b for b in rows if named & {b.name, b.model, *b.aliases})
