"""What is asked only where CUDA fails in a container: whose fault is it?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from stackctl.model import NOT_ASKED, Cuda, Facts, Observed, Unavailable
from stackctl.model.host import CdiSpec


def beside(facts: Facts) -> Facts:
    """With CUDA on the host, and what CDI files would give to a new container."""
    if not any(map(_ill, facts.observed)):
        return facts
    # here, as no other verify needs them
    from stackctl.system import cuda
    from stackctl.system.host import cdi

    return replace(facts, host_cuda=cuda.on_host(), cdi_nodes=nodes(cdi.specs()))


def nodes(specs: Iterable[CdiSpec | Unavailable]) -> dict[str, int] | None:
    """Device node -> its major number, 0 for the host's; what a later file says wins. Pure."""
    readable = [spec for spec in specs if isinstance(spec, CdiSpec)]
    if not readable:
        return None
    return {path: spec.majors.get(path, 0) for spec in readable for path in spec.nodes}


def _ill(o: Observed) -> bool:
    if not isinstance(o.cuda, Cuda):
        return False
    if isinstance(o.cuda.devices, Unavailable):
        # where nvidia-smi fails as well, that is what has to be mended
        return o.inside == NOT_ASKED or not isinstance(o.inside, Unavailable)
    return not isinstance(o.inside, Unavailable) and len(o.cuda.devices) < len(o.inside)
