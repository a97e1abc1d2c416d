"""llama.cpp b11669, the llama-server inside Ollama, and whisper.cpp 1.9.5."""

from __future__ import annotations

from stackctl.engines.failures import cuda, hub, pointers
from stackctl.model import Failure, Sure

NO_GGUF = Failure(
    "gguf-magic",
    r"invalid magic characters|GGUF magic invalid|gguf\S*: invalid magic",
    "the file is not a GGUF model: often an HTML error page or a Git LFS pointer",
    "`stackctl models repair ROLE` downloads the model file again",
    source="city96/ComfyUI-GGUF #43, ggml-org/llama.cpp #3358",
)
_ALL: tuple[Failure, ...] = (
    # before the GPU's: the same line, and another memory
    Failure(
        "host-memory",
        r"unable to allocate CPU\S* buffer",
        "the host has not enough free memory",
        "free -h; stop what else holds it, or take a smaller model",
        source="llama.cpp b11669",
    ),
    Failure(
        "gpu-buffer",
        r"unable to allocate \S+ buffer",
        "the GPU has not enough free memory",
        "stop what else holds it (`stackctl status`), or give a shorter context window",
        source="llama.cpp b11669",
    ),
    *cuda.FAILURES,
    # after those that name the reason
    Failure(
        "ggml-no-cuda",
        r"ggml_cuda_init: failed to initialize CUDA: (.*)",
        "CUDA cannot be used inside the container; the model would run on the CPU",
        "recreate the container: `stackctl up`; if it stays, compare driver and image versions",
        sure=Sure.LIKELY,
        source="ggml-cuda; ollama/ollama: docs/troubleshooting",
    ),
)
LLAMA: tuple[Failure, ...] = (
    Failure(
        "gguf-missing",
        r"failed to open GGUF file '([^']*)'",
        "the model file is not there",
        "`stackctl models pull ROLE`, or correct the model's name in env/stack.env",
        source="llama.cpp b11669",
    ),
    NO_GGUF,
    Failure(
        "gguf-truncated",
        r"data is not within the file bounds, model is corrupted or incomplete",
        "the download of the model broke off",
        "`stackctl models repair ROLE` downloads the model file again",
        source="ggml-org/llama.cpp #6885",
    ),
    Failure(
        "llama-architecture",
        r"unknown model architecture",
        "the engine is older than the model",
        "take a newer image (env/images.env)",
        source="llama.cpp b11669",
    ),
    *_ALL,
    # after CUDA's own reason, which stands before it
    Failure(
        "llama-no-gpu",
        r"no usable GPU found, --gpu-layers option will be ignored",
        "llama.cpp found no GPU that it can use, and runs on the CPU",
        "recreate the container: `stackctl up`; look at `stackctl verify` for the reason; an image "
        "without CUDA in its tag cannot use one at all",
        sure=Sure.LIKELY,
        source="llama.cpp b11669: common/arg.cpp",
    ),
    Failure(
        "llama-port",
        r"couldn't bind HTTP server socket|exiting due to HTTP server error",
        "the port inside the container is taken: llama-server cannot listen on its port",
        "remove the other program from the container's command",
        source="llama.cpp b11669: tools/server",
    ),
    Failure(
        "llama-kv-block",
        r"[KV] cache type (\S+) with block size \d+ does not divide n_embd_head_[kv]=(\d+)",
        "the heads of this model do not divide into the blocks of this KV cache type",
        "another --cache-type-k and --cache-type-v (f16 is always right) in ROLE_ARGS of "
        "env/stack.env, then: stackctl up ROLE",
        source="llama.cpp b11669, run: llama_init_from_model",
    ),
    Failure(
        "llama-kv-flash",
        r"quantized V cache requires flash_attn|V cache quantization requires flash_attn",
        "a quantised V cache needs flash attention, which is off or not to be had for this model",
        "--flash-attn on, or no --cache-type-v, in ROLE_ARGS of env/stack.env, then: "
        "stackctl up ROLE",
        source="llama.cpp b11669, run: llama_init_from_model",
    ),
    Failure(
        "llama-flag",
        r"error: invalid argument: (\S+)",
        "this version of llama-server does not know the flag",
        "correct the command in compose/engines/llama-cpp.yaml",
        source="llama.cpp b11669: common/arg.cpp",
    ),
    *hub.FAILURES,
    *pointers.LLAMA,
)
WHISPER: tuple[Failure, ...] = (
    Failure(
        "whisper-missing",
        r"failed to open '([^']*)'",
        "the model file is not there",
        "put the model file at that path, or correct AUDIO_MODEL in env/stack.env",
        source="whisper.cpp 1.9.5",
    ),
    Failure(
        "whisper-magic",
        r"invalid model data \(bad magic\)",
        "the file is not a ggml model",
        "`stackctl models repair ROLE` downloads the model file again",
        source="whisper.cpp 1.9.5",
    ),
    # servers on faster-whisper: it ends the process at the first clip, not at the start
    Failure(
        "cudnn-missing",
        r"Unable to load any of \{libcudnn\S*|Cannot load symbol cudnnCreateTensorDescriptor",
        "CTranslate2 from 4.5 on needs cuDNN 9, which the image does not have",
        "take an image with cuDNN 9 (env/images.env), or pip install ctranslate2==4.4.0 in it",
        source="SYSTRAN/faster-whisper",
    ),
    *_ALL,
    Failure(
        "whisper-no-gpu",
        r"whisper_backend_init_gpu: no GPU found",
        "whisper.cpp found no GPU that it can use, and runs on the CPU",
        "recreate the container: `stackctl up`; look at `stackctl verify` for the reason",
        sure=Sure.LIKELY,
        source="whisper.cpp 1.9.5",
    ),
)
