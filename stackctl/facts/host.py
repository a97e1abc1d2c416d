"""Ask the host once -> HostFacts, everything at the same time."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from stackctl.facts import compose_version
from stackctl.model import Driver, Space, Unavailable, Xid
from stackctl.model.host import NO_RIGHT, Card, Devices, Engine, Firewall, HostFacts, Peers
from stackctl.system import files, nvml, pci
from stackctl.system.host import bus, cards, cdi, config, holders, kernel, network, tree
from stackctl.system.host.engine import HostDocker

_KMSG = Path("/dev/kmsg")


def gather(docker: HostDocker, models_dir: str = "", root: Path = tree.ROOT) -> HostFacts:
    """The whole host. Nothing here raises; what cannot be had says why."""
    with ThreadPoolExecutor(10) as pool:
        gpus = pool.submit(_gpus)
        engine = pool.submit(_engine, docker, root)
        compose = pool.submit(compose_version)
        core = pool.submit(kernel.kernel, root)
        specs = pool.submit(cdi.specs, root)
        toolkit = pool.submit(cdi.toolkit, root)
        found = pool.submit(bus.gpus, root)
        wall = pool.submit(network.firewall, root)
        log = pool.submit(_xids)
        devices, daemon = engine.result()
        driver, more, peers = gpus.result()
        known = [g.container.id for g in daemon.guests] if isinstance(daemon, Engine) else None
        facts = HostFacts(
            driver=driver,
            kernel=core.result(),
            devices=devices,
            specs=specs.result(),
            toolkit=toolkit.result(),
            pci=found.result(),
            cards=more,
            peers=peers,
            xids=log.result(),
            engine=daemon,
            config=config.config(root),
            routes=network.routes(root),
            firewall=wall.result(),
            holders=holders.holders(driver.gpus, known, root) if isinstance(driver, Driver) else (),
            space=_space(daemon, models_dir),
            host_shm=_free("/dev/shm"),  # noqa: S108 - looked at, not written to
            compose=compose.result(),
            root=holders.is_root(),
        )
    return _with_unread(facts, root)


def _gpus() -> tuple[Driver | Unavailable, tuple[Card, ...], Peers]:
    driver = nvml.read()
    if isinstance(driver, Unavailable):
        return driver, (), Peers()
    return driver, *cards.read(len(driver.gpus))


def _engine(docker: HostDocker, root: Path) -> tuple[Devices, Engine | Unavailable]:
    devices = kernel.devices(root)
    return devices, docker.engine(devices, root)


def _xids() -> tuple[Xid, ...] | Unavailable:
    if not _KMSG.exists():
        return Unavailable("this system shows no kernel log")
    try:
        os.close(os.open(_KMSG, os.O_RDONLY | os.O_NONBLOCK))
    except OSError:
        return Unavailable("the kernel log is only for root", NO_RIGHT)
    return pci.xids(_KMSG)


def _space(daemon: Engine | Unavailable, models_dir: str) -> tuple[Space, ...]:
    return files.spaces(daemon.root if isinstance(daemon, Engine) else "", [models_dir])


def _free(path: str) -> Space | None:
    try:
        return files.space(path)
    except OSError:  # a folder above it is not for us
        return None


def _with_unread(facts: HostFacts, root: Path) -> HostFacts:
    """Say once what only root may see."""
    if facts.root:
        return facts
    wall, engine = facts.firewall, facts.engine
    guests = engine.guests if isinstance(engine, Engine) else ()
    cards = facts.pci if isinstance(facts.pci, tuple) else ()
    closed = {
        "the kernel log (gpu.xid)": _closed(facts.xids),
        "the ports of PCIe switches (bus.acs)": len(cards) > 1 and bus.ports_unread(cards, root),
        "daemon.json (docker.config)": _closed(facts.config),
        "CDI files (cdi.spec)": any(_closed(spec) for spec in facts.specs),
        "the rules of ufw (net.exposed)": _closed(
            wall.allowed if isinstance(wall, Firewall) else wall
        ),
        "the device rules of containers (docker.reload)": any(_closed(g.rules) for g in guests),
        "the size of logs (docker.logs)": any(
            g.log_mib is None and not g.log_bounded for g in guests
        ),
    }
    unread = [what for what, yes in closed.items() if yes]
    return replace(facts, unread=tuple(unread))


def _closed(fact: object) -> bool:
    """Whether a fact is one that only root may have."""
    return isinstance(fact, Unavailable) and fact.code == NO_RIGHT
