"""Model families: the context they were trained for, their heads, and their parsers per engine.

Sources: the `config.json` of openai/gpt-oss-20b and -120b (64 heads, 8 KV heads, 131072 positions)
and of meta-llama/Llama-3.1 and 3.3 (131072 positions); parser names as registered in vLLM 0.32
(`tool_parsers/__init__.py`, `reasoning/__init__.py`) and SGLang 0.5.23 (`function_call_parser.py`,
`reasoning_parser.py`); which parser for which model from docs.vllm.ai "Tool Calling" and
docs.sglang.io "Tool Parser".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Family:
    """`tools` and `reasoning`: engine -> parsers that work, the usual one first."""

    name: str
    pattern: re.Pattern[str]
    tools: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    reasoning: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    context: int = 0
    heads: int = 0
    kv_heads: int = 0


def _family(name: str, pattern: str, vllm: str = "", sglang: str = "") -> Family:
    tools = {"vllm": tuple(vllm.split()), "sglang": tuple(sglang.split())}
    return Family(name, re.compile(pattern, re.I), {k: v for k, v in tools.items() if v})


GPT_OSS = Family(
    "gpt-oss",
    re.compile(r"gpt[-_]?oss", re.I),
    tools={"vllm": ("openai",), "sglang": ("gpt-oss",)},
    reasoning={"vllm": ("openai_gptoss",), "sglang": ("gpt-oss",)},
    context=131072,
    heads=64,
    kv_heads=8,
)

#: the first that matches counts, so the special stand before the general
FAMILIES: tuple[Family, ...] = (
    GPT_OSS,
    _family("Hermes", r"hermes", "hermes", "hermes"),
    _family("Qwen3-Coder", r"qwen-?3-?coder", "qwen3_coder qwen3_xml", "qwen3_coder"),
    _family("Qwen2.5 and Qwen3", r"qwen-?(2\.5|3)(?![.\d])", "hermes qwen3_json", "qwen qwen25"),
    _family("Llama 4", r"llama-?4", "llama4_pythonic llama4_json pythonic", "pythonic"),
    Family(
        "Llama 3.1 to 3.3",
        re.compile(r"llama-?3[.-][123]", re.I),
        tools={"vllm": ("llama3_json", "pythonic"), "sglang": ("llama3", "pythonic")},
        context=131072,
    ),
    _family("Mistral", r"mistral|mixtral|devstral|magistral", "mistral", "mistral"),
    _family("DeepSeek V3.1", r"deepseek-?v3\.1", "deepseek_v31", "deepseekv31"),
    _family("DeepSeek V3", r"deepseek-?(v3|r1)-?0(324|528)", "deepseek_v3", "deepseekv3"),
    _family("GLM-4.7", r"glm-?4\.7", "glm47", "glm47"),
    _family("GLM-4.5 and 4.6", r"glm-?4\.[56]", "glm45", "glm glm45"),
    _family("Kimi K2", r"kimi-?k2", "kimi_k2", "kimi_k2"),
)


def family(names: Iterable[str]) -> Family | None:
    """The family that one of a service's names belongs to."""
    for name in names:
        for candidate in FAMILIES:
            if candidate.pattern.search(name):
                return candidate
    return None
