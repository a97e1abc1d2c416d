"""What the daemon says when a container cannot be created or started: Docker 25 to 29.

The text is in the answer to the request, and as State.Error in `docker inspect`.
"""

from __future__ import annotations

from stackctl.model import Failure, Sure, Where

_AT = (Where.CREATE,)
_CDI = "sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml"
_TOOLKIT = "sudo nvidia-ctk runtime configure --runtime=docker; sudo systemctl restart docker"
_AGAIN = "; then `stackctl restart ROLE`"

CREATE: tuple[Failure, ...] = (
    Failure(
        "no-toolkit",
        r'could not select device driver "[^"]*" with capabilities|no known GPU vendor found'
        r'|"nvidia-container-runtime-hook": executable file not found',
        "Docker knows no way to give a container GPUs: the NVIDIA Container Toolkit is missing, or "
        "the daemon was started before it came",
        "make setup; or by hand: sudo apt install nvidia-container-toolkit; " + _TOOLKIT,
        _AT,
        source="moby: daemon/errors.go, daemon/devices.go; ragflow #9573, gpu-hot #18",
    ),
    Failure(
        "runtime-missing",
        r"unknown or invalid runtime name: nvidia|Unknown runtime specified nvidia"
        r"|fork/exec \S*nvidia-container-runtime: no such file",
        "the service asks for `runtime: nvidia`, which the running daemon does not have",
        _TOOLKIT + " (a reload does not do); or take `runtime:` out: `stackctl lint --fix`",
        _AT,
        source="NVIDIA/nvidia-docker #951",
    ),
    Failure(
        "cdi-missing",
        r"unresolvable CDI devices",
        "the CDI specification does not have this GPU: it was never written, the cards were "
        "changed since, or the GPU is gone",
        "nvidia-smi -L; " + _CDI + "; nvidia-ctk cdi list; then `stackctl up`",
        _AT,
        source="moby: daemon/cdi.go; vespa-engine #27945",
    ),
    # before the stale specification: the same words, and another file
    Failure(
        "persistenced-socket",
        r"failed to fulfil mount request: open \S*nvidia-persistenced/socket",
        "nvidia-persistenced does not run, and its socket is to be mounted into the container",
        "sudo systemctl enable --now nvidia-persistenced; if it does not start: nvidia-smi tells "
        "whether driver and module differ; then `stackctl up`",
        _AT,
        source="public issue threads on failed to fulfil mount request",
    ),
    Failure(
        "cdi-stale",
        r"failed to fulfil mount request: open \S+",
        "the CDI specification names files of a driver that was replaced since",
        _CDI + _AGAIN + "; so that it stays true: "
        "sudo systemctl enable --now nvidia-cdi-refresh.path (toolkit 1.18 or newer)",
        _AT,
        source="NVIDIA/nvidia-container-toolkit: nvidia-cdi-refresh",
    ),
    Failure(
        "wsl-libraries",
        r"open /usr/lib/wsl/lib/libdxcore\.so",
        "Docker from a snap cannot read the driver's libraries of WSL",
        "sudo snap remove docker; then make setup",
        _AT,
        source="NVIDIA/nvidia-container-toolkit #676",
    ),
    Failure(
        "driver-libraries",
        r"load library failed: libnvidia-ml\.so\.1",
        "the host's driver libraries are not where the toolkit looks: not installed, unknown to "
        "the linker's cache, or hidden from a Docker that came as a snap",
        "snap list docker && sudo snap remove docker; sudo ldconfig; ldconfig -p | grep "
        "libnvidia-ml; if there is none: sudo apt install --reinstall the driver's packages",
        _AT,
        sure=Sure.LIKELY,
        source="NVIDIA/nvidia-docker #1711, NVIDIA/nvidia-container-toolkit #676",
    ),
    Failure(
        "driver-not-loaded-create",
        r"nvml error: driver not loaded",
        "the driver's kernel module is not loaded: not built for this kernel, refused by Secure "
        "Boot, or Docker was faster at boot",
        "sudo modprobe nvidia; if that fails: dkms status; mokutil --sb-state; then `stackctl up`",
        _AT,
        source="Project-HAMi/HAMi #713",
    ),
    Failure(
        "driver-changed-create",
        r"nvml error: driver/library version mismatch",
        "the driver was upgraded while the old kernel module stayed loaded",
        "sudo reboot; then hold it: sudo apt-mark hold 'nvidia-*' 'libnvidia-*'",
        _AT,
        source="libnvidia-container",
    ),
    Failure(
        "no-device-nodes",
        r'error gathering device information while adding custom device "/dev/nvidia',
        "the driver's device nodes are not there: nobody made them before Docker started",
        "sudo nvidia-modprobe -u -c 0; `stackctl up`; for the next boot: sudo systemctl enable "
        "nvidia-persistenced, and After=nvidia-persistenced.service in a drop-in of docker.service",
        _AT,
        source="NVIDIA/nvidia-docker #288 #526, NVIDIA/nvidia-container-toolkit #32",
    ),
    Failure(
        "image-needs-newer-driver",
        r"requirement error: unsatisfied condition: (?:cuda|driver|brand)",
        "the image needs a newer CUDA than the host's driver offers",
        "nvidia-smi shows the driver's CUDA; take an older image (env/images.env), or install a "
        "newer driver: sudo ubuntu-drivers install --gpgpu",
        _AT,
        source="libnvidia-container: requirements",
    ),
    Failure(
        "unknown-device",
        r"device error: \S+ unknown device",
        "the GPU is not there: the number is beyond the last one, or the card has failed",
        "nvidia-smi -L; correct the role's GPU in env/stack.env; then `stackctl up`, which asks by "
        "UUID",
        _AT,
        source="libnvidia-container",
    ),
    Failure(
        "port-taken",
        r"Bind for \S+ failed: port is already allocated|address already in use"
        r"|ports are not available",
        "another container or program of the host has the port",
        "sudo ss -ltnp 'sport = :PORT'; end what it shows, or set ROLE_PORT in env/stack.env to "
        "another one",
        _AT,
        source="moby: portallocator.go",
    ),
    Failure(
        "no-addresses-left",
        r"all predefined address pools have been fully subnetted"
        r"|could not find an available, non-overlapping IPv4 address pool",
        "Docker's address pools are used up: too many networks, many of them of no use any more",
        "docker network prune; if it stays, give the daemon more: default-address-pools in "
        "/etc/docker/daemon.json, then sudo systemctl restart docker",
        _AT,
        source="moby: ipamapi/contract.go",
    ),
    Failure(
        "network-overlap",
        r"Pool overlaps with other one on this address space",
        "the network's addresses belong to another network of Docker's",
        "docker network ls; docker network inspect NAME; remove the other one, or set another "
        "subnet",
        _AT,
        source="moby: ipam",
    ),
    Failure(
        "host-disk-full",
        r"no space left on device",
        "the disk is full where Docker is",
        "df -h; df -i; docker system df; docker image prune",
        _AT,
        source="errno 28",
    ),
)
