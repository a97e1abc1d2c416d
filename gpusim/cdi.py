"""The CDI specification: what Docker gives to a container that asks for nvidia.com/gpu=<name>.

Format: https://github.com/cncf-tags/container-device-interface, version 0.5.0.
"""

import json

from gpusim.build import CUDA, LIBRARY, SMI
from gpusim.hardware import Profile, gpu_uuid
from gpusim.paths import INSTALL_DIR, RUN_DIR

KIND = "nvidia.com/gpu"
NVIDIA_MAJOR, CONTROL_MINOR = 195, 255

# Debian and Ubuntu; Fedora and RHEL; Alpine.
LIBRARY_DIRS = ("/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib")


def _node(name: str, minor: int) -> dict[str, object]:
    # With type and numbers spelt out, no node has to exist on the host.
    return {
        "path": f"/dev/{name}",
        "type": "c",
        "major": NVIDIA_MAJOR,
        "minor": minor,
        "permissions": "rw",
        "fileMode": 0o666,
    }


def _mount(host_path: str, container_path: str) -> dict[str, object]:
    return {
        "hostPath": host_path,
        "containerPath": container_path,
        "options": ["ro", "nosuid", "nodev", "rbind", "rprivate"],
    }


def _device(name: str, indexes: range) -> dict[str, object]:
    nodes = [_node(f"nvidia{index}", index) for index in indexes]
    return {"name": name, "containerEdits": {"deviceNodes": nodes}}


def specification(profile: Profile) -> str:
    """JSON text with every GPU by index and by UUID, and all of them as `all`."""
    devices = [_device("all", range(profile.gpus))]
    for index in range(profile.gpus):
        one = range(index, index + 1)
        devices += [_device(str(index), one), _device(gpu_uuid(index), one)]
    mounts = [
        _mount(f"{INSTALL_DIR}/{SMI}", "/usr/bin/nvidia-smi"),
        # The directory, so that the rename of a changed state is seen inside.
        _mount(str(RUN_DIR), str(RUN_DIR)),
    ]
    mounts += [
        _mount(f"{INSTALL_DIR}/{library}", f"{place}/{library}")
        for library in (LIBRARY, CUDA)
        for place in LIBRARY_DIRS
    ]
    spec = {
        "cdiVersion": "0.5.0",
        "kind": KIND,
        "devices": devices,
        "containerEdits": {
            # As a real specification does: no old hook shall add GPUs a second time.
            "env": ["NVIDIA_VISIBLE_DEVICES=void"],
            "deviceNodes": [_node("nvidiactl", CONTROL_MINOR)],
            "mounts": mounts,
        },
    }
    return json.dumps(spec, indent=1) + "\n"
