"""Bodies and headers that are odd, deep or huge. Their sender has a key, and may be careless."""

from __future__ import annotations

import json

import pytest

from tests.integration.gateway.client import CHAT, MAIN, error, head, post, refused, wire, works
from tests.integration.gateway.door import Door

MIB = 1 << 20
REFUSALS = ("model_not_readable", "model_not_found", "request_too_large")
NO_MODEL = {
    "number": '{"model": 7}',
    "null": '{"model": null}',
    "true": '{"model": true}',
    "array": f'{{"model": ["{MAIN}"]}}',
    "object": f'{{"model": {{"id": "{MAIN}"}}}}',
    "empty": '{"model": ""}',
    "blank": f'{{"model": " {MAIN}"}}',
    "case": f'{{"MODEL": "{MAIN}"}}',
    "nested": f'{{"a": {{"model": "{MAIN}"}}}}',
    "in a string": f'{{"a": "\\"model\\": \\"{MAIN}\\""}}',
    "prefix": f'{{"model": "{MAIN[:-1]}"}}',
    "two lines": f'{{"model": "{MAIN}\\n"}}',
    "NUL": f'{{"model": "{MAIN}\\u0000x"}}',
    "backend's name": '{"model": "main"}',
    "map's row": f'{{"model": "{MAIN} main"}}',
    "1 MB of name": json.dumps({"model": "x" * MIB}),
    "array of all": f'[{{"model": "{MAIN}"}}]',
    "cut off": f'{{"messages": [{{"content": "{"x" * 1000}',
    "UTF-16": json.dumps({"model": MAIN}).encode("utf-16").decode("latin-1"),
    "form": f"model={MAIN}",
    "deep before it": '{"a":' + "[" * 25 + "]" * 25 + f',"model": "{MAIN}"}}',
    "4 MiB of brackets": "[" * 4 * MIB,
    "4 MiB of objects": '{"a":' * (4 * MIB // 5),
    "4 MiB of one number": '{"a":' + "9" * (4 * MIB - 10) + "}",
    "exponents": '{"a":[' + "1e99999," * 400_000 + "1]}",
    "4 MiB of backslashes": '{"a":"' + "\\" * (4 * MIB - 10) + '"}',
    "names": "{" + ",".join(f'"k{n}":1' for n in range(200_000)) + "}",
}


@pytest.mark.parametrize("case", NO_MODEL)
def test_no_model(door: Door, key: str, case: str) -> None:
    answer = post(door, key, data=NO_MODEL[case].encode("latin-1"))
    assert answer.status_code in (400, 404, 413), answer.text[:300]
    assert error(answer, answer.status_code) in REFUSALS
    assert len(answer.content) < 2000
    assert not door.engine("main").received
    works(door, key)


def test_deep_behind_the_model(door: Door, key: str) -> None:
    body = f'{{"model": "{MAIN}", "a": {"[" * 5000}{"]" * 5000}}}'
    assert post(door, key, data=body).status_code == 200


def test_model_twice(door: Door) -> None:
    """It goes where the first one says, and a key of the first reaches no other engine by it."""
    key = door.add_key(models=("coder",))
    assert post(door, key, data=f'{{"model": "coder", "model": "{MAIN}"}}').status_code == 200
    assert error(post(door, key, data=f'{{"model": "{MAIN}", "model": "coder"}}'), 404)
    escaped = post(door, key, data=f'{{"mod\\u0065l": "{MAIN}", "model": "coder"}}')
    assert escaped.status_code == 200
    assert not door.engine("main").received
    assert door.engine("coder").state()["count"] == 2


def test_type_of_the_body_decides_nothing(door: Door, key: str) -> None:
    for kind in ("text/plain", "multipart/form-data; boundary=x", "application/xml", ""):
        answer = post(door, key, headers={"Content-Type": kind}, data=json.dumps({"model": MAIN}))
        assert answer.status_code == 200
    packed = post(door, key, headers={"Content-Encoding": "gzip"}, data=b"\x1f\x8b\x08\0\0\0")
    assert error(packed, 400) == "model_not_readable"


@pytest.mark.parametrize(
    "headers",
    [
        {"A": "x" * 5 * MIB},
        {f"A{n}": "x" for n in range(200)},
        {"A" * 5 * MIB: "x"},
        {"Cookie": "a=b; " * MIB},
    ],
    ids=["one", "many", "name", "cookie"],
)
def test_huge_headers(door: Door, key: str, headers: dict[str, str]) -> None:
    with wire(door) as connection:
        try:
            connection.send(head("POST", CHAT, key, **headers))
        except OSError:
            return
        assert refused(connection) in (0, 400, 431)
    assert not door.engine("main").received
    works(door, key)


def test_headers_that_would_be_ours(door: Door, key: str) -> None:
    """A server that takes _ for - must not hear of another key than the gateway's."""
    body = json.dumps({"model": MAIN})
    for name in ("X-Stackctl-Key", "x-stackctl-key", "X_Stackctl_Key", "X-Stackctl-Key "):
        with wire(door) as connection:
            lines = f"{name}: root\r\n{name}: root\r\nContent-Length: {len(body)}\r\n\r\n{body}"
            connection.send(head("POST", CHAT, key)[:-2] + lines)
            connection.half_close()
            connection.read()
    for request in door.engine("main").received:
        assert [n for n, _ in request["headers"] if "stackctl" in n.lower()] == ["x-stackctl-key"]
        assert ["x-stackctl-key", "client"] in request["headers"]


def test_no_header_is_made_of_a_name(door: Door, key: str) -> None:
    """What a client names comes back in an error, and only there."""
    evil = "x%0d%0aX-Evil:%201%0d%0a%0d%0a<script>"
    for path in (f"/m/{evil}{CHAT}", f"/v1/{evil}"):
        answer = post(door, key, path, json={})
        assert error(answer, 404)
        assert "x-evil" not in answer.headers
    answer = post(door, key, json={"model": 'x\r\nX-Evil: 1\r\n\r\n"},"a":{"'})
    assert error(answer, 404)
    assert "x-evil" not in answer.headers
