"""Ollama's registry: a model is a manifest of layers; their bytes lie on another host.

A repo is served as such by the names of its files: `*.gguf` is the model, `template`,
`license`, `params`, `system`, `messages`, `adapter` and `projector` the layers of that name.
"""

from __future__ import annotations

import hashlib
import json

from tests.hub.messages import Answer, Request
from tests.hub.repo import Blob, Commit
from tests.hub.shelf import Shelf

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG = "application/vnd.docker.container.image.v1+json"
_LAYERS = ("template", "license", "params", "system", "messages", "adapter", "projector")


def answer(shelf: Shelf, request: Request) -> Answer | None:
    match request.parts:
        case ("v2",) | ("v2", ""):
            return Answer.of_json({})
        case ("v2", org, name, "manifests", tag):
            return _manifest(shelf, org, name, tag)
        case ("v2", org, name, "blobs", digest):
            return _blob(shelf, org, name, digest)
        case _:
            return None


def _error(code: str, message: str) -> Answer:
    return Answer.of_json({"errors": [{"code": code, "message": message}]}, 404)


def _manifest(shelf: Shelf, org: str, name: str, tag: str) -> Answer:
    repo = shelf.repo(org, name, fresh=True)
    commit = repo.find("main" if tag == "latest" else tag) if repo else None
    if commit is None or not (layers := _layers(commit)):
        return _error("MANIFEST_UNKNOWN", "manifest unknown")
    config = shelf.store(_config(layers))
    body = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": _layer(_CONFIG, config),
        "layers": [_layer(f"application/vnd.ollama.image.{kind}", blob) for kind, blob in layers],
    }
    done = Answer.of_json(body)
    digest = hashlib.sha256(done.body).hexdigest()
    done.headers |= {"Content-Type": MANIFEST, "Docker-Content-Digest": f"sha256:{digest}"}
    return done


def _layers(commit: Commit) -> list[tuple[str, Blob]]:
    """The weights first, as `ollama create` has it."""
    models = [("model", blob) for name, blob in commit.files.items() if name.endswith(".gguf")]
    return models + [(kind, commit.files[kind]) for kind in _LAYERS if kind in commit.files]


def _layer(media: str, blob: Blob) -> dict[str, object]:
    return {"mediaType": media, "digest": f"sha256:{blob.sha256}", "size": blob.size}


def _config(layers: list[tuple[str, Blob]]) -> bytes:
    ids = [f"sha256:{blob.sha256}" for _, blob in layers]
    config = {
        "model_format": "gguf",
        "model_family": "llama",
        "model_families": ["llama"],
        "model_type": "1B",
        "file_type": "F16",
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": ids},
    }
    return json.dumps(config).encode()


def _blob(shelf: Shelf, org: str, name: str, digest: str) -> Answer:
    """Any state's layer, whoever named it; a config exists once its manifest was asked for."""
    sha256 = digest.removeprefix("sha256:")
    if (repo := shelf.repo(org, name)) is None:
        return _error("NAME_UNKNOWN", "repository name not known to registry")
    for commit in reversed(repo.commits.values()):
        for _, blob in _layers(commit):
            if blob.sha256 == sha256:
                return Answer.redirect(307, shelf.lend(blob, digest))
    config = shelf.objects / sha256
    if len(sha256) == 64 and sha256.isalnum() and config.is_file():
        return Answer.redirect(307, shelf.lend(Blob.of(config), digest))
    return _error("BLOB_UNKNOWN", "blob unknown to registry")
