"""The last line of a log that no longer grows: a healthy engine writes it too, and then goes on."""

from __future__ import annotations

from stackctl.model import Failure, Sure, Where

_AT = (Where.STALLED,)

STALLED: tuple[Failure, ...] = (
    Failure(
        "nccl-hang",
        r"vLLM is using nccl|NCCL (?:INFO|version)|init_process_group"
        r"|Init torch distributed begin",
        "the GPUs cannot talk to each other: IOMMU or ACS breaks peer-to-peer transfers",
        "kernel argument iommu=pt and ACS off, then reboot; until then NCCL_P2P_DISABLE=1 in the "
        "service's environment, and --disable-custom-all-reduce for vLLM",
        _AT,
        sure=Sure.LIKELY,
        source="vllm-project/vllm #5484 #8058 #9920 #14025",
    ),
    Failure(
        "download-hang",
        r"[Dd]ownload|[Ff]etching \d+ files|Waiting for .*lock",
        "the engine downloads the model, or waits for another download of it",
        "`stackctl models pull ROLE` first; remove the *.lock files of a download that was broken "
        "off",
        _AT,
        sure=Sure.LIKELY,
        source="huggingface_hub: file_download.py",
    ),
    Failure(
        "compile-long",
        r"[Cc]apturing|torch\.compile|[Cc]ompil|autotun",
        "kernels are compiled, which can take long without a word the first time",
        "wait longer: `stackctl up --stall 1800`",
        _AT,
        sure=Sure.LIKELY,
        source="vLLM 0.32",
    ),
)
