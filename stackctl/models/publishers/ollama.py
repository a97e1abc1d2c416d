"""Registries of Ollama's kind: a manifest that names blobs by their SHA-256.

The paths are those of Ollama's own store, so that a folder of them is one.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

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
from stackctl.models.source import OLLAMA_HOST, ollama_parts

#: a registry that is not told answers with a manifest of an older kind
HEADERS = {"Accept": "application/vnd.docker.distribution.manifest.v2+json"}
_BLOB = re.compile(r"blobs/sha256-([0-9a-f]{64})")


def listing(source: Source, endpoints: Endpoints, get: Get) -> Listing:
    """The manifest itself, its config and its layers."""
    if source.include or source.exclude:
        raise StackError(
            f"ollama:{source.name}: a model of Ollama's is taken whole",
            fix="leave the patterns out",
            exit_code=2,
        )
    address = _manifest_url(source, endpoints)
    reply = get(address, HEADERS)
    if 400 <= reply.status < 500 and reply.status not in (407, 429):
        raise explain(reply, address, source, endpoints)
    json_of(reply, address)
    try:
        # of the very bytes that are hashed
        raw, body = reply.text.encode(), json.loads(reply.text)
    except (ValueError, RecursionError) as error:
        raise odd(address, "no JSON") from error
    revision = hashlib.sha256(raw).hexdigest()
    _check_stated(reply, address, revision)
    manifest = RemoteFile(_manifest_path(source), len(raw), Digest(Algorithm.SHA256, revision))
    return Listing(source, revision, chosen(source, [manifest, *_blobs(address, body)]))


def url(source: Source, revision: str, origin: str, endpoints: Endpoints) -> str:
    """Where the manifest or a blob is. A registry need not know a manifest by its hash, so it is
    asked by its tag."""
    del revision
    if blob := _BLOB.fullmatch(origin):
        return f"{_repository(source, endpoints)}/blobs/sha256:{blob[1]}"
    if origin == _manifest_path(source):
        return _manifest_url(source, endpoints)
    raise StackError(
        f"{origin!a} is neither the manifest nor a blob of ollama:{source.name}",
        fix="pin the model again",
    )


def explain(reply: Reply, url: str, source: Source, endpoints: Endpoints) -> StackError:
    """Why a registry refuses, for manifests and for blobs alike."""
    host, namespace, model, tag = ollama_parts(source.name)
    if is_page(reply):
        return web_page(url)
    if reply.status in (400, 401, 403, 404):
        page = f"https://ollama.com/{namespace}/{model}/tags"
        return StackError(
            f"{place(_base(host, endpoints))} has no model {namespace}/{model} with the tag {tag}, "
            "or it is private",
            fix=f"see {page} for its tags" if host == OLLAMA_HOST else "check its name and tag",
            exit_code=2,
        )
    return refused(reply, url)


def _base(host: str, endpoints: Endpoints) -> str:
    return endpoints.ollama.rstrip("/") if host == OLLAMA_HOST else f"https://{host}"


def _repository(source: Source, endpoints: Endpoints) -> str:
    host, namespace, model, _ = ollama_parts(source.name)
    return f"{_base(host, endpoints)}/v2/{namespace}/{model}"


def _manifest_url(source: Source, endpoints: Endpoints) -> str:
    return f"{_repository(source, endpoints)}/manifests/{ollama_parts(source.name)[3]}"


def _manifest_path(source: Source) -> str:
    # the name's host, whatever mirror was asked: Ollama looks for it by its name
    return "/".join(["manifests", *ollama_parts(source.name)])


def _check_stated(reply: Reply, address: str, found: str) -> None:
    stated = reply.header("docker-content-digest")
    if stated.startswith("sha256:") and stated != f"sha256:{found}":
        raise StackError(
            f"{place(address)} says that its manifest has the hash {stated}, but what came has "
            f"sha256:{found}: it was changed on the way",
            fix="try again; if it stays so, a proxy or the mirror changes what it passes on",
        )


def _blobs(address: str, body: Any) -> list[RemoteFile]:
    try:
        layers = list(body["layers"])
        config = body.get("config")
        # some manifests have their config among the layers
        if config and config.get("digest"):
            layers.insert(0, config)
        blobs = [_blob(layer) for layer in layers]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise odd(address, f"no manifest ({type(error).__name__})") from error
    if not blobs:
        raise odd(address, "a manifest without layers")
    # one blob may serve twice, e.g. an empty one
    return list(dict.fromkeys(blobs))


def _blob(layer: Any) -> RemoteFile:
    algorithm, _, digits = text_of(layer["digest"]).partition(":")
    if algorithm != "sha256":
        raise ValueError("no SHA-256")
    found = hex_of(digits, 64)
    digest = Digest(Algorithm.SHA256, found)
    return RemoteFile(f"blobs/sha256-{found}", size_of(layer["size"]), digest)
