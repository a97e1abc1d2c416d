"""What the kernel log says of a box that fails. Reading it may need root."""

from __future__ import annotations

from stackctl.catalogue import xid
from stackctl.model import Depth, Failure, Sure, Where

_AT = (Where.KERNEL,)

KERNEL: tuple[Failure, ...] = (
    # before Xid 79: the same event, and it names the card
    Failure(
        "gpu-off-bus",
        r"GPU [0-9a-fA-F:.]+: GPU has fallen off the bus"
        r"|fallen off the bus and is not responding to commands",
        "the GPU has fallen off the PCI bus: power, riser, heat or a dying card",
        xid.Action.COLD_START.value,
        _AT,
        source="NVRM; leptonai/gpud: xid/kmsg.go",
    ),
    # it may come before what it causes: the Xids, wrong results, crashes far from the GPU
    Failure(
        "iommu-fault",
        r"AMD-Vi: Event logged \[IO_PAGE_FAULT",
        "the IOMMU refuses what the GPUs send to one another; with several GPUs on one model "
        "memory gets overwritten",
        "add iommu=pt to GRUB_CMDLINE_LINUX_DEFAULT in /etc/default/grub; sudo update-grub; sudo "
        "reboot",
        _AT,
        sure=Sure.LIKELY,
        source="club-3090 #178: docs/HARDWARE.md",
    ),
    *xid.FAILURES,
    Failure(
        "gpu-not-initialised",
        r"RmInitAdapter failed!|rm_init_adapter failed, device minor number",
        "the driver cannot bring the GPU up: the card, its address space, its firmware, or the "
        "driver's version",
        "power the machine off and on; switch Above 4G Decoding on in the BIOS; install another "
        "version of the driver; try the card in another slot",
        _AT,
        sure=Sure.POSSIBLE,
        source="NVRM",
    ),
    Failure(
        "driver-mismatch-kernel",
        r"NVRM: API mismatch: ",
        "a program brought another version of the driver's libraries than the loaded module has",
        "cat /sys/module/nvidia/version; modinfo -F version nvidia; sudo reboot; then hold it: "
        "sudo apt-mark hold 'nvidia-*' 'libnvidia-*'",
        _AT,
        source="NVRM",
    ),
    Failure(
        "memory-limit",
        r"constraint=CONSTRAINT_MEMCG|Memory cgroup out of memory",
        "a container reached its own memory limit, and the kernel ended a program in it",
        "docker inspect -f '{{.HostConfig.Memory}}' CONTAINER; raise mem_limit in the role's file "
        "in compose/roles, then `stackctl up ROLE`",
        _AT,
        source="Linux: mm/oom_kill.c; leptonai/gpud: memory",
    ),
    Failure(
        "host-out-of-memory",
        r"invoked oom-killer|Out of memory: Killed process|Killed process \d+ \(.+\)",
        "the host ran out of memory, and the kernel ended a program",
        "free -h; `stackctl down`, then `stackctl up` one role after the other; take a smaller "
        "model if one alone does it",
        _AT,
        source="Linux: mm/oom_kill.c; club-3090 #133",
        depth=Depth.SYMPTOM,  # the line of a limit comes after it, and is nearer
    ),
    Failure(
        "disk-read-only",
        r"[Rr]emounting filesystem read-only",
        "the file system had an error and takes nothing any more",
        "sudo dmesg | grep -iE 'ext4|xfs|btrfs|nvme|ata'; save what you can, then sudo fsck from a "
        "rescue system",
        _AT,
        source="leptonai/gpud: disk",
    ),
    Failure(
        "disk-timeout",
        r"nvme\S* .*I/O .*timeout, reset controller",
        "an NVMe disk did not answer and was reset: heat, power or a dying disk",
        "sudo nvme smart-log /dev/nvme0; sudo smartctl -a /dev/nvme0",
        _AT,
        source="leptonai/gpud: disk",
    ),
    Failure(
        "kernel-hang",
        r"blocked for more than \d+ seconds|soft lockup - CPU#",
        "the kernel waits for a disk, a driver or a GPU that does not answer",
        "sudo dmesg | tail -50: the lines after it name the driver; sudo reboot",
        _AT,
        sure=Sure.POSSIBLE,
        source="leptonai/gpud: cpu",
        depth=Depth.SYMPTOM,
    ),
    Failure(
        "nccl-crash",
        r"segfault at.* in libnccl\.so",
        "NCCL, which lets GPUs talk to one another, crashed",
        "set NCCL_DEBUG=INFO in the role's environment; NCCL_P2P_DISABLE=1 goes round broken peer "
        "access; take another image (env/images.env)",
        _AT,
        sure=Sure.POSSIBLE,
        source="leptonai/gpud: nccl",
        depth=Depth.SYMPTOM,
    ),
)
