"""HAProxy in its container: its runtime API, its master, and its own check of a configuration."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from pathlib import Path

from stackctl.model import StackError
from stackctl.system import process

#: seconds for one answer; a reload waits until the new process has read everything
_TIMEOUT = 30.0
_CHECK = 60.0


class Down(StackError):
    """No gateway runs."""


def command(folder: Path, text: str) -> str:
    """One command of the runtime API, with its payload if it has one -> the answer."""
    return _ask(folder, "admin.sock", text)


def all_commands(folder: Path, text: str) -> list[str]:
    """One command to every process: those before a reload live on while their clients do."""
    answers = []
    for line in _ask(folder, "master.sock", "show proc").splitlines():
        pid, _, rest = line.partition(" ")
        if pid.isdecimal() and rest.split()[:1] == ["worker"]:
            answers.append(_ask(folder, "master.sock", f"@!{pid} {text}"))
    return answers


def set_map(folder: Path, name: str, rows: str) -> None:
    """The whole of a map, at once: no request sees half of it. `rows` as in the file."""
    version = command(folder, f"prepare map {name}").partition(": ")[2].strip()
    if not version.isdecimal():
        raise _odd(f"prepare map {name}", version)
    if rows:
        # an empty line ends the payload
        _expect_silence(folder, f"add map @{version} {name} <<\n{rows}")
    _expect_silence(folder, f"commit map @{version} {name}")


def reload(folder: Path) -> None:
    """Read the configuration anew. Streams that run end in the old process, nothing is lost."""
    answer = _ask(folder, "master.sock", "reload")
    if "Success=1" not in answer:
        raise StackError(
            f"the gateway does not take its new configuration: {_first_alert(answer)}",
            fix="it goes on with the old one; stackctl logs gateway",
        )


def check(
    image: str,
    mounts: Sequence[tuple[Path, str]],
    configs: Sequence[str],
    user: tuple[int, int],
) -> None:
    """Let HAProxy itself read a configuration, in a container of its own without a network, as the
    user and group that it will run as."""
    argv = ["docker", "run", "--rm", "--network", "none", "--read-only"]
    argv += ["--user", f"{user[0]}:{user[1]}"]
    for source, target in mounts:
        argv += ["-v", f"{source}:{target}:ro"]
    argv += ["--tmpfs", "/run/haproxy", "--entrypoint", "haproxy", image, "-c", "-L", "gateway"]
    for config in configs:
        argv += ["-f", config]
    result = process.run(argv, timeout=_CHECK)
    if result.code != 0:
        reason = _first_alert(result.err)
        fix = "it goes on with the old one; what was changed: git diff compose/gateway"
        if "ermission denied" in reason:
            fix = f"let user {user[0]} read it: chmod -R go+rX compose/gateway"
        raise StackError(f"HAProxy refuses the configuration: {reason}", fix=fix)


def _expect_silence(folder: Path, text: str) -> None:
    answer = command(folder, text).strip()
    if answer:
        raise _odd(text.partition("\n")[0], answer)


def _odd(text: str, answer: str) -> StackError:
    return StackError(
        f"the gateway answers {text.split()[0]!r} with {answer[:200]!r}",
        fix="stackctl restart gateway",
    )


def _first_alert(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    alerts = [line for line in lines if "[ALERT]" in line]
    line = (alerts or lines or ["no reason given"])[0]
    return line.partition(" : ")[2] or line


def _ask(folder: Path, name: str, text: str) -> str:
    try:
        handle = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    except OSError as error:
        raise _silent(folder / name, error) from None
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_TIMEOUT)
            # a path of its own may be longer than the 107 bytes that an address has
            connection.connect(f"/proc/self/fd/{handle}/{name}")
            connection.sendall(text.encode() + b"\n\n" if "\n" in text else text.encode() + b"\n")
            connection.shutdown(socket.SHUT_WR)
            parts = []
            while part := connection.recv(1 << 16):
                parts.append(part)
            return b"".join(parts).decode("utf-8", "replace")
    except OSError as error:
        raise _silent(folder / name, error) from None
    finally:
        os.close(handle)


def _silent(path: Path, error: OSError) -> StackError:
    if isinstance(error, PermissionError):
        return StackError(
            f"no permission to speak to the gateway: {path}",
            fix="be the owner of the clone, or root: sudo stackctl ...",
        )
    # of a container that has ended the socket is still there
    kind = Down if isinstance(error, (FileNotFoundError, ConnectionRefusedError)) else StackError
    reason = error.strerror or "no answer in time"
    return kind(f"the gateway does not answer on {path}: {reason}", fix="stackctl up gateway")
