"""What the driver says: nvidia-smi inside a container, NVML on the host.

NVML is matched by its code (`nvml:18`), as its words differ between nvidia-smi and the library;
`no-smi` is before what stackctl saw when nvidia-smi could not be started.
"""

from __future__ import annotations

from stackctl.model import Failure, Sure, Where

_CDI = "sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml"
_INSIDE = (Where.INSIDE,)
_NVML = (Where.NVML,)
_BOTH = (Where.INSIDE, Where.NVML)

DRIVER: tuple[Failure, ...] = (
    Failure(
        "gpu-lost-cgroup",
        r"Failed to initialize NVML: Unknown Error|nvml:999\b",
        "the container lost its device permissions: a `systemctl daemon-reload` (package upgrades "
        "do it) rewrote its device rules. What is loaded runs on; what starts now runs on the CPU",
        "`stackctl restart ROLE`; so that it stays away, let Docker give GPUs by CDI: "
        + _CDI
        + ", then `stackctl up`",
        _INSIDE,
        sure=Sure.LIKELY,
        source="NVIDIA/nvidia-container-toolkit #48 #251 #1227 #1553 #1744, nvidia-docker #1730",
    ),
    Failure(
        "driver-mismatch",
        r"Driver/library version mismatch|NVML/RM version mismatch|nvml:18\b",
        "the driver was upgraded while the old kernel module stayed loaded",
        "sudo reboot; then hold it: sudo apt-mark hold 'nvidia-*' 'libnvidia-*'",
        _BOTH,
        source="nvml.h; nvidia-smi",
    ),
    # before the missing library: the same program, and it is there
    Failure(
        "no-utility",
        r"libnvidia-ml\.so\.1: cannot open shared object file"
        r"|nvidia-smi\W.*(?:executable file not found|not found|no such file)|^no-smi ",
        "the container was created without GPU, or without the `utility` capability",
        "`stackctl up ROLE`; set NVIDIA_DRIVER_CAPABILITIES=compute,utility if it stays",
        _INSIDE,
        sure=Sure.LIKELY,
        source="mudler/LocalAI: distributed-mode",
    ),
    Failure(
        "smi-without-init",
        r"waitid: no child processes",
        "the container's first program does not wait for the children it inherits, and nvidia-smi "
        "fails off and on",
        "set `init: true` in the role's file in compose/roles, then `stackctl up ROLE`",
        _INSIDE,
        source="mudler/LocalAI docs",
    ),
    Failure(
        "no-devices",
        r"No devices were found",
        "none of its GPUs is there: their device nodes are missing, or the cards have failed",
        "nvidia-smi -L on the host; sudo nvidia-modprobe -c 0 -u; then `stackctl restart ROLE`",
        _INSIDE,
        sure=Sure.LIKELY,
        source="NVIDIA/nvidia-docker #526",
    ),
    # before the lost one: nvidia-smi begins both lines in the same way
    Failure(
        "gpu-needs-reset",
        r"GPU requires reset|nvml:16\b",
        "the GPU stopped after an error that only a reset clears",
        "`stackctl down`, then sudo nvidia-smi -i N --gpu-reset; else sudo reboot",
        _BOTH,
        source="nvml.h",
    ),
    Failure(
        "gpu-lost",
        r"Unable to determine the device handle for GPU|GPU is lost|nvml:15\b",
        "the GPU fell off the PCI bus: power, riser, heat, or a dying card; it can take the others "
        "with it",
        "power the machine off and on (a warm reboot may not do); reseat the card, lower its power "
        "limit if it comes back: sudo nvidia-smi -i N -pl WATTS; until then `stackctl up` the rest",
        _BOTH,
        source="nvml.h; leptonai/gpud",
    ),
    Failure(
        "driver-not-loaded",
        r"couldn't communicate with the NVIDIA driver|[Dd]river [Nn]ot [Ll]oaded|nvml:9\b",
        "the kernel module is not loaded: not built for this kernel, or refused by Secure Boot",
        "sudo modprobe nvidia; if that fails: dkms status; mokutil --sb-state; then reinstall the "
        "driver",
        _BOTH,
        source="nvml.h; nvidia-smi",
    ),
    Failure(
        "driver-absent",
        r"nvml:12\b|NVML Shared Library Not Found",
        "the driver's libraries are not installed",
        "sudo ubuntu-drivers install --gpgpu (Debian: sudo apt install nvidia-driver)",
        _NVML,
        source="nvml.h",
    ),
    Failure(
        "driver-forbidden",
        r"nvml:4\b|Insufficient Permissions",
        "this user may not open /dev/nvidiactl",
        "sudo usermod -aG video,render $USER, then log in again",
        _BOTH,
        source="nvml.h",
    ),
    Failure(
        "driver-hung",
        r"nvml:hung\b|nvidia-smi did not end in time",
        "a GPU or the driver hangs; every program that asks it hangs as well",
        "sudo dmesg | grep NVRM, then sudo reboot",
        _BOTH,
        sure=Sure.LIKELY,
        source="stackctl: its own time limit",
    ),
)

INSIDE = tuple(failure for failure in DRIVER if Where.INSIDE in failure.where)
NVML = tuple(failure for failure in DRIVER if Where.NVML in failure.where)
