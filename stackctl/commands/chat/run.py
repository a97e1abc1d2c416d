"""One question with its answer, or a dialogue."""

from __future__ import annotations

import json
from dataclasses import dataclass

from stackctl.chat import tools
from stackctl.chat.conversation import Conversation
from stackctl.chat.text import decoded, whole
from stackctl.commands.chat import dialogue, talk
from stackctl.commands.chat.show import Streamed, View
from stackctl.commands.chat.target import Wanted, partner
from stackctl.model import StackError
from stackctl.system import console, terminal

_STDIN = "-"  # among the words of a question: what is piped in


@dataclass(frozen=True, slots=True)
class Manner:
    """How to ask. `silence` in seconds, `max_tokens` of one answer."""

    system: str = ""
    tools: bool = False
    max_tokens: int | None = None
    silence: float = 300.0


def chat(wanted: Wanted, manner: Manner, *, as_json: bool) -> int:
    """0, or StackError: a question without an answer is a failure."""
    who = partner(wanted)
    conversation = Conversation(
        whole(who.model),
        whole(manner.system),
        who.context,
        manner.max_tokens,
        tools.OFFERED if manner.tools else (),
    )
    view = View() if as_json else Streamed()
    speaking = talk.Talk(who, conversation, view, manner.silence)
    question = _question(who.words)
    if question is None:
        if as_json:
            raise StackError(
                "--json wants a question", fix='stackctl chat --json "..."', exit_code=2
            )
        return dialogue.dialogue(speaking)
    turn = speaking.turn(question)
    if as_json:
        terminal.out(json.dumps(talk.document(turn, conversation.model), indent=2))
    return 0


def _question(words: tuple[str, ...]) -> str | None:
    """What the user typed and piped in; None where they are to type it now. Of a question that was
    typed, stdin is no part unless it says so: there may be a pipe that never ends."""
    if not words and console.typed():
        return None
    parts = [_piped() if word == _STDIN else whole(word) for word in words or (_STDIN,)]
    question = " ".join(parts).strip()
    if not question:
        raise StackError(
            "there is no question", fix='stackctl chat coder "...", or pipe one in', exit_code=2
        )
    return question


def _piped() -> str:
    text, remark = decoded(*console.piped())
    if remark:
        console.aside(f"({remark})\n")
    return text
