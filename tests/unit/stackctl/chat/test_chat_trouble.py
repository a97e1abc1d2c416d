"""What a server did -> one line and what to type."""

from __future__ import annotations

from typing import Any

import pytest

from stackctl.chat.listed import listed
from stackctl.chat.trouble import Asked, explain, too_long, within, words
from stackctl.model.reply import Broken, Reply

URL = Asked("http://h:1", "m")
ROLE = Asked("http://h:1", "m", "coder")


@pytest.mark.parametrize("broken", list(Broken))
@pytest.mark.parametrize("asked", [URL, ROLE])
def test_every_break_is_one_line_with_a_fix(broken: Broken, asked: Asked) -> None:
    error = explain(Reply(200, broken=broken, evidence="a\nb\x1b[2J"), asked)
    assert error.message.startswith("http://h:1 ")
    assert error.fix
    assert error.message.isprintable()


@pytest.mark.parametrize(
    ("evidence", "says"),
    [
        ("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate", "not trusted"),
        ("CERTIFICATE_VERIFY_FAILED: Hostname mismatch, certificate is", "another name"),
        ("CERTIFICATE_VERIFY_FAILED: IP address mismatch, certificate", "another name"),
        ("[SSL: WRONG_VERSION_NUMBER]", "does not speak TLS"),
        ("[Errno -2] Name or service not known", "no such name"),
        ("[Errno 11001] getaddrinfo failed", "no such name"),
        ("[X509: NO_CERTIFICATE_OR_CRL_FOUND]", "holds no certificate"),
        ("Connection refused", "cannot be reached"),
    ],
)
def test_unreachable(evidence: str, says: str) -> None:
    error = explain(Reply(broken=Broken.UNREACHABLE, evidence=evidence), URL)
    assert says in error.message
    assert error.fix


def test_the_servers_words_are_masked() -> None:
    said = {"error": {"message": "bad key sk-stack-0123456789abcdef"}}
    assert "sk-stack-0123456789" not in explain(Reply(401, said), URL).message
    assert "sk-stack-0123456789" not in within(said["error"], URL).message


def test_known_errors_tell_their_fix() -> None:
    said = '"auto" tool choice requires --enable-auto-tool-choice'
    assert "CODER_ARGS" in explain(Reply(400, {"error": {"message": said}}), ROLE).fix


def test_a_model_that_is_there_is_not_blamed() -> None:
    asked = Asked("http://h:1", "m", models=("m",))
    assert "not found" in explain(Reply(404, "nope"), asked).message


@pytest.mark.parametrize(
    ("wait", "fix"), [("7", "in 7 s"), ("Wed, 21 Oct", "Wed, 21 Oct"), ("", "later")]
)
def test_retry_after(wait: str, fix: str) -> None:
    assert fix in explain(Reply(429, "", retry_after=wait), URL).fix


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"error": {"message": "a"}}, "a"),
        ({"error": "b"}, "b"),
        ({"detail": "c"}, "c"),
        ({"message": "d"}, "d"),
        ("e", "e"),
        (None, ""),
    ],
)
def test_words(body: Any, text: str) -> None:
    assert words(body) == text


@pytest.mark.parametrize(
    "text",
    [
        "the request exceeds the available context size, try increasing it",
        "This model's maximum context length is 8192 tokens",
        "The input (9 tokens) is longer than the model's context length (8 tokens)",
    ],
)
def test_too_long(text: str) -> None:
    assert too_long(Reply(400, {"error": {"message": text}}))
    assert not too_long(Reply(401, text))


def test_listed() -> None:
    data = [
        {"id": "vllm", "max_model_len": 8192},
        {"id": "llama", "meta": {"n_ctx": 4096}},
        {"id": "other", "max_model_len": "x"},
        {"id": ""},
        "junk",
    ]
    assert listed({"data": data}) == {"vllm": 8192, "llama": 4096, "other": None}
    assert listed({"data": 7}) == listed([]) == listed(None) == {}
