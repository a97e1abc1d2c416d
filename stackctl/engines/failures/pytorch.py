"""What every engine on PyTorch can say: CUDA, NCCL, shared memory, safetensors, the Hub, disk.

Texts of PyTorch 2.8 to 2.13, NCCL 2.27, safetensors 0.5 to 0.8, huggingface_hub 0.3x to 2.4.
"""

from __future__ import annotations

from stackctl.model import Failure

FAILURES: tuple[Failure, ...] = (
    Failure(
        r"CUDA out of memory|CUDA error: out of memory",
        "the GPU has not enough free memory",
        "stop what else holds it (`stackctl status`), or give a shorter context window",
    ),
    Failure(
        r"no kernel image is available for execution on the device",
        "the image was not built for this GPU's compute capability",
        "take an image that was (env/images.env), or the engine ollama or llama-cpp for this role",
    ),
    Failure(
        r"FlashAttention only supports Ampere GPUs or newer",
        "the GPU is too old for FlashAttention",
        "take the engine ollama or llama-cpp for this role",
    ),
    Failure(
        r"CUDA driver version is insufficient for CUDA runtime version",
        "the host's driver is older than the image's CUDA",
        "install a newer driver, or take an image with an older CUDA (env/images.env)",
    ),
    Failure(
        r"forward compatibility was attempted on non supported HW",
        "the host's driver is older than the image's CUDA, and this GPU has no compatibility layer",
        "install a newer driver, or take an image with an older CUDA (env/images.env)",
    ),
    Failure(
        r"No CUDA GPUs are available|Torch not compiled with CUDA enabled",
        "PyTorch sees no GPU inside the container",
        "recreate the container: `stackctl up`; look at `stackctl verify` for the reason; take a "
        "CUDA_VISIBLE_DEVICES out that masks the GPUs a second time",
    ),
    Failure(
        r"CUDA error: invalid device ordinal",
        "the engine asks for a GPU that its container does not have: inside, they count from 0",
        "take CUDA_VISIBLE_DEVICES out (`stackctl lint` finds it), and compare the number of GPUs "
        "of the role with STACK_GPUS",
    ),
    Failure(
        r"CUDA error: uncorrectable ECC error encountered",
        "the GPU's memory is defective",
        "sudo nvidia-smi --gpu-reset -i N, then `stackctl up`; replace the card if it comes again",
    ),
    Failure(
        r"CUDA error: unspecified launch failure|CUDA error: an illegal memory access",
        "a kernel crashed on the GPU: a fault of the engine, of the card, or of the IOMMU",
        "look at `stackctl verify` for Xid errors; with several GPUs on an AMD board, boot with "
        "the kernel parameter iommu=pt",
    ),
    Failure(
        r"insufficient shared memory|failed to extend /dev/shm"
        r"|Insufficient space in /dev/shm|Bus error",
        "the container has too little shared memory; Docker's default is 64 MB",
        "raise shm_size in the role's file in compose/roles",
    ),
    Failure(
        r"P2P is disabled between NVLINK connected GPUs",
        "two GPUs that are joined by NVLink cannot reach each other's memory",
        "nvidia-smi topo -p2p r; look at `stackctl verify` for Xid errors, and reboot",
    ),
    Failure(
        r"NCCL error|ncclSystemError|ncclUnhandledCudaError|ncclInternalError",
        "the GPUs of the service cannot talk to one another",
        "set NCCL_DEBUG=INFO for the reason; NCCL_P2P_DISABLE=1 goes round broken peer access; "
        "the boot parameter iommu=pt mends it on many boards",
    ),
    Failure(
        r"Error while deserializing header|MetadataIncompleteBuffer|HeaderTooLarge"
        r"|incomplete metadata, file not fully covered|The safetensors file is incomplete",
        "a safetensors file is damaged: its download broke off, or it is a Git LFS pointer",
        "delete the file and download the model again",
    ),
    Failure(
        r"Consistency check failed: file should be of size",
        "the download of the model broke off",
        "delete the file and download the model again",
    ),
    Failure(
        r"An error happened while trying to locate the file on the Hub"
        r"|We couldn't connect to '?https?://\S+ to load"
        r"|Cannot reach https://huggingface\.co",
        "the model is not on the disk, and the Hub cannot be reached",
        "`stackctl up` says how to get the model; correct its name in env/stack.env if it is wrong",
    ),
    Failure(
        r"is not a local folder and is not a valid model identifier|Repository Not Found for url",
        "there is no model of that name",
        "correct the model's name in env/stack.env",
    ),
    Failure(
        r"Not enough free disk space to download|No space left on device",
        "the disk is full",
        "df -h; make room where MODELS_DIR is, or move it",
    ),
    Failure(
        r"HarmonyError: error downloading or loading vocab file",
        "gpt-oss's vocabulary is downloaded at the first request, and was not to be had",
        "take an engine that carries it (vLLM from 0.32 on), or set TIKTOKEN_ENCODINGS_BASE to a "
        "folder with o200k_base.tiktoken",
    ),
    Failure(
        r"Address already in use|address already in use",
        "the port inside the container is taken",
        "remove the other program from the container's command",
    ),
    Failure(
        r"unrecognized arguments: (.*)",
        "this version of the engine does not know the flag",
        "remove it from *_ARGS in env/stack.env or from the engine's file in compose/engines; "
        "`stackctl lint` knows what replaces it",
    ),
    Failure(
        r"argument \S+: (?:invalid|expected)|invalid choice: ",
        "a flag has a value that this version of the engine does not take",
        "correct *_ARGS in env/stack.env or the engine's file in compose/engines",
    ),
)
