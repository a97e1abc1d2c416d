"""The Docker daemon through docker-py. The only importer of docker; hands out model types only."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from stackctl.model import Container, Daemon, Service, StackError, Unavailable
from stackctl.system import inspect, process
from stackctl.system.log_text import condense

#: an exec takes 50 ms; a hung driver makes nvidia-smi hang, and an exec cannot be killed from here
EXEC_TIMEOUT = 10
#: bytes read of a log: the load lines of an engine lie within the first MiB
LOG_READ = 2 << 20
LOG_TAIL_LINES = 2000
OK = 200
#: seconds for any one answer of the daemon
TIMEOUT = 60


class Docker:
    """One connection to the daemon, opened at first use. Safe to use from several threads."""

    @cached_property
    def _api(self) -> Any:
        import docker
        from docker.errors import DockerException

        try:
            client = docker.from_env(timeout=TIMEOUT, max_pool_size=32)
        except DockerException as error:
            raise _unreachable(error) from None
        return client.api

    def daemon(self) -> Daemon | Unavailable:
        """Version and abilities of the daemon."""
        try:
            raw = self._call("info")
        except StackError as error:
            return Unavailable(error.message, error.fix)
        return Daemon(
            version=raw.get("ServerVersion", ""),
            cdi_devices=tuple(
                device["ID"]
                for device in raw.get("DiscoveredDevices") or ()
                if device.get("Source") == "cdi"
            ),
            runtimes=tuple(raw.get("Runtimes") or ()),
            cgroup_driver=raw.get("CgroupDriver", ""),
            root=raw.get("DockerRootDir", ""),
        )

    def services(
        self, project: str = "", folder: Path | None = None
    ) -> tuple[tuple[Service, Container], ...]:
        """Every container that carries a contract, running or not, by name: of one project, of the
        compose files in one folder, or all."""
        labels = [inspect.LABEL + "role"]
        if project:
            labels.append(f"com.docker.compose.project={project}")
        if folder:
            labels.append(f"com.docker.compose.project.working_dir={folder}")
        rows = self._call("containers", all=True, filters={"label": labels})
        if not rows:
            return ()
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(self._inspect, (row["Id"] for row in rows)))
        return tuple(sorted((f for f in found if f), key=lambda pair: pair[1].name))

    def service(self, container_id: str) -> tuple[Service, Container] | None:
        """One container again; None if it is gone."""
        return self._inspect(container_id)

    def start(self, container_id: str) -> None:
        self._call("start", container_id)

    def stop(self, container_id: str) -> None:
        """Ask it to end; it is killed when it has not after the time that its settings give it."""
        self._call("stop", container_id)

    def rename(self, container_id: str, name: str) -> None:
        self._call("rename", container_id, name)

    def remove(self, container_id: str) -> None:
        self._call("remove_container", container_id, force=True, v=True)

    def image_exists(self, image: str) -> bool:
        from docker.errors import ImageNotFound

        try:
            self._api.inspect_image(image)
        except ImageNotFound:
            return False
        return True

    def repo_digests(self, image_id: str) -> tuple[str, ...]:
        """`REPOSITORY@sha256:…` under which registries have an image; none if only we have it, or
        if it was removed while a container of it lives on."""
        try:
            return tuple(self._call("inspect_image", image_id).get("RepoDigests") or ())
        except StackError:
            return ()

    def port_holders(self) -> dict[int, str]:
        """Host ports that running containers have published -> container name."""
        rows = self._call("containers")
        return {
            int(port["PublicPort"]): row["Names"][0].lstrip("/")
            for row in rows
            for port in row.get("Ports") or ()
            if port.get("PublicPort")
        }

    def execute(self, container_id: str, argv: list[str]) -> tuple[int, str]:
        """Exit code and output of a program inside a container; ends after EXEC_TIMEOUT."""
        command = ["timeout", "-s", "KILL", str(EXEC_TIMEOUT), *argv]
        created = self._call("exec_create", container_id, command)
        # docker-py's exec_start loses what arrives together with the head of the answer
        how = {"Detach": False, "Tty": False}
        output = inspect.unframe(self._stream("post", f"/exec/{created['Id']}/start", json=how))
        code = self._call("exec_inspect", created["Id"])["ExitCode"]
        return int(code if code is not None else 1), output.decode("utf-8", "replace")

    def log(self, container: Container) -> str:
        """The log since the container's last start, condensed; of a long one, begin and end."""
        # a little earlier, as a float is coarser than the stamps of the log
        query = f"stdout=1&stderr=1&since={max(0.0, container.started_at - 0.01):.6f}"
        path = f"/containers/{container.id}/logs?{query}"
        # docker-py would read it frame by frame, which takes ten times as long
        parts = [self._stream("get", path, limit=LOG_READ)]
        if len(parts[0]) > LOG_READ * 0.9:
            parts.append(self._stream("get", f"{path}&tail={LOG_TAIL_LINES}", limit=LOG_READ))
        return condense(map(inspect.unframe, parts))

    def _stream(self, method: str, path: str, *, limit: int | None = None, **extra: Any) -> bytes:
        """An answer of the daemon in frames, all of it or the first `limit` bytes."""
        from urllib3.exceptions import HTTPError

        url = f"{self._api.base_url}/v{self._api.api_version}{path}"
        with self._call(method, url, stream=True, timeout=TIMEOUT, **extra) as answer:
            if answer.status_code != OK:
                raise StackError(f"Docker: {answer.text.strip()[:200]}")
            try:
                return bytes(answer.raw.read(limit))
            except (HTTPError, OSError) as error:
                raise _unreachable(error) from None

    def _inspect(self, container_id: str) -> tuple[Service, Container] | None:
        from docker.errors import NotFound

        try:
            raw = self._api.inspect_container(container_id)
        except NotFound:
            return None
        service = inspect.service(raw)
        container = inspect.container(raw, service.port)
        return service, replace(container, began=process.began(container.pid, container.id))

    def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        from docker.errors import APIError, DockerException
        from requests import RequestException

        try:
            return getattr(self._api, name)(*args, **kwargs)
        except APIError as error:
            raise StackError(f"Docker: {error.explanation or error}") from None
        except (DockerException, RequestException) as error:
            raise _unreachable(error) from None


def _unreachable(error: Exception) -> StackError:
    text = str(error)
    if "Permission denied" in text or "PermissionError" in text:
        return StackError(
            "no permission on the Docker socket",
            fix="sudo usermod -aG docker $USER, then log in again; or use sudo",
        )
    if "FileNotFoundError" in text or "ConnectionRefused" in text or "refused" in text:
        return StackError(
            "the Docker daemon is not running", fix="make setup (or: sudo systemctl start docker)"
        )
    return StackError(f"cannot talk to the Docker daemon: {text[:200]}", fix="docker info")
