"""One file per engine, one line here. To add one: compose/engines/NAME.yaml, NAME.py, a line."""

from stackctl.engines import (
    comfyui,
    emulation,
    haproxy,
    llama_cpp,
    ollama,
    sglang,
    tensorrt_llm,
    transformers,
    vllm,
    whisper,
)
from stackctl.model import Engine

ENGINES: dict[str, Engine] = {
    "comfyui": comfyui.ENGINE,
    "llama-cpp": llama_cpp.ENGINE,
    "ollama": ollama.ENGINE,
    "sglang": sglang.ENGINE,
    "tensorrt-llm": tensorrt_llm.ENGINE,
    "transformers": transformers.ENGINE,
    "vllm": vllm.ENGINE,
    "whisper": whisper.ENGINE,
}

#: with what is no engine, and is looked after in the same way
SERVERS: dict[str, Engine] = ENGINES | {
    "emulation": emulation.ENGINE,
    "haproxy": haproxy.ENGINE,
}
