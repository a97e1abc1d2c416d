"""A second machine, through the owner's ssh: his keys, his configuration, no questions."""

from __future__ import annotations

import shlex
import subprocess

from stackctl.model import StackError

#: exit code of ssh for a failure of its own
_FAILED = 255
#: seconds: to connect; for all of it, three questions of ten seconds and some to spare
_CONNECT, _PATIENCE = 10, 60.0


def run(host: str, user: str, port: int, script: str, given: bytes) -> str:
    """What a script for `sh` says there. `given` is its stdin."""
    argv = ["ssh", "-T", "-o", "BatchMode=yes", "-o", f"ConnectTimeout={_CONNECT}"]
    argv += ["-p", str(port)] if port else []
    argv += ["-l", user] if user else []
    argv += ["--", host, f"sh -c {shlex.quote(script)}"]
    shown = f"{user}@{host}" if user else host
    try:
        done = subprocess.run(
            argv, input=given, capture_output=True, timeout=_PATIENCE, check=False
        )
    except FileNotFoundError:
        raise StackError("ssh: no such program", fix="sudo apt install openssh-client") from None
    except subprocess.TimeoutExpired:
        raise StackError(
            f"{shown} did not answer within {_PATIENCE:.0f} s", fix=f"ssh {shown} true"
        ) from None
    if done.returncode == _FAILED:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise StackError(
            f"cannot log in to {shown}: {said[-1][:200] if said else 'ssh failed'}",
            fix=f"ssh {shown} true must work without a question (a key, a known host)",
        )
    return done.stdout.decode("utf-8", "replace")
