"""ModelScope."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given

from stackctl.model.errors import StackError
from stackctl.model.weights import Algorithm, Digest, Kind, RemoteFile, Source
from stackctl.models.publishers import Reply, modelscope

from .wire import MIRROR, PLAIN, PORTAL, Wire, mutated, reply

SOURCE = Source(Kind.MODELSCOPE, "Qwen/Qwen3-8B")
API = "https://www.modelscope.cn/api/v1/models/Qwen/Qwen3-8B"
LIST = f"{API}/repo/files?Revision=master&Recursive=False"
FILES: list[dict[str, Any]] = [
    {"Path": "sub", "Name": "sub", "Type": "tree", "Size": 0, "Sha256": ""},
    {"Path": "config.json", "Type": "blob", "Size": 9, "Sha256": "AA" * 32, "IsLFS": False},
    {"Path": "sub/x.gguf", "Type": "blob", "Size": 7, "Sha256": "bb" * 32, "IsLFS": True},
]
BODY: dict[str, Any] = {"Code": 200, "Success": True, "Message": "", "Data": {"Files": FILES[:2]}}
BELOW: dict[str, Any] = {**BODY, "Data": {"Files": FILES[2:]}}
WHOLE = {LIST: reply(BODY), f"{LIST}&Root=sub": reply(BELOW)}
EMPTY: dict[str, Any] = {"Code": 200, "Success": True, "Data": {"Files": None}}


class Site:
    """A tree of files behind an API that cuts its listings."""

    def __init__(self, paths: list[str], cut: int) -> None:
        self.paths, self.cut = paths, cut
        self.asked = 0

    def __call__(self, url: str, headers: Mapping[str, str]) -> Reply:
        self.asked += 1
        query = parse_qs(urlsplit(url).query)
        root = query["Root"][0] + "/" if "Root" in query else ""
        deep = query["Recursive"] == ["True"]
        entries: dict[str, dict[str, Any]] = {}
        for path in self.paths:
            parts = path.removeprefix(root).split("/") if path.startswith(root) else []
            for end in range(1, len(parts) + 1 if deep else min(2, len(parts) + 1)):
                kind = "blob" if end == len(parts) else "tree"
                name = root + "/".join(parts[:end])
                hash_ = "ab" * 32 if kind == "blob" else ""
                entries[name] = {"Path": name, "Type": kind, "Size": 1, "Sha256": hash_}
        return reply({"Success": True, "Data": {"Files": list(entries.values())[: self.cut]}})


def refusal(answer: Any, source: Source = SOURCE) -> StackError:
    with pytest.raises(StackError) as caught:
        modelscope.listing(source, PLAIN, Wire(answer))
    return caught.value


def test_a_listing() -> None:
    found = modelscope.listing(SOURCE, PLAIN, Wire(WHOLE))
    assert found.files == (
        RemoteFile("config.json", 9, Digest(Algorithm.SHA256, "aa" * 32)),
        RemoteFile("sub/x.gguf", 7, Digest(Algorithm.SHA256, "bb" * 32)),
    )
    # printf 'config.json aa…\nsub/x.gguf bb…' | sha1sum
    assert found.revision == modelscope.pin(reversed(found.files))
    assert found.revision == "ee4680d6e056587dfd5cf01e3b321daa1ec7270f"


def test_the_pin_changes_with_any_content() -> None:
    files = modelscope.listing(SOURCE, PLAIN, Wire(WHOLE)).files
    other = replace(files[1], digest=Digest(Algorithm.SHA256, "bc" * 32))
    assert modelscope.pin([files[0], other]) != modelscope.pin(files)
    assert modelscope.pin(files[:1]) != modelscope.pin(files)


def test_a_mirror_and_a_revision() -> None:
    url = "https://mirror/ms/api/v1/models/Qwen/Qwen3-8B/repo/files?Revision=a%2Fb&Recursive=False"
    source = replace(SOURCE, revision="a/b", include=("*.gguf",))
    get = Wire({url: reply(BODY), f"{url}&Root=sub": reply(BELOW)})
    assert len(modelscope.listing(source, MIRROR, get).files) == 1


def test_a_repository_that_is_larger_than_a_listing() -> None:
    paths = [f"a b/{n // 700}/{n}.bin" for n in range(4000)]
    site = Site([*paths, "z.json"], 3000)
    found = modelscope.listing(SOURCE, PLAIN, site)
    assert {file.path for file in found.files} == {*paths, "z.json"}
    assert site.asked == 1 + 1 + 6


def test_a_folder_that_is_too_large_to_be_listed() -> None:
    site = Site([f"big/{n}" for n in range(3100)], 3000)
    with pytest.raises(StackError, match=r"3000 files or more in the folder 'big'"):
        modelscope.listing(SOURCE, PLAIN, site)


def test_folders_without_end() -> None:
    class Endless(Wire):
        def __call__(self, url: str, headers: Mapping[str, str]) -> Reply:
            root = parse_qs(urlsplit(url).query).get("Root", ["r"])[0]
            tree = {"Path": f"{root}/x", "Type": "tree"}
            return reply({"Success": True, "Data": {"Files": [tree]}})

    with pytest.raises(StackError, match="2000 folders or more"):
        modelscope.listing(SOURCE, PLAIN, Endless({}))


def test_a_folder_that_lists_another() -> None:
    get = Wire(reply({"Success": True, "Data": {"Files": [FILES[0]]}}))
    with pytest.raises(StackError, match="no list of files"):
        modelscope.listing(SOURCE, PLAIN, get)


@pytest.mark.parametrize(
    ("answer", "message", "fix"),
    [
        (
            reply({"Code": 10010205001, "Message": "x", "Success": False}, 404),
            "does not exist at https://www.modelscope.cn, is private, or has no revision 'master'",
            "https://www.modelscope.cn/models/Qwen/Qwen3-8B; if it is private, set "
            "MODELSCOPE_API_TOKEN",
        ),
        (reply({}, 403), "is private", ""),
        (reply(EMPTY), "lists no file of Qwen/Qwen3-8B at 'master'", "/files"),
        (reply({"Success": False, "Message": "busy"}), "and says: 'busy'", ""),
        (reply({"Success": True}), "no list of files (KeyError)", ""),
        (reply([]), "no list of files (TypeError)", ""),
        (PORTAL, "a web page", "captive portal"),
        (replace(PORTAL, status=403), "a web page", ""),
        (reply({}, 502), "answers 502", ""),
        (reply({}, 429), "asked too often", ""),
    ],
)
def test_refusals(answer: Reply, message: str, fix: str) -> None:
    error = refusal(answer)
    assert message in error.message
    assert fix in error.fix


def test_a_file_without_a_hash() -> None:
    files = [FILES[1], {**FILES[2], "Sha256": ""}]
    error = refusal(reply({"Success": True, "Data": {"Files": files}}))
    assert "states no SHA-256 of 'sub/x.gguf'" in error.message
    files[1] = {**FILES[2], "Sha256": "zz"}
    assert "64 hexadecimal" in refusal(reply({"Success": True, "Data": {"Files": files}})).message


@pytest.mark.parametrize("path", ["config.json", "config.json/x", "/x"])
def test_paths_that_cannot_be_written(path: str) -> None:
    files = [FILES[1], {**FILES[2], "Path": path}]
    error = refusal(reply({"Success": True, "Data": {"Files": files}}))
    assert "is not written to this disk" in error.message


def test_where_a_file_is() -> None:
    assert modelscope.url(SOURCE, "00" * 20, "a b/ö&#.gguf", MIRROR) == (
        "https://mirror/ms/api/v1/models/Qwen/Qwen3-8B/repo"
        "?Revision=master&FilePath=a%20b%2F%C3%B6%26%23.gguf"
    )


@given(mutated(BODY), mutated(BELOW))
def test_other_json_is_an_error_that_is_understood(body: object, below: object) -> None:
    with suppress(StackError):
        modelscope.listing(SOURCE, PLAIN, Wire({**WHOLE, LIST: reply(body)}))
    with suppress(StackError):
        modelscope.listing(SOURCE, PLAIN, Wire({**WHOLE, f"{LIST}&Root=sub": reply(below)}))
