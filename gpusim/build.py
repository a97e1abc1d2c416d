"""Compiles driver/ when its sources changed since the last time."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from gpusim.errors import GpusimError
from gpusim.paths import SOURCE_DIR

DRIVER_DIR = SOURCE_DIR / "driver"
BUILD_DIR = SOURCE_DIR / "build"

LIBRARY, CUDA, SMI, DEVCG = "libnvidia-ml.so.1", "libcuda.so.1", "nvidia-smi", "devcg"

# No libc, no start-up files, nothing the compiler would take from them (see driver/syscalls.h).
# Without loop patterns off, memcpy's loop would be compiled into a call of memcpy.
FREESTANDING = (
    *("-std=c11", "-ffreestanding", "-nostdlib", "-fvisibility=hidden", "-fno-strict-aliasing"),
    *("-fno-stack-protector", "-fno-asynchronous-unwind-tables"),
    *("-fno-tree-loop-distribute-patterns", "-Wl,--build-id=none"),
)
COMMON = ("-O2", "-Wall", "-Wextra", "-Werror", "-s", "-Wl,-z,noexecstack")

SHARED_PATTERNS = ("text.c", "state.c", "processes.c", "nodes.c")
NVML_PATTERNS = (*SHARED_PATTERNS, "nvml_*.c")
TARGETS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    LIBRARY: (
        (*FREESTANDING, "-fPIC", "-shared", f"-Wl,-soname,{LIBRARY}"),
        NVML_PATTERNS,
    ),
    CUDA: (
        (*FREESTANDING, "-fPIC", "-shared", f"-Wl,-soname,{CUDA}"),
        (*SHARED_PATTERNS, "cuda_*.c"),
    ),
    SMI: ((*FREESTANDING, "-static", "-fno-pic", "-no-pie"), (*NVML_PATTERNS, "smi_*.c")),
    DEVCG: (("-std=gnu11", "-static"), ("devcg.c", "bpf.c")),
}


def source_stamp() -> str:
    """Changes with any source file and with the way it is compiled."""
    digest = hashlib.sha256(repr((COMMON, TARGETS)).encode())
    for source in sorted(DRIVER_DIR.glob("*.[ch]")):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()


def _compile(target: str, output: Path) -> None:
    flags, patterns = TARGETS[target]
    sources = sorted(str(source) for pattern in patterns for source in DRIVER_DIR.glob(pattern))
    result = subprocess.run(
        ["gcc", *COMMON, *flags, "-o", str(output), *sources], capture_output=True, text=True
    )
    if result.returncode:
        raise GpusimError(f"cannot compile {target}:\n{result.stderr.strip()}")


def build(directory: Path = BUILD_DIR) -> dict[str, Path]:
    """The compiled parts by name, made now if need be. GpusimError without a C compiler."""
    parts = {name: directory / name for name in TARGETS}
    stamp_file = directory / "stamp"
    stamp = source_stamp()
    if stamp_file.exists() and stamp_file.read_text() == stamp:
        return parts
    if shutil.which("gcc") is None:
        raise GpusimError("gcc is missing: apt-get install gcc libc6-dev")
    directory.mkdir(parents=True, exist_ok=True)
    # Renamed into place: another command may be reading the old ones, or compiling the same.
    with tempfile.TemporaryDirectory(dir=directory) as scratch:
        for name, part in parts.items():
            _compile(name, Path(scratch, name))
            os.rename(Path(scratch, name), part)
        Path(scratch, "stamp").write_text(stamp)
        os.rename(Path(scratch, "stamp"), stamp_file)
    return parts
