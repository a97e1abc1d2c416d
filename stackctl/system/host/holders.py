"""Who holds GPU memory, by /proc: a container, a unit of systemd, or something left over."""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Collection
from pathlib import Path

from stackctl.model import Gpu
from stackctl.model.host import Holder
from stackctl.system.host import tree

_UNIT = re.compile(r"/([\w@.\\:-]+\.service)(?:/|$)", re.MULTILINE)
#: units that only say that somebody logged in
_SESSIONS = ("user@", "session", "ssh.service", "sshd.service")


def holders(
    gpus: Collection[Gpu], containers: Collection[str] | None, root: Path = tree.ROOT
) -> tuple[Holder, ...]:
    """Processes on GPUs that no container of `containers` (ids) has. None = that is not known, then
    only those in no container at all."""
    found = []
    for gpu in gpus:
        for process in gpu.processes:
            inside = process.container_id
            if inside and (containers is None or inside in containers):
                continue
            found.append(_holder(process.pid, gpu.index, process.used_mib, inside, root))
    return tuple(found)


def _holder(pid: int, gpu: int, used_mib: int, inside: str, root: Path) -> Holder:
    folder = f"/proc/{pid}"
    name = tree.word(root, f"{folder}/comm")
    units = [
        unit
        for unit in _UNIT.findall(tree.word(root, f"{folder}/cgroup"))
        if not unit.startswith(_SESSIONS)
    ]
    return Holder(
        pid=pid,
        gpu=gpu,
        used_mib=used_mib,
        name=name,
        user=_user(tree.below(root, folder)),
        unit=units[-1] if units and not inside else "",
        foreign=inside,
        orphan=_parent(tree.word(root, f"{folder}/stat")) == 1,
    )


def _user(folder: Path) -> str:
    try:
        owner = folder.stat().st_uid
    except OSError:
        return ""
    try:
        return pwd.getpwuid(owner).pw_name
    except KeyError:
        return str(owner)


def _parent(stat: str) -> int:
    """The parent in /proc/PID/stat; the name before it may hold blanks and brackets."""
    columns = stat.rpartition(")")[2].split()
    return int(columns[1]) if len(columns) > 1 and columns[1].isdecimal() else 0


def is_root() -> bool:
    return os.geteuid() == 0
