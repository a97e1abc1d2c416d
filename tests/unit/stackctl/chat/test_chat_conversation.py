"""The history within the context window."""

from __future__ import annotations

from stackctl.chat.conversation import Conversation


def turns(talk: Conversation) -> list[str]:
    return [turn[0]["content"] for turn in talk.turns]


def said(talk: Conversation, question: str) -> None:
    talk.ask(question)
    talk.add({"role": "assistant", "content": "so"})


def test_body() -> None:
    talk = Conversation("m", "be short", max_tokens=5, tools=[{"type": "function"}])
    said(talk, "one")
    talk.ask("two")
    body = talk.body()
    assert [m["role"] for m in body["messages"]] == ["system", "user", "assistant", "user"]
    assert (body["max_tokens"], body["tools"]) == (5, [{"type": "function"}])
    assert body["stream_options"] == {"include_usage": True}
    plain = Conversation("m", counts=False).body()
    assert set(plain) == {"model", "messages", "stream"}


def test_oldest_turns_go_first_and_the_question_stays() -> None:
    talk = Conversation("m", context=100, rate=1.0)
    for name in "abc":
        said(talk, name * 10)
    assert talk.fit() > 0
    assert turns(talk)[-1] == "c" * 10
    talk.ask("q" * 1000)
    talk.fit()
    assert turns(talk) == ["q" * 1000]
    assert talk.fit() == 0


def test_room_for_the_answer() -> None:
    small, large = (Conversation("m", context=1000, max_tokens=n, rate=1.0) for n in (10, 900))
    for talk in (small, large):
        for _ in range(10):
            said(talk, "x" * 20)
    assert small.fit() < large.fit()


def test_without_a_window_nothing_is_dropped() -> None:
    talk = Conversation("m", rate=1.0)
    for _ in range(5):
        said(talk, "x" * 1000)
    assert talk.fit() == 0
    assert talk.halve() == 2
    assert len(talk.turns) == 3


def test_the_estimate_follows_the_server() -> None:
    talk = Conversation("m", context=1000)
    said(talk, "x" * 100)
    talk.measured(900)
    talk.ask("next")
    assert talk.fit() == 1


def test_halve_ends() -> None:
    talk = Conversation("m")
    for _ in range(9):
        said(talk, "x")
    while talk.halve():
        pass
    assert len(talk.turns) == 1
