"""Backends and keys as the files that HAProxy reads."""

from __future__ import annotations

import json
from dataclasses import replace

from stackctl.gateway import keys, render
from stackctl.model.gateway import Backend, Key, Server

MAIN = Backend(
    "main", "gpt-oss-120b", (Server("p-main-1", "p-main-1:8000", 8),), ("big",), context=131072
)
CODER = Backend(
    "coder",
    "gpt-oss-20b",
    (Server("p-coder-1", "p-coder-1:8000", 4), Server("p-coder2-1", "p-coder2-1:8000", 4)),
    ready_path="/health",
    queue=9,
)
AUDIO = Backend("audio", "whisper", (Server("p-audio-1", "p-audio-1:8000", 1),), api="audio")
IMAGE = Backend("image", "", (Server("p-image-1", "p-image-1:8000", 1),), api="comfyui")
ALL = (AUDIO, CODER, IMAGE, MAIN)


def test_models_go_to_their_backends() -> None:
    files = render.files(ALL, (), "", tls=False)
    assert files["models.map"].splitlines() == [
        "whisper audio",
        "gpt-oss-20b coder",
        "image image",
        "gpt-oss-120b main",
        "big main",
    ]
    # only replicas need to know where a conversation was before
    assert files["affinity.map"] == "coder 1\n"
    assert files["defaults.map"].splitlines() == ["/v1/audio/ whisper", "/comfyui/ image"]


def test_the_list_of_models_is_openais() -> None:
    told = json.loads(render.files(ALL, (), "", tls=False)["models.json"])
    assert told["object"] == "list"
    assert {row["id"]: row.get("max_model_len") for row in told["data"]} == {
        "whisper": None,
        "gpt-oss-20b": None,
        "gpt-oss-120b": 131072,
        "big": 131072,
    }
    assert all(row["object"] == "model" for row in told["data"])


def test_which_of_two_is_meant_nobody_knows() -> None:
    other = Backend("audio2", "whisper-2", AUDIO.servers, api="audio")
    assert "/v1/audio/" not in render.files((AUDIO, other), (), "", tls=False)["defaults.map"]


def test_a_backend() -> None:
    text = render.files((CODER,), (), "", tls=False)["backends.cfg"]
    assert text.startswith("backend coder\n")
    assert "queue(coder) ge 9" in text
    assert "httpchk GET /health" in text
    assert "server p-coder2-1 p-coder2-1:8000 maxconn 4" in text
    assert "balance hash var(txn.begin)" in text
    assert "balance" not in render.files((MAIN,), (), "", tls=False)["backends.cfg"]


def test_the_emulation_is_told_whom_to_ask() -> None:
    servers = (Server("p-coder-1", "p-tools-1:8000", 1, emulated=True),)
    text = render.files((replace(MAIN, servers=servers),), (), "", tls=False)["backends.cfg"]
    assert "http-send-name-header X-Stackctl-Server" in text
    assert "http-check send hdr X-Stackctl-Server %[srv_name]" in text
    assert "X-Stackctl" not in render.files((MAIN,), (), "", tls=False)["backends.cfg"]


def test_tls_only_with_a_certificate() -> None:
    assert "TLS_CERT" not in render.files((), (), "", tls=False)["settings.cfg"]
    assert "setenv TLS_CERT /etc/haproxy/tls/" in render.files((), (), "", tls=True)["settings.cfg"]


def test_keys_by_alias_and_role() -> None:
    key = Key("alice", keys.digest("a"), 0.0, models=("big", "coder"))
    assert render.files(ALL, (key,), "", tls=False)["allow.map"] == "alice/main 1\nalice/coder 1\n"


def test_no_stack_no_models() -> None:
    files = render.files((), (), "page", tls=False)
    assert (files["models.map"], files["backends.cfg"], files["page.html"]) == ("", "", "page")
    assert set(keys.MAPS) <= set(files)
