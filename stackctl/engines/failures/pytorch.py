"""What every engine on PyTorch can say, beside CUDA and the Hub: NCCL, shared memory, Python.

Texts of PyTorch 2.8 to 2.13, NCCL 2.27.
"""

from __future__ import annotations

from stackctl.engines.failures import cuda, hub
from stackctl.model import Depth, Failure, Sure

_OWN: tuple[Failure, ...] = (
    Failure(
        "flash-attention-too-new",
        r"FlashAttention only supports Ampere GPUs or newer",
        "the GPU is too old for FlashAttention",
        "take the engine ollama or llama-cpp for this role",
        source="vllm-project/vllm #23203",
    ),
    # before the full disk: the same line, and another device
    Failure(
        "shared-memory",
        r"insufficient shared memory|failed to extend /dev/shm"
        r"|Insufficient space in /dev/shm|Bus error",
        "the container has too little shared memory; Docker's default is 64 MB",
        "set shm_size: 8g in the role's file in compose/roles, then `stackctl up ROLE`",
        source="NCCL: src/os/linux.cc; PyTorch: utils/data; vLLM 0.32",
    ),
    Failure(
        "nvlink-broken",
        r"P2P is disabled between NVLINK connected GPUs",
        "two GPUs that are joined by NVLink cannot reach each other's memory",
        "nvidia-smi topo -p2p r; look at `stackctl verify` for Xid errors, and reboot",
        source="NCCL: src/graph/paths.cc",
    ),
    Failure(
        "nccl-failed",
        r"NCCL error|ncclSystemError|ncclUnhandledCudaError|ncclInternalError",
        "the GPUs of the service cannot talk to one another",
        "set NCCL_DEBUG=INFO for the reason; NCCL_P2P_DISABLE=1 goes round broken peer access; "
        "the boot parameter iommu=pt mends it on many boards",
        sure=Sure.LIKELY,
        source="vllm-project/vllm #5484 #8058 #9920 #14025",
        depth=Depth.SYMPTOM,
    ),
    Failure(
        "heap-broken-by-iommu",
        r"free\(\): invalid next size",
        "a program's memory was overwritten; with several GPUs on an AMD board the IOMMU does it",
        "sudo dmesg | grep -E 'AMD-Vi|Xid'; if it shows IO_PAGE_FAULT, boot with the kernel "
        "parameter iommu=pt",
        sure=Sure.POSSIBLE,
        source="club-3090 #178: docs/HARDWARE.md",
        depth=Depth.SYMPTOM,
    ),
    Failure(
        "port-inside",
        r"[Aa]ddress already in use",
        "the port inside the container is taken",
        "remove the other program from the container's command",
        source="errno 98",
    ),
    Failure(
        "event-loop",
        r"RuntimeError: this event loop is already running",
        "the server's event loop does not work on this kernel (seen on Proxmox VE with 6.17)",
        "uname -r; boot another kernel, or run the stack in a virtual machine",
        sure=Sure.POSSIBLE,
        source="club-3090 #49",
    ),
    Failure(
        "flag-unknown",
        r"unrecognized arguments: (.*)",
        "this version of the engine does not know the flag",
        "remove it from *_ARGS in env/stack.env or from the engine's file in compose/engines; "
        "`stackctl lint` knows what replaces it",
        source="Python: argparse",
    ),
    Failure(
        "flag-value",
        r"argument \S+: (?:invalid|expected)|invalid choice: ",
        "a flag has a value that this version of the engine does not take",
        "correct *_ARGS in env/stack.env or the engine's file in compose/engines",
        source="Python: argparse",
    ),
)
FAILURES: tuple[Failure, ...] = (*_OWN, *cuda.FAILURES, *hub.FAILURES)
