"""What the kernel logged of this host, beside what gpu.xid tells."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable

from stackctl.catalogue import KERNEL, Found, filled, first
from stackctl.model import Check, Depth, Facts, Finding, KernelLine, Phase, Severity

#: seconds for which a line counts: the log keeps it until the next boot, and what is still wrong
#: then is logged again, or seen by another check
DAY = 86400.0
#: seconds within which a line is a consequence of another one
TOGETHER = 60.0
#: what stays wrong until somebody acts; the others may be over
_LASTING = frozenset({"disk-read-only"})
#: told by others: of our containers by service.running, and those of others are not ours
_TOLD = frozenset({"memory-limit"})
_OFF_BUS = "gpu-off-bus"


def logged(facts: Facts) -> Iterable[Finding]:
    """One finding for each failure, with its last line."""
    since = time.time() - DAY
    known = [
        (line, hit)
        for line in facts.kernel
        if line.at >= since and (hit := first(line.text, KERNEL)) is not None
    ]
    told = _TOLD | ({_OFF_BUS} if any(x.at >= since for x in facts.xids) else set())
    causes = [line.at for line, hit in known if hit.failure.depth is Depth.CAUSE]
    groups: defaultdict[str, list[tuple[KernelLine, Found]]] = defaultdict(list)
    for line, hit in known:
        follows = any(abs(line.at - at) <= TOGETHER for at in causes)
        if hit.failure.id not in told and not (follows and hit.failure.depth is not Depth.CAUSE):
            groups[hit.failure.id].append((line, hit))
    for name, lines in groups.items():
        hit = lines[-1][1]
        times = "once" if len(lines) == 1 else f"{len(lines)} times"
        yield Finding(
            "host.kernel",
            Severity.ERROR if name in _LASTING else Severity.WARNING,
            # each is a trouble of its own, so that one may end while another goes on
            f"kernel {name}",
            f"logged {times} within a day",
            evidence=hit.explanation.line,
            cause=hit.failure.cause,
            fix=filled(hit.failure.fix, ""),
            values={"failure": name, "count": len(lines), "at": lines[-1][0].at},
        )


CHECKS = (Check("host.kernel", "The kernel logged no trouble", Phase.RUNNING, logged),)
