"""Weights of the Hub and the disk they are on: safetensors 0.5 to 0.8, huggingface_hub to 2.4."""

from __future__ import annotations

from stackctl.model import Failure, Sure

FAILURES: tuple[Failure, ...] = (
    Failure(
        "safetensors-damaged",
        r"Error while deserializing header|MetadataIncompleteBuffer|HeaderTooLarge"
        r"|incomplete metadata, file not fully covered|The safetensors file is incomplete",
        "a safetensors file is damaged: its download broke off, or it is a Git LFS pointer",
        "`stackctl models repair ROLE`; if the hash is the publisher's, its file is damaged, too",
        source="gpustack/gpustack #815, comfyanonymous/ComfyUI #6744, QwenLM/Qwen3-VL #264",
    ),
    Failure(
        "hub-wrong-size",
        r"Consistency check failed: file should be of size",
        "the download of the model broke off",
        "`stackctl models repair ROLE`",
        source="huggingface_hub: file_download.py",
    ),
    Failure(
        "hub-disk-full",
        r"Not enough free disk space to download",
        "the disk is full: the model does not fit on it",
        "df -h; make room where MODELS_DIR is, or move it",
        source="huggingface_hub: file_download.py",
    ),
    Failure(
        "disk-full",
        r"No space left on device|no space left on device",
        "the disk is full",
        "df -h; docker system df; make room where Docker and MODELS_DIR are",
        source="errno 28",
    ),
    Failure(
        "hub-unreachable",
        r"An error happened while trying to locate the file on the Hub"
        r"|We couldn't connect to '?https?://\S+ to load"
        r"|Cannot reach https://huggingface\.co",
        "the model is not on the disk, and the Hub cannot be reached",
        "`stackctl up` says how to get the model; correct its name in env/stack.env if it is wrong",
        source="huggingface_hub: file_download.py; transformers 5.19",
    ),
    Failure(
        "hub-no-model",
        r"is not a local folder and is not a valid model identifier|Repository Not Found for url",
        "there is no model of that name",
        "correct the model's name in env/stack.env",
        source="transformers 5.19, huggingface_hub 2.4",
    ),
    Failure(
        "harmony-vocabulary",
        r"HarmonyError: error downloading or loading vocab file",
        "gpt-oss's vocabulary is downloaded at the first request, and was not to be had",
        "take an engine that carries it (vLLM from 0.32 on), or set TIKTOKEN_ENCODINGS_BASE to a "
        "folder with o200k_base.tiktoken",
        sure=Sure.LIKELY,
        source="vllm-project/vllm #22525",
    ),
)
