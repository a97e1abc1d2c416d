"""ModelScope, Ollama's registry, plain files, and the hub as a process."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from tests.hub import Flip, Hub, make
from tests.unit.hub.client import ask


def test_modelscope_cuts_long_listings_but_no_folder(hub: Hub) -> None:
    repo = hub.add("acme/tiny", {f"{name}/{n}.txt": b"x" for name in "ab" for n in range(5)})
    url = f"{hub.url}/api/v1/models/acme/tiny/repo/files?Revision=master"
    everything = ask(f"{url}&Recursive=True").json["Data"]["Files"]
    assert [entry["Type"] for entry in everything].count("tree") == 2
    assert len(everything) == 12
    assert everything[1]["Sha256"] == hashlib.sha256(b"x").hexdigest()
    assert everything[1]["Revision"] == repo.head.id
    hub.listing_limit = 4
    assert len(ask(f"{url}&Recursive=True").json["Data"]["Files"]) == 4
    top = ask(f"{url}&Recursive=False").json["Data"]["Files"]
    assert [(entry["Path"], entry["Type"]) for entry in top] == [("a", "tree"), ("b", "tree")]
    below = ask(f"{url}&Root=b").json["Data"]["Files"]
    assert [entry["Path"] for entry in below] == [f"b/{n}.txt" for n in range(5)]


def test_modelscope_serves_files(hub: Hub) -> None:
    hub.add("acme/tiny", {"w.gguf": b"weights"})
    url = f"{hub.url}/api/v1/models/acme/tiny/repo?Revision=master&FilePath="
    reply = ask(f"{url}w.gguf", Range="bytes=2-")
    assert (reply.status, reply.body) == (206, b"ights")
    assert ask(f"{url}none").json["Success"] is False
    assert ask(f"{url.replace('tiny', 'none')}w.gguf").status == 404
    assert ask(f"{url.replace('master', 'none')}w.gguf").status == 404
    hub.inject(Flip(path="FilePath=w.gguf", at=0))
    assert ask(f"{url}w.gguf").body == b"veights"
    hub.redirect = True
    assert ask(ask(f"{url}w.gguf").headers["location"]).body == b"weights"


def test_ollama_manifest_and_blobs(hub: Hub) -> None:
    files = {"tiny.gguf": b"GGUF", "template": b"{{ .Prompt }}", "license": b"MIT", "params": b"{}"}
    repo = hub.add("acme/tiny", files)
    repo.tag("1b")
    repo.commit({"tiny.gguf": b"GGUF2"})
    url = f"{hub.url}/v2/acme/tiny"
    assert ask(f"{url}/manifests/latest").body != ask(f"{url}/manifests/1b").body
    manifest = ask(f"{url}/manifests/1b").json
    kinds = [layer["mediaType"].rpartition(".")[2] for layer in manifest["layers"]]
    assert kinds == ["model", "template", "license", "params"]
    for layer in [manifest["config"], *manifest["layers"]]:
        for method in ("HEAD", "GET"):
            to = ask(f"{url}/blobs/{layer['digest']}", method)
            assert to.status == 307
        assert to.headers["location"].startswith(hub.cdn_url)
        body = ask(to.headers["location"]).body
        assert f"sha256:{hashlib.sha256(body).hexdigest()}" == layer["digest"]
        assert len(body) == layer["size"]
        assert ask(to.headers["location"], Range="bytes=1-2").body == body[1:3]
    assert ask(f"{url}/manifests/none").status == 404
    assert ask(f"{url}/blobs/sha256:{'0' * 64}").status == 404


def test_plain_files(hub: Hub) -> None:
    hub.add("acme/tiny", {"w.gguf": b"weights"})
    folder = hub.folder / "some"
    folder.mkdir()
    (folder / "file.bin").write_bytes(b"0123456789")
    assert ask(f"{hub.url}/files/acme/tiny/w.gguf", "HEAD").headers["content-length"] == "7"
    assert ask(f"{hub.url}/files/some/file.bin", Range="bytes=3-5").body == b"345"
    assert ask(f"{hub.url}/files/some/none.bin").status == 404
    assert ask(f"{hub.url}/files/../../etc/hostname").status == 404


def test_as_a_process(tmp_path: Path) -> None:
    make.model(tmp_path / "acme" / "tiny", 10_000)
    argv = [sys.executable, "-m", "tests.hub", str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert ask(f"{url}/api/models/acme/tiny").json["id"] == "acme/tiny"
            assert ask(f"{url}/_requests").json[0]["path"] == "/api/models/acme/tiny"
        finally:
            process.terminate()
        assert process.wait(5) == 0
