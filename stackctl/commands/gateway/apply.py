"""Render what the gateway has to know, let HAProxy check it, swap it in, reload."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from stackctl import settings
from stackctl.connect import address, page
from stackctl.connect.offer import Offer, allowed
from stackctl.engines import ENGINES
from stackctl.gateway import backends, keys, render, servers
from stackctl.model import Container, Port, Service
from stackctl.model.gateway import Backend, Files, Key
from stackctl.system import files, haproxy
from stackctl.system.certificates.store import Store
from stackctl.system.docker import Docker

Pairs = Sequence[tuple[Service, Container]]

ROLE = "gateway"
#: where compose/gateway/ is inside the container
STATIC = "/etc/haproxy/gateway"
CONFIGS = (
    f"{render.CONF}/settings.cfg",
    f"{STATIC}/haproxy.cfg",
    f"{render.CONF}/backends.cfg",
)


#: seconds to wait for another stackctl; HAProxy's own check takes one
PATIENCE = 20.0
#: for HAProxy, which is not root: whatever umask root has
READABLE = 0o644


class Place:
    """Where the gateway's files lie on the host, below `.stackctl/`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        home = root / ".stackctl" / "gateway"
        self.conf, self.draft = home / "conf", home / "draft"
        self.run, self.tls = home / "run", home / "tls"
        self.static = root / "compose" / "gateway"
        self.keys = home / "keys.json"
        self.loaded = home / "loaded"  # digest of the files that HAProxy has read
        self.lock = home / "lock"  # who holds it may change conf/ and the keys

    def prepare(self) -> None:
        """Make the folders; Docker would make them for root alone."""
        user = settings.gateway_user(self.root)
        for path in (self.conf, self.draft):
            files.folder(path, mode=0o755)
        for path in (self.run, self.tls):
            files.folder(path, mode=0o700, owner=user)


def load_keys(place: Place) -> tuple[Key, ...]:
    """The keys there are."""
    if not files.exists(str(place.keys)):
        return ()
    return keys.load(files.read(place.keys), str(place.keys))


def found(docker: Docker, place: Place) -> tuple[Service, Container] | None:
    """The container that reads this clone's files."""
    return among(docker.services(), place)


def among(pairs: Pairs, place: Place) -> tuple[Service, Container] | None:
    """The same, where more is to be known of the containers that there are."""
    for service, container in pairs:
        if any(mount.source == str(place.conf) for mount in service.mounts):
            return service, container
    return None


def known_backends(pairs: Pairs, project: str) -> tuple[Backend, ...]:
    """What is behind the gateway of a project, by the labels of its containers."""
    hosts = [(service, c.name) for service, c in pairs if c.project == project]
    return backends.backends(hosts, ENGINES)


def refresh(root: Path, docker: Docker) -> bool:
    """Bring the gateway's files up to date, and HAProxy with them. False: there is no gateway.

    A configuration that HAProxy refuses changes nothing.
    """
    place = Place(root)
    with files.lock(place.lock, "up", patience=PATIENCE):
        # asked in here: who comes second sees what the first one has changed
        pairs = docker.services()
        pair = among(pairs, place)
        if pair is None:
            return False
        service, container = pair
        place.prepare()
        wanted = rendered(place, known_backends(pairs, container.project), service.ports)
        there = {name: text(place.conf / name) for name in wanted}
        changed = [name for name in wanted if there[name] != wanted[name]]
        read = container.running and text(place.loaded) == digest(place, there)
        if read and set(changed) <= set(keys.MAPS):
            swap(place, wanted, changed)
            set_maps(place, wanted, changed)
        else:
            _check(place, service.image, wanted)
            swap(place, wanted, changed)
            if container.running:
                _reload(place)
        files.write(place.loaded, digest(place, wanted))
    return True


def set_maps(place: Place, wanted: Files, changed: Sequence[str]) -> None:
    """Give HAProxy those maps of keys while it runs."""
    for name in sorted(changed, key=keys.MAPS.index):
        haproxy.set_map(place.run, f"{render.CONF}/{name}", wanted[name])


def rendered(place: Place, known: Sequence[Backend], ports: Sequence[Port]) -> Files:
    """Every file of conf/ as it should be now."""
    tls = files.exists(str(place.tls / render.CERTIFICATE))
    offer = Offer(address.written(ports, tls=tls), allowed(known))
    shown = page.page(offer, _ca(place))
    return render.files(known, load_keys(place), shown, tls=tls)


def _ca(place: Place) -> str:
    """The CA that clients have to trust, as PEM; empty if there is none."""
    store = Store(place.root / ".stackctl", *settings.gateway_user(place.root))
    if not files.exists(str(store.ca)):
        return ""
    # the library for X.509 takes longer to load than all the rest
    from stackctl.system.certificates import authority

    return authority.signed(store).decode()


def _reload(place: Place) -> None:
    """A new engine gets requests when it is ready; who was ready is so after a reload as well, and
    what a rollout or a tuning keeps requests from."""
    state, held = place.conf / "servers.state", place.conf / render.HELD
    files.write(state, haproxy.command(place.run, "show servers state"), mode=READABLE)
    files.write(held, _held(place), mode=READABLE)
    try:
        haproxy.reload(place.run)
    finally:
        # at a restart nothing is known to be ready, and nothing is kept from anybody
        files.remove(state)
        files.write(held, "", mode=READABLE)


def _held(place: Place) -> str:
    """What one that was killed left behind is not taken over."""
    holder = files.holder(place.root / ".stackctl" / "lock")
    if not any(f"stackctl {verb}" in holder for verb in ("rollout", "tune")):
        return ""
    rows = servers.rows(haproxy.command(place.run, f"show map {render.HELD_THERE}"))
    return "".join(f"{key} {value}\n" for key, value in rows.items())


def _check(place: Place, image: str, wanted: Files) -> None:
    for name, text in wanted.items():
        files.write(place.draft / name, text)
    mounts = [
        (place.draft, render.CONF),
        (place.tls, render.TLS),
        (place.static, STATIC),
    ]
    haproxy.check(image, mounts, CONFIGS, settings.gateway_user(place.root))


def swap(place: Place, wanted: Files, changed: Sequence[str]) -> None:
    """File by file: HAProxy reads them at a start and at a reload, and neither is under way."""
    for name in changed:
        files.write(place.conf / name, wanted[name], mode=READABLE)


def digest(place: Place, conf: Mapping[str, str | None]) -> str:
    """Of all that HAProxy reads. Kept apart from the files: a command may be killed between the
    writing and the reload, an owner may pull or bring another certificate."""
    rest = (*sorted(place.static.iterdir()), place.tls / render.CERTIFICATE)
    read = {str(path): text(path) for path in rest}
    return hashlib.sha256(repr((sorted(conf.items()), sorted(read.items()))).encode()).hexdigest()


def text(path: Path) -> str | None:
    """Of a file that may not be there."""
    return files.read(path) if files.exists(str(path)) else None
