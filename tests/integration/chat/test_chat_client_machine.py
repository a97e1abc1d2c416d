"""A machine that is no box: neither Docker nor what only Linux has."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.integration.chat.server import serving

#: what Windows has not (POSIX), and what a client's machine needs not
ABSENT = (
    *("fcntl", "grp", "pwd", "termios", "tty", "pty", "resource", "readline"),
    *("docker", "pynvml", "requests", "cryptography", "rich", "yaml", "ruamel", "jsonschema"),
)
BLOCKING = f"""
import sys, platform
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {ABSENT!r}:
            raise ModuleNotFoundError(name)
for name in {ABSENT!r}:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Absent())
platform.system = lambda: SYSTEM
from stackctl.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def client(system: str, *words: str) -> subprocess.CompletedProcess[str]:
    code = BLOCKING.replace("SYSTEM", repr(system))
    argv = [sys.executable, "-c", code, "chat", *words]
    return subprocess.run(
        argv, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL
    )


@pytest.mark.parametrize("system", ["Windows", "Darwin"])
def test_it_needs_none_of_it(system: str) -> None:
    with serving(lambda x: x.say("hello")) as server:
        done = client(system, "--url", server.url, "--tools", "hi")
    assert (done.returncode, done.stdout) == (0, "hello\n"), done.stderr


def test_it_says_that_roles_are_elsewhere() -> None:
    done = client("Windows", "coder", "hi")
    assert done.returncode == 2
    assert "--url https://HOST" in done.stderr
