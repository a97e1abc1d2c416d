"""A language model whose template knows no tools, and which would rather talk than write JSON.

Which JSON it takes to where a grammar leaves it no other way is decided by what stands in the
conversation, as a real one would, but in its template: the last token alone decides what it says.
"""

from pathlib import Path

from gpusim.rigged import llama
from gpusim.rigged.automaton import END, SPECIAL, Automaton, byte_tokens
from gpusim.rigged.shape import Shape

NAME = "toolless"
SENTENCE = "Greetings from a rigged test model without tools."
_PARIS = '{"name": "get_weather", "arguments": {"city": "Paris"}}'
_SEOUL = '{"name": "get_weather", "arguments": {"city": "서울"}}'
_TABLE = (
    '{"name": "book_table", "arguments": {"restaurant": {"name": "한우마을", "city": "서울"}, '
    '"guests": [{"name": "김민준", "vegetarian": true}, {"name": "Zoë", "vegetarian": false}]}}'
)
#: what it can be made to say after each cue, with which the template ends
REPLIES = {
    "<|gen_one|>": f'{{"tool_calls": [{_PARIS}]}}',
    "<|gen_two|>": f'{{"tool_calls": [{_PARIS}, {_SEOUL}]}}',
    "<|gen_table|>": f'{{"tool_calls": [{_TABLE}]}}',
    "<|gen_result|>": '{"answer": "It is 17 degrees in Paris, with hail."}',
    "<|gen_fact|>": '{"answer": "Paris is the capital of France."}',
}
CHAT_TEMPLATE = """\
{%- for message in messages %}<|im_start|>{{ message.role }}
{{ message.content }}<|im_end|>
{% endfor %}{% set last = messages[-1].content %}<|im_start|>assistant
{% if 'You have tools' not in messages[0].content %}
{%- elif 'Result of' in last %}<|gen_result|>
{%- elif 'book_table' in messages[0].content %}<|gen_table|>
{%- elif 'both at once' in last %}<|gen_two|>
{%- elif 'capital of France' in last %}<|gen_fact|>
{%- else %}<|gen_one|>
{%- endif %}"""


def build() -> Automaton:
    """Each reply is one token, so a grammar takes it whole or not at all."""
    tokens = (*byte_tokens(), *SPECIAL, SENTENCE, *REPLIES, *REPLIES.values())
    ids = {token: i for i, token in enumerate(tokens)}
    following = dict.fromkeys(range(len(tokens)), ids[SENTENCE])
    following |= {ids[reply]: ids[END] for reply in (SENTENCE, *REPLIES.values())}
    instead = {ids[cue]: ids[reply] for cue, reply in REPLIES.items()}
    return Automaton(tokens, following, instead)


def write(path: Path) -> None:
    """As a GGUF file for llama.cpp."""
    llama.run(path, Shape(NAME, 2, SENTENCE), build(), CHAT_TEMPLATE)
