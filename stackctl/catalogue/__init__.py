"""What goes wrong outside an engine's log, as data: one tuple a place to look. Pure.

The engines' own tables are in stackctl.engines.failures.
"""

from stackctl.catalogue import xid
from stackctl.catalogue.conditions import CONDITIONS
from stackctl.catalogue.create import CREATE
from stackctl.catalogue.driver import DRIVER, INSIDE, NVML
from stackctl.catalogue.kernel import KERNEL
from stackctl.catalogue.mask import masked
from stackctl.catalogue.match import UNKNOWN, Found, filled, find, first
from stackctl.catalogue.programs import PROGRAMS
from stackctl.catalogue.pull import PULL
from stackctl.catalogue.requests import REQUESTS
from stackctl.catalogue.stalled import STALLED

__all__ = [
    "CONDITIONS",
    "CREATE",
    "DRIVER",
    "INSIDE",
    "KERNEL",
    "NVML",
    "PROGRAMS",
    "PULL",
    "REQUESTS",
    "STALLED",
    "UNKNOWN",
    "Found",
    "filled",
    "find",
    "first",
    "masked",
    "xid",
]
