"""How clients come to trust the local CA: what to type on each system. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap

_WIDTH = 80


@dataclass(frozen=True, slots=True)
class Way:
    """For one system or program. `commands`: to be typed; else `words` say what to do."""

    system: str
    commands: tuple[str, ...] = ()
    words: str = ""


PROGRAMS = (
    Way("curl", ("curl --cacert ca.pem https://...",), "or: export CURL_CA_BUNDLE=ca.pem"),
    Way(
        "Python",
        ("export SSL_CERT_FILE=ca.pem", "export REQUESTS_CA_BUNDLE=ca.pem"),
        "the first for openai and httpx, the second for requests",
    ),
    Way("Node", ("export NODE_EXTRA_CA_CERTS=ca.pem",)),
)
SYSTEMS = (
    Way(
        "Debian, Ubuntu",
        (
            "sudo cp ca.pem /usr/local/share/ca-certificates/stackctl.crt",
            "sudo update-ca-certificates",
        ),
    ),
    Way(
        "Fedora, RHEL",
        ("sudo cp ca.pem /etc/pki/ca-trust/source/anchors/", "sudo update-ca-trust"),
    ),
    Way(
        "macOS",
        (
            "sudo security add-trusted-cert -d -r trustRoot \\\n"
            "  -k /Library/Keychains/System.keychain ca.pem",
        ),
    ),
    Way(
        "Windows",
        ("certutil -addstore -f Root ca.pem",),
        "as administrator; for one user: certutil -user -addstore Root ca.pem",
    ),
    Way(
        "iOS",
        words="send it there, install the profile, then Settings > General > About > "
        "Certificate Trust Settings: switch it on",
    ),
    Way(
        "Android",
        words="Settings > Security > Encryption & credentials > Install a certificate > "
        "CA certificate (browsers heed it, many apps do not)",
    ),
    Way(
        "Firefox",
        words="on Linux it has its own list: Settings > Privacy > View Certificates > Import",
    ),
)
_HEAD = """\
Clients must trust {ca} once; new certificates are then taken without a word.
It is no secret and may be sent around. ca.key beside it is: it never leaves this box.
Compare what arrived: openssl x509 -in ca.pem -noout -fingerprint -sha256
    {fingerprint}
"""


def how(ca: Path, fingerprint: str) -> str:
    """The text for a CA in the file `ca`; `fingerprint` is its sha256, hexadecimal."""
    lines = [_HEAD.format(ca=ca, fingerprint=colons(fingerprint))]
    lines += ["one program only, nothing installed", *_rows(PROGRAMS)]
    lines += ["the whole system", *_rows(SYSTEMS)]
    return "\n".join(lines)


def colons(fingerprint: str) -> str:
    """AB:CD:..., as openssl and every browser show it."""
    pairs = (fingerprint[at : at + 2] for at in range(0, len(fingerprint), 2))
    return ":".join(pairs).upper()


def _rows(ways: tuple[Way, ...]) -> list[str]:
    """One system a row, what belongs to it below its first line."""
    rows = []
    for way in ways:
        said = [line for command in way.commands for line in command.splitlines()]
        if way.words:
            said += wrap(f"({way.words})" if way.commands else way.words, _WIDTH)
        rows += [f"  {way.system if n == 0 else '':<16} {line}" for n, line in enumerate(said)]
    return rows
