"""One question to whoever listens somewhere: `GET /v1/models` without a key, over TLS or not."""

from __future__ import annotations

import errno
import http.client
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stackctl.model import StackError
from stackctl.model.network import Meaning, Reply

#: seconds for each of: connect, handshake, answer
TIMEOUT = 5.0
#: bytes of the answer that are looked at; of more than that no gateway's error is made
_BODY = 64 << 10
_PATH = "/v1/models"
_UNREACHABLE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL})


def ask(
    host: str,
    port: int,
    *,
    tls: bool,
    ca: Path | None = None,
    name: str = "",
    timeout: float = TIMEOUT,
    careful: bool = True,
) -> Reply:
    """`name`: what the certificate must be for (default: `host`); `ca`: whom to trust besides those
    whom the system trusts. Who is not trusted is asked all the same, and told so; without `careful`
    nobody asks for trust. What goes wrong is in the reply; only a broken `ca` is an error."""
    why = ""
    try:
        if careful or not tls:
            with socket.create_connection((host, port), timeout=timeout) as plain:
                if not tls:
                    return _talk(plain, host)
                try:
                    with _wrapped(plain, _trusting(ca), name or host) as secure:
                        return _talk(secure, host)
                except ssl.SSLCertVerificationError as error:
                    why = _plain(error.verify_message or str(error))
        with (
            socket.create_connection((host, port), timeout=timeout) as plain,
            _wrapped(plain, _careless(), name or host) as secure,
        ):
            return _talk(secure, host, distrust=why)
    except (OSError, http.client.HTTPException) as error:
        return failure(error)


def failure(error: Exception) -> Reply:
    """What a socket, TLS or HTTP says when it fails -> our words. Pure."""
    text = _plain(str(error))
    match error:
        case ssl.SSLError(reason="WRONG_VERSION_NUMBER" | "HTTP_REQUEST" | "RECORD_LAYER_FAILURE"):
            return Reply(Meaning.PLAIN, "it does not speak TLS")
        case ssl.SSLEOFError():
            return Reply(Meaning.RESET, "cut off in the TLS handshake")
        case ssl.SSLError():
            return Reply(Meaning.TLS, error.reason or text)
        case socket.gaierror():
            return Reply(Meaning.NAME, error.strerror or text)
        case TimeoutError():
            return Reply(Meaning.TIMEOUT, "no answer in time")
        case ConnectionRefusedError():
            return Reply(Meaning.REFUSED, "connection refused")
        case ConnectionError() | http.client.RemoteDisconnected() | http.client.IncompleteRead():
            return Reply(Meaning.RESET, "connected, and cut off without an answer")
        case http.client.HTTPException():
            return Reply(Meaning.OTHER, "what answers is no HTTP")
        case OSError() if error.errno in _UNREACHABLE:
            return Reply(Meaning.UNREACHABLE, error.strerror or text)
    return Reply(Meaning.UNREACHABLE, text[:200])


def _talk(connected: socket.socket, host: str, *, distrust: str = "") -> Reply:
    local, peer = connected.getsockname()[0], connected.getpeername()[0]
    shown = f"[{host}]" if ":" in host else host
    connected.sendall(
        f"GET {_PATH} HTTP/1.1\r\nHost: {shown}\r\nUser-Agent: stackctl\r\n"
        "Accept: application/json\r\nConnection: close\r\n\r\n".encode()
    )
    answer = http.client.HTTPResponse(connected)
    answer.begin()
    body = answer.read(_BODY)
    return Reply(
        status=answer.status,
        server=_plain(answer.getheader("Server") or ""),
        location=_plain(answer.getheader("Location") or ""),
        body=body.decode("utf-8", "replace"),
        distrust=distrust,
        local=local,
        peer=peer,
    )


@contextmanager
def _wrapped(plain: socket.socket, how: ssl.SSLContext, name: str) -> Iterator[ssl.SSLSocket]:
    with how.wrap_socket(plain, server_hostname=name) as secure:
        yield secure


def _trusting(ca: Path | None) -> ssl.SSLContext:
    how = ssl.create_default_context()
    if ca and ca.is_file():
        try:
            how.load_verify_locations(ca)
        except (OSError, ssl.SSLError) as error:
            raise StackError(
                f"{ca} cannot be read as a certificate: {_plain(str(error))}",
                fix="stackctl tls init makes it anew",
            ) from None
    return how


def _careless() -> ssl.SSLContext:
    how = ssl.create_default_context()
    how.check_hostname = False
    how.verify_mode = ssl.CERT_NONE
    return how


def _plain(text: str) -> str:
    """One line that a terminal may show: who answers may be anybody."""
    return "".join(c if c.isprintable() and c.isascii() else " " for c in text).strip()[:200]
