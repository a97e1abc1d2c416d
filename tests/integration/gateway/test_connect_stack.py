"""Every example that `stackctl connect` prints, run as it is printed: real clients, the real
gateway, real engines behind it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml

from stackctl.connect.offer import KEY
from stackctl.engines import ENGINES
from tests.integration.gateway.clients.programs import Programs, cache, install
from tests.integration.gpu_lock import healthy_gpus
from tests.integration.stack.box import Box, Result, box, free_ports, gpusim

pytestmark = [pytest.mark.docker, pytest.mark.stack]
PORTS = ("GATEWAY_PORT", "GATEWAY_HTTP_PORT", "GATEWAY_ACME_PORT", "GATEWAY_METRICS_PORT")
MODEL = "gpt-oss-20b"
SOUND = "speech.wav"
ADDRESSES = ("http", "https")


@dataclass
class Stack:
    """A coder and a whisper behind a gateway, which has a certificate of a CA of its own."""

    box: Box
    programs: Programs
    ports: Mapping[str, int]
    key: str = ""
    told: dict[str, Any] = field(default_factory=dict)

    def address(self, scheme: str) -> str:
        port = self.ports["GATEWAY_PORT" if scheme == "https" else "GATEWAY_HTTP_PORT"]
        return f"{scheme}://127.0.0.1:{port}"

    def connect(self, *words: str) -> dict[str, Any]:
        done = self.box.stackctl("connect", "--json", *words)
        assert done.code == 0, done.text
        told: dict[str, Any] = json.loads(done.out)
        return told

    def example(self, client: str, title: str, scheme: str) -> str:
        """The text of one, with the key in its place."""
        if scheme not in self.told:
            self.told[scheme] = self.connect("--address", self.address(scheme))["examples"]
        (found,) = [e["code"] for e in self.told[scheme][client] if e["title"] == title]
        assert KEY in found
        return str(found).replace(KEY, self.key)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    gpusim("install")
    programs = install(cache(), tmp_path_factory.mktemp("clients"))
    sound = ENGINES["whisper"].ask("").file
    assert sound
    (programs.folder / SOUND).write_bytes(sound)
    with healthy_gpus(), box(tmp_path_factory.mktemp("connect")) as made:
        ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        made.settings(COMPOSE_PROFILES="coder,audio,gateway", **ports)
        done = made.stackctl("connect")
        assert done.code == 1
        assert "no gateway" in done.err
        for words in (("up",), ("tls", "init")):
            done = made.stackctl(*words)
            assert done.code == 0, done.text
        done = made.stackctl("keys", "add", "alice", "--json", "--models", MODEL, "--rpm", "600")
        stack = Stack(made, programs, ports, json.loads(done.out)["key"])
        ca = made.home / ".stackctl" / "tls" / "ca.pem"
        (programs.folder / "ca.pem").write_bytes(ca.read_bytes())
        yield stack


@pytest.fixture
def key_of_all(stack: Stack) -> Iterator[None]:
    """The key opens whisper as well, meanwhile."""
    stack.box.stackctl("keys", "change", "alice", "--models", "all")
    yield
    stack.box.stackctl("keys", "change", "alice", "--models", MODEL)


def fine(done: Result) -> str:
    assert done.code == 0, done.text
    assert done.out.strip(), done.text
    return done.out


@pytest.mark.parametrize("scheme", ADDRESSES)
@pytest.mark.parametrize("title", ["Which models there are", "A question", "Speech to text"])
@pytest.mark.usefixtures("key_of_all")
def test_curl(stack: Stack, title: str, scheme: str) -> None:
    answer = json.loads(fine(stack.programs.run("sh", "-c", stack.example("curl", title, scheme))))
    match title:
        case "A question":
            assert isinstance(answer["choices"][0]["message"]["content"], str)
        case "Speech to text":
            assert isinstance(answer["text"], str)
        case _:
            assert MODEL in {row["id"] for row in answer["data"]}


@pytest.mark.parametrize("scheme", ADDRESSES)
@pytest.mark.parametrize("title", ["A question", "Word by word", "Speech to text"])
@pytest.mark.usefixtures("key_of_all")
def test_python(stack: Stack, title: str, scheme: str) -> None:
    code = stack.example("python", title, scheme)
    fine(stack.programs.run(stack.programs.python, "-c", code))


@pytest.mark.parametrize("scheme", ADDRESSES)
def test_langchain(stack: Stack, scheme: str) -> None:
    code = stack.example("langchain", "A question", scheme)
    fine(stack.programs.run(stack.programs.python, "-c", code))


@pytest.mark.parametrize("scheme", ADDRESSES)
@pytest.mark.parametrize("title", ["A question", "Word by word", "Speech to text"])
@pytest.mark.usefixtures("key_of_all")
def test_javascript(stack: Stack, title: str, scheme: str) -> None:
    """Saved and started as its first line says."""
    code = stack.example("javascript", title, scheme)
    command = code.splitlines()[0].partition("; ")[2]
    (stack.programs.folder / command.split()[-1]).write_text(code, encoding="utf-8")
    fine(stack.programs.run("sh", "-c", command))


def test_without_the_ca_clients_refuse(stack: Stack) -> None:
    """So the examples above come in because of what they say of ca.pem."""
    for client in ("curl", "python", "javascript"):
        code = stack.example(client, "A question", "http")
        code = code.replace(stack.address("http"), stack.address("https"))
        (stack.programs.folder / "x.mjs").write_text(code, encoding="utf-8")
        argv = {
            "curl": ("sh", "-c", code),
            "python": (stack.programs.python, "-c", code),
            "javascript": ("node", "x.mjs"),
        }[client]
        done = stack.programs.run(*argv)
        assert done.code != 0, (client, done.text)


@pytest.mark.parametrize("scheme", ADDRESSES)
def test_open_webui(stack: Stack, scheme: str) -> None:
    """Its image is too large for a test: what Docker would be told."""
    code = stack.example("open-webui", "Chat in a browser", scheme)
    words = fine(stack.programs.run("sh", "-c", "docker() { printf '%s\\n' \"$@\"; }\n" + code))
    assert f"OPENAI_API_BASE_URL={stack.address(scheme)}/v1\n" in words
    assert f"OPENAI_API_KEY={stack.key}\n" in words
    assert ("SSL_CERT_FILE=/trusted.crt" in words) is (scheme == "https")
    assert words.endswith("ghcr.io/open-webui/open-webui:main\n")


@pytest.mark.parametrize("scheme", ADDRESSES)
def test_continue(stack: Stack, scheme: str) -> None:
    (model,) = yaml.safe_load(stack.example("continue", "~/.continue/config.yaml", scheme))[
        "models"
    ]
    assert model["model"] == MODEL
    assert model["apiBase"] == f"{stack.address(scheme)}/v1"
    assert model["apiKey"] == stack.key
    assert ("caBundlePath" in model.get("requestOptions", {})) is (scheme == "https")


@pytest.mark.parametrize("scheme", ADDRESSES)
@pytest.mark.parametrize("title", ["A question", "Speech to text"])
def test_powershell_can_be_read(stack: Stack, title: str, scheme: str) -> None:
    """There is no PowerShell to be had here: a grammar of it, which is not it, has to do."""
    code = stack.example("powershell", title, scheme)
    reads = (
        "import sys, tree_sitter as t, tree_sitter_powershell as p\n"
        "tree = t.Parser(t.Language(p.language())).parse(sys.argv[1].encode())\n"
        "sys.exit(str(tree.root_node) if tree.root_node.has_error else 0)"
    )
    assert stack.programs.run(stack.programs.python, "-c", reads, code).code == 0
    broken = code.replace("@{", "@{{", 1)
    assert stack.programs.run(stack.programs.python, "-c", reads, broken).code != 0


def test_for_one_key(stack: Stack) -> None:
    told = stack.connect("alice")
    assert [model["name"] for model in told["models"]] == [MODEL]
    assert (told["key"]["rpm"], told["key"]["models"]) == (600, [MODEL])
    assert "sha256" not in told["key"]
    assert [example["title"] for example in told["examples"]["curl"]] == [
        "Which models there are",
        "A question",
    ]
    text = stack.box.stackctl("connect", "alice").out
    assert "600/min" in text
    assert stack.key not in text


def test_the_best_address_and_what_others_lack(stack: Stack) -> None:
    told = stack.connect()
    assert told["base_url"] == stack.address("http") + "/v1"
    assert (told["notes"], told["ca"]) == ([], None)
    assert told["missing"][0].startswith("GATEWAY_BIND=")
    assert told["missing"][-1] == "stackctl up gateway"


def test_usage(stack: Stack) -> None:
    for words, says in (
        (("nosuch",), "no key named nosuch"),
        (("--address", "192.0.2.77"), "does not listen on 192.0.2.77"),
        (("--address", "https://x/y"), "a path is not wanted"),
    ):
        done = stack.box.stackctl("connect", *words)
        assert (done.code, says in done.err) == (2, True), done.text
