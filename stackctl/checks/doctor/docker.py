"""Docker: does it answer, will it start again, and what becomes of containers that run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

from stackctl.checks import daemon as shared
from stackctl.checks.doctor.words import count, listed, ok
from stackctl.model import Daemon, Facts, Finding, Severity, Unavailable
from stackctl.model.host import MEND, Config, Engine, Guest, HostFacts, Look, Mend

_GROUP = "Docker"
_SNAP = "/var/snap/docker"
_ROTATION = {"max-size": "50m", "max-file": "3"}
_FREE_TAGS = frozenset({"", "latest", "main", "master", "nightly", "edge", "dev", "cuda", "gpu"})


def answers(facts: HostFacts) -> Iterable[Finding]:
    engine = facts.engine
    told: Daemon | Unavailable = engine.daemon if isinstance(engine, Engine) else engine
    for finding in shared.daemon_answers(Facts(daemon=told)):
        # that this user may not look breaks no engine
        forbidden = isinstance(told, Unavailable) and "no permission" in told.reason
        yield replace(finding, severity=Severity.WARNING) if forbidden else finding
    if isinstance(engine, Engine) and engine.root.startswith(_SNAP):
        yield Finding(
            "docker.daemon",
            Severity.WARNING,
            "docker",
            "Docker runs from a snap",
            evidence=engine.root,
            cause="a snap does not see the host's driver and toolkit, nor folders outside of home",
            fix="sudo snap remove docker, then make setup, which installs the Engine from its own "
            "packages; images and volumes have to be made anew",
        )


def compose(facts: HostFacts) -> Iterable[Finding]:
    yield from shared.compose_version(Facts(compose=facts.compose))


def config(facts: HostFacts) -> Iterable[Finding]:
    """daemon.json is readable, and the daemon that runs has read it."""
    assert isinstance(facts.config, Config)
    path, values = facts.config.path, facts.config.values
    if facts.config.error:
        yield Finding(
            "docker.config",
            Severity.ERROR,
            "daemon.json",
            f"{path} is broken: {facts.config.error}",
            cause="Docker reads it when it starts, and will not start with it",
            fix=f"correct it, then: sudo dockerd --validate --config-file={path}",
        )
        return
    waiting = _waiting(values, facts.engine) if isinstance(facts.engine, Engine) else []
    features = values.get("features")
    if isinstance(features, dict) and features.get("cdi") is False:
        yield Finding(
            "docker.config",
            Severity.WARNING,
            "daemon.json",
            "CDI is turned off",
            evidence=f'"features": {{"cdi": false}} in {path}',
            cause="the old hook gives GPUs that are lost at a `systemctl daemon-reload`",
            fix=f"take it out of {path}, then: sudo systemctl restart docker",
        )
    elif waiting:
        yield Finding(
            "docker.config",
            Severity.WARNING,
            "daemon.json",
            f"not in force yet: {listed(waiting)}",
            cause=f"{path} was changed after Docker was started, or Docker reads another file",
            fix="sudo systemctl restart docker (it stops the containers that have no restart "
            "policy)",
        )
    else:
        yield ok("docker.config", "daemon.json", "in force" if values else "none, all defaults")


def _waiting(values: Mapping[str, object], engine: Engine) -> list[str]:
    """What the file says and the daemon that runs does not have."""
    runtimes = values.get("runtimes")
    names = runtimes if isinstance(runtimes, dict) else {}
    found = [f"runtime {name}" for name in names if name not in engine.daemon.runtimes]
    options = values.get("exec-opts")
    for option in options if isinstance(options, list) else ():
        key, _, driver = str(option).partition("=")
        if key == "native.cgroupdriver" and driver != engine.daemon.cgroup_driver:
            found.append(f"cgroup driver {driver}")
    return found


def reload(facts: HostFacts) -> Iterable[Finding]:
    """Containers whose GPU systemd does not know of: it takes it at the next daemon-reload."""
    assert isinstance(facts.engine, Engine)
    engine = facts.engine
    if engine.daemon.cgroup_driver != "systemd":
        driver = engine.daemon.cgroup_driver or "none"
        yield ok("docker.reload", "daemon-reload", f"cgroup driver {driver}: takes no GPU away")
        return
    guests = [g for g in engine.guests if g.service.gpus.wanted and not g.privileged]
    bad, unknown = False, []
    for guest in guests:
        if isinstance(guest.rules, Unavailable):
            unknown.append(guest.name)
            continue
        lacking = _lacking(guest, facts)
        if not lacking:
            continue
        bad = True
        by_cdi = any(d.startswith("nvidia.com/gpu") for d in engine.daemon.cdi_devices)
        yield Finding(
            "docker.reload",
            Severity.ERROR,
            guest.name,
            "will lose its GPU at the next `systemctl daemon-reload`",
            evidence=f"systemd does not let it open {listed(lacking)}",
            cause="its GPU came in by the old hook, behind the back of systemd; many package "
            "upgrades do a daemon-reload. What is loaded runs on, what starts then runs on the CPU",
            fix=_recreate(guest)
            if by_cdi
            else "let Docker give GPUs by CDI (see docker.gpus), then: " + _recreate(guest),
            values={"lacking": lacking},
        )
    if unknown:
        yield Finding(
            "docker.reload",
            Severity.SKIPPED,
            listed(unknown),
            "systemd's device rules of it cannot be read",
        )
    elif not bad:
        names = "no container has a GPU"
        if guests:
            names = f"no GPU is taken away: {count(len(guests), 'container')} with one"
        yield ok("docker.reload", "daemon-reload", names)


def _lacking(guest: Guest, facts: HostFacts) -> list[str]:
    """Devices that it uses now and may not open after the reload."""
    assert not isinstance(guest.rules, Unavailable)
    if guest.rules.everything:
        return []
    allowed = set(guest.rules.allowed)
    nodes = facts.devices.nodes
    control = nodes.get("/dev/nvidiactl", (195, 255))
    cards = [n for path, n in nodes.items() if path.removeprefix("/dev/nvidia").isdecimal()]

    def may(number: tuple[int, int]) -> bool:
        return bool({"*:*", f"{number[0]}:*", "{}:{}".format(*number)} & allowed)

    lacking = [] if may(control) else ["/dev/nvidiactl"]
    # which node is whose GPU is not told by all drivers: one that may be opened is enough
    if cards and not any(may(number) for number in cards):
        lacking.append("/dev/nvidiaN")
    uvm = nodes.get("/dev/nvidia-uvm")
    return [*lacking, "/dev/nvidia-uvm"] if uvm and not may(uvm) else lacking


def _recreate(guest: Guest) -> str:
    if guest.service.engine:
        return f"stackctl restart {guest.service.name}"
    return f"create {guest.name} anew: docker compose up -d --force-recreate, or docker run"


def logs(facts: HostFacts) -> Iterable[Finding]:
    """Logs that grow until the disk is full."""
    assert isinstance(facts.engine, Engine)
    free = [guest for guest in facts.engine.guests if not guest.log_bounded]
    if not free:
        many = len(facts.engine.guests)
        yield ok("docker.logs", "logs", "every container's has an end" if many else "none grows")
        return
    size = max((guest.log_mib or 0 for guest in free), default=0)
    mend = _rotate(facts.config)
    yield Finding(
        "docker.logs",
        Severity.WARNING,
        "logs",
        f"the log of {count(len(free), 'container')} grows without end",
        evidence=listed([guest.name for guest in free])
        + (f"; the largest has {size} MiB" if size else ""),
        cause="Docker's json-file keeps everything unless it is told a size",
        fix='"log-opts": {"max-size": "50m", "max-file": "3"} in /etc/docker/daemon.json, '
        "sudo systemctl restart docker, then create the containers anew",
        values={MEND: mend} if mend else {},
    )


def _rotate(config: Config | Unavailable) -> Mend | None:
    """A default with an end; none where that could keep Docker from starting."""
    if isinstance(config, Unavailable) or config.error or config.path.startswith(_SNAP):
        return None
    options = config.values.get("log-opts", {})
    chosen = config.values.get("log-driver", "json-file") != "json-file"
    if chosen or not isinstance(options, dict) or "max-size" in options:
        return None
    # said by a flag and by the file, Docker refuses to start
    if config.flags is None or any(flag.startswith("--log-") for flag in config.flags):
        return None
    if any(flag.startswith("--config-file") for flag in config.flags):
        return None
    merged = {**config.values, "log-opts": {**_ROTATION, **options}}
    return Mend(
        what=f"give new containers' logs an end: 3 files of 50 MB, by {config.path}",
        safe="nothing else in the file changes, Docker itself proves it before it is put in place, "
        "the old one is kept beside it; nothing is restarted",
        path=config.path,
        text=json.dumps(merged, indent=2) + "\n",
        old=config.text,
        prove=("dockerd", "--validate", "--config-file"),
        after="it counts for containers that are created after: sudo systemctl restart docker",
    )


def images(facts: HostFacts) -> Iterable[Finding]:
    """Images of engines that may be another one after the next pull."""
    assert isinstance(facts.engine, Engine)
    ours = [g for g in facts.engine.guests if g.service.engine or g.service.gpus.wanted]
    loose = [f"{g.name} ({g.service.image})" for g in ours if not _pinned(g)]
    if loose:
        yield Finding(
            "docker.images",
            Severity.WARNING,
            "images",
            f"{count(len(loose), 'container')} of an image that is not pinned",
            evidence=listed(loose),
            cause="the next pull may bring another version, which answers otherwise or not at all",
            fix="name a version or a digest (env/images.env for this stack)",
        )
    else:
        yield ok("docker.images", "images", "pinned" if ours else "no engine runs")


def _pinned(guest: Guest) -> bool:
    image = guest.service.image
    if guest.built_here or "@sha256:" in image or image.startswith("sha256:"):
        return True
    tag = image.rpartition("/")[2].partition(":")[2]
    return tag not in _FREE_TAGS and not tag.startswith("latest")


_ENGINE = ("engine",)
LOOKS = (
    Look("docker.daemon", "The Docker daemon answers", _GROUP, answers),
    Look("docker.compose", "Docker Compose is new enough", _GROUP, compose),
    Look("docker.config", "daemon.json is whole and in force", _GROUP, config, needs=("config",)),
    Look("docker.reload", "No container loses its GPU to systemd", _GROUP, reload, needs=_ENGINE),
    Look("docker.logs", "Logs have an end", _GROUP, logs, needs=_ENGINE),
    Look("docker.images", "Images are pinned", _GROUP, images, needs=_ENGINE),
)
