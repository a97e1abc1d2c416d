"""Certificates of Let's Encrypt, and of whoever else speaks ACME (RFC 8555), proven by HTTP-01:
the authority asks http://NAME/.well-known/acme-challenge/TOKEN, from outside, on port 80."""

from __future__ import annotations

import datetime
import ipaddress
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests

from stackctl import __version__
from stackctl.model import StackError, Unavailable
from stackctl.system.certificates import make

if TYPE_CHECKING:
    from acme import client, messages

LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
STAGING = "https://acme-staging-v02.api.letsencrypt.org/directory"
PATH = "/.well-known/acme-challenge/"
#: seconds for one answer of the server, and for the whole of proof and signature
_ANSWER, _PATIENCE = 30, 180.0
_NEEDED = ("newNonce", "newAccount", "newOrder")
_PORT = "port 80 of the router must lead to the gateway's port for ACME (docs/tls.md)"
_FIXES = {
    "connection": f"{_PORT}; from outside: curl -v http://{{name}}/.well-known/acme-challenge/x",
    "unauthorized": "another machine or program answers on port 80 of {name}: " + _PORT,
    "incorrectResponse": "another machine or program answers on port 80 of {name}: " + _PORT,
    "dns": "the name must lead to your public address: dig +short {name} @1.1.1.1",
    "caa": "the domain's CAA record names other authorities: dig +short CAA {name}",
    "rateLimited": "wait as long as it says; to try things out: --staging",
    "rejectedIdentifier": "an authority signs public names only; for others: stackctl tls init",
    "externalAccountRequired": "it wants an account made at its web site; choose another server",
    "userActionRequired": "its terms of service changed: stackctl tls acme {name} --agree-tos",
    "invalidContact": "correct --email, or leave it out",
    "unsupportedContact": "correct --email, or leave it out",
    "serverInternal": "its own failure: try again later",
}

#: token, what to answer -> answered as long as the block runs
Answering = Callable[[str, str], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for, of which server, in whose name."""

    name: str
    directory: str
    account_key: bytes  # PEM
    email: str = ""

    def __repr__(self) -> str:
        return f"Wish({self.name!r}, {self.directory!r})"


def terms(directory: str) -> str:
    """Where the terms of service are that an account agrees to; empty if there are none."""
    with _explained("", directory):
        return _terms(_open(directory, make.key_pem(make.new_key())))


def obtain(wish: Wish, answering: Answering) -> tuple[bytes, bytes]:
    """Certificate with its chain, and its new key (both PEM). StackError says why not."""
    with _explained(wish.name, wish.directory):
        from acme import messages

        server = _open(wish.directory, wish.account_key)
        _log_in(server, wish.email)
        key_pem, csr = make.request(wish.name)
        order = server.new_order(csr)
        until = datetime.datetime.now() + datetime.timedelta(seconds=_PATIENCE)
        with ExitStack() as answers:
            for authorization in order.authorizations:
                if authorization.body.status == messages.STATUS_VALID:
                    continue  # the server remembers an earlier proof
                challenge = _challenge(server, authorization)
                response, text = challenge.chall.response_and_validation(server.net.key)
                answers.enter_context(answering(challenge.chall.encode("token"), text))
                server.answer_challenge(challenge, response)
            order = server.poll_authorizations(order, until)
        done = server.finalize_order(order, until)
        return done.fullchain_pem.encode(), key_pem


def resolve(name: str) -> tuple[str, ...] | Unavailable:
    """The addresses of a name, as this host sees them."""
    try:
        rows = socket.getaddrinfo(name, 80, type=socket.SOCK_STREAM)
    except OSError as error:
        return Unavailable(error.strerror or str(error), "dns")
    return tuple(dict.fromkeys(str(row[4][0]) for row in rows))


def public(address: str) -> bool:
    """Whether the internet can know it."""
    return ipaddress.ip_address(address.partition("%")[0]).is_global


def _open(directory: str, key_pem: bytes) -> client.ClientV2:
    from acme import client
    from josepy.jwa import ES256
    from josepy.jwk import JWKEC

    net = client.ClientNetwork(
        JWKEC(key=make.load_key(key_pem)),
        alg=ES256,
        user_agent=f"stackctl/{__version__}",
        timeout=_ANSWER,
    )
    try:
        known = client.ClientV2.get_directory(directory, net)
    except (TypeError, AttributeError) as error:  # JSON of some other kind
        raise _no_server(directory, type(error).__name__) from None
    if lacking := [name for name in _NEEDED if name not in known.to_partial_json()]:
        raise _no_server(directory, f"no {', '.join(lacking)}")
    return client.ClientV2(known, net)


def _terms(server: client.ClientV2) -> str:
    meta = getattr(server.directory, "meta", None)
    return str(getattr(meta, "terms_of_service", "") or "")


def _log_in(server: client.ClientV2, email: str) -> None:
    """Make an account, or find the one that our key has."""
    from acme import errors, messages

    wanted = messages.NewRegistration.from_data(email=email or None, terms_of_service_agreed=True)
    try:
        server.new_account(wanted)
    except errors.ConflictError as known:
        server.net.account = messages.RegistrationResource(uri=known.location, body=wanted)


def _challenge(
    server: client.ClientV2, authorization: messages.AuthorizationResource
) -> messages.ChallengeBody:
    from acme import challenges

    for offered in authorization.body.challenges:
        if isinstance(offered.chall, challenges.HTTP01):
            return offered
    raise StackError(
        f"{server.directory['newOrder']} offers no proof by HTTP, and stackctl knows no other",
        fix="get the certificate by another program, then: stackctl tls use CERT KEY",
    )


@contextmanager
def _explained(wish_name: str, directory: str) -> Iterator[None]:
    """Every way in which it may fail -> StackError."""
    try:
        from acme import errors, messages
        from josepy.errors import DeserializationError
    except ImportError:
        raise StackError(
            "the ACME library is not installed", fix="make setup; or: pip install 'stackctl[acme]'"
        ) from None
    host = urlsplit(directory).hostname or directory
    try:
        yield
    except messages.Error as error:
        raise refusal(error, wish_name, host) from None
    except errors.IssuanceError as error:
        raise refusal(error.error, wish_name, host) from None
    except errors.ValidationError as error:
        found = [c.error for a in error.failed_authzrs for c in a.body.challenges if c.error]
        raise refusal(found[0], wish_name, host) from None
    except errors.TimeoutError:
        raise StackError(
            f"{host} did not come to a verdict within {_PATIENCE:.0f} s", fix="try again later"
        ) from None
    except requests.exceptions.SSLError:
        raise StackError(
            f"{host} shows a certificate that this host does not trust",
            fix="of an ACME server of your own: REQUESTS_CA_BUNDLE=/path/of/its/root.pem stackctl "
            "tls acme ...",
        ) from None
    except (errors.Error, DeserializationError, requests.exceptions.JSONDecodeError) as error:
        raise _no_server(directory, type(error).__name__) from None
    except requests.RequestException as error:
        raise StackError(
            f"{host} cannot be reached: {type(error).__name__}", fix=f"curl -v {directory}"
        ) from None


def _no_server(directory: str, why: str) -> StackError:
    return StackError(
        f"{directory} does not answer as an ACME server does: {why}",
        fix=f"curl {directory} shows newNonce, newAccount and newOrder of one",
    )


def refusal(error: messages.Error, name: str, host: str) -> StackError:
    """What a server says against it -> what that means. Details are the server's own words."""
    deepest = error.subproblems[0] if error.subproblems else error
    code = deepest.typ.rpartition(":")[2]  # the library's own table lacks some
    detail = (deepest.detail or error.detail or error.title or "no reason given").strip()
    fix = _FIXES.get(code, f"see what it means: {error.typ}")
    return StackError(f"{host} gives no certificate: {detail} [{code}]", fix=fix.format(name=name))
