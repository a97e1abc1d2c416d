"""Downloads that survive: resumed at the byte, hashed while they stream, renamed when right."""

from stackctl.system.transfer.job import Fetched, Job, Patience, Watch
from stackctl.system.transfer.pool import CONNECTIONS, fetch_all

__all__ = ["CONNECTIONS", "Fetched", "Job", "Patience", "Watch", "fetch_all"]
