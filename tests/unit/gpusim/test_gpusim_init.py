"""nvmlInit: each cause of failure with the code and the words of the real driver."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from gpusim.build import SMI
from gpusim.faults import Fault
from tests.unit.gpusim.simulated_box import Box

INIT = "answer(outcome(nvml.nvmlInit))"


def no_state(box: Box) -> None:
    box.state_file.unlink()


def no_control_node(box: Box) -> None:
    (box.dev / "nvidiactl").unlink()


def control_node_fails_oddly(box: Box) -> None:
    # Opening a folder for writing is EISDIR: no cause of its own, so "unknown", as is EPERM.
    (box.dev / "nvidiactl").unlink()
    (box.dev / "nvidiactl").mkdir()


def newer_library(box: Box) -> None:
    box.set_faults(Fault("version-mismatch"))


def unloaded_driver(box: Box) -> None:
    box.set_faults(Fault("driver-not-loaded"))


NO_DRIVER = (
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that"
    " the latest NVIDIA driver is installed and running.\n\n"
)


@pytest.mark.parametrize(
    ("spoil", "code", "text", "smi_code", "smi_text"),
    [
        (no_state, 9, "Driver Not Loaded", 9, NO_DRIVER),
        (no_control_node, 9, "Driver Not Loaded", 9, NO_DRIVER),
        (unloaded_driver, 9, "Driver Not Loaded", 9, NO_DRIVER),
        (
            control_node_fails_oddly,
            999,
            "Unknown Error",
            255,
            "Failed to initialize NVML: Unknown Error\n",
        ),
        (
            newer_library,
            18,
            # pynvml has words of its own for this code.
            "RM has detected an NVML/RM version mismatch.",
            18,
            "Failed to initialize NVML: Driver/library version mismatch\n"
            "NVML library version: 580.173\n",
        ),
    ],
)
def test_failed_init(
    tmp_path: Path,
    spoil: Callable[[Box], None],
    code: int,
    text: str,
    smi_code: int,
    smi_text: str,
) -> None:
    box = Box(tmp_path)
    assert box.ask(INIT) is None
    spoil(box)
    assert box.ask(INIT) == {"code": code, "text": text}
    smi = box.smi("-L")
    assert (smi.returncode, smi.stdout) == (smi_code, smi_text)


def test_forbidden_control_node() -> None:
    # Root may open anything, so the tool runs as nobody, where nobody can reach it.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        box = Box(Path(folder))
        tool = shutil.copy(box.parts[SMI], folder)
        (box.dev / "nvidiactl").chmod(0)
        smi = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", tool, "-L"],
            env=box.environment(),
            capture_output=True,
            text=True,
        )
    assert smi.stdout == "Failed to initialize NVML: Insufficient Permissions\n"
    assert smi.returncode == 4


def test_gpu_without_node_is_not_counted(tmp_path: Path) -> None:
    box = Box(tmp_path)
    (box.dev / "nvidia1").unlink()
    minors = box.ask(
        "nvml.nvmlInit()\n"
        "handles = [nvml.nvmlDeviceGetHandleByIndex(i) for i in range(nvml.nvmlDeviceGetCount())]\n"
        "answer([(nvml.nvmlDeviceGetIndex(h), nvml.nvmlDeviceGetMinorNumber(h)) for h in handles])"
    )
    assert minors == [[0, 0], [1, 2], [2, 3]]


def test_no_node_at_all(tmp_path: Path) -> None:
    box = Box(tmp_path, 1)
    (box.dev / "nvidia0").unlink()
    assert box.ask("nvml.nvmlInit(); answer(nvml.nvmlDeviceGetCount())") == 0
    smi = box.smi()
    assert (smi.returncode, smi.stdout) == (6, "No devices were found\n")


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        ("gpu-lost", 15, "GPU is lost.  Reboot the system to recover this GPU"),
        ("gpu-reset", 16, "GPU requires reset"),
    ],
)
def test_broken_gpu(tmp_path: Path, fault: str, code: int, words: str) -> None:
    box = Box(tmp_path, 2, Fault(fault, gpu=1))
    codes = box.ask(
        "nvml.nvmlInit()\n"
        "answer([nvml.nvmlDeviceGetCount(),\n"
        "        outcome(nvml.nvmlDeviceGetHandleByIndex, 1)['code'],\n"
        "        nvml.nvmlDeviceGetMinorNumber(nvml.nvmlDeviceGetHandleByIndex(0))])"
    )
    assert codes == [2, code, 0]
    smi = box.smi("-L")
    assert smi.returncode == code
    first, second = smi.stdout.splitlines()
    assert first == f"Unable to determine the device handle for GPU1: 0000:1B:00.0: {words}"
    assert second.startswith("GPU 0: Quadro RTX 8000 [simulated] (UUID: GPU-")


def test_wrong_count(tmp_path: Path) -> None:
    box = Box(tmp_path, 4, Fault("wrong-count", gpu=2))
    assert box.ask("nvml.nvmlInit(); answer(nvml.nvmlDeviceGetCount())") == 3


def test_hung_driver_delays_init(tmp_path: Path) -> None:
    box = Box(tmp_path, 1, Fault("hung-driver", values={"seconds": 0.4}))
    seconds = box.ask("begin = time.monotonic(); nvml.nvmlInit(); answer(time.monotonic() - begin)")
    assert 0.4 <= seconds < 5


def test_calls_before_init_and_after_shutdown(tmp_path: Path) -> None:
    box = Box(tmp_path, 1)
    codes = box.ask(
        "nvml.nvmlInit(); nvml.nvmlInit(); nvml.nvmlShutdown()\n"
        "still = nvml.nvmlDeviceGetCount()\n"
        "nvml.nvmlShutdown()\n"
        "library = nvml.nvmlLib\n"
        "import ctypes\n"
        "answer([still, library.nvmlDeviceGetCount_v2(ctypes.byref(ctypes.c_uint())),\n"
        "        library.nvmlShutdown()])"
    )
    assert codes == [1, 1, 1]


def test_stray_handle_is_refused(tmp_path: Path) -> None:
    box = Box(tmp_path, 1)
    code = box.ask(
        "import ctypes\n"
        "nvml.nvmlInit()\n"
        "answer(nvml.nvmlLib.nvmlDeviceGetMinorNumber(\n"
        "    ctypes.c_void_p(64), ctypes.byref(ctypes.c_uint())))"
    )
    assert code == 2
