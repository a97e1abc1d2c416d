"""The client against a real server on the loopback: every kind of bad server ends, by name."""

from __future__ import annotations

import json
import os
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stackctl.model.load import Patience, Target, Volley
from stackctl.system.load import fire
from tests.integration.bench.server import FAULTS
from tests.integration.bench.threaded import serving
from tests.integration.certificate import certify

BODY = json.dumps(
    {"model": "null", "messages": [{"role": "user", "content": "a b"}], "max_tokens": 8}
).encode()
PATIENCE = Patience(tokens=1.0, limits=2.0)
NAMES = {
    "html": "html",
    "cut": "cut-stream",
    "half-character": "wrong-utf8",
    "keep-alives": "keep-alives-only",
    "wrong-json": "wrong-json",
    "error-in-stream": "error-in-stream",
    "internal": "http-500",
    "silent": "no-answer",
    "stalls": "stalled",
    "endless": "endless",
    "nonsense": "not-http",
    "no-tokens": "no-tokens",
    "not-a-stream": "not-a-stream",
    "hangs-up": "closed",
    "leaks": "http-401",
    "limited": "rate-limited",
    "impatient": "rate-limited",
    "nested": "wrong-json",
    "slow": "too-slow",
    "picky": "http-400",
}


def volley(
    url: str, count: int = 3, at_once: int = 3, key: str = "", patience: Patience = PATIENCE
) -> Volley:
    target = Target("null", url, "null", key)
    return fire(target, [BODY] * count, at_once, most_chunks=100, patience=patience)


def test_all_faults_are_tried() -> None:
    assert NAMES.keys() == FAULTS.keys()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_server_is_a_failure_with_a_name(null: str, fault: str) -> None:
    # a token each 0.2 s is in time for each of them, and not for all
    patience = Patience(0.3, 2.0) if fault == "slow" else PATIENCE
    outcomes = volley(f"{null}/{fault}", key="sk-secret-1", patience=patience).outcomes
    assert [o.failure for o in outcomes] == [NAMES[fault]] * 3
    assert "sk-secret" not in repr(outcomes)


@pytest.fixture
def deaf() -> Iterator[int]:
    """A port that completes connections and never reads."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_servers_that_are_none(deaf: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = listener.getsockname()[1]
    for url, name in (
        (f"http://127.0.0.1:{closed}/v1", "refused"),
        ("http://nobody.invalid/v1", "unknown-host"),
        (f"http://127.0.0.1:{deaf}/v1", "no-answer"),
        (f"https://127.0.0.1:{deaf}/v1", "no-connection"),
    ):
        assert {o.failure for o in volley(url).outcomes} == {name}


def test_a_web_server_without_tls(null: str) -> None:
    outcomes = volley(null.replace("http:", "https:") + "/v1").outcomes
    assert {o.failure for o in outcomes} <= {"tls", "no-connection"}


def test_good_answers_and_thoughts(null: str) -> None:
    for outcome in volley(f"{null}/thinks", 40, 8).outcomes:
        assert outcome.failure == ""
        assert (outcome.thoughts, outcome.chunks, outcome.tokens) == (2, 6, 8)
        assert outcome.prompt_tokens == 9
        assert 0 < outcome.ttft <= outcome.latency <= outcome.ended - outcome.began


def test_retry_after_is_obeyed_and_counted(null: str) -> None:
    began = time.monotonic()
    outcomes = volley(f"{null}/once-limited", 6, 1).outcomes
    assert [o.failure for o in outcomes] == [""] * 6
    waits = sum(o.throttled for o in outcomes)
    assert waits >= 3
    assert time.monotonic() - began >= 0.1 * waits


def test_a_server_that_only_fails_is_given_up(null: str) -> None:
    assert len(volley(f"{null}/internal", 5000, 4).outcomes) < 30


def test_no_request_is_begun_after_the_time(null: str) -> None:
    target = Target("null", f"{null}/null", "null")
    shots = fire(target, [BODY] * 200_000, 2, most_chunks=100, patience=PATIENCE, seconds=0.3)
    assert 0 < len(shots.outcomes) < 200_000
    assert all(o.ok for o in shots.outcomes)


def test_tls_by_a_ca_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pem = tmp_path / "pair.pem"
    certify(pem, (os.getuid(), os.getgid()), "DNS:localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with serving(context) as port:
        assert {o.failure for o in volley(f"https://localhost:{port}/v1").outcomes} == {"tls"}
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        assert {o.failure for o in volley(f"https://localhost:{port}/v1", 9).outcomes} == {""}
        wrong = volley(f"https://127.0.0.1:{port}/v1").outcomes
        assert {o.failure for o in wrong} == {"tls"}
        assert "127.0.0.1" in wrong[0].detail
