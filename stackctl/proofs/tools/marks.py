"""By which marks one sees in what form a model wrote a call that was not parsed. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

HARMONY = "harmony"
#: the pattern, and the parser that takes this form: vLLM's name for it
_FORMS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"<\|(?:channel|call|message|constrain|start)\|>|to=functions[. ]"),
        HARMONY,
    ),
    (re.compile(r"<function=[\w.-]+>.*?<parameter=", re.DOTALL), "qwen3_coder"),
    (re.compile(r"</?tool_call>"), "hermes"),
    (re.compile(r"\[TOOL_CALLS\]"), "mistral"),
    (re.compile(r"<\|python_tag\|>"), "llama3_json"),
    (re.compile("<\uff5c(?:tool\u2581calls?\u2581begin|DSML)\uff5c"), "deepseek"),
    (re.compile(r"<\|tool_calls_section_begin\|>"), "kimi_k2"),
    (re.compile(r"<minimax:tool_call>"), "minimax_m2"),
    (re.compile(r"<\|START_ACTION\|>"), "cohere"),
    (re.compile(r"<\|tool_call\|>|<function_call>|functools\["), "another one"),
)


def form(text: str) -> str:
    """The parser for the form that a text has marks of; empty if it has none."""
    return next((name for pattern, name in _FORMS if pattern.search(text)), "")


def names_tool(text: str, tools: Iterable[str]) -> bool:
    """Whether there is JSON in a text that names one of the tools."""
    quoted = {json.dumps(tool) for tool in tools}
    return "{" in text and any(name in text for name in quoted)
