"""What several checks of the doctor say in the same words."""

from __future__ import annotations

from collections.abc import Sequence

from stackctl.model import Driver, Finding, Severity
from stackctl.model.host import CdiSpec, HostFacts, Mend


def ok(check: str, subject: str, summary: str) -> Finding:
    return Finding(check, Severity.OK, subject, summary)


def real(facts: HostFacts) -> bool:
    """Whether a driver answers that is no simulation."""
    return isinstance(facts.driver, Driver) and not facts.driver.simulated


def count(number: int, noun: str) -> str:
    """`1 GPU`, `4 GPUs`"""
    return f"{number} {noun}{'s' * (number != 1)}"


def listed(names: Sequence[str], most: int = 4) -> str:
    """`a, b, c, d and 3 more`"""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


#: where nvidia-ctk's file is looked for by hand, and where its own unit keeps it
OURS, REFRESHED = "/etc/cdi/nvidia.yaml", "/var/run/cdi/nvidia.yaml"
GENERATE = f"sudo nvidia-ctk cdi generate --output={OURS}"


def write_spec(facts: HostFacts, spec: CdiSpec | None) -> Mend | None:
    """The repair that writes the CDI file anew; none where that is not sure to help, or where the
    file is somebody else's."""
    if not real(facts) or not facts.toolkit.ctk:
        return None
    kernel = facts.kernel
    if kernel.libraries and kernel.loaded not in kernel.libraries:
        return None  # half an upgrade: what is written now is wrong after the reboot, or before it
    path = spec.path if spec else REFRESHED if facts.toolkit.refreshes else OURS
    if path not in (OURS, REFRESHED):
        return None
    if path == REFRESHED and facts.toolkit.refreshes:
        argv: tuple[str, ...] = ("systemctl", "restart", "nvidia-cdi-refresh.service")
    else:
        argv = (facts.toolkit.ctk, "cdi", "generate", f"--output={path}")
    return Mend(
        what=f"write {path} anew from the driver that runs",
        safe="the file only says how GPUs are handed to containers that are created from now on; "
        "those that run are not touched",
        argv=argv,
        keep=path,
        after="containers that exist keep what they were created with: stackctl restart",
    )
