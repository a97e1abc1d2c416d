"""A copy of the set-up scripts among fake programs: nothing of this machine is asked or changed."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Box:
    root: Path

    @property
    def repo(self) -> Path:
        return self.root / "repo"

    def program(self, name: str, body: str) -> None:
        """A fake program; what it was called with is kept in `calls`."""
        path = self.root / "bin" / name
        path.write_text(f'#!/bin/bash\necho "{name} $*" >>{self.root}/calls\n{body}\n')
        path.chmod(0o755)

    def calls(self, start: str = "") -> list[str]:
        path = self.root / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line for line in lines if line.startswith(start)]

    def run(
        self,
        script: str,
        *arguments: str,
        as_nobody: bool = False,
        environment: dict[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        command = [str(self.repo / "setup" / script), *arguments]
        return self._run(command, as_nobody, environment or {})

    def bash(self, text: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Some lines of bash, where the functions of the scripts can be sourced."""
        return self._run(["bash", "-euo", "pipefail", "-c", text], False, environment)

    def _run(
        self, command: list[str], as_nobody: bool, environment: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        if as_nobody and os.geteuid() == 0:
            command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]
        path = f"{self.root}/bin:{self.root}/tools"
        return subprocess.run(
            command,
            cwd=self.repo / "setup",
            env={"PATH": path, "HOME": str(self.root), **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


# Harmless programs the scripts may really use; what is neither here nor faked does not exist.
TOOLS = (
    "awk", "bash", "basename", "cat", "chmod", "cut", "dirname", "env", "find", "flock", "grep",
    "head", "id", "mkdir", "mktemp", "paste", "rm", "sed", "setpriv", "sha256sum", "sleep", "sort",
    "tail", "timeout", "tr", "xargs",
)  # fmt: skip


def fresh_box() -> Iterator[Box]:
    """To be made a fixture. Outside pytest's own folder, which only its user may enter."""
    root = Path(tempfile.mkdtemp(prefix="stackctl-setup-"))
    try:
        yield _make_box(root)
    finally:
        shutil.rmtree(root)


def append(path: Path, line: str) -> None:
    path.write_text(path.read_text() + line + "\n")


def _make_box(root: Path) -> Box:
    root.chmod(0o755)
    box = Box(root)
    for folder in ("bin", "tools", "repo/env", "repo/compose"):
        (root / folder).mkdir(parents=True)
    shutil.copytree(REPOSITORY / "setup", box.repo / "setup")
    shutil.copytree(REPOSITORY / "compose/images", box.repo / "compose/images")
    shutil.copy(REPOSITORY / "pyproject.toml", box.repo)
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found, f"{tool} is needed for this test"
        (root / "tools" / tool).symlink_to(found)
    (root / "calls").touch()
    (root / "calls").chmod(0o666)
    return box
