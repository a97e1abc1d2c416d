"""Hugging Face's Hub."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackctl.model.errors import StackError
from stackctl.model.weights import Algorithm, Digest, Kind, RemoteFile, Source
from stackctl.models.publishers import Endpoints, Reply, hub

from .wire import MIRROR, PLAIN, PORTAL, Wire, mutated, reply

COMMIT = "d6" * 20
SOURCE = Source(Kind.HUB, "openai/gpt-oss-20b")
API = "https://huggingface.co/api/models/openai/gpt-oss-20b"
INFO: dict[str, Any] = {"id": SOURCE.name, "sha": COMMIT, "private": False, "gated": False}
TREE: list[dict[str, Any]] = [
    {"type": "directory", "oid": "11" * 20, "size": 0, "path": "original"},
    {"type": "file", "oid": "22" * 20, "size": 1570, "path": ".gitattributes"},
    {
        "type": "file",
        "oid": "33" * 20,
        "size": 4792272488,
        "lfs": {"oid": "AB" * 32, "size": 4792272488, "pointerSize": 135},
        "xetHash": "cd" * 32,
        "path": "model-00000-of-00002.safetensors",
    },
    {
        "type": "file",
        "oid": "44" * 20,
        "size": 8,
        "lfs": {"oid": "ef" * 32, "size": 8, "pointerSize": 131},
        "path": "original/größe.bin",
    },
]
ATTRIBUTES = RemoteFile(".gitattributes", 1570, Digest(Algorithm.GIT_SHA1, "22" * 20))
WEIGHTS = RemoteFile(
    "model-00000-of-00002.safetensors",
    4792272488,
    Digest(Algorithm.SHA256, "ab" * 32),
    "cd" * 32,
)
ORIGINAL = RemoteFile("original/größe.bin", 8, Digest(Algorithm.SHA256, "ef" * 32))


def wire(*pages: Reply, info: Reply | None = None, revision: str = "main") -> Wire:
    answers = {f"{API}/revision/{revision}": info or reply(INFO)}
    first = f"{API}/tree/{COMMIT}?recursive=true"
    urls = [first, *(f"{first}&cursor={n}" for n in range(1, len(pages)))]
    return Wire({**answers, **dict(zip(urls, pages, strict=False))})


def refusal(get: Wire, source: Source = SOURCE, endpoints: Endpoints = PLAIN) -> StackError:
    with pytest.raises(StackError) as caught:
        hub.listing(source, endpoints, get)
    return caught.value


def test_a_listing() -> None:
    found = hub.listing(SOURCE, PLAIN, wire(reply(TREE)))
    assert found.revision == COMMIT
    assert found.source is SOURCE
    assert found.files == (ATTRIBUTES, WEIGHTS, ORIGINAL)


def test_a_revision_with_a_slash_and_a_mirror_with_a_path() -> None:
    base = "https://mirror/hub/api/models/openai/gpt-oss-20b"
    get = Wire(
        {
            f"{base}/revision/refs%2Fpr%2F1": reply(INFO),
            f"{base}/tree/{COMMIT}?recursive=true": reply(TREE),
        }
    )
    assert hub.listing(replace(SOURCE, revision="refs/pr/1"), MIRROR, get).revision == COMMIT


def test_patterns() -> None:
    only = replace(SOURCE, include=("*.bin", ".git*"), exclude=(".gitattributes",))
    assert hub.listing(only, PLAIN, wire(reply(TREE))).files == (ORIGINAL,)


def test_pages() -> None:
    link = f'<{API}/tree/{COMMIT}?recursive=true&cursor=1>; rel="next"'
    get = wire(reply(TREE[:2], link=link), reply(TREE[2:], Link='<https://x>; rel="prev"'))
    assert len(hub.listing(SOURCE, PLAIN, get).files) == 3
    relative = reply(TREE[:2], link=f"<{COMMIT}?recursive=true&cursor=1>; rel=next")
    assert len(hub.listing(SOURCE, PLAIN, wire(relative, reply(TREE[2:]))).files) == 3


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("https://evil/tree", "its next page is on another host, 'https://evil/tree'"),
        ("http://huggingface.co/tree", "another host"),
        ("https://me:pw@huggingface.co/tree", "another host, 'https://huggingface.co/tree'"),
        ("https://[", "is no URL"),
        ("", "the same page"),
    ],
)
def test_a_link_that_is_not_followed(link: str, words: str) -> None:
    get = wire(reply(TREE, link=f'<{link}>; rel="next"'))
    assert words in refusal(get).message
    assert len(get.asked) == 2


def test_pages_without_end() -> None:
    asked: list[str] = []

    def ask(url: str, headers: object) -> Reply:
        asked.append(url)
        body = INFO if url.endswith("/revision/main") else []
        return reply(body, link=f'<{API}/tree?{len(asked)}>; rel="next"')

    with pytest.raises(StackError, match="more than 200 pages"):
        hub.listing(SOURCE, PLAIN, ask)
    assert len(asked) == 201


GONE = {"error": "Repository not found"}


@pytest.mark.parametrize(
    ("answer", "message", "fix"),
    [
        (
            reply(GONE, 404, x_error_code="RepoNotFound"),
            "openai/gpt-oss-20b does not exist at https://huggingface.co, or is private",
            "https://huggingface.co/openai/gpt-oss-20b; set HF_TOKEN if it is private",
        ),
        (
            reply(GONE, 401, x_error_message="Invalid username or password."),
            "does not exist at https://huggingface.co, or is private",
            "HF_TOKEN",
        ),
        (reply(GONE, 401), "does not exist at https://huggingface.co, or is private", "HF_TOKEN"),
        (
            reply(GONE, 401, x_error_message="Invalid credentials in Authorization header"),
            "does not accept the token",
            "set HF_TOKEN to a valid one",
        ),
        (
            reply(GONE, 404, **{"X-Error-Code": "RevisionNotFound"}),
            "has no branch, tag or commit 'main'",
            "https://huggingface.co/openai/gpt-oss-20b/tree/main",
        ),
        (
            reply(GONE, 403, x_error_code="GatedRepo"),
            "is gated",
            "accept its terms at https://huggingface.co/openai/gpt-oss-20b with your account, then "
            "set HF_TOKEN",
        ),
        (reply(GONE, 403, x_error_message="Access is disabled."), "was disabled", "another model"),
        (PORTAL, "a web page where data should be", "captive portal"),
        (replace(PORTAL, status=403), "a web page", "proxy"),
        (Reply(200, {}, "nonsense"), "cannot be understood: no JSON", "mirror"),
        (reply(["x"]), "no commit in it", "report it"),
        (reply({"sha": "main"}), "a hash is not 40 hexadecimal digits", ""),
        (reply({}, 503), "answers 503, also when asked again", "later"),
        (reply({}, 429, retry_after="30"), "(429), it says after 30 seconds", "token"),
        (reply({}, 429, retry_after="hf_x"), "asked too often (429)", ""),
        (reply({}, 407), "a proxy on the way", "HTTPS_PROXY"),
        (reply({"error": "no " + "x" * 40}, 418), "answers 418 and says: 'no …'", "check"),
        (reply({"error": 7}, 302), "answers 302", ""),
    ],
)
def test_refusals(answer: Reply, message: str, fix: str) -> None:
    error = refusal(wire(info=answer))
    assert message in error.message
    assert fix in error.fix
    assert "hf_" not in error.message + error.fix


def test_a_revision_that_is_not_there_is_named() -> None:
    answer = reply(GONE, 404, x_error_code="RevisionNotFound")
    error = refusal(wire(info=answer, revision="v9"), replace(SOURCE, revision="v9"))
    assert "'v9'" in error.message
    assert error.exit_code == 2


def test_no_password_of_a_mirror_is_printed() -> None:
    secret = Endpoints(hub="https://me:s3cret@mirror/?k=s3cret")
    for status in (200, 401, 403, 404, 418, 500):
        error = refusal(Wire(Reply(status, {}, "")), endpoints=secret)
        assert "s3cret" not in error.message + error.fix


def test_nothing_there() -> None:
    assert "lists no file" in refusal(wire(reply([]))).message
    error = refusal(wire(reply(TREE)), replace(SOURCE, include=("*.bin", "model.safetensors")))
    assert "no file matches 'model.safetensors'" in error.message
    assert "choose from what there is: model-00000-of-00002.safetensors, .git" in error.fix
    error = refusal(wire(reply(TREE)), replace(SOURCE, exclude=("*",)))
    assert "nothing is left" in error.message


@pytest.mark.parametrize(
    "change",
    [
        {"type": "submodule"},
        {"path": None},
        {"path": "\ud800"},
        {"size": -1, "lfs": None},
        {"size": True, "lfs": None},
        {"size": "8", "lfs": None},
        {"oid": "g" * 40, "lfs": None},
        {"lfs": []},
        {"lfs": {"oid": "ef" * 32}},
        {"lfs": {"oid": "ef" * 20, "size": 8}},
        {"xetHash": 5},
    ],
)
def test_an_entry_of_another_shape(change: dict[str, Any]) -> None:
    error = refusal(wire(reply([{**TREE[2], **change}])))
    assert "an entry of another shape" in error.message


def test_a_path_that_leaves_the_folder() -> None:
    error = refusal(wire(reply([{**TREE[1], "path": "../../x"}])))
    assert "'../../x'" in error.message


def test_where_a_file_is() -> None:
    path = "a b/größe#1?%.gguf"
    assert hub.url(SOURCE, COMMIT, path, MIRROR) == (
        f"https://mirror/hub/openai/gpt-oss-20b/resolve/{COMMIT}/"
        "a%20b/gr%C3%B6%C3%9Fe%231%3F%25.gguf"
    )


def test_a_file_that_is_gone() -> None:
    answer = reply("", 404, x_error_code="EntryNotFound")
    error = hub.explain(answer, "https://h/x?token=s3cret", SOURCE, PLAIN)
    assert "https://h/x is not there" in error.message
    assert "s3cret" not in error.message


@given(mutated(INFO), st.just(TREE) | mutated(TREE))
def test_other_json_is_an_error_that_is_understood(info: object, tree: object) -> None:
    with suppress(StackError):
        hub.listing(SOURCE, PLAIN, wire(reply(tree), info=reply(info)))
    with suppress(StackError):
        hub.listing(SOURCE, PLAIN, wire(reply(tree)))
