"""How many tokens a prompt has for the model that is served."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stackctl.commands.prove.targets import Target
from stackctl.model import StackError
from stackctl.model.reply import Reply
from stackctl.proofs import answer
from stackctl.proofs.context.prompt import Prompt, build
from stackctl.proofs.kinds import KINDS, fix
from stackctl.proofs.trouble import Trouble
from stackctl.system.exchange import post

#: notes of the two prompts by which tokens are estimated
_FEW, _MORE = 4, 40


@dataclass
class Exact:
    """By the engine's own tokenizer and template. `untold`: tokens that come on top, as vLLM's
    tokenizer knows nothing of what harmony writes before a gpt-oss's prompt."""

    way: Callable[[Target, Prompt, float], int | None]
    target: Target
    timeout: float
    untold: int = 0

    def count(self, prompt: Prompt) -> int:
        tokens = self.way(self.target, prompt, self.timeout)
        if tokens is None:
            raise StackError(
                f"{self.target.name}: its tokenizer answers no longer", fix="stackctl verify"
            )
        return tokens + self.untold


@dataclass
class Estimate:
    """By the characters of a text: a line through two prompts that were counted."""

    low: tuple[int, int]  # characters, tokens
    high: tuple[int, int]

    def count(self, prompt: Prompt) -> int:
        (at, tokens), (top, most) = self.low, self.high
        return round(tokens + (most - tokens) / (top - at) * (len(prompt.text) - at))

    def learn(self, prompt: Prompt, tokens: int) -> None:
        """What a longer prompt was counted as."""
        if len(prompt.text) > self.high[0] and tokens > self.low[1]:
            self.high = (len(prompt.text), tokens)


def counter(target: Target, timeout: float) -> Exact | Estimate:
    """Exact where the engine shows its tokenizer, else estimated."""
    probe = build(_FEW, 0)
    for way in (_vllm, _llama):
        tokens = way(target, probe, timeout)
        if tokens is not None:
            whole = _answer(target, probe, timeout)
            counted = None if isinstance(whole, Trouble) else whole.prompt_tokens
            # less than the tokenizer says is a cut, and not to be reckoned with
            return Exact(way, target, timeout, max(0, (counted or 0) - tokens))
    return _estimate(target, timeout)


def _vllm(target: Target, prompt: Prompt, timeout: float) -> int | None:
    body = {"model": target.model, "messages": prompt.messages}
    return _whole(_asked(target, "/tokenize", body, timeout).get("count"))


def _llama(target: Target, prompt: Prompt, timeout: float) -> int | None:
    text = _asked(target, "/apply-template", {"messages": prompt.messages}, timeout).get("prompt")
    if not isinstance(text, str):
        return None
    body = {"content": text, "add_special": True, "parse_special": True}
    tokens = _asked(target, "/tokenize", body, timeout).get("tokens")
    return len(tokens) if isinstance(tokens, list) else None


def _estimate(target: Target, timeout: float) -> Estimate:
    few, more = build(_FEW, 0), build(_MORE, 0)
    low, high = (_counted(target, prompt, timeout) for prompt in (few, more))
    if high <= low:
        raise StackError(
            f"{target.name}: {len(more.text)} characters are {high} tokens, {len(few.text)} are "
            f"{low}: its usage.prompt_tokens tells nothing, or both are cut",
            fix="look at its context window: stackctl verify --answers",
        )
    return Estimate((len(few.text), low), (len(more.text), high))


def _counted(target: Target, prompt: Prompt, timeout: float) -> int:
    whole = _answer(target, prompt, timeout)
    if isinstance(whole, Trouble):
        kind = KINDS[whole.kind]
        raise StackError(
            f"{target.name}: {kind.id}: {whole.evidence}",
            fix=fix(kind.fix, target.name if target.service else ""),
        )
    if not whole.prompt_tokens:
        raise StackError(
            f"{target.name} tells no usage.prompt_tokens, and shows no tokenizer",
            fix="ask the engine itself: --through engine",
        )
    return whole.prompt_tokens


def _answer(target: Target, prompt: Prompt, timeout: float) -> answer.Answer | Trouble:
    body = {"model": target.model, "messages": prompt.messages, "max_tokens": 1}
    reply = post(target.door, "/v1/chat/completions", body, timeout=timeout)
    return answer.trouble(reply) or answer.read(reply)


def _asked(target: Target, path: str, body: dict[str, Any], timeout: float) -> dict[str, Any]:
    reply: Reply = post(target.engine, path, body, timeout=timeout)
    fine = reply.status == 200 and reply.broken is None and isinstance(reply.body, dict)
    return reply.body if fine else {}


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
