"""A simulated box in a folder: the mock library with its own state, without root or Docker."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from gpusim.build import LIBRARY, SMI, build
from gpusim.faults import Fault
from gpusim.hardware import make_profile
from gpusim.state import State, save

# What every client program starts with.
PREAMBLE = """
import json, sys, time
import pynvml as nvml

def outcome(call, *arguments):
    try:
        return call(*arguments)
    except nvml.NVMLError as error:
        return {"code": error.value, "text": str(error)}

def answer(value):
    print(json.dumps(value))
"""


class Box:
    """GPUs whose device nodes are plain files, which may be opened as the real ones."""

    def __init__(self, directory: Path, gpus: int = 4, *faults: Fault) -> None:
        self.state_file = directory / "state"
        self.processes_file = directory / "processes"
        self.dev = directory / "dev"
        self.parts = build()
        self.profile = make_profile(gpus)
        self.dev.mkdir()
        for name in ("nvidiactl", *(f"nvidia{index}" for index in range(gpus))):
            (self.dev / name).touch()
        self.set_faults(*faults)

    def set_faults(self, *faults: Fault) -> None:
        save(State(self.profile, faults), self.state_file)

    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "LD_LIBRARY_PATH": str(self.parts[LIBRARY].parent),
            "GPUSIM_STATE": str(self.state_file),
            "GPUSIM_PROCESSES": str(self.processes_file),
            "GPUSIM_DEV": str(self.dev),
        }

    def start(self, program: str) -> subprocess.Popen[str]:
        """A client that goes on running, with pipes to talk to it."""
        return subprocess.Popen(
            [sys.executable, "-c", PREAMBLE + program],
            env=self.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, program: str) -> Any:
        """The value that the program gave to answer()."""
        result = subprocess.run(
            [sys.executable, "-c", PREAMBLE + program],
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    def smi(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.parts[SMI]), *arguments],
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=30,
        )

    def gpustat(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._module("gpustat", *arguments)

    def nvitop(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._module("nvitop", *arguments)

    def _module(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", name, *arguments],
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )
