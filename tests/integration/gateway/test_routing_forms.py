"""Forms with files: the model in a field, in the path, or the only one there is."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Iterator

import pytest

from tests.integration.gateway.client import MAIN, error, post
from tests.integration.gateway.door import Door

HEAR = "/v1/audio/transcriptions"
MODEL = "whisper-large-v3"
#: an hour of sound, 16 bit at 16 kHz
HOUR = 115_200_000


def form(*parts: tuple[str, bytes], file: str = "file") -> tuple[bytes, dict[str, str]]:
    """A multipart body of these fields in this order, and its headers."""
    mark = "boundary7"
    body = b""
    for name, value in parts:
        more = '; filename="a.wav"\r\nContent-Type: audio/wav' if name == file else ""
        body += f'--{mark}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode()
        body += value + b"\r\n"
    return body + f"--{mark}--\r\n".encode(), {
        "Content-Type": f"multipart/form-data; boundary={mark}"
    }


def noise(size: int) -> bytes:
    return random.Random(1).randbytes(size)


@pytest.mark.parametrize("size", [10, 5000, 300_000, 5_000_000])
def test_model_before_the_file(door: Door, key: str, size: int) -> None:
    data, headers = form(("model", MODEL.encode()), ("file", noise(size)))
    answer = post(door, key, HEAR, headers, data=data)
    assert answer.json()["sha256"] == hashlib.sha256(data).hexdigest()
    assert door.engine("audio").state()["count"] == 1


def test_the_model_named_is_the_one_asked(door: Door, key: str) -> None:
    data, headers = form(("language", b"en"), ("model", MAIN.encode()), ("file", noise(5000)))
    assert post(door, key, HEAR, headers, data=data).status_code == 200
    assert door.engine("main").received
    assert not door.engine("audio").received


def test_unknown_model(door: Door, key: str) -> None:
    data, headers = form(("model", b"nobody"), ("file", noise(100)))
    assert error(post(door, key, HEAR, headers, data=data), 404) == "model_not_found"


@pytest.mark.parametrize("path", [HEAR, "/v1/audio/translations"])
@pytest.mark.parametrize("size", [1000, 5_000_000])
def test_no_model(door: Door, key: str, path: str, size: int) -> None:
    """There is one service alone that hears."""
    data, headers = form(("file", noise(size)), ("response_format", b"json"))
    answer = post(door, key, path, headers, data=data)
    assert answer.json()["sha256"] == hashlib.sha256(data).hexdigest()
    assert door.engine("audio").state()["count"] == 1


def test_model_in_the_path(door: Door, key: str) -> None:
    data, headers = form(("file", noise(100_000)), ("model", b"whisper-1"))
    assert post(door, key, f"/m/{MODEL}{HEAR}", headers, data=data).status_code == 200
    assert door.engine("audio").state()["count"] == 1


def test_an_hour_of_sound_passes_and_is_not_stored(door: Door, key: str) -> None:
    before = door.memory()
    block = os.urandom(1 << 20)
    data, headers = form(("model", MODEL.encode()))
    opening = data.rsplit(b"--boundary7--", 1)[0]
    opening += b'--boundary7\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    digest, most = hashlib.sha256(), 0

    def parts() -> Iterator[bytes]:
        nonlocal most
        for part in (opening, *[block] * (HOUR // len(block)), b"\r\n--boundary7--\r\n"):
            digest.update(part)
            yield part
        most = door.memory()

    answer = post(door, key, HEAR, headers | {"X-Fake": "{}"}, data=parts(), timeout=120)
    assert answer.json()["sha256"] == digest.hexdigest()
    assert most - before < 40_000, "KiB"
