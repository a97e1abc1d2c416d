"""Two seconds of sound to send to a rigged Whisper: an A, fading out."""

import wave
from pathlib import Path

import numpy as np

RATE, SECONDS, HERTZ = 16000, 2, 440


def write(path: Path) -> None:
    time = np.arange(RATE * SECONDS) / RATE
    samples = 8000 * np.sin(2 * np.pi * HERTZ * time) * (1 - time / SECONDS)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.astype("<i2").tobytes())
