"""Every failure line that is known of an engine is explained, as the engine writes it."""

from __future__ import annotations

import re

import pytest

from stackctl.engines import ENGINES, explain

PYTORCH = ("vllm", "sglang", "tensorrt-llm", "transformers", "comfyui")
LLAMA = ("llama-cpp", "ollama")

#: engines, the line, a word of the cause
LINES: tuple[tuple[tuple[str, ...], str, str], ...] = (
    # llama.cpp b11669, and Ollama, which runs one inside
    (("llama-cpp",), "error: invalid argument: --nosuchflag", "does not know the flag"),
    (
        LLAMA,
        "0.00.037.318 E gguf_init_from_file: failed to open GGUF file '/models/missing.gguf' "
        "(No such file or directory)",
        "not there",
    ),
    (
        LLAMA,
        "gguf_init_from_file_impl: invalid magic characters: '?m?P', expected 'GGUF'",
        "not a GGUF",
    ),
    (LLAMA, "llama_model_load: error: GGUF magic invalid", "not a GGUF"),
    (
        LLAMA,
        "llama_model_load: error loading model: tensor 'blk.0.ffn_up.weight' data is not within "
        "the file bounds, model is corrupted or incomplete",
        "broke off",
    ),
    (
        LLAMA,
        "srv  start: couldn't bind HTTP server socket, hostname: 127.0.0.1, port: 18081",
        "port",
    ),
    (LLAMA, "srv  llama_server: exiting due to HTTP server error", "listen on its port"),
    (LLAMA, "srv  llama_server: exiting due to model loading error", "further up"),
    (LLAMA, "alloc_tensor_range: unable to allocate CPU_REPACK buffer", "the host has not enough"),
    (LLAMA, "load_tensors: unable to allocate CUDA0 buffer", "GPU has not enough free memory"),
    (
        LLAMA,
        "ggml_backend_cuda_buffer_type_alloc_buffer: allocating 12036.68 MiB on device 0: "
        "cudaMalloc failed: out of memory",
        "GPU has not enough free memory",
    ),
    (LLAMA, "warning: no usable GPU found, --gpu-layers option will be ignored", "on the CPU"),
    (LLAMA, "ggml_cuda_init: failed to initialize CUDA: unknown error", "CUDA cannot be used"),
    (
        LLAMA,
        "ggml_cuda_init: failed to initialize CUDA: no CUDA-capable device is detected",
        "CUDA cannot be used",
    ),
    (
        LLAMA,
        "llama_model_load: error loading model: unknown model architecture: 'gpt-oss'",
        "older than the model",
    ),
    (
        LLAMA,
        "CUDA error: no kernel image is available for execution on the device",
        "not built for this GPU",
    ),
    (LLAMA, "CUDA error: uncorrectable ECC error encountered", "the card's memory"),
    # Ollama 0.33
    (
        ("ollama",),
        'level=INFO source=types.go:50 msg="inference compute" id=cpu library=cpu compute="" '
        "name=cpu description=cpu",
        "sees no GPU",
    ),
    (("ollama",), 'level=WARN msg="NVIDIA driver too old"', "driver is older"),
    (
        ("ollama",),
        'level=WARN msg="skipping CUDA device \u2014 compute capability not in compiled '
        'architectures"',
        "not built for the GPU",
    ),
    (("ollama",), "llama-server binary not found (checked: /usr/lib/ollama)", "incomplete"),
    (("ollama",), 'level=ERROR msg="runtime OOM detected; unloading"', "ran out of memory"),
    (("ollama",), 'level=ERROR msg="load failed" error="invalid file magic"', "damaged"),
    (
        ("ollama",),
        'error="tensor \\"blk.1.attn_k.weight\\" offset+size (3080704) exceeds file size '
        '(3000000)"',
        "damaged",
    ),
    (
        ("ollama",),
        "digest mismatch, file must be downloaded again: want sha256:a, got sha256:b",
        "came out damaged",
    ),
    (("ollama",), "pull model manifest: file does not exist", "no model of that name"),
    (("ollama",), "max retries exceeded", "broke off again"),
    (("ollama",), 'model "gpt-oss:20b" not found, try pulling it first', "not in the store"),
    # whisper.cpp 1.9.5
    (("whisper",), "whisper_backend_init_gpu: no GPU found", "on the CPU"),
    (
        ("whisper",),
        "whisper_init_from_file_with_params_no_state: failed to open '/models/whisper/x.bin'",
        "not there",
    ),
    (("whisper",), "whisper_model_load: invalid model data (bad magic)", "not a ggml model"),
    # ComfyUI 0.3.64
    (("comfyui",), "RuntimeError: operator torchvision::nms does not exist", "different builds"),
    (
        ("comfyui",),
        "  - Value not in list: ckpt_name: 'sd15.safetensors' not in []",
        "a model that ComfyUI does not have",
    ),
    (
        ("comfyui",),
        "invalid prompt: {'type': 'invalid_prompt', 'message': 'Cannot execute because node X "
        "does not exist.'}",
        "not installed",
    ),
    (
        ("comfyui",),
        "The safetensors file is incomplete. Check the file size and make sure you have copied",
        "damaged",
    ),
    # vLLM 0.10 to 0.33
    (
        ("vllm",),
        "ValueError: Free memory on device cuda:0 (22.76/24.0 GiB) on startup is less than "
        "desired GPU memory utilization (0.97, 23.28 GiB). Decrease GPU memory utilization or "
        "reduce GPU memory used by other processes.",
        "already holds memory",
    ),
    (
        ("vllm",),
        "ValueError: Available memory on node 0 (16.38/23.54 GiB) on startup is less than "
        "desired CPU memory utilization",
        "CPU build",
    ),
    (
        ("vllm",),
        "ValueError: To serve at least one request with the models's max seq len (131072), (4.54 "
        "GiB KV cache is needed, which is larger than the available KV cache memory (1.71 GiB). ",
        "does not fit",
    ),
    (
        ("vllm",),
        "ValueError: To serve at least one request with the model's max seq len (131072), (0.31 "
        "GiB KV cache is needed, which is larger than the available KV cache memory (0.02 GiB). "
        "Based on the available memory, the estimated maximum model length is 8064.",
        "does not fit",
    ),
    (
        ("vllm",),
        "ValueError: The model's max seq len (4096) is larger than the maximum number of tokens "
        "that can be stored in KV cache (3664).",
        "does not fit",
    ),
    (
        ("vllm",),
        "ValueError: No available memory for the cache blocks. Try increasing "
        "`gpu_memory_utilization` when initializing the engine.",
        "no room",
    ),
    (
        ("vllm",),
        "ValueError: Bfloat16 is only supported on GPUs with compute capability of at least 8.0. "
        "Your Quadro RTX 8000 GPU has compute capability 7.5.",
        "too old",
    ),
    (
        ("vllm",),
        "TypeError: Error: --enable-auto-tool-choice requires --tool-call-parser",
        "lacks its parser",
    ),
    (
        ("vllm",),
        "KeyError: 'invalid tool call parser: nosuch (chose from { deepseek_v3,openai })'",
        "tool call parser does not exist",
    ),
    (
        ("vllm",),
        "KeyError: 'invalid reasoning parser: nosuch (chose from { openai_gptoss })'",
        "reasoning parser does not exist",
    ),
    (
        ("vllm",),
        "ValueError: Unknown vLLM environment variable detected: VLLM_ATTENTION_BACKEND",
        "removed or is misspelt",
    ),
    (
        ("vllm",),
        "ValueError: Selected backend AttentionBackendEnum.FLASH_ATTN is not valid for this "
        "configuration. Reason: ['sinks not supported']",
        "cannot use the attention backend",
    ),
    (
        ("vllm",),
        "ValueError: invalid literal for int() with base 10: 'GPU-1c6f0000-0000-4000-8000'",
        "cannot read UUIDs",
    ),
    (
        ("vllm",),
        "ValueError: Model architectures ['GptOssForCausalLM'] failed to be inspected. Please "
        "check the logs for more details.",
        "does not know the model",
    ),
    (
        ("vllm",),
        "ValueError: Model architectures ['NewForCausalLM'] are not supported for now. Supported",
        "does not know the model",
    ),
    (
        ("vllm",),
        "RuntimeError: Engine core initialization failed. See root cause above. Failed core "
        "proc(s): {'EngineCore': 1}",
        "further up",
    ),
    (
        ("vllm",),
        "ValueError: User-specified max_model_len (262144) is greater than the derived "
        "max_model_len (max_position_embeddings=131072.0 in model's config.json)",
        "longer than the model's",
    ),
    # SGLang 0.5.23
    (
        ("sglang",),
        "RuntimeError: Not enough memory. Please try to increase --mem-fraction-static. Current "
        "value: mem_fraction_static=0.85",
        "no room",
    ),
    (("sglang",), "Exception: Capture cuda graph failed: CUDA out of memory.", "CUDA graphs"),
    (
        ("sglang",),
        "RuntimeError: The memory capacity is unbalanced. Some GPUs may be occupied by other "
        "processes. pre_model_load_memory=20.1, local_gpu_memory=78.3",
        "much less free memory",
    ),
    (
        ("sglang",),
        "ValueError: SWA pool (128 tokens) cannot hold even one request: the prefill",
        "too small",
    ),
    (
        ("sglang",),
        "ValueError: Warning: User-specified context_length (262144) is greater than the derived "
        "context_length (131072). ",
        "longer than the model's",
    ),
    (
        ("sglang",),
        "AssertionError: Expert parallel is not supported when using triton kernels",
        "expert parallelism",
    ),
    (("sglang",), "Received sigquit from a child process. It usually means", "further up"),
    # TensorRT-LLM 1.2
    (("tensorrt-llm",), "ValueError: No GPU devices found on the node", "sees no GPU"),
    (
        ("tensorrt-llm",),
        "RuntimeError: Failed to bind socket to 0.0.0.0:8000: [Errno 98] Address in use",
        "port",
    ),
    (
        ("tensorrt-llm",),
        "ValueError: Unknown architecture for AutoModelForCausalLM: NewForCausalLM",
        "does not know the model",
    ),
    (("tensorrt-llm",), "Error: No such option: --tp-size Did you mean --tp_size?", "underscores"),
    (
        ("tensorrt-llm",),
        "Error: Invalid value for '--tool_parser': 'x' is not one of 'qwen3'.",
        "value",
    ),
    (("tensorrt-llm",), "RuntimeError: Executor worker returned error", "further up"),
    # transformers 5.19
    (
        ("transformers",),
        "ImportError: Using `device_map` requires Accelerate: `pip install accelerate`",
        "accelerate",
    ),
    (
        ("transformers",),
        "ImportError: Missing dependencies for serving. Install with `pip install "
        "transformers[serving]`",
        "without its server",
    ),
    (
        ("transformers",),
        "[transformers] MXFP4 quantization is only supported on GPUs with compute capability >= "
        "7.5 (e.g T4, A100, L4, H100, or B200).",
        "unpacked to bfloat16",
    ),
    (("transformers",), "Error: No such option '--nosuchflag'.", "does not know the flag"),
    # PyTorch, NCCL, safetensors, the Hub: whatever runs on them
    (
        PYTORCH,
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.98 GiB.",
        "free memory",
    ),
    (PYTORCH, "torch.cuda.OutOfMemoryError: CUDA out of memory.", "free memory"),
    (
        PYTORCH,
        "torch.AcceleratorError: CUDA error: no kernel image is available for execution on the "
        "device",
        "not built for this GPU",
    ),
    (PYTORCH, "RuntimeError: FlashAttention only supports Ampere GPUs or newer.", "too old"),
    (
        PYTORCH,
        "CUDA error: CUDA driver version is insufficient for CUDA runtime version",
        "driver is older",
    ),
    (
        PYTORCH,
        "forward compatibility was attempted on non supported HW",
        "driver is older",
    ),
    (PYTORCH, "RuntimeError: No CUDA GPUs are available", "sees no GPU"),
    (PYTORCH, "AssertionError: Torch not compiled with CUDA enabled", "sees no GPU"),
    (PYTORCH, "RuntimeError: CUDA error: invalid device ordinal", "count from 0"),
    (PYTORCH, "CUDA error: uncorrectable ECC error encountered", "defective"),
    (PYTORCH, "RuntimeError: CUDA error: unspecified launch failure", "crashed on the GPU"),
    (PYTORCH, "Bus error (core dumped)", "too little shared memory"),
    (
        PYTORCH,
        "This might be caused by insufficient shared memory (shm).",
        "too little shared memory",
    ),
    (
        PYTORCH,
        "NCCL WARN Error: failed to extend /dev/shm/nccl-aB3 to 33030532 bytes, error: No space "
        "left on device",
        "too little shared memory",
    ),
    (
        PYTORCH,
        "RuntimeError: Insufficient space in /dev/shm for shared-memory allocation: 160 MiB "
        "required, 64 MiB free.",
        "too little shared memory",
    ),
    (
        PYTORCH,
        "NCCL WARN P2P is disabled between NVLINK connected GPUs 1 and 0. This should not be the "
        "case",
        "NVLink",
    ),
    (PYTORCH, "RuntimeError: NCCL error: unhandled cuda error", "cannot talk"),
    (
        PYTORCH,
        "safetensors_rust.SafetensorError: Error while deserializing header: "
        "MetadataIncompleteBuffer",
        "damaged",
    ),
    (PYTORCH, "Error while deserializing header: HeaderTooLarge", "damaged"),
    (
        PYTORCH,
        "Error while deserializing header: incomplete metadata, file not fully covered",
        "damaged",
    ),
    (
        PYTORCH,
        "OSError: Consistency check failed: file should be of size 4792272488 but has size 12",
        "broke off",
    ),
    (
        PYTORCH,
        "LocalEntryNotFoundError: An error happened while trying to locate the file on the Hub "
        "and we cannot find the requested files in the local cache.",
        "not on the disk",
    ),
    (
        PYTORCH,
        "OSError: We couldn't connect to 'https://huggingface.co' to load the files, and couldn't "
        "find them in the cached files.",
        "not on the disk",
    ),
    (
        PYTORCH,
        "OSError: openai/gpt-oss-21b is not a local folder and is not a valid model identifier "
        "listed on 'https://huggingface.co/models'",
        "no model of that name",
    ),
    (
        PYTORCH,
        "UserWarning: Not enough free disk space to download the file.",
        "disk is full",
    ),
    (PYTORCH, "OSError: [Errno 28] No space left on device", "disk is full"),
    (
        PYTORCH,
        "openai_harmony.HarmonyError: error downloading or loading vocab file: failed",
        "vocabulary",
    ),
    (PYTORCH, "OSError: [Errno 98] Address already in use", "port"),
    (
        ("vllm", "sglang", "comfyui"),
        "vllm: error: unrecognized arguments: --swap-space 4",
        "does not know the flag",
    ),
    (
        ("vllm", "sglang"),
        "launch_server.py: error: argument --attention-backend: invalid choice: 'x' (choose from",
        "a value that this version",
    ),
)


@pytest.mark.parametrize(
    ("engine", "line", "cause"),
    [(engine, line, cause) for engines, line, cause in LINES for engine in engines],
)
def test_explained(engine: str, line: str, cause: str) -> None:
    log = f"something before\n{line}\nsomething after\n"
    found = explain.explain(log, ENGINES[engine].failures)
    assert found, line
    assert cause in found[0].cause
    assert found[0].fix
    assert found[0].line == line.strip()


@pytest.mark.parametrize(
    "line",
    [
        # told by an engine that goes on
        "NCCL INFO P2P is disabled between connected GPUs 1 and 0. You can repress this message "
        "with NCCL_IGNORE_DISABLED_P2P=1.",
        "WARNING Unknown vLLM environment variable detected: VLLM_ATTENTION_BACKEND",
        "The memory capacity is unbalanced. Some GPUs may be occupied by other processes.",
        "INFO vLLM is using nccl==2.27.5",
        "For gpt-oss, we ignore --enable-auto-tool-choice and always enable tool use.",
        "[TRT-LLM] [W] Adjusted max_seq_len to 8224",
        "load_tensors: offloaded 0/33 layers to GPU",
    ],
)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_line_that_is_survived_is_no_failure(engine: str, line: str) -> None:
    assert explain.explain(line, ENGINES[engine].failures) == ()


@pytest.mark.parametrize("engine", ENGINES)
def test_every_failure_has_a_cause_a_fix_and_a_line_that_shows_it(engine: str) -> None:
    lines = [line for engines, line, _ in LINES if engine in engines]
    patterns = [failure.pattern for failure in ENGINES[engine].failures]
    assert len(patterns) == len(set(patterns))
    for failure in ENGINES[engine].failures:
        assert failure.cause
        assert failure.fix
        assert "/work" not in failure.fix
        if not any(failure is f for e in ENGINES.values() if e.name != engine for f in e.failures):
            assert any(re.search(failure.pattern, line) for line in lines), failure.pattern
