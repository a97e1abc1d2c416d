"""What the rigged gpt-oss says, as tokens: which one follows each, and where it has to choose.

It answers as the real one does, in OpenAI's harmony format: a thought in the channel `analysis`,
then either the sentence in the channel `final` or the call of a tool in `commentary`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

THOUGHT = "I need not ponder"
SENTENCE = "Greetings from a rigged gpt-oss: Paris is the capital of France."
TOOL, ARGUMENTS = "get_weather", '{"city":"Paris"}'


class Vocabulary(Protocol):
    """The part of harmony's encoding that is needed."""

    def encode(self, text: str, *, allowed_special: str) -> list[int]: ...


@dataclass(frozen=True)
class Choice:
    """After the token `after`: think first, then speak; or call, if that was asked for."""

    after: int
    think: int
    speak: int
    call: int


@dataclass(frozen=True)
class Script:
    following: dict[int, int]
    channel: Choice
    message: Choice
    #: stands in the prompt if there are tools
    tools: int
    #: ends a call, so one has been made if it is there
    called: int
    #: the last word of the thought, so that was thought if it is there
    thought: int

    @property
    def tokens(self) -> tuple[int, ...]:
        """All tokens that mean something to the model; any other one is like any other."""
        choices = [self.channel.after, self.message.after, self.tools]
        return tuple(sorted({*self.following, *self.following.values(), *choices}))

    @property
    def otherwise(self) -> int:
        """What follows any other token: a prompt without the format is answered, too."""
        return self.message.speak


def write_script(vocabulary: Vocabulary) -> Script:
    def tokens(text: str) -> list[int]:
        return vocabulary.encode(text, allowed_special="all")

    thought = [*tokens(THOUGHT), *tokens("<|end|><|start|>assistant<|channel|>")]
    analysis = tokens("analysis<|message|>")
    final = tokens("final<|message|>")
    sentence = [*tokens(SENTENCE), *tokens("<|return|>")]
    commentary = tokens(f"commentary to=functions.{TOOL} <|constrain|>json<|message|>")
    arguments = [*tokens(ARGUMENTS), *tokens("<|call|>")]
    return Script(
        following=_follow(thought, analysis, final, sentence, commentary, arguments),
        channel=Choice(thought[-1], analysis[0], final[0], commentary[0]),
        message=Choice(analysis[-1], thought[0], sentence[0], arguments[0]),
        tools=tokens("namespace functions {")[0],
        called=arguments[-1],
        thought=tokens(THOUGHT)[-1],
    )


def _follow(*chains: Sequence[int]) -> dict[int, int]:
    following: dict[int, int] = {}
    for chain in chains:
        for token, after in pairwise(chain):
            # the last token alone decides the next one
            if following.setdefault(token, after) != after:
                raise ValueError(f"token {token} may not occur twice in what the model says")
    return following
