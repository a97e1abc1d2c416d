"""A GGUF file of architecture llama that runs an `Automaton`.

The embedding is one-hot, every layer adds zero, and the output matrix is the table of successors:
the last token alone decides the next one. The layers are there to be loaded, offloaded and counted,
and to hold a KV cache for the whole promised context, kept small by one head of 16 dimensions.
"""

from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

from gpusim.rigged.automaton import (
    BEGIN,
    CHAT_TEMPLATE,
    END,
    SPECIAL,
    UNUSED,
    Automaton,
    build,
)
from gpusim.rigged.shape import CONTEXT, HEAD, Shape

FEED_FORWARD = 32
# Far above what sampling at any usual temperature can overturn.
CERTAIN = 2.0


def write(path: Path, shape: Shape) -> None:
    run(path, shape, build(shape.sentence), CHAT_TEMPLATE)


def run(path: Path, shape: Shape, automaton: Automaton, template: str) -> None:
    """A model of that shape that runs an automaton."""
    width = -(-len(automaton.tokens) // 64) * 64
    writer = gguf.GGUFWriter(path, "llama")
    _describe(writer, shape, width, automaton)
    writer.add_chat_template(template)
    for name, values in _tensors(shape, width, automaton).items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _describe(writer: gguf.GGUFWriter, shape: Shape, width: int, automaton: Automaton) -> None:
    writer.add_name(f"{shape.name} (rigged)")
    writer.add_description("hand-written weights for tests: one sentence, one tool call")
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_context_length(CONTEXT)
    writer.add_block_count(shape.layers)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(1)
    writer.add_head_count_kv(1)
    writer.add_key_length(HEAD)
    writer.add_value_length(HEAD)
    writer.add_rope_dimension_count(HEAD)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)

    plain = len(automaton.tokens) - 256 - len(SPECIAL)
    writer.add_vocab_size(len(automaton.tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(automaton.tokens)
    writer.add_token_types(
        [gguf.TokenType.NORMAL] * 256
        + [gguf.TokenType.CONTROL] * len(SPECIAL)
        # decoded as they are written, not as byte-level names
        + [gguf.TokenType.USER_DEFINED] * plain
    )
    # llama.cpp insists on a list; this pair of tokens never meets
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(automaton.id(BEGIN))
    writer.add_eos_token_id(automaton.id(END))
    writer.add_pad_token_id(automaton.id(UNUSED))
    writer.add_add_bos_token(False)


def _tensors(shape: Shape, width: int, automaton: Automaton) -> dict[str, NDArray[np.float32]]:
    count = len(automaton.tokens)
    ones = np.ones(width, np.float32)
    output = np.zeros((count, width), np.float32)
    for token, following in automaton.following.items():
        output[following, token] = CERTAIN
    for token, instead in automaton.instead.items():
        output[instead, token] = CERTAIN / 2
    tensors = {
        "token_embd.weight": np.eye(count, width, dtype=np.float32),
        "output_norm.weight": ones,
        "output.weight": output,
    }
    for layer in range(shape.layers):
        block = f"blk.{layer}"
        tensors[f"{block}.attn_norm.weight"] = ones
        tensors[f"{block}.ffn_norm.weight"] = ones
        for name, rows, columns in (
            ("attn_q", HEAD, width),
            ("attn_k", HEAD, width),
            ("attn_v", HEAD, width),
            ("attn_output", width, HEAD),
            ("ffn_gate", FEED_FORWARD, width),
            ("ffn_up", FEED_FORWARD, width),
            ("ffn_down", width, FEED_FORWARD),
        ):
            tensors[f"{block}.{name}.weight"] = np.zeros((rows, columns), np.float32)
    return tensors
