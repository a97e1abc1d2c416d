"""cuInit of the mock libcuda: which GPUs, and why none. By ctypes, as any client does."""

import subprocess
from pathlib import Path

import pytest

from gpusim.build import CUDA, build
from gpusim.faults import Fault
from gpusim.hardware import gpu_uuid
from tests.unit.gpusim.simulated_box import Box

CLIENT = """
import ctypes, os, uuid
cuda = ctypes.CDLL("libcuda.so.1")

def text(call, code):
    word = ctypes.c_char_p()
    return word.value.decode() if call(code, ctypes.byref(word)) == 0 else None

def number(call, *arguments):
    value = ctypes.c_int(-1)
    code = call(ctypes.byref(value), *arguments)
    return value.value if code == 0 else {"code": code}

def devices():
    code = cuda.cuInit(0)
    if code:
        return [code, text(cuda.cuGetErrorName, code), text(cuda.cuGetErrorString, code)]
    found = []
    for ordinal in range(number(cuda.cuDeviceGetCount)):
        raw = ctypes.create_string_buffer(16)
        assert cuda.cuDeviceGetUuid_v2(raw, number(cuda.cuDeviceGet, ordinal)) == 0
        found.append("GPU-" + str(uuid.UUID(bytes=raw.raw)))
    return found
"""
DEVICES = CLIENT + "answer(devices())"
NO_DEVICE = [100, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"]


def test_needs_no_libc() -> None:
    found = subprocess.run(
        ["nm", "--dynamic", "--undefined-only", str(build()[CUDA])],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.split() == ["w", "getenv"]


def test_devices(tmp_path: Path) -> None:
    assert Box(tmp_path, 3).ask(DEVICES) == [gpu_uuid(0), gpu_uuid(1), gpu_uuid(2)]


def test_what_a_device_is(tmp_path: Path) -> None:
    assert Box(tmp_path, 1).ask(
        CLIENT + "before = [number(cuda.cuDeviceGetCount), number(cuda.cuDriverGetVersion)]\n"
        "cuda.cuInit(0); name = ctypes.create_string_buffer(99)\n"
        "cuda.cuDeviceGetName(name, 99, 0)\n"
        "answer([before, name.value.decode(), number(cuda.cuDeviceGetAttribute, 75, 0),\n"
        "        number(cuda.cuDeviceGetAttribute, 76, 0), number(cuda.cuDeviceGet, 1),\n"
        "        text(cuda.cuGetErrorName, 12345)])"
    ) == [
        [{"code": 3}, 13000],
        *("Quadro RTX 8000 [simulated]", 7, 5),
        *({"code": 101}, None),
    ]


def test_nodes_that_do_not_open(tmp_path: Path) -> None:
    box = Box(tmp_path, 3)
    (box.dev / "nvidia1").unlink()
    assert box.ask(DEVICES) == [gpu_uuid(0), gpu_uuid(2)]
    (box.dev / "nvidiactl").unlink()
    assert box.ask(DEVICES) == NO_DEVICE


@pytest.mark.parametrize(
    ("fault", "devices"),
    [
        (Fault("gpu-lost", gpu=0), [gpu_uuid(1)]),
        (Fault("wrong-count", gpu=1), [gpu_uuid(0)]),
        (Fault("driver-not-loaded"), NO_DEVICE),
        (Fault("memory-full", gpu=0), [gpu_uuid(0), gpu_uuid(1)]),
    ],
)
def test_faults(tmp_path: Path, fault: Fault, devices: list[object]) -> None:
    assert Box(tmp_path, 2, fault).ask(DEVICES) == devices


def test_mismatch(tmp_path: Path) -> None:
    code, name, _ = Box(tmp_path, 1, Fault("version-mismatch")).ask(DEVICES)
    assert (code, name) == (803, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH")


def test_cuda_alone_fails(tmp_path: Path) -> None:
    box = Box(tmp_path, 2, Fault("cuda-999"))
    assert box.ask(DEVICES) == [999, "CUDA_ERROR_UNKNOWN", "unknown error"]
    assert box.smi("-L").returncode == 0


def test_a_process_that_has_begun_goes_on(tmp_path: Path) -> None:
    box = Box(tmp_path, 1)
    begun = CLIENT + "cuda.cuInit(0); os.unlink(os.environ['GPUSIM_DEV'] + '/nvidia0')\n"
    assert box.ask(begun + "answer(devices())") == [gpu_uuid(0)]


@pytest.mark.parametrize(
    ("mask", "indexes"),
    [
        ("1", [1]),
        ("2,0", [2, 0]),
        (f"{gpu_uuid(2)},{gpu_uuid(0)[:9]}", [2, 0]),
        ("0,7,1", [0]),
        ("-1", []),
        ("", []),
    ],
)
def test_mask(tmp_path: Path, mask: str, indexes: list[int]) -> None:
    masked = f"import os; os.putenv('CUDA_VISIBLE_DEVICES', {mask!r})\n" + DEVICES
    assert Box(tmp_path, 3).ask(masked) == ([gpu_uuid(i) for i in indexes] or NO_DEVICE)
