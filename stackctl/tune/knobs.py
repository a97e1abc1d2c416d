"""Settings under the field's names, and how each engine says them.

Sources: `vllm serve --help=all` of 0.32, SGLang 0.5.23 `server_args.py`, `trtllm-serve --help` of
1.2, `llama-server --help` of b11669, Ollama 0.33 `envconfig/config.go` (docs/engines.md says what
of it was run).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

ENGINE = "engine"
WORDS = "args"


class Kind(Enum):
    """What the values of a setting are."""

    COUNT = auto()  # a whole number above 0
    SHARE = auto()  # between 0 and 1
    WORD = auto()  # one word, as the engine spells it
    SWITCH = auto()  # true, false
    DRAFT = auto()  # false, or a method of speculative decoding
    WORDS = auto()  # more words for the command


@dataclass(frozen=True, slots=True)
class Spelling:
    """Words of the engine's command; `off` are those for `false`.

    `<value>` stands for the value, `<gpus>` for the number of the role's GPUs; `also` are other
    words for the same, which make room for these.
    """

    on: str
    off: str = ""
    also: str = ""


@dataclass(frozen=True, slots=True)
class Knob:
    """One setting. `variable`: of the role, ROLE_CONTEXT without its role, which has the value."""

    kind: Kind
    engines: Mapping[str, Spelling] = field(default_factory=dict)
    variable: str = ""


#: what an engine has under another name than ours, or by more words, is said here and nowhere else
KNOBS: dict[str, Knob] = {
    ENGINE: Knob(Kind.WORD, variable="ENGINE"),
    WORDS: Knob(Kind.WORDS),
    "context": Knob(Kind.COUNT, variable="CONTEXT"),
    "expert-parallel": Knob(
        Kind.SWITCH,
        {
            "vllm": Spelling("--enable-expert-parallel", also="-ep --no-enable-expert-parallel"),
            "sglang": Spelling(
                "--ep-size <gpus>", also="--ep <value> --expert-parallel-size <value>"
            ),
            "tensorrt-llm": Spelling("--ep_size <gpus>"),
        },
    ),
    "tensor-parallel-size": Knob(
        Kind.COUNT,
        {
            "vllm": Spelling("--tensor-parallel-size <value>", also="-tp <value>"),
            "sglang": Spelling(
                "--tp-size <value>", also="--tp <value> --tensor-parallel-size <value>"
            ),
            "tensorrt-llm": Spelling("--tp_size <value>"),
        },
    ),
    "pipeline-parallel-size": Knob(
        Kind.COUNT,
        {
            "vllm": Spelling("--pipeline-parallel-size <value>", also="-pp <value>"),
            "sglang": Spelling(
                "--pp-size <value>", also="--pp <value> --pipeline-parallel-size <value>"
            ),
            "tensorrt-llm": Spelling("--pp_size <value>"),
        },
    ),
    "data-parallel-size": Knob(
        Kind.COUNT,
        {
            "vllm": Spelling("--data-parallel-size <value>", also="-dp <value>"),
            "sglang": Spelling(
                "--dp-size <value>", also="--dp <value> --data-parallel-size <value>"
            ),
        },
    ),
    "split-mode": Knob(
        Kind.WORD, {"llama-cpp": Spelling("--split-mode <value>", also="-sm <value>")}
    ),
    "attention-backend": Knob(
        Kind.WORD,
        {
            "vllm": Spelling("--attention-backend <value>"),
            "sglang": Spelling("--attention-backend <value>"),
            "transformers": Spelling("--attn-implementation <value>"),
        },
    ),
    "flash-attention": Knob(
        Kind.SWITCH,
        {
            "llama-cpp": Spelling("--flash-attn on", "--flash-attn off", also="-fa <value>"),
            "ollama": Spelling("OLLAMA_FLASH_ATTENTION=1", "OLLAMA_FLASH_ATTENTION=0"),
        },
    ),
    "moe-backend": Knob(
        Kind.WORD,
        {
            "vllm": Spelling("--moe-backend <value>"),
            "sglang": Spelling("--moe-runner-backend <value>"),
        },
    ),
    "max-num-batched-tokens": Knob(
        Kind.COUNT,
        {
            "vllm": Spelling("--max-num-batched-tokens <value>"),
            "sglang": Spelling("--chunked-prefill-size <value>"),
            "tensorrt-llm": Spelling("--max_num_tokens <value>"),
            "llama-cpp": Spelling("--batch-size <value>", also="-b <value>"),
        },
    ),
    "ubatch-size": Knob(
        Kind.COUNT, {"llama-cpp": Spelling("--ubatch-size <value>", also="-ub <value>")}
    ),
    # the gateway has to let as many in: ROLE_SLOTS
    "max-num-seqs": Knob(
        Kind.COUNT,
        {
            "vllm": Spelling("--max-num-seqs <value>"),
            "sglang": Spelling("--max-running-requests <value>"),
            "tensorrt-llm": Spelling("--max_batch_size <value>"),
            # else each slot would have its share of the context window alone
            "llama-cpp": Spelling(
                "--parallel <value> --kv-unified", also="-np <value> -kvu -no-kvu --no-kv-unified"
            ),
            "ollama": Spelling("OLLAMA_NUM_PARALLEL=<value>"),
        },
        variable="SLOTS",
    ),
    "kv-cache-dtype": Knob(
        Kind.WORD,
        {
            "vllm": Spelling("--kv-cache-dtype <value>"),
            "sglang": Spelling("--kv-cache-dtype <value>"),
            "llama-cpp": Spelling(
                "--cache-type-k <value> --cache-type-v <value>", also="-ctk <value> -ctv <value>"
            ),
            "ollama": Spelling("OLLAMA_KV_CACHE_TYPE=<value>"),
        },
    ),
    "gpu-memory-utilization": Knob(
        Kind.SHARE,
        {
            "vllm": Spelling(
                "--gpu-memory-utilization <value>", also="--device-memory-utilization <value>"
            ),
            "sglang": Spelling("--mem-fraction-static <value>"),
            "tensorrt-llm": Spelling("--kv_cache_free_gpu_memory_fraction <value>"),
        },
    ),
    "prefix-caching": Knob(
        Kind.SWITCH,
        {
            "vllm": Spelling("--enable-prefix-caching", "--no-enable-prefix-caching"),
            "sglang": Spelling("", "--disable-radix-cache"),
            "llama-cpp": Spelling("--cache-prompt", "--no-cache-prompt"),
        },
    ),
    "speculative": Knob(Kind.DRAFT),
}

#: methods of speculative decoding; `<model>` drafts, or none, `<tokens>` at a time
DRAFTS: dict[str, dict[str, Spelling]] = {
    "eagle3": {
        "vllm": Spelling("--spec-method eagle3 --spec-model <model> --spec-tokens <tokens>"),
        "sglang": Spelling(
            "--speculative-algorithm EAGLE3 --speculative-draft-model-path <model> "
            "--speculative-num-steps <tokens> --speculative-eagle-topk 1 "
            "--speculative-num-draft-tokens <tokens+1>"
        ),
        "llama-cpp": Spelling(
            "--spec-type draft-eagle3 --spec-draft-model /models/llama-cpp/<model>.gguf "
            "--spec-draft-n-max <tokens>"
        ),
    },
    "draft": {
        "vllm": Spelling("--spec-method draft_model --spec-model <model> --spec-tokens <tokens>"),
        "llama-cpp": Spelling(
            "--spec-type draft-simple --spec-draft-model /models/llama-cpp/<model>.gguf "
            "--spec-draft-n-max <tokens>"
        ),
    },
    "ngram": {
        "vllm": Spelling("--spec-method ngram --spec-tokens <tokens>"),
        "llama-cpp": Spelling("--spec-type ngram-simple --spec-ngram-simple-size-m <tokens>"),
    },
}
#: what an owner may have written for the same, which makes room as well
DRAFTS_ALSO = {
    "vllm": "--speculative-config <value> -sc <value>",
    "llama-cpp": "--spec-default --model-draft <value> -md <value>",
}
