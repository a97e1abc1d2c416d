"""The compiled parts run anywhere, and are compiled only when needed."""

import os
import subprocess
from pathlib import Path

import pytest

from gpusim import build as build_module
from gpusim.build import DEVCG, LIBRARY, SMI, build


def undefined_symbols(library: Path) -> list[str]:
    output = subprocess.run(
        ["nm", "--dynamic", "--undefined-only", str(library)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [line.strip() for line in output.splitlines()]


def test_library_needs_no_libc() -> None:
    library = build()[LIBRARY]
    dynamic = subprocess.run(
        ["readelf", "--dynamic", "--wide", str(library)], capture_output=True, text=True, check=True
    ).stdout
    assert "(SONAME)" in dynamic
    assert "(NEEDED)" not in dynamic
    # Weak, without a version: glibc or musl gives it, or nobody.
    assert undefined_symbols(library) == ["w getenv"]


def test_tools_are_static() -> None:
    for name in (SMI, DEVCG):
        headers = subprocess.run(
            ["readelf", "--program-headers", "--wide", str(build()[name])],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert "LOAD" in headers
        assert "INTERP" not in headers


def test_compiles_once(tmp_path: Path) -> None:
    first = {name: os.stat(path).st_ino for name, path in build(tmp_path).items()}
    assert {name: os.stat(path).st_ino for name, path in build(tmp_path).items()} == first


def test_compiles_again_after_a_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = os.stat(build(tmp_path)[LIBRARY]).st_ino
    monkeypatch.setattr(build_module, "COMMON", (*build_module.COMMON, "-DCHANGED"))
    assert os.stat(build(tmp_path)[LIBRARY]).st_ino != before
