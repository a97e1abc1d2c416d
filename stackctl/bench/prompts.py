"""Prompts of a set length in tokens, the same for everybody who has the same seed."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from stackctl.model.load import Target

#: short and frequent: one token each for the tokenizers in use
_LIST = """
time year people way day man thing woman life child world school state family student group
country problem hand part place case week company system program question work government number
night point home water room mother area money story fact month lot right study book eye job word
business issue side kind head house service friend father power hour game line end member law
car city community name president team minute idea kid body information back parent face others
level office door health person art war history party result change morning reason research girl
guy moment air teacher force education
"""
_WORDS = _LIST.split()
_TASK = "Write a long story with these words, and do not stop before it is told:"
#: two probes, in words; far enough apart for the tokens of a word to show
PROBES = (64, 320)


def text(words: int, seed: int, number: int) -> str:
    """Prompt `number` of a run. Each begins differently, so that no cache has its prefix."""
    source = random.Random(f"{seed}/{number}")  # noqa: S311 - nothing is kept secret by it
    chosen = source.choices(_WORDS, k=max(1, words))
    return f"{source.getrandbits(32):08x} {_TASK} {' '.join(chosen)}"


@dataclass(frozen=True, slots=True)
class Scale:
    """Tokens of a prompt as a function of its words, as some server counts."""

    fixed: float = 0.0
    per_word: float = 1.0
    measured: bool = False

    def words(self, tokens: int) -> int:
        return max(1, round((tokens - self.fixed) / self.per_word))


def scale(counted: Sequence[int | None]) -> Scale:
    """From the prompt tokens of PROBES; where a server does not tell, a word is a token."""
    short, long = counted
    if short is None or long is None or long <= short:
        return Scale()
    per_word = (long - short) / (PROBES[1] - PROBES[0])
    return Scale(short - per_word * PROBES[0], per_word, measured=True)


@dataclass(frozen=True, slots=True)
class Dialect:
    """Which fields of a request a server takes. The newest hosted models refuse some."""

    limit: str = "max_tokens"
    temperature: bool = True
    usage: bool = True
    extra: bool = True

    def without(self, complaint: str) -> Dialect | None:
        """What to try after a 400 with these words; None: they name nothing of ours."""
        if self.limit in complaint and self.limit == "max_tokens":
            return replace(self, limit="max_completion_tokens")
        if "temperature" in complaint and self.temperature:
            return replace(self, temperature=False)
        if ("stream_options" in complaint or "include_usage" in complaint) and self.usage:
            return replace(self, usage=False)
        if "reasoning_effort" in complaint and self.extra:
            return replace(self, extra=False)
        return None

    def notes(self) -> list[str]:
        """What was left out, in words."""
        told = []
        if not self.temperature:
            told.append("takes no temperature: sampled as it likes")
        if not self.usage:
            told.append("tells no usage of streams: tokens are counted by chunks")
        if not self.extra:
            told.append("takes no reasoning_effort: it may have been thinking")
        return told


def body(target: Target, prompt: str, tokens: int, dialect: Dialect) -> bytes:
    """One request for `tokens` of output at most."""
    fields: dict[str, object] = {
        "model": target.model,
        "messages": [{"role": "user", "content": prompt}],
        "stream": True,
        dialect.limit: tokens,
    }
    if dialect.temperature:
        fields["temperature"] = 0
    if dialect.usage:
        fields["stream_options"] = {"include_usage": True}
    if dialect.extra:
        fields |= dict(target.extra)
    return json.dumps(fields, separators=(",", ":")).encode()
