"""`make check`: every static check of this repository, all of them even when one fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
#: longer files have more than one reason to change
LONGEST = 300


def tracked(*patterns: str) -> list[str]:
    """Files of the repository, new ones included, that match a git pattern."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def shell_scripts() -> list[str]:
    """By suffix, or by first line where a script has no suffix."""
    found = set(tracked("*.sh"))
    for name in tracked():
        if "." not in Path(name).name or name == ".ci/run":
            with (ROOT / name).open("rb") as file:
                first = file.readline()
            if first.startswith((b"#!/bin/sh", b"#!/bin/bash", b"#!/usr/bin/env bash")):
                found.add(name)
    return sorted(found)


def too_long() -> list[str]:
    names = tracked("stackctl/*.py", "gpusim/*.py", "gpusim/*.c", "gpusim/*.h", "setup/*.sh")
    sizes = {name: len((ROOT / name).read_bytes().splitlines()) for name in names}
    return [f"{name}: {size} lines" for name, size in sizes.items() if size > LONGEST]


def main() -> int:
    """Run all; 1 if one failed."""
    commands = {
        "ruff check": [f"{BIN}/ruff", "check", "."],
        "ruff format": [f"{BIN}/ruff", "format", "--check", "."],
        "mypy": [f"{BIN}/mypy"],
        "import-linter": [f"{BIN}/lint-imports", "--no-cache"],
        "shellcheck": [f"{BIN}/shellcheck", "-x", *shell_scripts()],
    }
    failed = []
    for name, argv in commands.items():
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
        print(f"{'ok' if done.returncode == 0 else 'FAILED':<8}{name}", flush=True)
        if done.returncode:
            print(done.stdout + done.stderr, flush=True)
            failed.append(name)
    if long := too_long():
        print(f"FAILED  file length (at most {LONGEST} lines)\n" + "\n".join(long))
        failed.append("file length")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
