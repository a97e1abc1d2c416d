"""The files of the gateway's certificate: .stackctl/tls, which nothing mounts, and
.stackctl/gateway/tls, which the container of the gateway reads. What is read every minute is read
without a library for X.509, which takes longer to load than all the rest."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from stackctl.model import StackError
from stackctl.model.certificate import Certificate, Order, Origin
from stackctl.system import durable


@dataclass(frozen=True, slots=True)
class Store:
    """Where they lie. `user` and `group` are numbers of those who may read the server's key."""

    state: Path
    user: int
    group: int

    @property
    def ca(self) -> Path:
        return self.state / "tls" / "ca.pem"

    @property
    def ca_key(self) -> Path:
        return self.state / "tls" / "ca.key"

    @property
    def account_key(self) -> Path:
        return self.state / "tls" / "acme-account.key"

    @property
    def order(self) -> Path:
        return self.state / "tls" / "order.json"

    @property
    def server(self) -> Path:
        return self.state / "gateway" / "tls" / "server.pem"

    @property
    def challenges(self) -> Path:
        return self.state / "gateway" / "tls" / "acme.map"

    @property
    def lock(self) -> Path:
        return self.state / "tls.lock"

    def current(self) -> tuple[Certificate, Order] | None:
        """What the gateway serves, and how it was made; None before there is any. What was put
        there by hand is the owner's own. StackError if it cannot be read."""
        pem = self.server_pem()
        if pem is None:
            return None
        try:
            raw = json.loads(self.read(self.order) or b"{}")
            if raw["pem"] == _digest(pem):
                return _certificate(raw["certificate"]), _order(raw["order"])
        except (ValueError, TypeError, KeyError):
            pass
        from stackctl.system.certificates import read

        return read.describe(read.certificates(pem, self.server)[0]), Order(Origin.OWN)

    def save(self, pem: bytes, certificate: Certificate, order: Order) -> None:
        """Note down how the certificate in `pem`, which the gateway serves, was made."""
        raw = {"pem": _digest(pem), "certificate": asdict(certificate), "order": asdict(order)}
        self.write(self.order, json.dumps(raw, indent=2).encode() + b"\n", 0o600)

    def server_pem(self) -> bytes | None:
        """What the gateway serves, key included; None before there is any."""
        return self.read(self.server)

    def save_server(self, pem: bytes | None) -> None:
        """Put it where the gateway reads it, whole or not at all; None takes it away."""
        if pem is None:
            self.server.unlink(missing_ok=True)
            return
        self.write(self.server, pem, 0o400 if os.geteuid() == 0 else 0o600, mounted=True)

    def save_challenges(self, text: str) -> None:
        """What a gateway that is started in the meantime answers to an ACME server."""
        self.write(self.challenges, text.encode(), 0o644, mounted=True)

    def read(self, path: Path) -> bytes | None:
        """A file of ours; None if it is not there."""
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _fault(error, path) from None

    def write(self, path: Path, data: bytes, mode: int, *, mounted: bool = False) -> None:
        """Whole or not at all, and never readable by others for a moment. What is mounted belongs
        to the gateway's user, all else to the owner of the clone."""
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            self._folder(path.parent, mounted=mounted)
            draft.unlink(missing_ok=True)
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if mounted and os.geteuid() == 0:
                os.chown(draft, self.user, self.group)
            elif not mounted:
                durable.hand_over(draft)
            draft.chmod(mode)
            draft.replace(path)
        except OSError as error:
            with suppress(OSError):
                draft.unlink()
            raise _fault(error, path) from None
        durable.sync_folder(path.parent)

    def _folder(self, path: Path, *, mounted: bool) -> None:
        if path.is_dir():
            return
        self.state.mkdir(exist_ok=True)
        path.mkdir(parents=True, mode=0o700)
        if mounted and os.geteuid() == 0:
            os.chown(path, self.user, self.group)
        else:
            durable.hand_over(path)


def _fault(error: OSError, path: Path) -> StackError:
    if error.errno in (errno.EACCES, errno.EPERM):
        # not to be given away: the gateway's user is to read it, and nobody else
        return StackError(
            f"{path}: no permission",
            fix="be the owner of the clone, or root: sudo stackctl tls ...",
        )
    return durable.fault(error, path)


def _digest(pem: bytes) -> str:
    return hashlib.sha256(pem).hexdigest()


def _certificate(raw: dict[str, Any]) -> Certificate:
    found = Certificate(**raw)
    return replace(found, names=tuple(found.names))


def _order(raw: dict[str, Any]) -> Order:
    found = Order(**raw)
    names, left_out = tuple(found.names), tuple(found.left_out)
    return replace(found, origin=Origin(found.origin), names=names, left_out=left_out)
