"""Which engine a request reaches, by the model that it names."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import pytest
import requests

from tests.integration.gateway.client import CHAT, MAIN, bearer, chat, error, post
from tests.integration.gateway.door import Door

CODER = "hf.co/acme/coder-20b:Q4_K_M"
MIB = 1 << 20


def body(size: int, *, first: bool, model: str = MAIN) -> bytes:
    """A chat request of about `size` bytes; openai-python sends the model last."""
    start = f'{{"model": "{model}", "messages": [{{"role": "user", "content": "'
    if not first:
        start = '{"messages": [{"role": "user", "content": "'
    end = '"}]}' if first else f'"}}], "model": "{model}"}}'
    return (start + "x" * (size - len(start) - len(end)) + end).encode()


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("size", [200, 20_000, 600_000, 4 * MIB])
def test_model_in_body(door: Door, key: str, size: int, chunked: bool, first: bool) -> None:
    data = body(size, first=first)

    def parts() -> Iterator[bytes]:
        for at in range(0, len(data), 100_000):
            yield data[at : at + 100_000]

    answer = post(door, key, data=parts() if chunked else data)
    assert answer.status_code == 200, answer.text
    assert answer.json()["length"] == len(data)
    assert answer.json()["sha256"] == hashlib.sha256(data).hexdigest()
    assert door.engine("main").state()["count"] == 1


def test_larger_than_can_be_looked_into(door: Door, key: str) -> None:
    data = body(6 * MIB, first=False)
    refused = post(door, key, data=data)
    assert error(refused, 413) == "request_too_large"
    assert "/m/MODEL/v1" in refused.text
    chunked = post(door, key, data=iter([data]))
    assert error(chunked, 413) == "request_too_large"
    named = post(door, key, f"/m/{MAIN}{CHAT}", data=data)
    assert named.json()["sha256"] == hashlib.sha256(data).hexdigest()
    assert door.engine("main").state()["count"] == 1


@pytest.mark.parametrize("model", [CODER, "gpt-4o", "coder"])
def test_alias(door: Door, key: str, model: str) -> None:
    assert chat(door, key, model).status_code == 200
    (seen,) = door.engine("coder").received
    assert json.loads(seen["body"])["model"] == model
    assert not door.engine("main").received


@pytest.mark.parametrize("model", [CODER, "hf.co%2Facme%2Fcoder-20b:Q4_K_M", "gpt-4o"])
def test_model_in_path(door: Door, key: str, model: str) -> None:
    answer = post(door, key, f"/m/{model}{CHAT}?beta=1", json={"model": "something else"})
    assert answer.status_code == 200, answer.text
    (seen,) = door.engine("coder").received
    assert seen["target"] == f"{CHAT}?beta=1"


def test_every_path_of_the_api(door: Door, key: str) -> None:
    paths = [CHAT, "/v1/completions", "/v1/responses", "/v1/embeddings", "/v1/images/generations"]
    for path in paths:
        assert post(door, key, path, json={"model": MAIN}).status_code == 200
    assert [seen["target"] for seen in door.engine("main").received] == paths


def test_list_of_models(door: Door, key: str) -> None:
    for path in ("/v1/models", f"/m/{MAIN}/v1/models"):
        answer = requests.get(door.url + path, headers=bearer(key), timeout=10)
        models = {row["id"]: row for row in answer.json()["data"]}
        assert set(models) == {MAIN, CODER, "gpt-4o", "coder", "whisper-large-v3"}
        assert models[MAIN]["max_model_len"] == 131072


def test_keys_as_other_libraries_send_them(door: Door, key: str) -> None:
    for headers in ({"x-api-key": key}, {"AUTHORIZATION": f"bearer {key}"}):
        answer = requests.post(door.url + CHAT, json={"model": MAIN}, headers=headers, timeout=10)
        assert answer.status_code == 200, answer.text


def test_the_engine_hears_who_but_not_the_key(door: Door, key: str) -> None:
    post(door, key, json={"model": MAIN}, headers={"x-api-key": key, "X-Stackctl-Key": "root"})
    (seen,) = door.engine("main").received
    assert key not in json.dumps(seen)
    assert [value for name, value in seen["headers"] if name == "x-stackctl-key"] == ["client"]


def test_a_key_of_some_models_only(door: Door) -> None:
    key = door.add_key(models=("gpt-4o",))
    assert chat(door, key, CODER).status_code == 200
    assert error(chat(door, key, MAIN), 404) == "model_not_found"
    assert error(post(door, key, f"/m/{MAIN}{CHAT}", json={"model": "coder"}), 404)
    assert not door.engine("main").received


def test_no_key_in_the_log(door: Door, key: str) -> None:
    chat(door, key)
    requests.get(f"{door.url}/v1/models?api_key={key}", headers={"x-api-key": key}, timeout=10)
    requests.get(door.url + "/", auth=("anybody", key), timeout=10)
    assert len(door.access("client")) >= 3
    assert key not in door.logs()
