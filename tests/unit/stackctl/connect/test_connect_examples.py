"""Examples: with the right models, and no name of a model breaks out of its quotes."""

from __future__ import annotations

import ast
import json
import subprocess

import pytest
import yaml

from stackctl.connect import quote
from stackctl.connect.examples import CLIENTS, Client
from stackctl.connect.offer import Offer, allowed
from stackctl.model.gateway import Backend, Key

CHAT = Backend("coder", "gpt-oss-20b", (), aliases=("gpt-4o",), context=131072)
BIG = Backend("main", "gpt-oss-120b", ())
AUDIO = Backend("audio", "whisper-large-v3", (), api="audio")
COMFYUI = Backend("image", "", (), api="comfyui")
ALL = (CHAT, BIG, AUDIO, COMFYUI)
NASTY = "o'$(id)`id`;${x}&<b>\u2019;"


def of(name: str, *backends: Backend, ca: bool = False, origin: str = "http://h:1") -> list[str]:
    (client,) = [client for client in CLIENTS if client.name == name]
    return [example.code for example in client.make(Offer(origin, backends, ca))]


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
@pytest.mark.parametrize("ca", [False, True])
def test_everything_is_filled_in(client: Client, ca: bool) -> None:
    for example in client.make(Offer("https://h:1", ALL, ca)):
        assert not [word for word in example.code.split("@") if word.isalpha() and word.islower()]
        assert "https://h:1/v1" in example.code
        assert "sk-stack-YOUR-KEY" in example.code
        assert ("ca.pem" in example.code) is ca
        assert example.code.isascii()


@pytest.mark.parametrize(
    ("backends", "counts"),
    [
        (ALL, (3, 3, 1, 3, 2, 1, 1)),
        ((CHAT,), (2, 2, 1, 2, 1, 1, 1)),
        ((AUDIO,), (2, 1, 0, 1, 1, 0, 0)),
        ((COMFYUI,), (1, 0, 0, 0, 0, 0, 0)),
    ],
)
def test_only_for_what_is_there(backends: tuple[Backend, ...], counts: tuple[int, ...]) -> None:
    offer = Offer("https://h:1", backends)
    assert tuple(len(client.make(offer)) for client in CLIENTS) == counts


def test_each_task_has_a_model_that_can_do_it() -> None:
    question, _, speech = of("python", *ALL)
    assert 'model="gpt-oss-20b"' in question
    assert 'model="whisper-large-v3"' in speech


def test_all_chat_models_are_in_the_editor() -> None:
    (text,) = of("continue", *ALL, ca=True)
    first, second = yaml.safe_load(text)["models"]
    assert (first["model"], second["model"]) == ("gpt-oss-20b", "gpt-oss-120b")
    assert first["defaultCompletionOptions"]["contextLength"] == 131072
    assert "defaultCompletionOptions" not in second


@pytest.mark.parametrize("ca", [False, True])
def test_a_model_with_an_evil_name(ca: bool) -> None:
    evil, heard = Backend("m", NASTY, ()), Backend("a", NASTY, (), api="audio")
    _, question, speech = of("curl", evil, heard, ca=ca)
    told = [shell(code) for code in (question, speech)]
    assert json.loads(told[0][-1])["model"] == NASTY
    assert f"model={NASTY}" in told[1]
    for name in ("python", "langchain"):
        for code in of(name, evil, heard, ca=ca):
            words = [n.value for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Constant)]
            assert NASTY in words
    (config,) = of("continue", evil, ca=ca)
    assert yaml.safe_load(config)["models"][0]["model"] == NASTY
    assert all(quote.powershell(NASTY) in code for code in of("powershell", evil, heard, ca=ca))


def shell(code: str) -> list[str]:
    """The words with which a real shell would call curl."""
    stub = "curl() { printf '%s\\0' \"$@\"; }\n"
    done = subprocess.run(
        ["sh", "-c", stub + code], capture_output=True, text=True, check=True, timeout=10
    )
    assert done.stderr == ""
    return done.stdout.split("\0")[:-1]


def test_powershell_quotes() -> None:
    assert quote.powershell("a'b\u2019c$d") == "'a''b\u2019\u2019c$d'"


def test_a_container_reaches_this_machine_by_its_network() -> None:
    (text,) = of("open-webui", CHAT, origin="http://127.0.0.1:8000")
    assert "--network host" in text
    (text,) = of("open-webui", CHAT, origin="http://192.168.1.20:8000")
    assert "--network" not in text


@pytest.mark.parametrize("named", ["coder", "gpt-oss-20b", "gpt-4o"])
def test_models_of_a_key(named: str) -> None:
    key = Key("alice", "", 0.0, models=(named, "gone"))
    assert allowed(ALL, key) == (CHAT,)
    assert allowed(ALL, Key("bob", "", 0.0)) == ALL


def test_chat_comes_first() -> None:
    assert allowed((AUDIO, COMFYUI, CHAT, BIG)) == (CHAT, BIG, AUDIO, COMFYUI)
