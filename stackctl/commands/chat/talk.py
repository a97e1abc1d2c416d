"""One turn: the question, calls of tools and their results, the answer."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from stackctl.chat import tools, trouble
from stackctl.chat.answer import Answer, ErrorWithin, Kind, NotACompletion, Piece
from stackctl.chat.conversation import Conversation
from stackctl.chat.text import whole
from stackctl.chat.trouble import Asked
from stackctl.commands.chat.show import View
from stackctl.commands.chat.target import Partner, models
from stackctl.model import StackError
from stackctl.model.reply import Broken, Reply
from stackctl.system.answer_stream import Failed, events

_PATH = "/v1/chat/completions"
_ROUNDS = 8  # of tools in one turn; a model may call the same for ever


@dataclass
class Turn:
    """What came of a question. Times in seconds, counted from the question."""

    answers: list[Answer] = field(default_factory=list)
    calls: list[dict[str, str]] = field(default_factory=list)
    dropped: int = 0  # turns that did not fit into the window
    ttft: float | None = None
    seconds: float = 0.0


@dataclass
class Talk:
    """`silence`: seconds without a sign of an answer, after which it is given up."""

    partner: Partner
    conversation: Conversation
    view: View
    silence: float

    def turn(self, question: str) -> Turn:
        """StackError; KeyboardInterrupt, which stops the answer. History is whole after both."""
        self.conversation.ask(question)
        turn, began = Turn(), time.monotonic()
        try:
            self._rounds(turn, began)
        except StackError:
            self.conversation.abandon()
            raise
        except KeyboardInterrupt:
            self._keep(turn)
            raise
        finally:
            self.view.end()
            turn.seconds = time.monotonic() - began
        return turn

    def _rounds(self, turn: Turn, began: float) -> None:
        for _ in range(_ROUNDS):
            answer = self._answer(turn, began)
            self.conversation.add(answer.message())
            if not answer.calls:
                self._judge(answer)
                return
            for call in answer.calls:
                result = tools.use(call.name, call.arguments, datetime.now().astimezone())
                done = {"name": call.name, "arguments": call.arguments, "result": result}
                turn.calls.append(done)
                self.view.used(done)
                self.conversation.add({"role": "tool", "tool_call_id": call.id, "content": result})
        raise StackError(
            f"the model called tools {_ROUNDS} times in a row, and gave no answer",
            fix="ask in other words, or without --tools",
        )

    def _answer(self, turn: Turn, began: float) -> Answer:
        turn.dropped += self._dropped(self.conversation.fit())
        while True:
            try:
                return self._stream(turn, began)
            except Failed as failed:
                if not self._adapt(failed.reply, turn):
                    raise trouble.explain(failed.reply, self._asked(failed.reply)) from None

    def _adapt(self, reply: Reply, turn: Turn) -> bool:
        """Whether the same question is worth another try, in another form."""
        about_counting = "stream_options" in trouble.words(reply.body)
        if reply.status in (400, 422) and self.conversation.counts and about_counting:
            self.conversation.counts = False
            return True
        if trouble.too_long(reply) and (dropped := self.conversation.halve()):
            turn.dropped += self._dropped(dropped)
            return True
        return False

    def _dropped(self, number: int) -> int:
        if number:
            what = "turn does" if number == 1 else f"{number} turns do"
            self.view.remark(f"the oldest {what} not fit into the context window: dropped")
        return number

    def _stream(self, turn: Turn, began: float) -> Answer:
        answer = Answer()
        turn.answers.append(answer)
        asked, last = self._asked(), time.monotonic()
        stream = events(self.partner.door, _PATH, self.conversation.body(), silence=self.silence)
        with closing(stream):
            for event in stream:
                try:
                    pieces = answer.take(event)
                except NotACompletion as error:
                    raise trouble.foreign(str(error), asked) from None
                except ErrorWithin as error:
                    raise trouble.within(error.error, asked) from None
                if pieces:
                    last = time.monotonic()
                    turn.ttft = turn.ttft or last - began
                elif time.monotonic() - last > self.silence:  # events without a word in them
                    raise Failed(Reply(broken=Broken.SILENT))
                self._show(pieces)
        if not answer.finish:
            raise Failed(Reply(status=200, broken=Broken.CUT, evidence="no finish_reason"))
        if counted := (answer.usage or {}).get("prompt_tokens"):
            self.conversation.measured(int(counted))
        return answer

    def _show(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            if piece.kind is not Kind.CALL:
                self.view.piece(piece)

    def _judge(self, answer: Answer) -> None:
        if not answer.content.strip():
            cut = answer.finish == "length"
            raise StackError(
                f"the answer has no text (finish_reason {answer.finish!r})",
                fix="a larger --max-tokens" if cut else "ask again; stackctl prove tools",
            )
        if answer.finish == "length":
            self.view.remark("the answer was cut off: --max-tokens, or the context window is full")

    def _keep(self, turn: Turn) -> None:
        """What was said until Ctrl-C is part of the history, if it can be."""
        said = turn.answers[-1] if turn.answers else Answer()
        if said.content and not said.calls:
            self.conversation.add(said.message())
        else:
            self.conversation.abandon()

    def _asked(self, reply: Reply | None = None) -> Asked:
        known = self.partner.asked(self.conversation.model, tools=bool(self.conversation.tools))
        if reply is None or reply.status != 404:
            return known
        try:
            return replace(known, models=tuple(models(self.partner.door)))
        except Failed:
            return known


def document(turn: Turn, model: str) -> dict[str, Any]:
    """For `--json`. `usage` is as the server counts, of the last request."""
    last = turn.answers[-1]
    return {
        "model": model,
        "answer": whole(last.content),
        "reasoning": "\n".join(whole(one.reasoning) for one in turn.answers if one.reasoning),
        "tool_calls": turn.calls,
        "finish_reason": last.finish,
        "usage": last.usage,
        "ttft": turn.ttft,
        "seconds": turn.seconds,
        "dropped_turns": turn.dropped,
    }
