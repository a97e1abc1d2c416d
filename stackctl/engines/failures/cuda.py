"""What every engine can say of CUDA, as the driver words it: CUDA 12 and 13."""

from __future__ import annotations

from stackctl.model import Depth, Failure, Sure

FAILURES: tuple[Failure, ...] = (
    Failure(
        "cuda-unknown-error",
        r"cuInit\(0\) failed -> CUDA_ERROR_UNKNOWN|failed to initialize CUDA: unknown error"
        r"|CUDA unknown error - this may be due to"
        r"|/dev/nvidia-uvm\S*:? .*(?:Operation not permitted|No such device or address)",
        "CUDA cannot be used inside the container, though nvidia-smi may work: /dev/nvidia-uvm has "
        "another number than the CDI specification says, or its module is not loaded",
        "sudo modprobe nvidia_uvm; sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml; "
        "then `stackctl restart ROLE`, which recreates the container",
        sure=Sure.LIKELY,
        source="NVIDIA/nvidia-container-toolkit #1246 #1743 #1967",
    ),
    Failure(
        "cuda-no-device",
        r"no CUDA-capable device is detected|No CUDA GPUs are available"
        r"|Torch not compiled with CUDA enabled",
        "CUDA cannot be used inside the container: the engine sees no GPU there",
        "recreate the container: `stackctl up`; look at `stackctl verify` for the reason; take a "
        "CUDA_VISIBLE_DEVICES out that masks the GPUs a second time (`stackctl lint` finds it)",
        sure=Sure.LIKELY,
        source="ggml-cuda, PyTorch 2.13",
    ),
    Failure(
        "cuda-driver-too-old",
        r"CUDA driver version is insufficient for CUDA runtime version"
        r"|failed to initialize CUDA: driver version is insufficient",
        "the host's driver is older than the image's CUDA",
        "nvidia-smi shows the driver's CUDA; install a newer driver, or take an image with an "
        "older CUDA (env/images.env)",
        source="CUDA error 35",
    ),
    Failure(
        "cuda-forward-compat",
        r"forward compatibility was attempted on non supported HW",
        "the host's driver is older than the image's CUDA, and this GPU has no compatibility layer",
        "install a newer driver, or take an image with an older CUDA (env/images.env)",
        source="CUDA error 804",
    ),
    Failure(
        "cuda-no-kernel",
        r"no kernel image is available for execution on the device",
        "the image was not built for this GPU's compute capability",
        "take an image that was (env/images.env), or the engine ollama or llama-cpp for this role",
        source="CUDA error 209; vllm-project/vllm #29901",
    ),
    Failure(
        "cuda-invalid-device",
        r"CUDA error: invalid device ordinal",
        "the engine asks for a GPU that its container does not have: inside, they count from 0",
        "take CUDA_VISIBLE_DEVICES out (`stackctl lint` finds it), and compare the number of GPUs "
        "of the role with STACK_GPUS",
        source="CUDA error 101",
    ),
    Failure(
        "gpu-ecc",
        r"CUDA error: uncorrectable ECC error encountered",
        "the GPU's memory is defective",
        "nvidia-smi -q -d ECC; sudo nvidia-smi --gpu-reset -i N, then `stackctl up`; replace the "
        "card if it comes again",
        source="CUDA error 214",
    ),
    Failure(
        "cuda-oom",
        r"CUDA out of memory|CUDA error: out of memory|cudaMalloc failed: out of memory",
        "the GPU has not enough free memory",
        "stop what else holds it (`stackctl status`), or give a shorter context window",
        source="PyTorch 2.13, llama.cpp b11669; ollama/ollama #5239",
    ),
    Failure(
        "cuda-kernel-crash",
        r"CUDA error: (?:unspecified launch failure|an illegal memory access)",
        "a kernel crashed on the GPU: a fault of the engine, of the card, or of the IOMMU",
        "look at `stackctl verify` for Xid errors and ECC counts; with several GPUs on an AMD "
        "board, boot with the kernel parameter iommu=pt",
        sure=Sure.POSSIBLE,
        source="CUDA errors 719 and 700; club-3090 #178",
        depth=Depth.SYMPTOM,
    ),
)
