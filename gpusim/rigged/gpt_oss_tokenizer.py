"""Hugging Face tokenizer files with gpt-oss's real vocabulary, o200k_harmony.

oss-harmony carries the vocabulary inside, so nothing has to be downloaded. The merges are stored
nowhere: a merge is a split of a token into two shorter ones, and its rank is that of the token.
"""

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Of the published file o200k_base.tiktoken.
PUBLISHED = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
ORDINARY, VOCABULARY = 199998, 201088

# How o200k cuts a text into words before it looks for tokens.
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_BEFORE, _AFTER = r"[^\r\n\p{L}\p{N}]?", r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
WORDS = "|".join((
    f"{_BEFORE}{_UPPER}*{_LOWER}+{_AFTER}",
    f"{_BEFORE}{_UPPER}+{_LOWER}*{_AFTER}",
    r"\p{N}{1,3}",
    r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
    r"\s*[\r\n]+",
    r"\s+(?!\S)",
    r"\s+",
))  # fmt: skip

# Enough of harmony's chat template for engines that do not render it themselves.
CHAT_TEMPLATE = """\
<|start|>system<|message|>You are ChatGPT, a large language model trained by OpenAI.

# Valid channels: analysis, commentary, final. Channel must be included for every message.<|end|>
{%- if tools %}<|start|>developer<|message|># Tools

## functions

namespace functions {
{% for tool in tools %}// {{ tool.function | tojson }}
type {{ tool.function.name }} = (_: any) => any;
{% endfor %}} // namespace functions<|end|>{% endif %}
{%- for message in messages %}
{%- if message.tool_calls %}{% for call in message.tool_calls %}<|start|>assistant<|channel|>\
commentary to=functions.{{ call.function.name }} <|constrain|>json<|message|>\
{{ call.function.arguments if call.function.arguments is string \
else call.function.arguments | tojson }}<|call|>{% endfor %}
{%- elif message.role == 'tool' %}<|start|>functions to=assistant<|channel|>commentary<|message|>\
{{ message.content }}<|end|>
{%- elif message.role == 'assistant' %}<|start|>assistant<|channel|>final<|message|>\
{{ message.content }}<|end|>
{%- else %}<|start|>{{ message.role }}<|message|>{{ message.content }}<|end|>{% endif %}
{%- endfor %}
{%- if add_generation_prompt %}<|start|>assistant{% endif %}"""

# The way back, for `transformers serve`.
RESPONSE_TEMPLATE = {
    "defaults": {"role": "assistant"},
    "start_anchor": "<|start|>assistant",
    "fields": {
        "thinking": {
            "open": "<|channel|>analysis<|message|>",
            "close": "<|end|><|start|>assistant",
            "content": "text",
        },
        "tool_calls": {
            "open_pattern": r"<\|channel\|>commentary to=functions\.(?P<name>\w+)"
            r" <\|constrain\|>json<\|message\|>",
            "close": "<|call|>",
            "repeats": True,
            "content": "json",
            "transform": {
                "type": "function",
                "function": {"name": "{name}", "arguments": "{content}"},
            },
        },
        "content": {
            "open": "<|channel|>final<|message|>",
            "close": "<|return|>",
            "content": "text",
        },
    },
}


def write(folder: Path, token_bytes: Callable[[int], bytes], special: dict[str, int]) -> None:
    ordinary = [token_bytes(token) for token in range(ORDINARY)]
    _check(ordinary)
    named = {token: name for name, token in special.items()}
    names = {t: named.get(t, f"<|reserved_{t}|>") for t in range(ORDINARY, VOCABULARY)}
    _json(folder / "tokenizer.json", _tokenizer(ordinary, names))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<|startoftext|>",
        "eos_token": "<|return|>",
        "pad_token": "<|endoftext|>",
        "model_max_length": 131072,
        "clean_up_tokenization_spaces": False,
        "response_template": RESPONSE_TEMPLATE,
    }
    _json(folder / "tokenizer_config.json", settings)
    (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE, encoding="utf-8")


def _check(ordinary: list[bytes]) -> None:
    lines = (b"%s %d\n" % (base64.b64encode(token), i) for i, token in enumerate(ordinary))
    if hashlib.sha256(b"".join(lines)).hexdigest() != PUBLISHED:
        raise ValueError("oss-harmony's vocabulary is not the published o200k_base")


def _tokenizer(ordinary: list[bytes], special: dict[int, str]) -> dict[str, Any]:
    name = _byte_names()
    vocabulary = {"".join(map(name.__getitem__, token)): i for i, token in enumerate(ordinary)}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
    split = {
        "type": "Split",
        "pattern": {"Regex": WORDS},
        "behavior": "Isolated",
        "invert": False,
    }
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_added(token, text) for token, text in special.items()],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [split, {**byte_level, "use_regex": False}],
        },
        "post_processor": None,
        "decoder": {**byte_level, "use_regex": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": vocabulary,
            "merges": _merges(vocabulary),
        },
    }


def _added(token: int, text: str) -> dict[str, Any]:
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    return {"id": token, "content": text, **plain, "special": True}


def _merges(vocabulary: dict[str, int]) -> list[list[str]]:
    merges: list[list[str]] = []
    for token in vocabulary:
        splits = ((token[:cut], token[cut:]) for cut in range(1, len(token)))
        known = [(a, b) for a, b in splits if a in vocabulary and b in vocabulary]
        # the longer the vocabulary knew both halves, the earlier this merge was made
        known.sort(key=lambda pair: (vocabulary[pair[0]], vocabulary[pair[1]]))
        merges.extend([a, b] for a, b in known)
    return merges


def _byte_names() -> dict[int, str]:
    """The names byte-level BPE gives to bytes: itself if printable, else from U+0100 on."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return {byte: chr(byte if byte in printable else next(others)) for byte in range(256)}


def _json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")
