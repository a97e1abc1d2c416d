"""What engines, the daemon, the driver and the kernel write when something fails."""

from __future__ import annotations

from stackctl.catalogue import (
    CREATE,
    INSIDE,
    KERNEL,
    NVML,
    PROGRAMS,
    PULL,
    REQUESTS,
    STALLED,
)
from stackctl.catalogue.xid import XIDS
from stackctl.model import Failure

PYTORCH = ("vllm", "sglang", "tensorrt-llm", "transformers", "comfyui")
LLAMA = ("llama-cpp", "ollama")
ALL = (*PYTORCH, *LLAMA, "whisper")

#: engines, the line, the id that explains it
LINES: tuple[tuple[tuple[str, ...], str, str], ...] = (
    # llama.cpp b11669, and Ollama, which runs one inside
    (("llama-cpp",), "error: invalid argument: --nosuchflag", "llama-flag"),
    (
        LLAMA,
        "0.00.037.318 E gguf_init_from_file: failed to open GGUF file '/models/missing.gguf' "
        "(No such file or directory)",
        "gguf-missing",
    ),
    (
        LLAMA,
        "0.00.021.906 E llama_init_from_model: K cache type q8_0 with block size 32 does not "
        "divide n_embd_head_k=16",
        "llama-kv-block",
    ),
    (
        LLAMA,
        "0.00.031.737 E llama_init_from_model: quantized V cache requires flash_attn to be enabled",
        "llama-kv-flash",
    ),
    (
        LLAMA,
        "gguf_init_from_file_impl: invalid magic characters: '?m?P', expected 'GGUF'",
        "gguf-magic",
    ),
    (LLAMA, "llama_model_load: error: GGUF magic invalid", "gguf-magic"),
    (
        LLAMA,
        "llama_model_load: error loading model: tensor 'blk.0.ffn_up.weight' data is not within "
        "the file bounds, model is corrupted or incomplete",
        "gguf-truncated",
    ),
    (
        LLAMA,
        "srv  start: couldn't bind HTTP server socket, hostname: 127.0.0.1, port: 18081",
        "llama-port",
    ),
    (LLAMA, "srv  llama_server: exiting due to HTTP server error", "llama-port"),
    (LLAMA, "srv  llama_server: exiting due to model loading error", "llama-load-failed"),
    (LLAMA, "alloc_tensor_range: unable to allocate CPU_REPACK buffer", "host-memory"),
    (LLAMA, "load_tensors: unable to allocate CUDA0 buffer", "gpu-buffer"),
    (
        LLAMA,
        "ggml_backend_cuda_buffer_type_alloc_buffer: allocating 12036.68 MiB on device 0: "
        "cudaMalloc failed: out of memory",
        "cuda-oom",
    ),
    (LLAMA, "warning: no usable GPU found, --gpu-layers option will be ignored", "llama-no-gpu"),
    (LLAMA, "ggml_cuda_init: failed to initialize CUDA: unknown error", "cuda-unknown-error"),
    (
        LLAMA,
        "ggml_cuda_init: failed to initialize CUDA: no CUDA-capable device is detected",
        "cuda-no-device",
    ),
    (
        LLAMA,
        "llama_model_load: error loading model: unknown model architecture: 'gpt-oss'",
        "llama-architecture",
    ),
    (
        LLAMA,
        "CUDA error: no kernel image is available for execution on the device",
        "cuda-no-kernel",
    ),
    (LLAMA, "CUDA error: uncorrectable ECC error encountered", "gpu-ecc"),
    # Ollama 0.33
    (
        ("ollama",),
        'level=INFO source=types.go:50 msg="inference compute" id=cpu library=cpu compute="" '
        "name=cpu description=cpu",
        "ollama-no-gpu",
    ),
    (("ollama",), 'level=WARN msg="NVIDIA driver too old"', "ollama-driver-too-old"),
    (
        ("ollama",),
        'level=WARN msg="skipping CUDA device \u2014 compute capability not in compiled '
        'architectures"',
        "ollama-not-built-for",
    ),
    (("ollama",), "llama-server binary not found (checked: /usr/lib/ollama)", "ollama-incomplete"),
    (("ollama",), 'level=ERROR msg="runtime OOM detected; unloading"', "ollama-oom"),
    (("ollama",), 'level=ERROR msg="load failed" error="invalid file magic"', "ollama-damaged"),
    (
        ("ollama",),
        'error="tensor \\"blk.1.attn_k.weight\\" offset+size (3080704) exceeds file size '
        '(3000000)"',
        "ollama-damaged",
    ),
    (
        ("ollama",),
        "digest mismatch, file must be downloaded again: want sha256:a, got sha256:b",
        "ollama-digest",
    ),
    (("ollama",), "pull model manifest: file does not exist", "ollama-no-such-model"),
    (("ollama",), "max retries exceeded", "ollama-broke-off"),
    (("ollama",), 'model "gpt-oss:20b" not found, try pulling it first', "ollama-not-pulled"),
    # whisper.cpp 1.9.5
    (("whisper",), "whisper_backend_init_gpu: no GPU found", "whisper-no-gpu"),
    (
        ("whisper",),
        "whisper_init_from_file_with_params_no_state: failed to open '/models/whisper/x.bin'",
        "whisper-missing",
    ),
    (("whisper",), "whisper_model_load: invalid model data (bad magic)", "whisper-magic"),
    # ComfyUI 0.3.64
    (("comfyui",), "RuntimeError: operator torchvision::nms does not exist", "comfyui-torchvision"),
    (
        ("comfyui",),
        "  - Value not in list: ckpt_name: 'sd15.safetensors' not in []",
        "comfyui-no-model",
    ),
    (
        ("comfyui",),
        "invalid prompt: {'type': 'invalid_prompt', 'message': 'Cannot execute because node X "
        "does not exist.'}",
        "comfyui-no-node",
    ),
    (
        ("comfyui",),
        "The safetensors file is incomplete. Check the file size and make sure you have copied",
        "safetensors-damaged",
    ),
    # vLLM 0.10 to 0.33
    (
        ("vllm",),
        "ValueError: Free memory on device cuda:0 (22.76/24.0 GiB) on startup is less than "
        "desired GPU memory utilization (0.97, 23.28 GiB). Decrease GPU memory utilization or "
        "reduce GPU memory used by other processes.",
        "vllm-memory-taken",
    ),
    (
        ("vllm",),
        "ValueError: Available memory on node 0 (16.38/23.54 GiB) on startup is less than "
        "desired CPU memory utilization",
        "vllm-cpu-build",
    ),
    (
        ("vllm",),
        "ValueError: To serve at least one request with the models's max seq len (131072), (4.54 "
        "GiB KV cache is needed, which is larger than the available KV cache memory (1.71 GiB). ",
        "vllm-context-too-long",
    ),
    (
        ("vllm",),
        "ValueError: To serve at least one request with the model's max seq len (131072), (0.31 "
        "GiB KV cache is needed, which is larger than the available KV cache memory (0.02 GiB). "
        "Based on the available memory, the estimated maximum model length is 8064.",
        "vllm-context-too-long",
    ),
    (
        ("vllm",),
        "ValueError: The model's max seq len (4096) is larger than the maximum number of tokens "
        "that can be stored in KV cache (3664).",
        "vllm-context-too-long",
    ),
    (
        ("vllm",),
        "ValueError: No available memory for the cache blocks. Try increasing "
        "`gpu_memory_utilization` when initializing the engine.",
        "vllm-no-cache",
    ),
    (
        ("vllm",),
        "ValueError: Bfloat16 is only supported on GPUs with compute capability of at least 8.0. "
        "Your Quadro RTX 8000 GPU has compute capability 7.5.",
        "vllm-no-bfloat16",
    ),
    (
        ("vllm",),
        "TypeError: Error: --enable-auto-tool-choice requires --tool-call-parser",
        "vllm-tools-no-parser",
    ),
    (
        ("vllm",),
        "KeyError: 'invalid tool call parser: nosuch (chose from { deepseek_v3,openai })'",
        "vllm-tool-parser",
    ),
    (
        ("vllm",),
        "KeyError: 'invalid reasoning parser: nosuch (chose from { openai_gptoss })'",
        "vllm-reasoning-parser",
    ),
    (
        ("vllm",),
        "ValueError: Unknown vLLM environment variable detected: VLLM_ATTENTION_BACKEND",
        "vllm-variable",
    ),
    (
        ("vllm",),
        "ValueError: Selected backend AttentionBackendEnum.FLASH_ATTN is not valid for this "
        "configuration. Reason: ['sinks not supported']",
        "vllm-attention-backend",
    ),
    (
        ("vllm",),
        "ValueError: invalid literal for int() with base 10: 'GPU-1c6f0000-0000-4000-8000'",
        "vllm-uuid-mask",
    ),
    (
        ("vllm",),
        "ValueError: Model architectures ['GptOssForCausalLM'] failed to be inspected. Please "
        "check the logs for more details.",
        "vllm-inspection-failed",
    ),
    (
        ("vllm",),
        "ValueError: Model architectures ['NewForCausalLM'] are not supported for now. Supported",
        "vllm-architecture",
    ),
    (
        ("vllm",),
        "RuntimeError: Engine core initialization failed. See root cause above. Failed core "
        "proc(s): {'EngineCore': 1}",
        "vllm-core-failed",
    ),
    (
        ("vllm",),
        "ValueError: User-specified max_model_len (262144) is greater than the derived "
        "max_model_len (max_position_embeddings=131072.0 in model's config.json)",
        "vllm-context-beyond-model",
    ),
    # SGLang 0.5.23
    (
        ("sglang",),
        "RuntimeError: Not enough memory. Please try to increase --mem-fraction-static. Current "
        "value: mem_fraction_static=0.85",
        "sglang-no-cache",
    ),
    (("sglang",), "Exception: Capture cuda graph failed: CUDA out of memory.", "sglang-graphs"),
    (
        ("sglang",),
        "RuntimeError: The memory capacity is unbalanced. Some GPUs may be occupied by other "
        "processes. pre_model_load_memory=20.1, local_gpu_memory=78.3",
        "sglang-unbalanced",
    ),
    (
        ("sglang",),
        "ValueError: SWA pool (128 tokens) cannot hold even one request: the prefill",
        "sglang-sliding-cache",
    ),
    (
        ("sglang",),
        "ValueError: Warning: User-specified context_length (262144) is greater than the derived "
        "context_length (131072). ",
        "sglang-context-beyond-model",
    ),
    (
        ("sglang",),
        "AssertionError: Expert parallel is not supported when using triton kernels",
        "sglang-expert-parallel",
    ),
    (("sglang",), "Received sigquit from a child process. It usually means", "sglang-child-failed"),
    # TensorRT-LLM 1.2
    (("tensorrt-llm",), "ValueError: No GPU devices found on the node", "tensorrt-llm-no-gpu"),
    (
        ("tensorrt-llm",),
        "RuntimeError: Failed to bind socket to 0.0.0.0:8000: [Errno 98] Address in use",
        "tensorrt-llm-port",
    ),
    (
        ("tensorrt-llm",),
        "ValueError: Unknown architecture for AutoModelForCausalLM: NewForCausalLM",
        "tensorrt-llm-architecture",
    ),
    (
        ("tensorrt-llm",),
        "Error: No such option: --tp-size Did you mean --tp_size?",
        "tensorrt-llm-flag",
    ),
    (
        ("tensorrt-llm",),
        "Error: Invalid value for '--tool_parser': 'x' is not one of 'qwen3'.",
        "tensorrt-llm-flag-value",
    ),
    (
        ("tensorrt-llm",),
        "RuntimeError: Executor worker returned error",
        "tensorrt-llm-worker-failed",
    ),
    # transformers 5.19
    (
        ("transformers",),
        "ImportError: Using `device_map` requires Accelerate: `pip install accelerate`",
        "transformers-no-accelerate",
    ),
    (
        ("transformers",),
        "ImportError: Missing dependencies for serving. Install with `pip install "
        "transformers[serving]`",
        "transformers-no-server",
    ),
    (
        ("transformers",),
        "[transformers] MXFP4 quantization is only supported on GPUs with compute capability >= "
        "7.5 (e.g T4, A100, L4, H100, or B200).",
        "transformers-mxfp4",
    ),
    (("transformers",), "Error: No such option '--nosuchflag'.", "transformers-flag"),
    # PyTorch, NCCL, safetensors, the Hub: whatever runs on them
    (
        PYTORCH,
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.98 GiB.",
        "cuda-oom",
    ),
    (PYTORCH, "torch.cuda.OutOfMemoryError: CUDA out of memory.", "cuda-oom"),
    (
        PYTORCH,
        "torch.AcceleratorError: CUDA error: no kernel image is available for execution on the "
        "device",
        "cuda-no-kernel",
    ),
    (
        PYTORCH,
        "RuntimeError: FlashAttention only supports Ampere GPUs or newer.",
        "flash-attention-too-new",
    ),
    (
        PYTORCH,
        "CUDA error: CUDA driver version is insufficient for CUDA runtime version",
        "cuda-driver-too-old",
    ),
    (
        PYTORCH,
        "forward compatibility was attempted on non supported HW",
        "cuda-forward-compat",
    ),
    (PYTORCH, "RuntimeError: No CUDA GPUs are available", "cuda-no-device"),
    (PYTORCH, "AssertionError: Torch not compiled with CUDA enabled", "cuda-no-device"),
    (PYTORCH, "RuntimeError: CUDA error: invalid device ordinal", "cuda-invalid-device"),
    (PYTORCH, "CUDA error: uncorrectable ECC error encountered", "gpu-ecc"),
    (PYTORCH, "RuntimeError: CUDA error: unspecified launch failure", "cuda-kernel-crash"),
    (PYTORCH, "Bus error (core dumped)", "shared-memory"),
    (
        PYTORCH,
        "This might be caused by insufficient shared memory (shm).",
        "shared-memory",
    ),
    (
        PYTORCH,
        "NCCL WARN Error: failed to extend /dev/shm/nccl-aB3 to 33030532 bytes, error: No space "
        "left on device",
        "shared-memory",
    ),
    (
        PYTORCH,
        "RuntimeError: Insufficient space in /dev/shm for shared-memory allocation: 160 MiB "
        "required, 64 MiB free.",
        "shared-memory",
    ),
    (
        PYTORCH,
        "NCCL WARN P2P is disabled between NVLINK connected GPUs 1 and 0. This should not be the "
        "case",
        "nvlink-broken",
    ),
    (PYTORCH, "RuntimeError: NCCL error: unhandled cuda error", "nccl-failed"),
    (
        PYTORCH,
        "safetensors_rust.SafetensorError: Error while deserializing header: "
        "MetadataIncompleteBuffer",
        "safetensors-damaged",
    ),
    (PYTORCH, "Error while deserializing header: HeaderTooLarge", "safetensors-damaged"),
    (
        PYTORCH,
        "Error while deserializing header: incomplete metadata, file not fully covered",
        "safetensors-damaged",
    ),
    (
        PYTORCH,
        "OSError: Consistency check failed: file should be of size 4792272488 but has size 12",
        "hub-wrong-size",
    ),
    (
        PYTORCH,
        "LocalEntryNotFoundError: An error happened while trying to locate the file on the Hub "
        "and we cannot find the requested files in the local cache.",
        "hub-unreachable",
    ),
    (
        PYTORCH,
        "OSError: We couldn't connect to 'https://huggingface.co' to load the files, and couldn't "
        "find them in the cached files.",
        "hub-unreachable",
    ),
    (
        PYTORCH,
        "OSError: openai/gpt-oss-21b is not a local folder and is not a valid model identifier "
        "listed on 'https://huggingface.co/models'",
        "hub-no-model",
    ),
    (
        PYTORCH,
        "UserWarning: Not enough free disk space to download the file.",
        "hub-disk-full",
    ),
    (PYTORCH, "OSError: [Errno 28] No space left on device", "disk-full"),
    (
        PYTORCH,
        "openai_harmony.HarmonyError: error downloading or loading vocab file: failed",
        "harmony-vocabulary",
    ),
    (PYTORCH, "OSError: [Errno 98] Address already in use", "port-inside"),
    (
        ("vllm", "sglang", "comfyui"),
        "vllm: error: unrecognized arguments: --swap-space 4",
        "flag-unknown",
    ),
    (
        ("vllm", "sglang"),
        "launch_server.py: error: argument --attention-backend: invalid choice: 'x' (choose from",
        "flag-value",
    ),
    # the catalogue's own
    (
        LLAMA,
        "ggml_cuda_init: failed to initialize CUDA: driver version is insufficient for CUDA "
        "runtime version",
        "cuda-driver-too-old",
    ),
    (ALL, "cuInit(0) failed -> CUDA_ERROR_UNKNOWN: unknown error", "cuda-unknown-error"),
    (ALL, "open /dev/nvidia-uvm: Operation not permitted", "cuda-unknown-error"),
    (
        PYTORCH,
        "RuntimeError: CUDA unknown error - this may be due to an incorrectly set up "
        "environment, e.g. changing env variable CUDA_VISIBLE_DEVICES after program start.",
        "cuda-unknown-error",
    ),
    (
        LLAMA,
        "ggml_cuda_init: failed to initialize CUDA: system not yet initialized",
        "ggml-no-cuda",
    ),
    (("comfyui",), "ValueError: GGUF magic invalid", "gguf-magic"),
    (PYTORCH, "RuntimeError: this event loop is already running", "event-loop"),
    (PYTORCH, "free(): invalid next size (normal)", "heap-broken-by-iommu"),
    (
        ("whisper",),
        "Unable to load any of {libcudnn_ops.so.9.1.0, libcudnn_ops.so.9.1, "
        "libcudnn_ops.so.9, libcudnn_ops.so}",
        "cudnn-missing",
    ),
    (
        ("whisper",),
        "Invalid handle. Cannot load symbol cudnnCreateTensorDescriptor",
        "cudnn-missing",
    ),
    (
        ("vllm",),
        "(EngineCore_DP0 pid=101) ERROR 11-21 01:02:40 [core.py:708] EngineCore failed to start.",
        "vllm-core-failed",
    ),
    (
        ("vllm",),
        "vllm.v1.engine.exceptions.EngineDeadError: EngineCore encountered an issue. See "
        "stack trace (above) for the root cause.",
        "vllm-core-failed",
    ),
    (
        ("vllm",),
        "RuntimeError: Worker failed with error 'x', please check the stack trace above",
        "vllm-worker-failed",
    ),
    (
        ("sglang",),
        "[2026-11-21 01:03:02 TP0] Scheduler hit an exception: Traceback (most recent",
        "sglang-child-failed",
    ),
    (
        ("ollama",),
        "Error: llama runner process has terminated: exit status 2",
        "ollama-runner-failed",
    ),
)

#: what a table of stackctl.catalogue has to find, as it is written there
PLACES: tuple[tuple[tuple[Failure, ...], str, str], ...] = (
    # no image
    (
        PULL,
        "failed to resolve reference: dial tcp: lookup registry.example: no such host",
        "registry-unreachable",
    ),
    (
        PULL,
        "Get https://registry.example/v2/: net/http: request canceled while waiting for "
        "connection (Client.Timeout exceeded while awaiting headers)",
        "registry-unreachable",
    ),
    (PULL, "toomanyrequests: You have reached your pull rate limit.", "pull-limit"),
    (
        PULL,
        "pull access denied for stackctl/sim-whisper, repository does not exist or may require "
        "'docker login': denied: requested access to the resource is denied",
        "image-denied",
    ),
    (
        PULL,
        "no matching manifest for linux/arm64/v8 in the manifest list entries",
        "image-platform",
    ),
    (
        PULL,
        "manifest for ollama/ollama:9 not found: manifest unknown: manifest unknown",
        "image-tag",
    ),
    (
        PULL,
        'failed to resolve reference "registry.example/x:1": registry.example/x:1: not found',
        "image-missing",
    ),
    (PULL, "No such image: engine:1", "image-missing"),
    # the daemon's error
    (CREATE, 'could not select device driver "nvidia" with capabilities: [[gpu]]', "no-toolkit"),
    (CREATE, 'could not select device driver "" with capabilities: [[gpu]]', "no-toolkit"),
    (CREATE, "failed to discover GPU vendor from CDI: no known GPU vendor found", "no-toolkit"),
    (
        CREATE,
        'exec: "nvidia-container-runtime-hook": executable file not found in $PATH',
        "no-toolkit",
    ),
    (
        CREATE,
        "Error response from daemon: unknown or invalid runtime name: nvidia",
        "runtime-missing",
    ),
    (CREATE, "Unknown runtime specified nvidia", "runtime-missing"),
    (
        CREATE,
        "fork/exec /usr/bin/nvidia-container-runtime: no such file or directory: unknown",
        "runtime-missing",
    ),
    (
        CREATE,
        "CDI device injection failed: unresolvable CDI devices nvidia.com/gpu=all",
        "cdi-missing",
    ),
    (
        CREATE,
        "failed to fulfil mount request: open /usr/lib/libEGL_nvidia.so.575.57.08: no such "
        "file or directory",
        "cdi-stale",
    ),
    (
        CREATE,
        "failed to fulfil mount request: open /usr/lib/x86_64-linux-gnu/libcuda.so.570.86.10: "
        "no such file or directory",
        "cdi-stale",
    ),
    (
        CREATE,
        "failed to fulfil mount request: open /run/nvidia-persistenced/socket: no such file "
        "or directory",
        "persistenced-socket",
    ),
    (
        CREATE,
        "nvidia-container-cli: initialization error: load library failed: libnvidia-ml.so.1: "
        "cannot open shared object file: no such file or directory: unknown",
        "driver-libraries",
    ),
    (
        CREATE,
        "nvidia-container-cli: initialization error: open /usr/lib/wsl/lib/libdxcore.so",
        "wsl-libraries",
    ),
    (
        CREATE,
        "nvidia-container-cli: initialization error: nvml error: driver not loaded: unknown",
        "driver-not-loaded-create",
    ),
    (
        CREATE,
        "nvidia-container-cli: initialization error: nvml error: driver/library version "
        "mismatch: unknown",
        "driver-changed-create",
    ),
    (
        CREATE,
        "error gathering device information while adding custom device "
        '"/dev/nvidia-uvm-tools": no such file or directory',
        "no-device-nodes",
    ),
    (
        CREATE,
        "nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.8, please "
        "update your driver to a newer version, or use an earlier cuda container: unknown",
        "image-needs-newer-driver",
    ),
    (CREATE, "nvidia-container-cli: device error: 1: unknown device: unknown", "unknown-device"),
    (
        CREATE,
        "nvidia-container-cli: device error: GPU-1c6f0000-0000-4000-8000-000000000000: "
        "unknown device: unknown",
        "unknown-device",
    ),
    (CREATE, "Bind for 0.0.0.0:8000 failed: port is already allocated", "port-taken"),
    (CREATE, "listen tcp4 0.0.0.0:8000: bind: address already in use", "port-taken"),
    (CREATE, "all predefined address pools have been fully subnetted", "no-addresses-left"),
    (
        CREATE,
        "could not find an available, non-overlapping IPv4 address pool among the defaults to "
        "assign to the network",
        "no-addresses-left",
    ),
    (CREATE, "Pool overlaps with other one on this address space", "network-overlap"),
    (CREATE, "write /var/lib/docker/tmp/x: no space left on device", "host-disk-full"),
    # nvidia-smi inside
    (INSIDE, "Failed to initialize NVML: Unknown Error", "gpu-lost-cgroup"),
    (
        INSIDE,
        "Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 580.159",
        "driver-mismatch",
    ),
    (
        INSIDE,
        "NVIDIA-SMI couldn't find libnvidia-ml.so library in your system. libnvidia-ml.so.1: "
        "cannot open shared object file: No such file or directory",
        "no-utility",
    ),
    (
        INSIDE,
        "OCI runtime exec failed: exec failed: unable to start container process: exec: "
        '"nvidia-smi": executable file not found in $PATH',
        "no-utility",
    ),
    (INSIDE, "no-smi timeout: failed to run command 'nvidia-smi': No such file", "no-utility"),
    (INSIDE, "waitid: no child processes", "smi-without-init"),
    (INSIDE, "No devices were found", "no-devices"),
    (
        INSIDE,
        "Unable to determine the device handle for GPU0000:CB:00.0: Unknown Error",
        "gpu-lost",
    ),
    (
        INSIDE,
        "Unable to determine the device handle for GPU 0000:1B:00.0: GPU is lost.  Reboot the "
        "system to recover this GPU",
        "gpu-lost",
    ),
    (
        INSIDE,
        "Unable to determine the device handle for GPU 0000:1B:00.0: GPU requires reset.",
        "gpu-needs-reset",
    ),
    (
        INSIDE,
        "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.",
        "driver-not-loaded",
    ),
    (INSIDE, "Failed to initialize NVML: Insufficient Permissions", "driver-forbidden"),
    (INSIDE, "nvidia-smi did not end in time inside the container", "driver-hung"),
    # NVML on the host: its code, then its words
    (NVML, "nvml:18 RM has detected an NVML/RM version mismatch.", "driver-mismatch"),
    (NVML, "nvml:9 Driver Not Loaded", "driver-not-loaded"),
    (NVML, "nvml:12 NVML Shared Library Not Found", "driver-absent"),
    (NVML, "nvml:4 Insufficient Permissions", "driver-forbidden"),
    (NVML, "nvml:15 GPU is lost", "gpu-lost"),
    (NVML, "nvml:16 GPU requires reset", "gpu-needs-reset"),
    (NVML, "nvml:hung the driver did not answer in 10 s", "driver-hung"),
    (PROGRAMS, "failed to generate CDI spec: invalid device, empty device edits", "cdi-empty"),
    (
        PROGRAMS,
        "UnicodeEncodeError: 'ascii' codec can't encode character '\\u2588' in position 3",
        "no-utf8",
    ),
    # the kernel log
    (KERNEL, "NVRM: GPU 0000:18:00.0: GPU has fallen off the bus.", "gpu-off-bus"),
    (
        KERNEL,
        "NVRM: The NVIDIA GPU 0000:18:00.0 (PCI ID: 10de:1e30)\nNVRM: installed in this system "
        "has fallen off the bus and is not responding to commands.",
        "gpu-off-bus",
    ),
    (
        KERNEL,
        "NVRM: GPU 0000:02:00.0: RmInitAdapter failed! (0x24:0x65:1185)",
        "gpu-not-initialised",
    ),
    (
        KERNEL,
        "NVRM: GPU 0000:02:00.0: rm_init_adapter failed, device minor number 0",
        "gpu-not-initialised",
    ),
    (
        KERNEL,
        "NVRM: API mismatch: the client has the version 580.159, but\nNVRM: this kernel module "
        "has the version 580.95.",
        "driver-mismatch-kernel",
    ),
    (
        KERNEL,
        "NVRM: API mismatch: client version 580.159, kernel module version 580.95",
        "driver-mismatch-kernel",
    ),
    (
        KERNEL,
        "nvidia 0000:41:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0030 "
        "address=0xfd000000 flags=0x0020]\nNVRM: Xid (PCI:0000:41:00): 154, GPU recovery action "
        "changed from 0x0 (None) to 0x2 (Node Reboot Required)",
        "iommu-fault",
    ),
    (
        KERNEL,
        "python3 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
        "host-out-of-memory",
    ),
    (
        KERNEL,
        "Out of memory: Killed process 4242 (VLLM::EngineCor) total-vm:99999kB",
        "host-out-of-memory",
    ),
    (
        KERNEL,
        "python3 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL)\noom-kill:constraint="
        "CONSTRAINT_MEMCG,nodemask=(null),cpuset=docker-0a.scope\nKilled process 4242 (python3)",
        "memory-limit",
    ),
    (KERNEL, "EXT4-fs (nvme0n1p2): Remounting filesystem read-only", "disk-read-only"),
    (KERNEL, "nvme nvme0: I/O 256 QID 3 timeout, reset controller", "disk-timeout"),
    (KERNEL, "INFO: task python3:4242 blocked for more than 120 seconds.", "kernel-hang"),
    (KERNEL, "watchdog: BUG: soft lockup - CPU#3 stuck for 22s! [python3:4242]", "kernel-hang"),
    (
        KERNEL,
        "python3[4242]: segfault at 0 ip 00007f sp 00007f error 4 in libnccl.so.2.27.5[7f00]",
        "nccl-crash",
    ),
    *(
        (
            KERNEL,
            f"NVRM: Xid (PCI:0000:1b:00): {number}, pid='<unknown>', name=<unknown>",
            f"xid-{number}",
        )
        for number in XIDS
    ),
    (KERNEL, "NVRM: Xid (0000:1b:00): 79, GPU has fallen off the bus.", "xid-79"),
    # answers of an engine that is well
    (
        REQUESTS,
        '{"error": {"message": "\\"auto\\" tool choice requires --enable-auto-tool-choice '
        'and --tool-call-parser to be set", "code": 400}}',
        "tools-off",
    ),
    (
        REQUESTS,
        '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
        "tools-off",
    ),
    (
        REQUESTS,
        'unexpected tokens remaining in message header: Some("to=functions.get_weather")',
        "harmony-header",
    ),
    (REQUESTS, "Unexpected token 12606 while expecting start token 200006", "harmony-header"),
    (
        REQUESTS,
        'level=WARN msg="truncating input prompt" limit=4096 prompt=8942 keep=4 new=4096',
        "context-cut",
    ),
    (REQUESTS, "HTTP 500: no user query found in messages", "context-cut"),
    (
        REQUESTS,
        "request (302 tokens) exceeds the available context size (256 tokens), try increasing it",
        "context-exceeded",
    ),
    (REQUESTS, "This model's maximum context length is 131072 tokens.", "context-exceeded"),
    (
        REQUESTS,
        "Input length (3071) exceeds model's maximum context length (2048).",
        "context-exceeded",
    ),
    (
        REQUESTS,
        "llama_context: n_ctx_per_seq (4096) < n_ctx_train (131072) -- the full capacity of "
        "the model will not be utilized",
        "context-divided",
    ),
    (
        REQUESTS,
        "llama_context: n_ctx_seq (4096) < n_ctx_train (131072) -- the full capacity of the "
        "model will not be utilized",
        "context-divided",
    ),
    # the last line of a log that stands still
    (STALLED, "INFO 11-21 01:02:11 [pynccl.py:103] vLLM is using nccl==2.27.5", "nccl-hang"),
    (STALLED, "[2026-11-21 01:02:20 TP0] Init torch distributed begin.", "nccl-hang"),
    (STALLED, "Fetching 14 files:   0%|          | 0/14 [00:00<?, ?it/s]", "download-hang"),
    (STALLED, "Capturing CUDA graphs (decode, FULL):  12%", "compile-long"),
)
