"""Registries of Ollama's kind."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from stackctl.model.errors import StackError
from stackctl.model.weights import Algorithm, Digest, Kind, RemoteFile, Source
from stackctl.models.publishers import Reply, ollama

from .wire import MIRROR, PLAIN, PORTAL, Wire, mutated, reply

SOURCE = Source(Kind.OLLAMA, "gpt-oss:20b")
URL = "https://registry.ollama.ai/v2/library/gpt-oss/manifests/20b"
MODEL, CONFIG = "e7" * 32, "77" * 32
MANIFEST: dict[str, Any] = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
    "config": {
        "mediaType": "application/vnd.docker.container.image.v1+json",
        "digest": f"sha256:{CONFIG}",
        "size": 483,
    },
    "layers": [
        {
            "mediaType": "application/vnd.ollama.image.model",
            "digest": f"sha256:{MODEL}",
            "size": 13780162412,
        }
    ],
}
#: the exact bytes count, not what they mean
TEXT = json.dumps(MANIFEST, indent=3) + "\n"
HASH = hashlib.sha256(TEXT.encode()).hexdigest()
ANSWER = Reply(200, {"docker-content-digest": f"sha256:{HASH}"}, MANIFEST, TEXT)


def blob(digits: str, size: int) -> RemoteFile:
    return RemoteFile(f"blobs/sha256-{digits}", size, Digest(Algorithm.SHA256, digits))


def refusal(answer: Reply, source: Source = SOURCE) -> StackError:
    with pytest.raises(StackError) as caught:
        ollama.listing(source, PLAIN, Wire(answer))
    return caught.value


@pytest.mark.parametrize(
    ("name", "url", "path"),
    [
        ("gpt-oss:20b", URL, "registry.ollama.ai/library/gpt-oss/20b"),
        ("a/b:c", "https://registry.ollama.ai/v2/a/b/manifests/c", "registry.ollama.ai/a/b/c"),
        ("hf.co/o/N:Q4", "https://hf.co/v2/o/N/manifests/Q4", "hf.co/o/N/Q4"),
        ("box:5000/o/n:1", "https://box:5000/v2/o/n/manifests/1", "box:5000/o/n/1"),
    ],
)
def test_a_listing(name: str, url: str, path: str) -> None:
    get = Wire({url: ANSWER})
    found = ollama.listing(Source(Kind.OLLAMA, name), PLAIN, get)
    assert found.revision == HASH
    assert found.files == (
        blob(CONFIG, 483),
        blob(MODEL, 13780162412),
        RemoteFile(f"manifests/{path}", len(TEXT), Digest(Algorithm.SHA256, HASH)),
    )
    assert "manifest.v2+json" in get.headers["Accept"]


def test_a_mirror_does_not_change_the_name() -> None:
    get = Wire({"https://mirror:8/oll/v2/library/gpt-oss/manifests/20b": ANSWER})
    found = ollama.listing(SOURCE, MIRROR, get)
    assert found.files[-1].path == "manifests/registry.ollama.ai/library/gpt-oss/20b"


def test_a_blob_that_serves_twice_and_no_config() -> None:
    body = {**MANIFEST, "config": {}, "layers": MANIFEST["layers"] * 2}
    assert len(ollama.listing(SOURCE, PLAIN, Wire(reply(body))).files) == 2


@pytest.mark.parametrize(
    ("answer", "message", "fix"),
    [
        (
            reply({"errors": [{"code": "MANIFEST_UNKNOWN"}]}, 404),
            "https://registry.ollama.ai has no model library/gpt-oss with the tag 20b",
            "https://ollama.com/library/gpt-oss/tags",
        ),
        (reply({}, 401), "or it is private", ""),
        (reply({"errors": [{"message": "teapot"}]}, 418), "and says: 'teapot'", ""),
        (reply({}, 500), "answers 500", ""),
        (PORTAL, "a web page", "captive portal"),
        (replace(PORTAL, status=403), "a web page", ""),
        (Reply(200, {}, {}, "{"), "no JSON", ""),
        (Reply(200, {}, {}, "[" * 100_000), "no JSON", ""),
        (Reply(200, {}, {}, '"\ud800"'), "no JSON", ""),
        (reply({"manifests": []}), "no manifest (KeyError)", ""),
        (reply({"layers": []}), "a manifest without layers", ""),
        (reply({"layers": {"digest": 1}}), "no manifest (TypeError)", ""),
        (reply({"layers": [{"digest": "md5:00", "size": 1}]}), "no manifest", ""),
        (reply({"layers": [{"digest": "sha256:../x", "size": 1}]}), "no manifest", ""),
        (reply({"layers": [{"digest": f"sha256:{MODEL}", "size": -1}]}), "no manifest", ""),
        (
            reply({"layers": [{"digest": f"sha256:{MODEL}", "size": n} for n in (1, 2)]}),
            "is listed twice",
            "",
        ),
        (
            replace(ANSWER, text=TEXT + " "),
            f"has the hash sha256:{HASH}, but what came has sha256:",
            "proxy",
        ),
    ],
)
def test_refusals(answer: Reply, message: str, fix: str) -> None:
    error = refusal(answer)
    assert message in error.message
    assert fix in error.fix


def test_another_registry_has_no_page() -> None:
    error = refusal(reply({}, 404), Source(Kind.OLLAMA, "hf.co/o/n:Q4"))
    assert "https://hf.co has no model o/n" in error.message
    assert error.fix == "check its name and tag"


def test_a_model_is_taken_whole() -> None:
    assert "taken whole" in refusal(ANSWER, replace(SOURCE, include=("*",))).message


def test_where_a_file_is() -> None:
    base = "https://mirror:8/oll/v2/library/gpt-oss"
    assert ollama.url(SOURCE, HASH, f"blobs/sha256-{MODEL}", MIRROR) == (
        f"{base}/blobs/sha256:{MODEL}"
    )
    manifest = "manifests/registry.ollama.ai/library/gpt-oss/20b"
    assert ollama.url(SOURCE, HASH, manifest, MIRROR) == f"{base}/manifests/20b"
    for other in ("blobs/sha256-00", "manifests/x", "../x"):
        with pytest.raises(StackError, match="neither the manifest nor a blob"):
            ollama.url(SOURCE, HASH, other, MIRROR)


@given(mutated(MANIFEST))
def test_other_json_is_an_error_that_is_understood(body: object) -> None:
    with suppress(StackError):
        ollama.listing(SOURCE, PLAIN, Wire(reply(body)))
