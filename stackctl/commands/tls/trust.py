"""How clients come to trust the local CA: what to type on each system. Pure."""

from __future__ import annotations

from pathlib import Path

_HOW = """\
Clients must trust {ca} once; new certificates are then taken without a word.
It is no secret and may be sent around. ca.key beside it is: it never leaves this box.
Compare what arrived: openssl x509 -in ca.pem -noout -fingerprint -sha256
    {fingerprint}

one program only, nothing installed
  curl       curl --cacert ca.pem https://...   or   export CURL_CA_BUNDLE=ca.pem
  Python     export SSL_CERT_FILE=ca.pem (openai, httpx)  REQUESTS_CA_BUNDLE=ca.pem (requests)
  Node       export NODE_EXTRA_CA_CERTS=ca.pem
the whole system
  Debian, Ubuntu   sudo cp ca.pem /usr/local/share/ca-certificates/stackctl.crt
                   sudo update-ca-certificates
  Fedora, RHEL     sudo cp ca.pem /etc/pki/ca-trust/source/anchors/ && sudo update-ca-trust
  macOS            sudo security add-trusted-cert -d -r trustRoot \\
                   -k /Library/Keychains/System.keychain ca.pem
  Windows          certutil -addstore -f Root ca.pem     (as administrator; one user: certutil
                   -user -addstore Root ca.pem)
  iOS              send it, install the profile, then Settings > General > About >
                   Certificate Trust Settings: switch it on
  Android          Settings > Security > Encryption & credentials > Install a certificate >
                   CA certificate (browsers heed it, many apps do not)
  Firefox          on Linux it has its own list: Settings > Privacy > View Certificates > Import"""


def how(ca: Path, fingerprint: str) -> str:
    """The text for a CA in the file `ca`; `fingerprint` is its sha256, hexadecimal."""
    return _HOW.format(ca=ca, fingerprint=colons(fingerprint))


def colons(fingerprint: str) -> str:
    """AB:CD:..., as openssl and every browser show it."""
    pairs = (fingerprint[at : at + 2] for at in range(0, len(fingerprint), 2))
    return ":".join(pairs).upper()
