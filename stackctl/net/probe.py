"""How the address of clients is asked: from here, by hand, by a second machine. Pure."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from urllib.parse import urlsplit

from stackctl.model import StackError
from stackctl.model.network import Meaning, Reply

PATH = "/v1/models"
#: seconds for one question of curl's
_PATIENCE = 10
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._:-]*[A-Za-z0-9])?|[0-9A-Fa-f:]+")
_ANSWER = re.compile(r"\n@@answer (\d+) (\S*) (\S*)\n")
_EXIT = re.compile(r"@@exit (\d+)\n")
#: exit codes of curl: not trusted, or it has no authorities at all; of the shell: no such program
_UNTRUSTED, _NOT_THERE = "60|77", 127
_MEANING = {
    6: Meaning.NAME,
    7: Meaning.REFUSED,
    28: Meaning.TIMEOUT,
    35: Meaning.TLS,
    52: Meaning.RESET,
    56: Meaning.RESET,
}


@dataclass(frozen=True, slots=True)
class Target:
    """Where clients come in."""

    scheme: str
    host: str
    port: int

    @property
    def tls(self) -> bool:
        return self.scheme == "https"

    @property
    def base(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Via:
    """A second machine. Empty user and port 0: as ~/.ssh/config has them."""

    host: str
    user: str = ""
    port: int = 0

    @property
    def shown(self) -> str:
        return f"{self.user}@{self.host}" if self.user else self.host


def target(url: str) -> Target:
    """`https://box.example.org:8443/anything`, or without the scheme."""
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(host) or parts.username:
        raise StackError(
            f"{url!r} is no address that can be asked",
            fix="stackctl net probe https://NAME-OR-ADDRESS:PORT",
            exit_code=2,
        )
    return Target(parts.scheme, host, port or (443 if parts.scheme == "https" else 80))


def via(text: str) -> Via:
    """`ssh://user@host:22`, `user@host`, or a name of ~/.ssh/config."""
    try:
        parts = urlsplit(text if "://" in text else f"ssh://{text}")
        found = Via(parts.hostname or "", parts.username or "", parts.port or 0)
    except ValueError:
        parts, found = urlsplit(""), Via("")
    user = re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*|", found.user)
    if parts.scheme != "ssh" or not _HOST.fullmatch(found.host) or not user or parts.password:
        raise StackError(
            f"{text!r} names no second machine", fix="--via ssh://USER@HOST", exit_code=2
        )
    return found


def by_hand(where: Target, pin: str) -> str:
    """One line for another machine. `pin`: the hash of our gateway's public key, which makes sure
    that it is this gateway without a certificate having to be carried there."""
    trust = f"-k --pinnedpubkey {shlex.quote('sha256//' + pin)} " if pin and where.tls else ""
    careless = "-k " if where.tls and not pin else ""
    return (
        f"curl -sS {trust}{careless}-m {_PATIENCE} -o /dev/null -w '%{{http_code}}\\n' "
        f"{shlex.quote(where.base + PATH)}"
    )


def script(where: Target) -> str:
    """For `sh` on another machine: asked as its system trusts, else as our authority on its stdin
    says, else without trust, so that it is known at least who is there."""
    url = shlex.quote(where.base + PATH)
    ask = (
        f"q() {{ curl -sS --connect-timeout 5 -m {_PATIENCE} "
        r"-w '\n@@answer %{http_code} %{local_ip} %{remote_ip}\n' "
        f'"$@" {url} 2>&1; e=$?; echo "@@exit $e"; return $e; }}; '
    )
    # a file, as not every curl takes a certificate from a pipe
    kept = 'c=$(mktemp) || exit; trap \'rm -f "$c"\' EXIT; cat >"$c"; '
    once_more = f'case $? in {_UNTRUSTED}) q --cacert "$c" || q -k;; esac'
    return f"{kept}{ask}q; {once_more}; exit 0"


def replied(output: str) -> Reply:
    """The output of `script` -> the last answer, and whether it was to be trusted."""
    tries = [part for part in _EXIT.split(output) if part]
    pairs = list(zip(tries[::2], tries[1::2], strict=False))
    if not pairs:
        raise StackError(
            "the second machine said nothing that can be understood",
            fix="type the line there that `stackctl net probe URL` prints without --via",
        )
    text, code = pairs[-1][0], int(pairs[-1][1])
    if code == _NOT_THERE:
        raise StackError("there is no curl on the second machine", fix="install it there")
    found = _ANSWER.search(text)
    words = " ".join(_ANSWER.sub(" ", text).split())
    if code or not found:
        plain = "wrong version number" in words or "packet length too long" in words
        unreachable = code == 7 and ("No route" in words or "unreachable" in words)
        meaning = _MEANING.get(code, Meaning.TLS if code in range(58, 92) else Meaning.RESET)
        meaning = Meaning.PLAIN if plain else Meaning.UNREACHABLE if unreachable else meaning
        return Reply(meaning, printable(words))
    # the second time our own authority was asked; the third time nobody's word counted
    distrust = "" if len(pairs) < 3 else printable(" ".join(pairs[1][0].split()))
    body = text[: found.start()]
    return Reply(status=int(found[1]), body=body, distrust=distrust, local=found[2], peer=found[3])


def printable(text: str) -> str:
    """One line that a terminal may show: who answers may be anybody."""
    return "".join(c if c.isprintable() and c.isascii() else " " for c in text).strip()[:200]
