"""A Docker daemon of one's own, with its disk and the stack's disks as small as one likes.

It lives in a mount and a network namespace of its own and shares the machine's simulated GPUs: a
disk may be filled there and the daemon be ended, and nobody else notices.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.integration.stack.box import PATIENCE, REPOSITORY, Box, box, run

ROLES = ("main", "coder")
#: what these roles need
_IMAGE = "stackctl/sim-llama-cpp:1"
#: MiB; more than host.disk asks for
_ROOM = 2500
#: $1: where everything is, $2: the clone. A daemon of the machine is not to be seen.
_PREPARE = f"""
set -e
for each in /run/docker /run/containerd; do
    [ ! -d $each ] || mount -t tmpfs tmpfs $each
done
for each in "$1/root" "$1/models" "$2/.stackctl"; do
    mkdir -p "$each"
    mount -t tmpfs -o size={_ROOM}m tmpfs "$each"
done
cp -a "$2/models/sim/llama-cpp" "$2/models/sim/models.lock" "$1/models/"
ip link set lo up
touch "$1/ready"
exec sleep infinity
"""


@dataclass
class Island(Box):
    """A box whose commands run beside its own daemon. `keeper` keeps the namespaces."""

    folder: Path = Path()
    keeper: int = 0
    daemon: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def models(self) -> Path:
        return self.folder / "models"

    @property
    def state(self) -> Path:
        return self.home / ".stackctl"

    @property
    def environ(self) -> dict[str, str]:
        return super().environ | {"DOCKER_HOST": f"unix://{self.folder}/docker.sock"}

    def inside(self, *words: str) -> list[str]:
        return ["nsenter", "--target", str(self.keeper), "--mount", "--net", *words]

    def seen(self, path: Path) -> Path:
        return Path(f"/proc/{self.keeper}/root{path}")

    def settings(self, **values: str | int) -> None:
        own: dict[str, str | int] = {"COMPOSE_PROFILES": ",".join(ROLES)}
        super().settings(**own, MODELS_DIR=str(self.models), **values)

    def argv(
        self, *words: str, mounts: str = "true", module: tuple[str, ...] = ("stackctl",)
    ) -> list[str]:
        return self.inside(*super().argv(*words, mounts=mounts, module=module))

    def docker(self, *words: str, check: bool = True) -> str:
        result = run(["docker", *words], env=self.environ)
        assert not check or result.code == 0, f"docker {' '.join(words)}: {result.text}"
        return result.out.strip()

    def shell(self, script: str) -> str:
        result = run(self.inside("sh", "-c", script))
        assert result.code == 0, result.text
        return result.out.strip()

    @contextmanager
    def full(self, path: Path) -> Iterator[None]:
        """The file system at `path` shrinks to what is in it, and takes nothing more."""
        used = int(self.shell(f"df --output=used -k {path} | tail -1"))
        self.shell(f"mount -o remount,size={max(4, used)}k {path}")
        try:
            self.shell(f"head -c 1M /dev/zero >{path}/filler 2>&1 || true")
            yield
        finally:
            self.shell(f"rm -f {path}/filler; mount -o remount,size={_ROOM}m {path}")

    @contextmanager
    def remounted(self, path: Path, with_: str, back: str) -> Iterator[None]:
        self.shell(f"mount -o remount,{with_} {path}")
        try:
            yield
        finally:
            self.shell(f"mount -o remount,{back} {path}")

    def start_daemon(self) -> None:
        """Returns when it answers."""
        where = ("--data-root", str(self.root), "--exec-root", str(self.folder / "x"))
        alone = ("--bridge", "none", "--iptables=false", "--ip6tables=false")
        host = ("--host", self.environ["DOCKER_HOST"], "--pidfile", str(self.folder / "pid"))
        said = self.folder / "dockerd.log"
        with said.open("ab") as log:
            argv = self.inside("dockerd", *where, *alone, *host)
            self.daemon = subprocess.Popen(argv, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + PATIENCE
        while run(["docker", "info"], env=self.environ).code:
            assert self.daemon.poll() is None, said.read_text()[-2000:]
            assert time.monotonic() < deadline, said.read_text()[-2000:]
            time.sleep(0.1)

    def end_daemon(self, number: int = signal.SIGTERM) -> None:
        assert self.daemon is not None
        self.daemon.send_signal(number)
        try:
            self.daemon.wait(PATIENCE)
        finally:
            with suppress(ProcessLookupError):
                self.daemon.kill()

    def stamp(self) -> None:
        """As `stamp_copies`, where these models are to be seen."""
        code = "import sys, pathlib; from tests.integration.stack.box import stamp_copies as s; "
        argv = self.inside(sys.executable, "-c", code + "s(pathlib.Path(sys.argv[1]))")
        done = run([*argv, str(self.models)], cwd=REPOSITORY)
        assert done.code == 0, done.text

    def load_image(self) -> None:
        """From the machine's daemon."""
        with subprocess.Popen(["docker", "save", _IMAGE], stdout=subprocess.PIPE) as saved:
            load = ["docker", "load", "--quiet"]
            subprocess.run(load, stdin=saved.stdout, env=self.environ, check=True)
        assert saved.returncode == 0


@contextmanager
def island(folder: Path) -> Iterator[Island]:
    """With a daemon that runs, and the roles main and coder, which do not yet."""
    with box(folder) as plain:
        prepare = ["sh", "-c", _PREPARE, "sh", str(folder), str(plain.home)]
        keeper = subprocess.Popen(["unshare", "--mount", "--net", *prepare])
        made = Island(plain.home, plain.project, plain.ports, folder=folder, keeper=keeper.pid)
        try:
            deadline = time.monotonic() + PATIENCE
            while not (folder / "ready").exists():
                assert keeper.poll() is None, "its namespaces cannot be made"
                assert time.monotonic() < deadline
                time.sleep(0.05)
            made.stamp()
            made.settings()
            made.start_daemon()
            made.load_image()
            yield made
        finally:
            made.remove()
            if made.daemon:
                made.end_daemon()
            keeper.kill()
            keeper.wait()
