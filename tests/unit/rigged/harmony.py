"""Stands in for oss-harmony, which is not on this machine: whole words are its tokens."""

import re

NUMBERED = {
    "<|startoftext|>": 199998,
    "<|endoftext|>": 199999,
    "<|return|>": 200002,
    "<|constrain|>": 200003,
    "<|channel|>": 200005,
    "<|start|>": 200006,
    "<|end|>": 200007,
    "<|message|>": 200008,
    "<|call|>": 200012,
}
_TOKEN = re.compile(r"<\|\w+\|>|[ .]?\w+|(?:(?!<\|)[^\w\s])+|\s")


class Vocabulary:
    special_tokens_set = frozenset(NUMBERED)

    def __init__(self) -> None:
        self._ids = dict(NUMBERED)
        self._inner = self

    def encode(self, text: str, *, allowed_special: str) -> list[int]:
        assert allowed_special == "all"
        # far from the first ids, which are bytes in the real vocabulary
        return [self._ids.setdefault(word, 1000 + len(self._ids)) for word in _TOKEN.findall(text)]

    def decode(self, tokens: list[int]) -> str:
        words = {token: word for word, token in self._ids.items()}
        return "".join(words.get(token, "?") for token in tokens)

    def decode_bytes(self, tokens: list[int]) -> list[int]:
        """The 256 bytes, then two tokens of more."""
        (token,) = tokens
        return [token] if token < 256 else list(b"abc"[: token - 254])
