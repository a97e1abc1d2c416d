"""Weights of architecture gpt-oss that speak a `Script`.

The embedding is one-hot and the output matrix is the table of successors, so the last token decides
the next one. Where it has to choose, two attention heads of the last layer look back over the whole
prompt: is there a tool that was not called yet, and has it thought already? Each adds one more
number to the residual stream. Everything else adds zero.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gpusim.rigged.gpt_oss_script import Choice, Script

Array = NDArray[np.float32]

VOCABULARY = 201088
LAYERS, WIDTH, FEED_FORWARD, EXPERTS = 2, 64, 64, 4
HEAD, HEADS, KV_HEADS = 32, 4, 2

# Of all rotary pairs the last one turns slowest: not noticeably within the whole context.
STEADY = HEAD // 2 - 1
LOOK = 8.0
# A token that was found outweighs 131072 others, and a call that was made the list of tools.
FOUND, FOUND_FIRST = 3.0, 6.0

# What a number in the residual stream is worth; sampling at usual temperatures changes nothing.
STEP = 4.0
CERTAIN = 8 * STEP

# Directions of the residual stream: any other token, the signals, then one for each known token.
OTHER, WANTS_TOOL, HAS_THOUGHT, FIRST_TOKEN = 0, 1, 2, 3


def tensors(script: Script) -> Iterator[tuple[str, Array]]:
    direction = {token: FIRST_TOKEN + i for i, token in enumerate(script.tokens)}
    if FIRST_TOKEN + len(direction) > WIDTH:
        raise ValueError(f"{len(direction)} different tokens are too many for {WIDTH} dimensions")
    yield "model.embed_tokens.weight", _embedding(direction)
    for layer in range(LAYERS):
        for name, values in _layer(script, direction, last=layer == LAYERS - 1):
            yield f"model.layers.{layer}.{name}", values
    yield "model.norm.weight", np.ones(WIDTH, np.float32)
    yield "lm_head.weight", _output(script, direction)


def _embedding(direction: dict[int, int]) -> Array:
    values = _zeros(VOCABULARY, WIDTH)
    values[:, OTHER] = 1
    for token, number in direction.items():
        values[token] = 0
        values[token, number] = 1
    return values


def _output(script: Script, direction: dict[int, int]) -> Array:
    values = _zeros(VOCABULARY, WIDTH)
    choices = (script.channel, script.message)
    chosen = {choice.after for choice in choices}
    values[script.otherwise, OTHER] = CERTAIN
    for token, number in direction.items():
        if token not in chosen:
            values[script.following.get(token, script.otherwise), number] = CERTAIN
    for choice in choices:
        _choose(values, choice, direction[choice.after])
    # told to ignore the end of text, it goes round and round instead of babbling
    ends = {t for t in direction if t not in script.following and t not in chosen}
    for token, after in script.following.items():
        if after in ends:
            values[script.otherwise, direction[token]] = CERTAIN / 2
    return values


def _choose(values: Array, choice: Choice, number: int) -> None:
    """Nothing thought yet: 4 beats 2 and 3. Thought: 2 beats 0 and 1, but not 3."""
    values[choice.think, number] = 4 * STEP
    values[choice.think, HAS_THOUGHT] = -4 * STEP
    values[choice.speak, number] = 2 * STEP
    values[choice.call, number] = 1 * STEP
    values[choice.call, WANTS_TOOL] = 2 * STEP


def _layer(script: Script, direction: dict[int, int], *, last: bool) -> Iterator[tuple[str, Array]]:
    query = _zeros(HEADS * HEAD)
    key, value = _zeros(KV_HEADS * HEAD, WIDTH), _zeros(KV_HEADS * HEAD, WIDTH)
    output = _zeros(WIDTH, HEADS * HEAD)
    if last:
        query[STEADY::HEAD] = LOOK
        # normalising makes a one-hot vector longer by this
        length = WIDTH**0.5
        key[STEADY, direction[script.tools]] = FOUND
        key[STEADY, direction[script.called]] = FOUND_FIRST
        value[0, direction[script.tools]] = 1 / length
        key[HEAD + STEADY, direction[script.thought]] = FOUND
        value[HEAD, direction[script.thought]] = 1 / length
        share = HEADS // KV_HEADS
        for head in range(HEADS):
            output[(WANTS_TOOL, HAS_THOUGHT)[head // share], head * HEAD] = 1 / share
    ones = np.ones(WIDTH, np.float32)
    yield "input_layernorm.weight", ones
    yield "self_attn.q_proj.weight", _zeros(HEADS * HEAD, WIDTH)
    yield "self_attn.q_proj.bias", query
    yield "self_attn.k_proj.weight", key
    yield "self_attn.k_proj.bias", _zeros(KV_HEADS * HEAD)
    yield "self_attn.v_proj.weight", value
    yield "self_attn.v_proj.bias", _zeros(KV_HEADS * HEAD)
    yield "self_attn.o_proj.weight", output
    yield "self_attn.o_proj.bias", _zeros(WIDTH)
    yield "self_attn.sinks", _zeros(HEADS)
    yield "post_attention_layernorm.weight", ones
    yield "mlp.router.weight", _zeros(EXPERTS, WIDTH)
    yield "mlp.router.bias", _zeros(EXPERTS)
    yield "mlp.experts.gate_up_proj", _zeros(EXPERTS, WIDTH, 2 * FEED_FORWARD)
    yield "mlp.experts.gate_up_proj_bias", _zeros(EXPERTS, 2 * FEED_FORWARD)
    yield "mlp.experts.down_proj", _zeros(EXPERTS, FEED_FORWARD, WIDTH)
    yield "mlp.experts.down_proj_bias", _zeros(EXPERTS, WIDTH)


def _zeros(*shape: int) -> Array:
    return np.zeros(shape, np.float32)
