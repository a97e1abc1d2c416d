"""The kernel's packet filter, by iptables; and whether firewalld runs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from stackctl.model import StackError, Unavailable
from stackctl.model.host import ABSENT, NO_RIGHT
from stackctl.system import process
from stackctl.system.host import tree

_TABLES = {4: "iptables", 6: "ip6tables"}
#: seconds to wait for Docker, which changes the same tables
_WAIT = "5"


def present(version: int) -> tuple[str, ...] | Unavailable:
    """Every rule of the filter table for IPv4 or IPv6, as `-S` prints it."""
    if not process.is_root():
        return Unavailable("only root sees the rules: sudo stackctl net", NO_RIGHT)
    program = _TABLES[version]
    try:
        result = process.run([program, "-w", _WAIT, "-S"], timeout=30)
    except StackError as error:
        return Unavailable(f"{error.message} (sudo apt install iptables)", ABSENT)
    if result.code:
        return Unavailable(f"{program}: {result.err.strip()[:200]}")
    return tuple(result.out.splitlines())


def load(version: int, text: str) -> None:
    """Change the rules, all at once or not at all: the text of `iptables-restore --noflush`."""
    program = f"{_TABLES[version]}-restore"
    done = subprocess.run(
        [program, "-w", _WAIT, "--noflush"],
        input=text.encode(),
        capture_output=True,
        timeout=30,
        check=False,
    )
    if done.returncode:
        raise StackError(
            f"{program} refuses the rules, nothing was changed: "
            + done.stderr.decode("utf-8", "replace").strip()[:300],
            fix=f"sudo {_TABLES[version]} -S; sudo modprobe xt_conntrack xt_comment",
        )


def path(program: str) -> str:
    """Where a program is; units of systemd name it in full."""
    return shutil.which(program) or f"/usr/sbin/{program}"


def firewalld(root: Path = tree.ROOT) -> bool:
    """Whether it runs; to ask itself takes it half a second."""
    return any(
        tree.word(root, f"/proc/{each.name}/comm") == "firewalld"
        for each in tree.entries(root, "/proc")
        if each.name.isdecimal()
    )
