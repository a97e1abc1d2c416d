"""Any encoding of terminal, locale and pipe: the question arrives, the answer is shown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import pytest

from tests.integration.chat.client import Ended, chat, dialogue
from tests.integration.chat.server import Request, Server, serving

ANSWER = "caf\u00e9 \uc11c\uc6b8 \u4f60\u597d \U0001f600"
QUESTION = "\uc11c\uc6b8\uc758 \ub0a0\uc528 \U0001f327"
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
ENVIRONMENTS: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("utf-8", {}),
    ("ascii", ASCII),
    ("ascii", {**ASCII, "LC_ALL": "POSIX", "PYTHONIOENCODING": "ascii:strict"}),
    ("cp949", {"PYTHONIOENCODING": "cp949", "PYTHONUTF8": "0"}),
    ("cp949", {**ASCII, "PYTHONIOENCODING": "cp949"}),
    ("cp1252", {"PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}),
    ("latin-1", {**ASCII, "PYTHONIOENCODING": "latin-1:strict"}),
    ("utf-16-le", {"PYTHONIOENCODING": "utf-16-le"}),
)


def _answer(x: Request) -> None:
    """With each character in two: across chunks of HTTP, and an emoji across two events."""
    x.begin()
    x.delta(reasoning_content="\uc0dd\uac01 \U0001f914")
    event = json.dumps({"choices": [{"delta": {"content": ANSWER[:-1]}}]}, ensure_ascii=False)
    data = f"data: {event}\n\n".encode()
    for at in range(len(data)):
        x.chunk(data[at : at + 1])
    for half in ("\\ud83d", "\\ude00"):
        x.chunk(b'data: {"choices": [{"delta": {"content": "%b"}}]}\n\n' % half.encode())
    x.finish()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(_answer) as made:
        yield made


def asked(server: Server) -> str:
    return str(server.requests[-1]["messages"][-1]["content"])


@pytest.mark.parametrize(("encoding", "env"), ENVIRONMENTS)
def test_question_as_an_argument(server: Server, encoding: str, env: Mapping[str, str]) -> None:
    done = chat(server.url, "--model", "m", QUESTION.encode(), env=env)
    assert done.code == 0, done.told
    assert asked(server) == QUESTION
    assert done.out == (ANSWER + "\n").encode(encoding, "backslashreplace")
    assert "\uc0dd\uac01".encode(encoding, "backslashreplace") in done.err


@pytest.mark.parametrize(("encoding", "env"), ENVIRONMENTS[1:6:2])
def test_json_is_ascii(server: Server, encoding: str, env: Mapping[str, str]) -> None:
    done = chat(server.url, "--model", "m", "--json", QUESTION.encode(), env=env)
    assert done.code == 0, done.told
    assert json.loads(done.out.decode(encoding))["answer"] == ANSWER


CP949 = {"PYTHONIOENCODING": "cp949"}


@pytest.mark.parametrize(
    ("data", "env", "question", "remark"),
    [
        (QUESTION.encode(), ASCII, QUESTION, ""),
        (QUESTION.encode("utf-8-sig"), CP949, QUESTION, ""),
        (QUESTION.encode("utf-16"), {}, QUESTION, ""),
        ("\uc11c\uc6b8".encode("cp949"), CP949, "\uc11c\uc6b8", "read as cp949"),
        (b"caf\xe9", {"PYTHONIOENCODING": "cp1252"}, "caf\u00e9", "read as cp1252"),
        (b"caf\xe9 \xff", {}, "caf\ufffd \ufffd", "became U+FFFD"),
        (b"\xec\x84", ASCII, "\ufffd", "became U+FFFD"),
        (b"a\r\nb\n", {}, "a\r\nb", ""),
    ],
)
def test_question_piped_in(
    server: Server, data: bytes, env: Mapping[str, str], question: str, remark: str
) -> None:
    done = chat(server.url, "--model", "m", stdin=data, env=env)
    assert done.code == 0, done.told
    assert asked(server) == question
    assert remark in done.told
    assert bool(remark) == ("stdin is not UTF-8" in done.told)


def test_words_and_stdin(server: Server) -> None:
    chat(server.url, "--model", "m", "review", "-", stdin=b"the diff")
    assert asked(server) == "review the diff"
    chat(server.url, "--model", "m", "review", stdin=b"not asked for")
    assert asked(server) == "review"


def test_model_and_system_prompt(server: Server) -> None:
    words = ("--model", "\ubaa8\ub378".encode(), "--system", "\uac04\ub2e8\ud788".encode())
    assert chat(server.url, *words, "x", env=ASCII).code == 0
    assert server.requests[-1]["model"] == "\ubaa8\ub378"
    assert server.requests[-1]["messages"][0] == {"role": "system", "content": "\uac04\ub2e8\ud788"}


@pytest.mark.parametrize("stdin", [b"", b" \n"])
def test_no_question(server: Server, stdin: bytes) -> None:
    done: Ended = chat(server.url, "--model", "m", stdin=stdin)
    assert done.code == 2
    assert "there is no question" in done.told


@pytest.mark.parametrize(("encoding", "env"), ENVIRONMENTS[:-1])
def test_typed(server: Server, encoding: str, env: Mapping[str, str]) -> None:
    with dialogue(server.url, "--model", "m", env=env) as terminal:
        terminal.until(b"> ")
        terminal.type(QUESTION.encode() + b"\xff\r")
        terminal.until(ANSWER.encode(encoding, "backslashreplace"))
        terminal.until(b"> ")
        terminal.type(b"\x04")
        assert terminal.ends() == 0
        assert b"Traceback" not in terminal.seen
    if encoding in ("utf-8", "ascii"):  # else it was told that the terminal speaks another
        assert asked(server).replace("\ufffd", "") == QUESTION
