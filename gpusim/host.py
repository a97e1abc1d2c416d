"""install and remove: the simulated driver, tools and device nodes on this host."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from gpusim.build import CUDA, DEVCG, LIBRARY, SMI, build
from gpusim.cdi import CONTROL_MINOR, NVIDIA_MAJOR, specification
from gpusim.errors import GpusimError
from gpusim.guard import refuse_real_gpus
from gpusim.hardware import Profile, make_profile
from gpusim.manifest import (
    MANIFEST_FILE,
    Manifest,
    load_manifest,
    place_directory,
    place_file,
    place_node,
    take_away,
)
from gpusim.paths import (
    DEV_DIR,
    INSTALL_DIR,
    RUN_DIR,
    SOURCE_DIR,
    locked_directory,
    processes_file,
    state_file,
    watcher_pid_file,
)
from gpusim.state import State, load, render, save
from gpusim.watcher import code_stamp, running_watcher

LIBRARY_FILE = Path("/usr/local/lib", LIBRARY)
CUDA_FILE = Path("/usr/local/lib", CUDA)
SMI_FILE = Path("/usr/local/bin", SMI)
CDI_FILE = Path("/etc/cdi/gpusim.json")
# On dockerd's PATH, where it looks for the hook when it starts.
TOOLS_DIR = Path("/usr/local/bin")
HOOK, RUNTIME = "nvidia-container-runtime-hook", "nvidia-container-runtime"


def _require_root() -> None:
    if os.geteuid() != 0:
        raise GpusimError("only root can do this: sudo python3 -m gpusim …")


def _wanted_files(profile: Profile) -> dict[Path, tuple[bytes, int]]:
    parts = {name: path.read_bytes() for name, path in build().items()}
    hook = (SOURCE_DIR / "parts" / f"{HOOK}.py").read_bytes()
    runtime = (SOURCE_DIR / "parts" / f"{RUNTIME}.py").read_bytes()
    return {
        INSTALL_DIR / LIBRARY: (parts[LIBRARY], 0o644),
        INSTALL_DIR / CUDA: (parts[CUDA], 0o644),
        INSTALL_DIR / SMI: (parts[SMI], 0o755),
        INSTALL_DIR / DEVCG: (parts[DEVCG], 0o755),
        LIBRARY_FILE: (parts[LIBRARY], 0o644),
        CUDA_FILE: (parts[CUDA], 0o644),
        SMI_FILE: (parts[SMI], 0o755),
        TOOLS_DIR / HOOK: (hook, 0o755),
        TOOLS_DIR / RUNTIME: (runtime, 0o755),
        CDI_FILE: (specification(profile).encode(), 0o644),
    }


def _wanted_nodes(profile: Profile) -> dict[Path, int]:
    nodes = {DEV_DIR / f"nvidia{index}": index for index in range(profile.gpus)}
    return {DEV_DIR / "nvidiactl": CONTROL_MINOR, **nodes}


def install(asked: Profile | None) -> list[str]:
    """Put everything in place; a line for each thing that had to be done.

    Without a profile the installed one stays, so the same call mends a host after a reboot.
    Faults that are set stay set. GpusimError where something real is, and without root.
    """
    _require_root()
    with locked_directory(INSTALL_DIR.parent):
        manifest = load_manifest()
        refuse_real_gpus(manifest.paths() if manifest else ())
        profile = asked or (manifest.profile if manifest else make_profile())
        files = _wanted_files(profile)
        nodes = _wanted_nodes(profile)
        manifest = manifest or Manifest(profile)
        done = _place(manifest, profile, files, nodes)
        if {LIBRARY_FILE, CUDA_FILE} & set(done):
            subprocess.run(["ldconfig"], check=True)
        lines = [f"wrote {path}" for path in done]
        return lines + _set_state(profile) + _start_watcher()


def _place(
    manifest: Manifest,
    profile: Profile,
    files: dict[Path, tuple[bytes, int]],
    nodes: dict[Path, int],
) -> list[Path]:
    for directory in {path.parent: None for path in files}:
        place_directory(manifest, directory)
    if manifest.profile != profile:
        manifest.profile = profile
        manifest.save()
    done = [
        path for path, (content, mode) in files.items() if place_file(manifest, path, content, mode)
    ]
    done += [
        path for path, minor in nodes.items() if place_node(manifest, path, NVIDIA_MAJOR, minor)
    ]
    surplus = manifest.paths() - set(files) - set(nodes)
    if surplus:
        take_away(manifest, surplus)
        manifest.save()
    return done


def _set_state(profile: Profile) -> list[str]:
    RUN_DIR.mkdir(mode=0o755, exist_ok=True)
    with locked_directory(RUN_DIR):
        old = load() if state_file().exists() else State(profile)
        # Other GPUs come healthy, but what a container's cgroup denies is still to be undone.
        kept = tuple(f for f in old.faults if old.profile == profile or f.container is not None)
        state = State(profile, kept)
        # The text, not the value: another version may have written it otherwise.
        if state_file().exists() and state_file().read_text() == render(state):
            return []
        save(state)
    return [f"wrote {state_file()}: {profile.gpus}x {profile.name}"]


def _start_watcher() -> list[str]:
    running = running_watcher()
    if running is not None:
        if running.stamp == code_stamp():
            return []
        _stop_watcher()
    process = subprocess.Popen(
        [sys.executable, "-m", "gpusim", "watch"],
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(SOURCE_DIR.parent)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 5
    while running_watcher() is None:
        if process.poll() is not None or time.monotonic() > deadline:
            raise GpusimError("the watcher did not start: python -m gpusim watch says why")
        time.sleep(0.02)
    return [f"started the watcher (pid {process.pid})"]


def _stop_watcher() -> None:
    running = running_watcher()
    if running is None:
        return
    os.kill(running.pid, signal.SIGTERM)
    deadline = time.monotonic() + 3
    while running_watcher() is not None and time.monotonic() < deadline:
        time.sleep(0.02)


def remove() -> list[str]:
    """Undo install exactly; a line for each thing worth saying. GpusimError without root."""
    _require_root()
    with locked_directory(INSTALL_DIR.parent):
        manifest = load_manifest()
        if manifest is None:
            return ["nothing is installed"]
        for file in (state_file(), processes_file()):
            file.unlink(missing_ok=True)
        _stop_watcher()
        watcher_pid_file().unlink(missing_ok=True)
        shutil.rmtree(RUN_DIR, ignore_errors=True)
        lines = take_away(manifest, manifest.paths())
        MANIFEST_FILE.unlink()
        for directory in reversed(manifest.directories):
            try:
                os.rmdir(directory)
            except FileNotFoundError:
                continue
            except OSError:
                lines.append(f"{directory} is not empty and stays")
        subprocess.run(["ldconfig"], check=True)
        return [*lines, "removed the simulated GPUs"]
