"""Ask the outside worlds once -> Facts. Every failure becomes a value, so that checks can judge."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

from stackctl.engines import SERVERS
from stackctl.facts import logs
from stackctl.facts.logs import died, first_error, refused
from stackctl.facts.models import (
    Looked,
    damaged_model,
    look,
    missing_model,
    model_on_host,
    models_folder,
)
from stackctl.model import (
    LOG,
    Container,
    Daemon,
    Engine,
    Facts,
    Observed,
    SeenGpu,
    Served,
    Service,
    StackError,
    Unavailable,
)
from stackctl.system import cuda, files, http, nvml, pci, probe, process
from stackctl.system.docker import EXEC_TIMEOUT, Docker

__all__ = [
    "damaged_model",
    "died",
    "first_error",
    "load_model",
    "look_inside",
    "missing_model",
    "model_on_host",
    "observe",
    "preflight",
    "progress",
    "read_smi",
    "refused",
    "verify",
]

T = TypeVar("T")

SMI = ["nvidia-smi", "--query-gpu=uuid,name", "--format=csv,noheader"]
_KILLED = 137  # exit code of a program that got SIGKILL
#: seconds for one real answer; the first one after a load may compile kernels
ANSWER_TIMEOUT = 120.0


def compose_version() -> str | Unavailable:
    """Version of the Compose plugin."""
    try:
        result = process.run(["docker", "compose", "version", "--short"], timeout=20)
    except StackError as error:
        return Unavailable(error.message)
    if result.code != 0:
        return Unavailable("docker compose is not installed")
    return result.out.strip()


def preflight(docker: Docker, planned: Sequence[Service], models_dir: str) -> Facts:
    """What has to be known before anything is changed."""
    with ThreadPoolExecutor(4) as pool:
        daemon, compose, driver = (
            pool.submit(docker.daemon),
            pool.submit(compose_version),
            pool.submit(nvml.read),
        )
        facts = Facts(
            daemon=daemon.result(),
            compose=compose.result(),
            driver=driver.result(),
            planned=tuple(planned),
            **_models([look(service) for service in planned]),
        )
    root = facts.daemon.root if isinstance(facts.daemon, Daemon) else ""
    facts = replace(facts, space=files.spaces(root, [models_dir]))
    if isinstance(facts.daemon, Unavailable):
        return facts
    return replace(facts, port_holders=_port_holders(docker, planned))


def verify(docker: Docker, *, project: str = "", answers: bool = False) -> Facts:
    """All services, from their labels alone; every source asked once, all at the same time."""
    with ThreadPoolExecutor(32) as pool:
        driver = pool.submit(nvml.read)
        try:
            pairs = docker.services(project)
        except StackError as error:
            gone = Unavailable(error.message, error.fix)
            # a full disk may be why
            return Facts(daemon=gone, driver=driver.result(), space=files.spaces("", ()))
        daemon = pool.submit(docker.daemon)
        watched = [pool.submit(observe, docker, s, c, answers=answers) for s, c in pairs]
        looked = [pool.submit(look, s) for s, _ in pairs]
        found, lines = pci.troubles()
        known = daemon.result()
        root = known.root if isinstance(known, Daemon) else ""
        return Facts(
            daemon=known,
            driver=driver.result(),
            xids=found,
            kernel=lines,
            observed=tuple(future.result() for future in watched),
            **_models([future.result() for future in looked], running=True),
            space=files.spaces(root, [models_folder(s) for s, _ in pairs]),
        )


def observe(
    docker: Docker, service: Service, container: Container, *, answers: bool = False
) -> Observed:
    """One service from every side: inside, log, HTTP."""
    engine = SERVERS.get(service.engine)
    seen, text = logs.look(docker, service, container)
    if not container.running:
        return seen
    if container.restarts:
        seen = replace(seen, died=logs.died(docker, seen, text))
    with ThreadPoolExecutor(2) as pool:
        inside = pool.submit(look_inside, docker, seen) if service.gpus.wanted else None
        computing = pool.submit(cuda.look, docker, container) if service.gpus.wanted else None
        if engine and container.url:
            seen = _ask(seen, engine, text, answers)
        if isinstance(seen.answer, Unavailable):
            why = logs.refused(docker, seen, seen.answer.reason, text)
            seen = replace(seen, explanations=why or seen.explanations)
        if inside and computing:
            return replace(seen, inside=inside.result(), cuda=computing.result())
        return seen


def look_inside(docker: Docker, seen: Observed) -> tuple[SeenGpu, ...] | Unavailable:
    """The GPUs that nvidia-smi shows inside the container."""
    began = time.monotonic()
    try:
        # by an exec where the host's view is not to be had: not root, or a daemon elsewhere
        from_host = probe.run(seen.container, SMI, EXEC_TIMEOUT)
        code, output = from_host or docker.execute(seen.container.id, SMI)
    except StackError as error:
        return Unavailable(error.message, "exec")
    if code == _KILLED and time.monotonic() - began < EXEC_TIMEOUT:
        return Unavailable("the container ended while nvidia-smi ran in it", "ended")
    return read_smi(code, output)


def read_smi(code: int, output: str) -> tuple[SeenGpu, ...] | Unavailable:
    """nvidia-smi's output and exit code -> GPUs, or why there are none. Pure."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    gpus = tuple(
        SeenGpu(uuid=line.split(",")[0].strip(), name=line.split(",", 1)[1].strip())
        for line in lines
        if line.startswith(("GPU-", "MIG-")) and "," in line
    )
    if code in (124, 137):
        return Unavailable("nvidia-smi did not end in time inside the container", "hung")
    if code in (126, 127) or "executable file not found" in output:
        return Unavailable(lines[-1] if lines else "nvidia-smi not found", "no-smi")
    if code != 0 and not gpus:
        return Unavailable(lines[0] if lines else f"nvidia-smi ended with {code}", f"smi:{code}")
    return gpus


def _ask(seen: Observed, engine: Engine, log: str, answers: bool) -> Observed:
    """What the engine says over HTTP, and what its log and answers prove."""
    url = seen.container.url
    status = http.get(url, engine.ready_path)
    if isinstance(status, Unavailable):
        return replace(seen, ready=status, proof=engine.prove(log, {}))
    documents = {engine.ready_path: status[1], LOG: log}
    for path in engine.documents:
        reply = http.get(url, path) if path != engine.ready_path else status
        if not isinstance(reply, Unavailable) and reply[0] == 200:
            documents[path] = reply[1]
    ready: bool | Unavailable = status[0] == 200 or Unavailable(
        f"{engine.ready_path} answers {status[0]}", f"http:{status[0]}"
    )
    served: Served | Unavailable = engine.served(documents)
    seen = replace(
        seen,
        ready=ready,
        proof=engine.prove(log, documents),
        served=served,
        title=engine.title,
        version=engine.version(documents),
    )
    return replace(seen, answer=_answer(seen, engine)) if answers and ready is True else seen


def _answer(seen: Observed, engine: Engine) -> str | Unavailable:
    request = engine.ask(seen.service.model)
    reply = http.send(seen.container.url, request, timeout=ANSWER_TIMEOUT)
    if isinstance(reply, Unavailable):
        return reply
    if reply[0] != 200:
        return Unavailable(f"{request.path} answers {reply[0]}: {str(reply[1])[:200]}")
    return engine.read_answer(reply[1])


def load_model(seen: Observed, timeout: float) -> Unavailable | None:
    """Make an engine load its model that does so only when asked. Ends when it is loaded."""
    engine = SERVERS.get(seen.service.engine)
    if engine is None or engine.load is None:
        return None
    reply = http.send(seen.container.url, engine.load(seen.service.model), timeout=timeout)
    if isinstance(reply, Unavailable):
        return reply
    if reply[0] != 200:
        return Unavailable(str(reply[1])[:300], f"http:{reply[0]}")
    return None


def _models(looked: Sequence[Looked], *, running: bool = False) -> dict[str, Any]:
    """The fields of Facts about models. A container that runs has what it needs: what the lock does
    not know is then no longer missed."""
    verdicts = [each.verdict for each in looked]
    return {
        "missing_models": tuple(
            m for each in looked if each.locked or not running for m in each.verdict.missing
        ),
        "damaged_models": tuple(damaged for v in verdicts for damaged in v.damaged),
        "unsure_models": tuple(unsure for v in verdicts for unsure in v.unsure),
        "bad_locks": tuple(each.bad_lock for each in looked if each.bad_lock),
    }


def _port_holders(docker: Docker, planned: Sequence[Service]) -> dict[int, str]:
    """Who holds the ports we want. Containers first, then any process of the host."""
    containers = _try(docker.port_holders)
    held = containers if isinstance(containers, dict) else {}
    wanted = {port.host for service in planned for port in service.ports}
    return {
        port: holder
        for port in wanted
        if (holder := (f"container {held[port]}" if port in held else process.listener(port)))
    }


def _try(call: Callable[[], T]) -> T | Unavailable:
    try:
        return call()
    except StackError as error:
        return Unavailable(error.message)


def progress(docker: Docker, service: Service, container: Container) -> Observed:
    """The cheap look while an engine loads: state, log, readiness."""
    engine = SERVERS.get(service.engine)
    seen, _ = logs.look(docker, service, container)
    if engine is None:
        return replace(seen, ready=container.health in ("", "healthy"))
    if not container.running or not container.url:
        return seen
    status = http.get(container.url, engine.ready_path)
    if isinstance(status, Unavailable):
        return replace(seen, ready=status)
    return replace(seen, ready=status[0] == 200 or Unavailable(f"answers {status[0]}"))
