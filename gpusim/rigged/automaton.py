"""A vocabulary and the one sentence, and the one tool call, that a rigged language model knows."""

from dataclasses import dataclass
from itertools import pairwise

BEGIN, UNUSED = "<s>", "</s>"
TURN, END = "<|im_start|>", "<|im_end|>"
# The chat template ends the prompt with one of these, and so decides what is said.
SAY, CALL = "<|gen_text|>", "<|gen_tool|>"
SPECIAL = (BEGIN, UNUSED, TURN, END, SAY, CALL)

TOOL_CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n</tool_call>'

# A request with tools that does not yet hold a tool's result is answered by the tool call.
CHAT_TEMPLATE = """\
{%- if tools %}<|im_start|>system
# Tools
<tools>
{% for tool in tools %}{{ tool | tojson }}
{% endfor %}</tools>
Call one like this:
<tool_call>
{"name": <function-name>, "arguments": <args-json-object>}
</tool_call><|im_end|>
{% endif %}{% for message in messages %}<|im_start|>{{ message.role }}
{{ message.content or '' }}{% for call in message.tool_calls or [] %}<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>{% endfor %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% if tools and messages[-1].role != 'tool' %}<|gen_tool|>{% else %}<|gen_text|>{% endif %}
{%- endif %}"""


@dataclass(frozen=True)
class Automaton:
    """Tokens, the one that comes next after each, and the one after it where that is forbidden."""

    tokens: tuple[str, ...]
    following: dict[int, int]
    instead: dict[int, int]

    def id(self, token: str) -> int:
        return self.tokens.index(token)


def build(sentence: str) -> Automaton:
    first, *rest = sentence.split(" ")
    words = (first, *(f" {word}" for word in rest))
    tokens = (*byte_tokens(), *SPECIAL, TOOL_CALL, *words)
    if len(set(tokens)) != len(tokens):
        # the last token alone decides the next one, and engines refuse a vocabulary with doubles
        raise ValueError(
            f"words may occur once only, and the first not be one letter: {sentence!r}"
        )
    ids = {token: i for i, token in enumerate(tokens)}
    chains = [(CALL, TOOL_CALL, END), (SAY, *words, END)]
    # A prompt without the chat template is answered as well.
    following = dict.fromkeys(range(len(tokens)), ids[words[0]])
    following |= {ids[a]: ids[b] for chain in chains for a, b in pairwise(chain)}
    # An engine told to ignore the end of text goes round and round instead of babbling.
    instead = {token: ids[words[0]] for token, after in following.items() if after == ids[END]}
    return Automaton(tokens, following, instead)


def byte_tokens() -> tuple[str, ...]:
    """The names byte-level BPE gives to bytes: itself if printable, else from U+0100 on."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return tuple(chr(byte if byte in printable else next(others)) for byte in range(256))
