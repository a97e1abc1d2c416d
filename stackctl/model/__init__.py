"""The vocabulary that every part of stackctl shares. Pure data.

Memory is in MiB (2**20 bytes) wherever a name says `mib`, times are in seconds.
"""

from stackctl.model.check import Check, Finding, Phase, Severity
from stackctl.model.engine import LOG, Documents, Engine, Failure, Request, untold
from stackctl.model.errors import NOT_ASKED, StackError, Unavailable
from stackctl.model.facts import Daemon, DamagedModel, Facts, MissingModel, Placement, Space
from stackctl.model.gpu import (
    CDI_KIND,
    MIB,
    NO_GPU,
    SIMULATED,
    Driver,
    Gpu,
    GpuProcess,
    GpuRequest,
    Hardware,
    Xid,
)
from stackctl.model.observed import (
    AT_LEAST,
    STARTING,
    Buffer,
    Explanation,
    GpuProof,
    Observed,
    Progress,
    SeenGpu,
    Served,
    is_host,
)
from stackctl.model.service import Container, Mount, Port, Service, Stack

__all__ = [
    "AT_LEAST",
    "CDI_KIND",
    "LOG",
    "MIB",
    "NOT_ASKED",
    "NO_GPU",
    "SIMULATED",
    "STARTING",
    "Buffer",
    "Check",
    "Container",
    "Daemon",
    "DamagedModel",
    "Documents",
    "Driver",
    "Engine",
    "Explanation",
    "Facts",
    "Failure",
    "Finding",
    "Gpu",
    "GpuProcess",
    "GpuProof",
    "GpuRequest",
    "Hardware",
    "MissingModel",
    "Mount",
    "Observed",
    "Phase",
    "Placement",
    "Port",
    "Progress",
    "Request",
    "SeenGpu",
    "Served",
    "Service",
    "Severity",
    "Space",
    "Stack",
    "StackError",
    "Unavailable",
    "Xid",
    "is_host",
    "untold",
]
