"""whisper.cpp's server. It has no list of models; its log says which device holds the weights."""

from __future__ import annotations

import io
import math
import re
import struct
import wave
from typing import Any

from stackctl.engines.failures import ggml as failures
from stackctl.model import (
    Buffer,
    Documents,
    Engine,
    GpuProof,
    Progress,
    Request,
    Served,
    Unavailable,
)

_SIZE = re.compile(r"whisper_model_load: +(\S+) total size = +(\d+(?:\.\d+)?) MB")
_BACKEND = re.compile(r"whisper_backend_init_gpu: (?:using (\S+) backend|no GPU found.*)")
SAMPLE_RATE = 16000  # Hz, the only one whisper knows


def clip(seconds: int = 1) -> bytes:
    """A 440 Hz tone as 16-bit mono WAV."""
    samples = (int(8000 * math.sin(math.tau * 440 * i / SAMPLE_RATE)) for i in range(SAMPLE_RATE))
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples) * seconds)
    return out.getvalue()


def ask(_model: str) -> Request:
    return Request(
        "POST", "/v1/audio/transcriptions", file=clip(), form={"response_format": "json"}
    )


def read_answer(body: Any) -> str | Unavailable:
    """A tone has no words: an empty transcript is an answer, an error is not."""
    if isinstance(body, dict) and isinstance(body.get("text"), str):
        return body["text"].strip() or "(no speech in the clip)"
    return Unavailable(f"not a transcript: {str(body)[:200]}")


def prove(log: str, _documents: Documents) -> GpuProof | Unavailable:
    sizes = [Buffer(m[1], "model", float(m[2])) for m in _SIZE.finditer(log)]
    if not sizes:
        return Unavailable("the log has no line that says where the model was loaded", "no-proof")
    evidence = tuple(
        line.strip() for line in log.splitlines() if _SIZE.search(line) or _BACKEND.search(line)
    )
    return GpuProof(tuple(sizes), None, 0.0, evidence)


def served(_documents: Documents) -> Served | Unavailable:
    return Unavailable("whisper.cpp does not tell which model it serves")


def progress(log: str) -> Progress:
    if "whisper_init_state: compute buffer (decode)" in log:
        return Progress("loaded", 100)
    if "whisper_model_load" in log:
        return Progress("loading weights", 50)
    return Progress("starting", 0)


ENGINE = Engine(
    name="whisper",
    title="whisper.cpp",
    ready_path="/health",
    documents=(),
    progress=progress,
    prove=prove,
    served=served,
    ask=ask,
    read_answer=read_answer,
    model_path=lambda model: f"/models/whisper/{model}.bin",
    source=lambda model: f"hf:ggerganov/whisper.cpp/{model}.bin",
    folder="whisper",
    failures=failures.WHISPER,
    api="audio",
    slots=1,
)
