"""The certificate that a TLS port shows."""

from __future__ import annotations

import hashlib
import socket
import ssl

from stackctl.model import Unavailable

#: seconds to connect and to shake hands, each
_PATIENCE = 5.0


def fingerprint(host: str, port: int) -> str | Unavailable:
    """sha256 of the server's certificate, hexadecimal."""
    shown = certificate(host, port)
    return shown if isinstance(shown, Unavailable) else hashlib.sha256(shown).hexdigest()


def certificate(host: str, port: int) -> bytes | Unavailable:
    """The server's certificate in DER, which is looked at and not trusted."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, port), _PATIENCE) as plain,
            context.wrap_socket(plain) as tls,
        ):
            return tls.getpeercert(binary_form=True) or b""
    except ConnectionRefusedError:
        return Unavailable("nothing listens there", "refused")
    except TimeoutError:
        return Unavailable(f"no answer within {_PATIENCE:.0f} s", "timeout")
    except ssl.SSLError as error:
        return Unavailable(f"it does not speak TLS ({error.reason or error})", "no-tls")
    except OSError as error:
        return Unavailable(error.strerror or str(error), "os")
