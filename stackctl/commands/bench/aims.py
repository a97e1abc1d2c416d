"""What is measured: services of the stack, and an API somewhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from stackctl import settings
from stackctl.bench import sound
from stackctl.engines import ENGINES
from stackctl.engines.whisper import clip
from stackctl.model import Container, Driver, Gpu, Service, StackError
from stackctl.model.load import Target
from stackctl.system import nvml
from stackctl.system.docker import Docker

_MEASURED = ("text", "audio")
_NO_WORDS = "the sound is a tone without words: of speech, more is written, and it takes longer"


@dataclass(frozen=True, slots=True)
class Aim:
    """One API. `gpus` are those of its service; `notes` are what to know of them."""

    target: Target
    engine: str = ""
    gpus: tuple[Gpu, ...] = ()
    notes: tuple[str, ...] = ()
    against: bool = False
    context: int | None = None  # tokens, as its labels promise
    sound: bytes = b""  # the body of a request that is to be transcribed; else it chats

    @property
    def simulated(self) -> bool:
        return any(gpu.simulated for gpu in self.gpus)


@dataclass(frozen=True, slots=True)
class Against:
    """Another API: its base URL, the model there, the variable that has the key."""

    url: str
    model: str
    key_env: str = ""
    thinking: bool = True


def services(roles: Sequence[str], project: str | None) -> tuple[Aim, ...]:
    """Of these roles, or of all that chat or transcribe, and run."""
    pairs = Docker().services(settings.chosen_project(project))
    able = [(s, c) for s, c in pairs if s.engine in ENGINES and ENGINES[s.engine].api in _MEASURED]
    chosen = [_of_role(role, pairs, able) for role in roles] if roles else able
    running = [(s, c) for s, c in chosen if c.running and c.url]
    down = [s.name for s, c in chosen if not (c.running and c.url)]
    if roles and down:
        raise StackError(f"{', '.join(down)} does not run", fix=f"stackctl up {' '.join(down)}")
    driver = nvml.read() if running else None
    gpus = driver.gpus if isinstance(driver, Driver) else ()
    names = [service.name for service, _ in running]
    return tuple(
        _aim(service, container, gpus, twice=names.count(service.name) > 1)
        for service, container in running
    )


def elsewhere(against: Against) -> Aim:
    """The API beside ours. Raises StackError (usage) without its key."""
    key = settings.variable(against.key_env) if against.key_env else ""
    if against.key_env and not key:
        raise StackError(
            f"--key-env {against.key_env}: there is no such variable in the environment",
            fix=f"export {against.key_env}=...",
            exit_code=2,
        )
    extra = () if against.thinking else (("reasoning_effort", "none"),)
    name = urlsplit(against.url).hostname or against.url
    target = Target(name, against.url.rstrip("/"), against.model, key.strip(), extra)
    return Aim(target, against=True)


def _of_role(
    role: str,
    pairs: Sequence[tuple[Service, Container]],
    able: Sequence[tuple[Service, Container]],
) -> tuple[Service, Container]:
    for service, container in able:
        if role in (service.role, service.name):
            return service, container
    if any(role in (service.role, service.name) for service, _ in pairs):
        raise StackError(
            f"{role} answers no chats and transcribes nothing: there is nothing to be measured",
            fix=f"choose from: {', '.join(s.name for s, _ in able) or 'none'}",
            exit_code=2,
        )
    raise StackError(f"there is no service {role!r} here", fix=f"stackctl up {role}", exit_code=2)


def _aim(service: Service, container: Container, gpus: Sequence[Gpu], *, twice: bool) -> Aim:
    mine, _ = service.gpus.resolve(gpus) if service.gpus.wanted else ((), ())
    shared = [
        str(gpu.index)
        for gpu in mine
        if any(p.container_id not in ("", container.id) for p in gpu.processes)
    ]
    notes = (
        (f"GPU {', '.join(shared)} works for others as well: figures and energy are of both",)
        if shared
        else ()
    )
    name = f"{container.project}/{service.name}" if twice else service.name
    target = Target(name, f"{container.url}/v1", service.model)
    title = ENGINES[service.engine].title
    if ENGINES[service.engine].api == "text":
        return Aim(target, title, mine, notes, context=service.context)
    fields = {"model": service.model, "response_format": "json", "temperature": "0"}
    return Aim(
        replace(
            target,
            path="/audio/transcriptions",
            content_type=sound.CONTENT_TYPE,
            streams=False,
        ),
        title,
        mine,
        (*notes, _NO_WORDS),
        sound=sound.form(clip(sound.SECONDS), fields),
    )
