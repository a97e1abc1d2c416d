"""`stackctl connect`: what a client of the gateway needs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from stackctl import report, settings
from stackctl.commands.gateway import apply
from stackctl.connect import address, examples, trust
from stackctl.connect.offer import FOR, KEY, Offer, allowed
from stackctl.gateway import keys as key_files
from stackctl.model import StackError
from stackctl.model.gateway import Backend, Key
from stackctl.model.network import Meaning
from stackctl.system import terminal
from stackctl.system.certificates import authority, names, read
from stackctl.system.certificates.store import Store
from stackctl.system.docker import Docker
from stackctl.system.net import ask

_HEADER = ("MODEL", "FOR", "CONTEXT", "OTHER NAMES")
_Made = Sequence[tuple[examples.Client, Sequence[examples.Example]]]


@dataclass(frozen=True, slots=True)
class _Found:
    """All that is told. `missing`: what other machines lack to come in, `notes`: what is wrong
    with the address."""

    offer: Offer
    key: Key | None
    store: Store
    missing: tuple[str, ...]
    notes: tuple[str, ...]


def connect(name: str | None, *, client: str | None, typed: str, as_json: bool) -> int:
    """Print it for a person, for a program, or the examples for one client and nothing else."""
    found = _look(name, typed)
    chosen = [one for one in examples.CLIENTS if client in (None, one.name)]
    made = [(one, one.make(found.offer)) for one in chosen]
    if client and not made[0][1]:
        raise StackError(
            f"there is no model behind the gateway that {made[0][0].title} could use",
            fix="stackctl connect lists those there are",
        )
    if as_json:
        terminal.out(_json(found, made))
    elif client:
        terminal.out("\n".join(_code(made)))
        for line in found.notes:
            terminal.err(f"note: {line}")
    else:
        terminal.out("\n".join([*_head(found), "", *_code(made), *_trust(found)]))
    return 0


def _look(name: str | None, typed: str) -> _Found:
    root = settings.find_root()
    place = apply.Place(root)
    key = _key(place, name) if name else None
    pairs = Docker().services()
    pair = apply.among(pairs, place)
    if pair is None:
        raise StackError(
            "there is no gateway by which clients could come",
            fix="gateway among COMPOSE_PROFILES in env/stack.env, then: stackctl up",
        )
    service, container = pair
    if not container.running:
        raise StackError(f"the gateway, {container.name}, does not run", fix="stackctl up gateway")
    backends = _allowed(apply.known_backends(pairs, container.project), key)
    store = Store(root / ".stackctl", *settings.gateway_user(root))
    current = store.current()
    door = address.Door(service.ports, current[0].names if current else (), _own())
    url = _url(typed, door)
    ca = url.startswith("https:") and bool(authority.signed(store))
    return _Found(
        Offer(url, backends, ca),
        key,
        store,
        address.missing(door),
        tuple(_notes(url, door, store, own_choice=bool(typed))),
    )


def _key(place: apply.Place, name: str) -> Key:
    known = {key.name: key for key in apply.load_keys(place)}
    if name not in known:
        there = ", ".join(sorted(known))
        raise StackError(
            f"there is no key named {name}",
            fix=f"choose from: {there}" if known else f"stackctl keys add {name}",
            exit_code=2,
        )
    return known[name]


def _allowed(backends: Sequence[Backend], key: Key | None) -> tuple[Backend, ...]:
    if not backends:
        raise StackError("no model is behind the gateway yet", fix="stackctl up")
    granted = allowed(backends, key)
    if not granted and key:
        raise StackError(
            f"the key of {key.name} opens {' '.join(key.models)} alone, and none of them is here",
            fix=f"stackctl keys change {key.name} --models all",
        )
    return granted


def _own() -> tuple[str, ...]:
    try:
        return names.addresses()
    except StackError:
        return ()


def _url(typed: str, door: address.Door) -> str:
    if not typed:
        return address.best(door)
    return address.typed(typed) if "://" in typed else address.at(names.typed(typed), door)


def _notes(url: str, door: address.Door, store: Store, *, own_choice: bool) -> Iterator[str]:
    host, secure = address.host_of(url), url.startswith("https:")
    if not secure and not address.loopback(url):
        yield "plain HTTP: keys and texts can be read on the way"
    if secure and door.names and not address.covered(host, door.names):
        yield (
            f"the certificate is not for {host}, so clients refuse it: stackctl tls init "
            f"--name {' '.join((*door.names, host))}"
        )
    if own_choice and host not in door.own and not address.loopback(url):
        # it may lead here from outside only
        return
    ca = store.ca if authority.certificate(store) else None
    reply = ask.ask(host, address.port_of(url), tls=secure, ca=ca)
    if reply.meaning is not Meaning.DOOR:
        why = reply.detail or "somebody else does"
        yield f"the gateway does not answer there, {why}: stackctl net"
    elif reply.distrust:
        yield f"clients have to trust who signed the certificate: {reply.distrust}"


def _head(found: _Found) -> list[str]:
    offer, key = found.offer, found.key
    lines = [f"base URL   {offer.base}"]
    if key:
        lines.append(f"key        of {key.name}: {_limits(key)}")
        lines.append(f"           in place of {KEY}; only its owner has it. Is it lost:")
        lines.append(f"           stackctl keys rotate {key.name}")
    else:
        lines.append(f"key        in place of {KEY}: stackctl keys add NAME")
    if offer.ca:
        lines.append(f"CA         {found.store.ca}: clients need it, as ca.pem")
    lines.append(f"page       {offer.origin}/ tells the same; any name, the key as password")
    lines += [f"note       {line}" for line in found.notes]
    if found.missing:
        lines.append(f"others     come in after: {'; '.join(found.missing)}")
    elif not address.loopback(offer.origin):
        lines.append("others     from the internet as well: stackctl net forward add")
    return [*lines, "", report.table(_HEADER, [_row(b, offer) for b in offer.backends])]


def _row(backend: Backend, offer: Offer) -> tuple[str, ...]:
    what = FOR.get(backend.api, backend.api)
    if not backend.model:
        return (backend.name, what, "-", offer.comfyui)
    context = str(backend.context) if backend.context else "-"
    return (backend.model, what, context, " ".join(backend.aliases) or "-")


def _limits(key: Key) -> str:
    said = key_files.words(key) or ["no limits"]
    if key.expires is None:
        return ", ".join(said)
    left = key.expires - time.time()
    if left > 0:
        return ", ".join([*said, f"expires in {report.duration(left)}"])
    return ", ".join([*said, f"EXPIRED: stackctl keys change {key.name} --expires 90d"])


def _code(made: _Made) -> list[str]:
    return [
        f"{client.comment} --- {client.title}: {example.title}\n{example.code}"
        for client, each in made
        for example in each
    ]


def _trust(found: _Found) -> list[str]:
    ca = authority.certificate(found.store) if found.offer.ca else None
    if ca is None:
        return []
    return ["# --- ca.pem", trust.how(found.store.ca, read.describe(ca).fingerprint)]


def _json(found: _Found, made: _Made) -> str:
    offer = found.offer
    return json.dumps(
        {
            "base_url": offer.base,
            "key_placeholder": KEY,
            "key": key_files.told(found.key) if found.key else None,
            "ca": str(found.store.ca) if offer.ca else None,
            "models": [
                {
                    "name": backend.model,
                    "aliases": backend.aliases,
                    "for": backend.api,
                    "context": backend.context,
                    "service": backend.name,
                }
                for backend in offer.backends
            ],
            "examples": {c.name: [asdict(example) for example in each] for c, each in made},
            "missing": found.missing,
            "notes": found.notes,
        },
        indent=2,
    )
