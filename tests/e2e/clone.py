"""A fresh clone of this repository, as it is in the working tree, used as its owner would."""

from __future__ import annotations

import os
import shutil
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.integration.stack.box import REPOSITORY, ROLES, Box, Result, free_ports, run

#: a second run of all set-up steps and a start of four services
PATIENCE = 300.0
VENV = Path(sys.prefix)
#: what the knobs of its ports begin with: TLS, plain HTTP, metrics, proofs for ACME
GATEWAY = ("gateway", "gateway_http", "gateway_metrics", "gateway_acme")


@dataclass(frozen=True)
class Clone:
    """`box` knows its containers; commands are typed here, in its folder."""

    folder: Path
    box: Box

    @property
    def environ(self) -> dict[str, str]:
        own = {"COMPOSE_PROJECT_NAME": self.box.project, "STACKCTL_VENV": str(VENV)}
        # these tests may have been started by make; an owner's make is nobody's child
        strange = ("STACKCTL_", "COMPOSE_", "MAKE", "MFLAGS")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(strange)}
        # the clone's own code, though the environment was made for another folder
        return kept | own | {"PYTHONPATH": str(self.folder)}

    def make(self, target: str) -> Result:
        return run(["make", target], env=self.environ, cwd=self.folder, timeout=PATIENCE)

    def stackctl(self, *words: str) -> Result:
        argv = [sys.executable, "-m", "stackctl", *words]
        done = run(argv, env=self.environ, cwd=self.folder, timeout=PATIENCE)
        assert done.code == 0, done.text
        return done

    def timed(self, target: str) -> tuple[Result, float]:
        began = time.monotonic()
        return self.make(target), time.monotonic() - began


def _copy_changes(folder: Path) -> None:
    """What is not committed yet is tested as well; what was deleted is deleted."""
    listed = run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=REPOSITORY).out
    for name in filter(None, listed.split("\0")):
        source, target = REPOSITORY / name, folder / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
        else:
            target.unlink(missing_ok=True)


@contextmanager
def fresh_clone(folder: Path) -> Iterator[Clone]:
    """Its environment is the one that these tests run in; it has its own ports and project."""
    # were that environment out of date, the clone's set-up would make it its own
    made = run(
        [str(REPOSITORY / "setup" / "venv.sh")],
        env=os.environ | {"STACKCTL_VENV": str(VENV)},
        timeout=PATIENCE,
    )
    assert made.code == 0, made.text
    home = folder / "clone"
    cloned = run(["git", "clone", "--quiet", "--no-hardlinks", str(REPOSITORY), str(home)])
    assert cloned.code == 0, cloned.text
    _copy_changes(home)
    names = (*ROLES, *GATEWAY)
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    box = Box(home, f"stackctl-test-{uuid.uuid4().hex[:8]}", ports)
    box.settings(COMPOSE_PROFILES=",".join([*ROLES, "gateway"]))
    try:
        yield Clone(home, box)
    finally:
        box.remove()
