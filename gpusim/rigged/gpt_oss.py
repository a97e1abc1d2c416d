"""`python -m gpusim.rigged.gpt_oss HF_HOME`: a tiny gpt-oss in Hugging Face's cache of downloads.

A real vLLM runs it: gpt-oss's own model code, harmony's prompts and parsers. It needs oss-harmony,
for the vocabulary, and is therefore run inside an image that has it (setup/pytorch_images.sh).
"""

import hashlib
import importlib
import json
import shutil
import struct
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from gpusim.rigged import gpt_oss_tokenizer, gpt_oss_weights
from gpusim.rigged.gpt_oss_script import Script, Vocabulary, write_script
from gpusim.rigged.gpt_oss_weights import Array

NAME = "stackctl/gpt-oss-rigged"
CONTEXT = 131072

CONFIG = {
    "architectures": ["GptOssForCausalLM"],
    "model_type": "gpt_oss",
    # of the format; without it the tokenizer is suspected of being an old one of Mistral's
    "transformers_version": "5.19.0",
    "dtype": "bfloat16",
    "vocab_size": gpt_oss_weights.VOCABULARY,
    "hidden_size": gpt_oss_weights.WIDTH,
    "intermediate_size": gpt_oss_weights.FEED_FORWARD,
    "num_hidden_layers": gpt_oss_weights.LAYERS,
    "layer_types": ["sliding_attention", "full_attention"],
    "sliding_window": 128,
    "num_attention_heads": gpt_oss_weights.HEADS,
    "num_key_value_heads": gpt_oss_weights.KV_HEADS,
    "head_dim": gpt_oss_weights.HEAD,
    "attention_bias": True,
    "attention_dropout": 0.0,
    "num_local_experts": gpt_oss_weights.EXPERTS,
    "num_experts_per_tok": 2,
    "hidden_act": "silu",
    "swiglu_limit": 7.0,
    "rms_norm_eps": 1e-05,
    "max_position_embeddings": CONTEXT,
    "initial_context_length": 4096,
    "rope_theta": 150000,
    "rope_scaling": {
        "rope_type": "yarn",
        "factor": 32.0,
        "original_max_position_embeddings": 4096,
        "beta_fast": 32.0,
        "beta_slow": 1.0,
        "truncate": False,
    },
    "tie_word_embeddings": False,
    "use_cache": True,
}


def write_cached(home: Path) -> Path | None:
    """The folder of the model, or None if it was there already, made by these very sources."""
    model = home / "hub" / f"models--{NAME.replace('/', '--')}"
    snapshot = model / "snapshots" / _revision()
    if snapshot.is_dir():
        return None
    harmony = importlib.import_module("openai_harmony")
    encoding = harmony.load_harmony_encoding(harmony.HarmonyEncodingName.HARMONY_GPT_OSS)
    model.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=model, prefix=".writing-") as name:
        complete = Path(name) / snapshot.name
        complete.mkdir()
        write(complete, encoding)
        shutil.rmtree(snapshot.parent, ignore_errors=True)
        snapshot.parent.mkdir()
        complete.rename(snapshot)
    (model / "refs").mkdir(exist_ok=True)
    (model / "refs" / "main").write_text(snapshot.name)
    return snapshot


def _revision() -> str:
    """As long as a commit's."""
    sources = sorted(Path(__file__).parent.glob("gpt_oss*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:40]


def write(folder: Path, harmony: Any) -> None:
    special = {name: _single(harmony, name) for name in harmony.special_tokens_set}
    # there is no public way to the bytes of a token that is but a part of a character
    gpt_oss_tokenizer.write(folder, lambda i: bytes(harmony._inner.decode_bytes([i])), special)
    write_model(folder, write_script(harmony), special)


def write_model(folder: Path, script: Script, special: dict[str, int]) -> None:
    ends = [special[name] for name in ("<|return|>", "<|endoftext|>", "<|call|>")]
    tokens = {"bos_token_id": special["<|startoftext|>"], "pad_token_id": ends[1]}
    _json(folder / "config.json", {**CONFIG, "eos_token_id": ends[0], "pad_token_id": ends[1]})
    _json(folder / "generation_config.json", {**tokens, "eos_token_id": ends, "do_sample": True})
    _safetensors(folder / "model.safetensors", gpt_oss_weights.tensors(script))


def _single(vocabulary: Vocabulary, text: str) -> int:
    (token,) = vocabulary.encode(text, allowed_special="all")
    return token


def _safetensors(path: Path, tensors: Iterable[tuple[str, Array]]) -> None:
    """Every weight here is a short binary fraction, so bfloat16 holds it exactly."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    data: list[bytes] = []
    end = 0
    for name, values in tensors:
        data.append((values.view(np.uint32) >> 16).astype("<u2").tobytes())
        start, end = end, end + len(data[-1])
        header[name] = {"dtype": "BF16", "shape": values.shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.writelines(data)


def _json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: python -m gpusim.rigged.gpt_oss HF_HOME", file=sys.stderr)
        return 2
    try:
        if written := write_cached(Path(arguments[0])):
            print(f"wrote {written}")
    except (ImportError, OSError) as error:
        print(f"cannot write the rigged gpt-oss: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
