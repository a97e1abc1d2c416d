"""Flags and environment variables that are gone, and what stands in for them now.

Sources: vLLM 0.32 and 0.33 refuse these flags with "unrecognized arguments" and warn of these
variables. SGLang 0.5.23 `server_args.py` ("Deprecated argument registrations"). Ollama 0.33
`envconfig/config.go`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gone:
    """`flag` replaces it, `value` included where it is fixed; "" where nothing has to.

    `keep` hands the old value on. `sure` is false where the owner has to choose. A `soft` one still
    works, with a warning in the engine's log.
    """

    why: str
    flag: str = ""
    keep: bool = False
    sure: bool = True
    soft: bool = False


_V1 = "vLLM's V1 engine does it by itself"

FLAGS: dict[str, dict[str, Gone]] = {
    "vllm": {
        "--swap-space": Gone(
            "V1 recomputes instead of swapping; --kv-offloading-size keeps KV in RAM"
        ),
        "--disable-log-requests": Gone("requests are logged only with --enable-log-requests"),
        "--guided-decoding-backend": Gone(
            "it moved to --structured-outputs-config.backend",
            "--structured-outputs-config.backend",
            keep=True,
        ),
        "--enable-reasoning": Gone("--reasoning-parser alone turns it on"),
        "--max-seq-len-to-capture": Gone(_V1),
        "--cuda-graph-sizes": Gone(
            "it is called --cudagraph-capture-sizes", "--cudagraph-capture-sizes", keep=True
        ),
        "--num-scheduler-steps": Gone(_V1),
        "--use-v2-block-manager": Gone(_V1),
        "--rope-scaling": Gone(
            "it moved to --hf-overrides", "--hf-overrides", keep=True, sure=False
        ),
        "--task": Gone("it is --runner and --convert now", sure=False),
    },
    "sglang": {
        "--disable-cuda-graph": Gone(
            "it is --cuda-graph-backend-decode and -prefill now", sure=False, soft=True
        ),
        "--enable-dp-attention": Gone("it is --attn-dp-size now", sure=False, soft=True),
        "--enable-flashinfer-allreduce-fusion": Gone(
            "it is --flashinfer-allreduce-fusion-backend=auto now",
            "--flashinfer-allreduce-fusion-backend=auto",
            soft=True,
        ),
    },
    "tensorrt-llm": {},
    "llama-cpp": {},
}

VARIABLES: dict[str, dict[str, Gone]] = {
    "vllm": {
        "VLLM_ATTENTION_BACKEND": Gone(
            "vLLM ignores it and only logs `Unknown vLLM environment variable`",
            "--attention-backend",
            keep=True,
        ),
        "VLLM_USE_FLASHINFER_MOE_MXFP4_MXFP8": Gone(
            "vLLM ignores it; it was FlashInfer's kernels for the experts",
            "--moe-backend flashinfer_trtllm",
            sure=False,
        ),
        "VLLM_MXFP4_USE_MARLIN": Gone(
            "vLLM ignores it; it was the Marlin kernels for the experts", "--moe-backend marlin"
        ),
    },
    "ollama": {
        name: Gone("Ollama 0.30 and later run every model in llama-server; nothing reads it")
        for name in ("OLLAMA_NEW_ENGINE", "OLLAMA_NEW_ESTIMATES", "OLLAMA_MULTIUSER_CACHE")
    },
}

#: keys of --compilation-config's pass_config that vLLM renamed; the old ones end it, exit code 2
PASSES = {"enable_fi_allreduce_fusion": "fuse_allreduce_rms", "enable_noop": "eliminate_noops"}

#: vLLM's attention backends lost the suffix of the V1 engine with V0's end
SUFFIXES = ("_VLLM_V1",)
