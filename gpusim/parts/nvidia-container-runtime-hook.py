#!/usr/bin/python3 -IS
"""Stands for nvidia-container-runtime-hook and nvidia-container-cli, with simulated GPUs.

dockerd (`--gpus`, `driver: nvidia`) and nvidia-container-runtime let runc start this file as a
prestart hook, with the container's state as JSON on stdin. It stands alone: it is installed as a
copy and runs without the repository. Messages: nvidia-container-cli of libnvidia-container.
"""

import json
import os
import subprocess
import sys
from typing import NoReturn

PARTS = "/opt/gpusim"
RUN_DIR = "/run/gpusim"
MAJOR, CONTROL_MINOR = 195, 255
NVML, CUDA = "libnvidia-ml.so.1", "libcuda.so.1"
LIBRARY_DIRS = ("/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib")

NVML_ERRORS = {"9": "driver not loaded", "18": "driver/library version mismatch"}

# Runs in the container's mount namespace before pivot_root, where host paths and the container's
# root are both visible.
PREPARE = r"""
set -e
umask 022
bind() {
    mkdir -p "$ROOT${2%/*}"
    if [ -d "$1" ]; then mkdir -p "$ROOT$2"; else [ -e "$ROOT$2" ] || : > "$ROOT$2"; fi
    mount --bind "$1" "$ROOT$2"
    mount -o remount,bind,ro,nosuid,nodev "$ROOT$2"
}
for library in $LIBRARIES; do bind "$PARTS/$library" "$LIBRARY_DIR/$library"; done
case " $LIBRARIES " in *" $NVML "*) bind "$PARTS/nvidia-smi" /usr/bin/nvidia-smi ;; esac
bind "$RUN_DIR" "$RUN_DIR"
for node in "$@"; do
    path="$ROOT/dev/${node%:*}"
    [ -e "$path" ] || mknod -m 666 "$path" c "$MAJOR" "${node#*:}"
done
"""


def fail(message: str) -> NoReturn:
    sys.stderr.write(f"nvidia-container-cli: {message}\n")
    sys.exit(1)


def read_state() -> dict[str, str]:
    """The state file as a dict; without one there is no driver."""
    try:
        with open(f"{RUN_DIR}/state", encoding="utf-8") as file:
            return dict(line.rstrip("\n").split("=", 1) for line in file if "=" in line)
    except FileNotFoundError:
        return {"init_fault": "9"}


def check_driver(state: dict[str, str]) -> None:
    code = state.get("init_fault", "0")
    if code == "0" and state["library_version"] != state["driver_version"]:
        code = "18"
    if code != "0":
        fail(f"initialization error: nvml error: {NVML_ERRORS.get(code, 'unknown error')}")


def wanted_gpus(request: str, state: dict[str, str]) -> list[int]:
    """Indexes for the value of NVIDIA_VISIBLE_DEVICES."""
    uuids = {
        int(k[3:-5]): v for k, v in state.items() if k.startswith("gpu") and k.endswith(".uuid")
    }
    present = [i for i in uuids if state.get(f"gpu{i}.hidden") != "1"]
    if request == "none":
        return []
    if request == "all":
        return present
    wanted: list[int] = []
    for name in request.split(","):
        found = [i for i in present if name in (str(i), uuids[i])]
        if not found:
            fail(f"device error: {name}: unknown device")
        wanted += [i for i in found if i not in wanted]
    return wanted


def wanted_libraries(capabilities: str) -> list[str]:
    """Libraries for the value of NVIDIA_DRIVER_CAPABILITIES."""
    wanted = set((capabilities or "utility,compute").replace(" ", "").split(","))
    return [
        library
        for library, capability in ((NVML, "utility"), (CUDA, "compute"))
        if wanted & {"all", capability}
    ]


def prepare_root(pid: int, root: str, nodes: list[str], libraries: list[str]) -> None:
    variables = {
        "ROOT": root,
        "PARTS": PARTS,
        "RUN_DIR": RUN_DIR,
        "NVML": NVML,
        "LIBRARIES": " ".join(libraries),
        "LIBRARY_DIR": next((d for d in LIBRARY_DIRS if os.path.isdir(root + d)), LIBRARY_DIRS[-1]),
        "MAJOR": str(MAJOR),
        "PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
    }
    result = subprocess.run(
        ["nsenter", "-t", str(pid), "-m", "--", "sh", "-c", PREPARE, "sh", *nodes],
        env=variables,
        stderr=subprocess.PIPE,
        text=True,
    )
    if result.returncode:
        fail(f"mount error: {result.stderr.strip()}")


def allow_devices(pid: int, minors: list[int]) -> None:
    with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
        lines = [line.rstrip("\n").split(":", 2) for line in file]
    # A hybrid host has a 0:: line too; only a pure cgroup v2 has this file.
    if not os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
        path = next(path for _, names, path in lines if "devices" in names.split(","))
        for minor in minors:
            with open(f"/sys/fs/cgroup/devices{path}/devices.allow", "w", encoding="ascii") as file:
                file.write(f"c {MAJOR}:{minor} rw")
        return
    path = next(path for number, _, path in lines if number == "0")
    rules = [f"{MAJOR}:{minor}" for minor in minors]
    result = subprocess.run(
        [f"{PARTS}/devcg", "allow", f"/sys/fs/cgroup{path}", *rules],
        stderr=subprocess.PIPE,
        text=True,
    )
    if result.returncode:
        fail(f"cgroup error: {result.stderr.strip()}")


def main() -> None:
    if sys.argv[1:] != ["prestart"]:
        return
    container = json.load(sys.stdin)
    bundle = container.get("bundle") or container["bundlePath"]
    with open(os.path.join(bundle, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    environment = dict(e.split("=", 1) for e in config["process"].get("env", []) if "=" in e)
    request = environment.get("NVIDIA_VISIBLE_DEVICES", "")
    if request in ("", "void"):
        return
    state = read_state()
    check_driver(state)
    gpus = wanted_gpus(request, state)
    root = os.path.join(bundle, config["root"]["path"])
    nodes = [f"nvidiactl:{CONTROL_MINOR}", *(f"nvidia{i}:{i}" for i in gpus)]
    libraries = wanted_libraries(environment.get("NVIDIA_DRIVER_CAPABILITIES", ""))
    prepare_root(container["pid"], root, nodes, libraries)
    allow_devices(container["pid"], [CONTROL_MINOR, *gpus])


main()
