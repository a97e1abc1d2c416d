"""The real client of the Hub takes this one for real, and so do we read it by hand."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from huggingface_hub import HfApi, close_session
from huggingface_hub.errors import (
    GatedRepoError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from tests.hub import Flip, Hub, make
from tests.unit.hub.client import ask


@pytest.fixture
def api(hub: Hub) -> Iterator[HfApi]:
    yield HfApi(endpoint=hub.url, token=False)
    close_session()


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".cache" not in path.relative_to(folder).parts
    }


@pytest.mark.parametrize("redirect", [False, True])
def test_snapshot_download_and_verify(hub: Hub, api: HfApi, tmp_path: Path, redirect: bool) -> None:
    source = make.model(hub.folder / "acme" / "tiny", 3_000_000)
    make.odd_names(source)
    hub.redirect, hub.page = redirect, 5
    there = tmp_path / "there"
    api.snapshot_download("acme/tiny", local_dir=there, cache_dir=tmp_path / "cache")
    assert contents(there) == contents(source)
    verdict = api.verify_repo_checksums("acme/tiny", local_dir=there)
    assert verdict.checked_count == len(contents(source))
    assert [*verdict.mismatches, *verdict.missing_paths, *verdict.extra_paths] == []
    cdn = [line for line in hub.requests if line.path.startswith("/cdn/")]
    assert len(cdn) == 3 * redirect


def test_a_flipped_byte_is_only_seen_by_verify(hub: Hub, api: HfApi, tmp_path: Path) -> None:
    hub.add("acme/tiny", {"w.gguf": bytes(100_000)})
    hub.inject(Flip(at=5))
    api.snapshot_download("acme/tiny", local_dir=tmp_path, cache_dir=tmp_path / "cache")
    verdict = api.verify_repo_checksums("acme/tiny", local_dir=tmp_path)
    assert [found["path"] for found in verdict.mismatches] == ["w.gguf"]


def test_commits_stay_reachable(hub: Hub, api: HfApi) -> None:
    repo = hub.add("acme/tiny", {"a.txt": b"1", "b.txt": b"1"})
    first = repo.head
    repo.tag("v1")
    second = repo.commit({"a.txt": b"2", "c/d.txt": b"2"}, remove=["b.txt"])
    assert first.id != second.id
    for name, commit in {"main": second, "v1": first, first.id: first}.items():
        assert api.model_info("acme/tiny", revision=name).sha == commit.id
        assert (
            ask(f"{hub.url}/acme/tiny/resolve/{name}/a.txt").headers["x-repo-commit"] == commit.id
        )
    listed = [entry.path for entry in api.list_repo_tree("acme/tiny", recursive=True)]
    assert listed == ["a.txt", "c", "c/d.txt"]
    assert ask(f"{hub.url}/acme/tiny/resolve/v1/a.txt").body == b"1"


def test_a_folder_that_changes_is_a_new_commit(hub: Hub, api: HfApi) -> None:
    folder = make.model(hub.folder / "acme" / "tiny", 10_000)
    first = api.model_info("acme/tiny").sha
    (folder / "extra.txt").write_bytes(b"more")
    assert api.model_info("acme/tiny").sha != first
    assert api.model_info("acme/tiny", revision=first).sha == first


def test_refusals(hub: Hub, api: HfApi) -> None:
    hub.add("acme/open", {"a.txt": b"1"})
    hub.add("acme/secret", {"a.txt": b"1"}, token="t0ken")
    hub.add("acme/gated", {"a.txt": b"1"}, token="t0ken", gated=True)
    for name in ("acme/none", "acme/secret"):
        with pytest.raises(RepositoryNotFoundError):
            api.model_info(name)
    with pytest.raises(RevisionNotFoundError):
        api.model_info("acme/open", revision="0" * 40)
    with pytest.raises(RemoteEntryNotFoundError):
        api.hf_hub_download("acme/open", "none.txt", cache_dir=hub.folder / "cache")
    assert api.model_info("acme/gated").gated == "auto"
    with pytest.raises(GatedRepoError):
        api.hf_hub_download("acme/gated", "a.txt", cache_dir=hub.folder / "cache")
    url = f"{hub.url}/acme/gated/resolve/main/a.txt"
    assert [ask(url).status, ask(url, Authorization="Bearer x").status] == [401, 403]
    assert api.model_info("acme/secret", token="t0ken").private
    assert ask(url, Authorization="Bearer t0ken").body == b"1"


def test_pages_are_linked(hub: Hub) -> None:
    hub.add("acme/tiny", {f"{number:02}.txt": b"" for number in range(7)})
    hub.page = 3
    url, sizes = f"{hub.url}/api/models/acme/tiny/tree/main?recursive=true", []
    while url:
        reply = ask(url)
        sizes.append(len(reply.json))
        url = reply.headers.get("link", "").partition(">")[0].removeprefix("<")
    assert sizes == [3, 3, 1]


def test_a_redirect_goes_to_another_host_and_the_log_tells_who_follows_with_a_token(
    hub: Hub, api: HfApi, tmp_path: Path
) -> None:
    hub.add("acme/tiny", {"w.gguf": b"weights"}, token="t0ken")
    hub.redirect = True
    head = ask(f"{hub.url}/acme/tiny/resolve/main/w.gguf", "HEAD", Authorization="Bearer t0ken")
    assert head.headers["x-linked-etag"] == f'"{hashlib.sha256(b"weights").hexdigest()}"'
    assert (head.status, head.headers["x-linked-size"]) == (302, "7")
    assert head.headers["location"].startswith(hub.cdn_url)
    hub.forget()
    api.hf_hub_download("acme/tiny", "w.gguf", cache_dir=tmp_path / "cache", token="t0ken")
    hosts = {line.host.partition(":")[0]: line.has_authorization for line in hub.requests}
    assert hosts == {"127.0.0.1": True, "localhost": False}


def test_ranges(hub: Hub) -> None:
    hub.add("acme/tiny", {"模型 1.txt": b"0123456789"})
    url = f"{hub.url}/acme/tiny/resolve/main/{quote('模型 1.txt')}"
    etag = ask(url).headers["etag"]

    def part(asked: str, **headers: str) -> tuple[int, bytes, str | None]:
        reply = ask(url, "GET", 5, Range=f"bytes={asked}", **headers)
        return reply.status, reply.body, reply.headers.get("content-range")

    assert part("2-4") == (206, b"234", "bytes 2-4/10")
    assert part("8-99") == (206, b"89", "bytes 8-9/10")
    assert part("-3") == (206, b"789", "bytes 7-9/10")
    assert part("10-") == (416, b"", "bytes */10")
    assert part("2-", If_Range=etag) == (206, b"23456789", "bytes 2-9/10")
    assert part("2-", If_Range='"old"') == (200, b"0123456789", None)
    assert [line.range for line in hub.requests[1:3]] == ["bytes=2-4", "bytes=8-99"]
    assert [line.sent for line in hub.requests] == [10, 3, 2, 3, 0, 8, 10]
