"""May a longer prompt be sent without making the box swap, or run out of memory? Pure."""

from __future__ import annotations

from dataclasses import dataclass

#: MiB of the host's memory that are left alone, at least, and in per cent of all
_LEAST_MIB, _LEAST_SHARE = 1024, 0.05
#: MiB of swap that may come into use meanwhile, for reasons of others
_SWAP_MIB = 256
#: MiB of a GPU that are left alone
_SPARE_MIB = 64


@dataclass(frozen=True, slots=True)
class Memory:
    """In MiB. `vram`: used on the role's GPUs, `vram_free`: on the fullest of them; None where it
    is not known, or not our box."""

    available: int | None = None
    total: int = 0
    swap_used: int = 0
    vram: int | None = None
    vram_free: int | None = None


def danger(start: Memory, now: Memory, sent: int, following: int) -> str:
    """Why not to go on; empty if there is no reason. `sent`, `following`: tokens of the last and
    of the next prompt; `start` is from before the first."""
    if now.available is not None:
        least = max(_LEAST_MIB, int(now.total * _LEAST_SHARE))
        if now.available < least:
            return f"{now.available} MiB of memory are available, less than {least}: it would swap"
        if now.swap_used - start.swap_used > _SWAP_MIB:
            return f"{now.swap_used - start.swap_used} MiB were swapped out since the first step"
    if now.vram is None or start.vram is None or now.vram_free is None or not sent:
        return ""
    grown = now.vram - start.vram
    wanted = int(grown / sent * (following - sent))
    if grown > 0 and wanted > now.vram_free - _SPARE_MIB:
        return f"the next step would take {wanted} MiB more of a GPU that has {now.vram_free} free"
    return ""
