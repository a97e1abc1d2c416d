"""The device that the stand-in pretends to compute on: the first GPU that the driver shows."""

import shutil
import subprocess  # noqa: TID251 - runs in an image of its own, without stackctl
from dataclasses import dataclass
from pathlib import Path

MIB = 1024 * 1024
# What a loaded ComfyUI without a checkpoint keeps, made small.
HELD_MIB = 48


@dataclass(frozen=True)
class Device:
    kind: str
    name: str
    index: int | None
    total: int

    def free(self) -> int:
        if self.kind == "cpu":
            return ram()[1]
        seen = _ask_driver()
        return seen[2] if seen else 0


def find() -> Device:
    seen = _ask_driver()
    if seen is None:
        return Device("cpu", "cpu", None, ram()[0])
    name, total, _ = seen
    return Device("cuda", f"cuda:0 {name} : cudaMallocAsync", 0, total)


def hold() -> bytearray:
    """Memory that is really there: what is counted is what has been written to."""
    return bytearray(b"\xff") * (HELD_MIB * MIB)


def ram() -> tuple[int, int]:
    """Total and available bytes."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    kib = {key: int(rest.split()[0]) for key, rest in (line.split(":", 1) for line in lines)}
    return kib["MemTotal"] * 1024, kib["MemAvailable"] * 1024


def _ask_driver() -> tuple[str, int, int] | None:
    """Name, total and free bytes of the first visible GPU."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    fields = "--query-gpu=name,memory.total,memory.free"
    try:
        answer = subprocess.run(
            [program, fields, "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        ).stdout
        name, total, free = answer.splitlines()[0].rsplit(", ", 2)
        return name, int(total) * MIB, int(free) * MIB
    except (OSError, ValueError, IndexError, subprocess.SubprocessError):
        return None
