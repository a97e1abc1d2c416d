"""A dialogue at a real terminal, and the tools."""

from __future__ import annotations

import json
from datetime import datetime

from tests.integration.chat.client import PATIENCE, Terminal, chat, dialogue
from tests.integration.chat.server import Request, serving

SHORT = "What?"


def _echo(x: Request) -> None:
    x.begin()
    x.delta(content=f"answer {x.number}.")
    x.finish(prompt_tokens=300 * x.number)


def _ask(terminal: Terminal, text: str, answer: bytes) -> None:
    terminal.type(text.encode() + b"\r")
    terminal.until(answer)
    terminal.until(b"> ")


def test_history_commands_and_the_window() -> None:
    with serving(_echo) as server, dialogue(server.url, "--model", "m") as terminal:
        terminal.until(b"> ")
        _ask(terminal, "/help", b"/system TEXT")
        _ask(terminal, "/nosuch", b"there is no /nosuch")
        _ask(terminal, "/model", b"there are: m")
        _ask(terminal, "/system be short", b"told so")
        _ask(terminal, SHORT, b"answer 1.")
        _ask(terminal, " /why", b"answer 2.")
        assert [m["content"] for m in server.requests[1]["messages"]] == [
            "be short",
            SHORT,
            "answer 1.",
            "/why",
        ]
        # 600 of the 900 tokens were said to be in use, a quarter is for the answer
        terminal.type(b"And a question that is longer than those that were there before it?\r")
        terminal.until(b"not fit into the context window: dropped")
        terminal.until(b"answer 3.")
        terminal.until(b"> ")
        assert SHORT not in str(server.requests[2]["messages"])
        _ask(terminal, "/reset", b"forgotten")
        _ask(terminal, "/system", b"no system prompt")
        _ask(terminal, "/model other", b"model other")
        _ask(terminal, "again", b"answer 4.")
        assert server.requests[3]["messages"] == [{"role": "user", "content": "again"}]
        assert server.requests[3]["model"] == "other"
        terminal.type(b"/quit\r")
        assert terminal.ends() == 0


def test_ctrl_c_stops_the_answer_and_frees_the_engine() -> None:
    def act(x: Request) -> None:
        if x.number == 1:
            x.begin()
            while not x.ended.wait(0.02):
                x.delta(content="and on ")
        elif x.number == 2:
            x.hang()
        else:
            x.say("done.")

    with serving(act) as server, dialogue(server.url, "--model", "m") as terminal:
        terminal.until(b"> ")
        terminal.type(b"go\r")
        terminal.until(b"and on and on")
        terminal.interrupt(b"(stopped)")
        assert server.gone.wait(PATIENCE)  # the engine's socket is closed
        terminal.until(b"> ")
        terminal.type(b"one that gets no answer\r")
        while len(server.requests) < 2:
            terminal.process.poll()
        terminal.interrupt(b"(stopped)")
        terminal.until(b"> ")
        _ask(terminal, "well?", b"done.")
        roles = [m["role"] for m in server.requests[2]["messages"]]
        assert roles == ["user", "assistant", "user"]  # the part that came is remembered
        terminal.interrupt(b"Ctrl-D or /quit ends")
        terminal.until(b"> ")
        terminal.type(b"\x04")
        assert terminal.ends() == 0


def test_a_failure_does_not_end_it() -> None:
    def act(x: Request) -> None:
        if x.number == 1:
            x.refuse(500, "broken")
        else:
            x.say("fine.")

    with serving(act) as server, dialogue(server.url, "--model", "m") as terminal:
        terminal.until(b"> ")
        _ask(terminal, "one", b"error: ")
        _ask(terminal, "two", b"fine.")
        assert server.requests[1]["messages"] == [{"role": "user", "content": "two"}]


def test_a_window_that_nobody_told() -> None:
    def act(x: Request) -> None:
        if len(x.body["messages"]) > 1:
            x.refuse(400, "the request exceeds the available context size")
        else:
            x.say("short.")

    with serving(act) as server, dialogue(server.url, "--model", "unlisted") as terminal:
        terminal.until(b"> ")
        _ask(terminal, "one", b"short.")
        terminal.type(b"two\r")
        terminal.until(b"dropped")
        terminal.until(b"short.")


def test_tools() -> None:
    def act(x: Request) -> None:
        x.begin()
        if x.number == 1:
            call = {"name": "calculator", "arguments": '{"expression"'}
            x.delta(tool_calls=[{"index": 0, "id": "a", "function": call}])
            x.delta(tool_calls=[{"index": 0, "function": {"arguments": ': "6 * 7"}'}}])
            call = {"name": "current_time", "arguments": "{}"}
            x.delta(tool_calls=[{"index": 1, "id": "b", "function": call}])
            x.finish("tool_calls")
        else:
            x.delta(content="It is 42.")
            x.finish()

    with serving(act) as server:
        done = chat(server.url, "--model", "m", "--tools", "--json", "6 * 7?")
        assert done.code == 0, done.told
        told = json.loads(done.out)
        assert told["answer"] == "It is 42."
        assert [call["name"] for call in told["tool_calls"]] == ["calculator", "current_time"]
        assert told["tool_calls"][0]["result"] == "42"
        assert str(datetime.now().year) in told["tool_calls"][1]["result"]
        results = {m["tool_call_id"]: m["content"] for m in server.requests[1]["messages"][2:]}
        assert results["a"] == "42"
        assert server.requests[1]["messages"][1]["tool_calls"][0]["function"] == {
            "name": "calculator",
            "arguments": '{"expression": "6 * 7"}',
        }
        assert "tools" in server.requests[0]


def test_tools_for_ever() -> None:
    def act(x: Request) -> None:
        x.begin()
        x.delta(tool_calls=[{"index": 0, "function": {"name": "nosuch", "arguments": "{"}}])
        x.finish("tool_calls")

    with serving(act) as server:
        done = chat(server.url, "--model", "m", "--tools", "x")
    assert done.code == 1
    assert "gave no answer" in done.told
    assert "[tool] nosuch { -> error" in done.told
