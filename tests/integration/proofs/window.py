"""An engine with a window: a token is a word, and needles are found by searching the prompt."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any

from tests.integration.proofs.fake import Exchange

#: what the template of this model adds
TEMPLATE = 7
_CODE = re.compile(r"The secret code of (\w+) is (\d+)\.")


@dataclass
class Windowed:
    """`window`: tokens. `cuts`: takes the last ones of a longer prompt in silence. `delay`: seconds
    for each token read. `tokenizer`: vllm, llama, or empty. `deaf`: of the middle of a prompt, from
    so many tokens on."""

    window: int
    cuts: bool = False
    delay: float = 0.0
    tokenizer: str = "vllm"
    deaf: int = 1 << 30
    crash: int = 1 << 30  # tokens at which it dies
    untold: int = 0  # of the template's tokens, those of which the tokenizer does not know

    def __call__(self, x: Exchange) -> None:
        if x.path == "/tokenize" and self.tokenizer == "vllm":
            x.json({"count": self._tokens(x.body) - self.untold, "max_model_len": self.window})
        elif x.path == "/apply-template" and self.tokenizer == "llama":
            x.json({"prompt": "w " * TEMPLATE + x.body["messages"][0]["content"]})
        elif x.path == "/tokenize" and self.tokenizer == "llama" and "content" in x.body:
            x.json({"tokens": list(range(len(x.body["content"].split())))})
        elif x.path == "/v1/chat/completions":
            self._complete(x)
        else:
            x.json({"error": {"message": "Not Found"}}, 404)

    @staticmethod
    def _tokens(body: Any) -> int:
        return len(body["messages"][0]["content"].split()) + TEMPLATE

    def _complete(self, x: Exchange) -> None:
        tokens = self._tokens(x.body)
        if tokens >= self.crash:
            x.begin_stream()
            x.cut()
            return
        if tokens + x.body["max_tokens"] > self.window and not self.cuts:
            said = f"This model's maximum context length is {self.window} tokens. However, you"
            x.json({"error": {"message": said}}, 400)
            return
        said = x.body["messages"][0]["content"].split()
        kept = said[-(self.window - TEMPLATE) :] if self.cuts else said
        if tokens >= self.deaf:
            kept = kept[: len(kept) // 10] + kept[-len(kept) // 10 :]
        time.sleep(self.delay * tokens)
        found = _CODE.findall(" ".join(kept))
        text = "\n".join(f"{city}: {code}" for city, code in found) or "none"
        taken = len(kept) + TEMPLATE if self.cuts else tokens
        x.answer(
            {
                "choices": [{"message": {"content": text}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": taken, "completion_tokens": 5},
            }
        )
