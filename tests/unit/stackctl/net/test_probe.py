"""`net probe`: what is asked, what curl's words mean, and what is proof of what."""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from stackctl.model import Severity, StackError
from stackctl.model.network import Meaning, Reply
from stackctl.net import probe, verdict
from stackctl.net.probe import Target, Via, by_hand, replied, script, target, via
from tests.unit.stackctl.checks.way.networks import (
    DOOR,
    HEALTHY,
    LAN,
    LOGIN,
    NO_KEY,
    OPEN,
    OUTSIDE,
    REFUSED,
)

WHERE = target(f"https://{OUTSIDE}:8443")
THERE = Via("box", "me")
assert isinstance(HEALTHY.addresses, tuple)
NEAR = HEALTHY.addresses
FAR = replace(DOOR, local="203.0.113.9", peer=OUTSIDE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://box.example.org:8443/v1", Target("https", "box.example.org", 8443)),
        ("box.example.org", Target("https", "box.example.org", 443)),
        ("http://10.0.0.1", Target("http", "10.0.0.1", 80)),
        ("https://[2a00::1]:8443", Target("https", "2a00::1", 8443)),
    ],
)
def test_targets(text: str, expected: Target) -> None:
    assert target(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "ftp://x", "https://", "https://a:99999", "https://-x", "https://u:p@h", "https://a b"],
)
def test_no_targets(text: str) -> None:
    with pytest.raises(StackError) as caught:
        target(text)
    assert caught.value.exit_code == 2


def test_second_machines() -> None:
    assert via("ssh://me@box:2222") == Via("box", "me", 2222)
    assert via("box") == Via("box")
    for bad in ("-oProxyCommand=x", "ssh://-x@box", "ssh://a;b", "http://x", "ssh://u:p@h", "a b"):
        with pytest.raises(StackError):
            via(bad)


def test_the_line_for_another_machine() -> None:
    line = by_hand(WHERE, "AAA+/=")
    assert "--pinnedpubkey sha256//AAA+/=" in line
    assert shlex.split(line)[-1] == f"https://{OUTSIDE}:8443/v1/models"
    assert "pinned" not in by_hand(WHERE, "")
    assert " -k" not in by_hand(target("http://x"), "AAA")


def said(tmp_path: Path, *tries: tuple[int, str]) -> str:
    """The script's output where curl does this, time after time."""
    lines = [f"{n}) printf %s {shlex.quote(t)}; exit {c};;" for n, (c, t) in enumerate(tries)]
    curl = tmp_path / "curl"
    count = tmp_path / "count"
    count.write_text("0")
    curl.write_text(
        f"#!/bin/sh\nn=$(cat {count}); echo $((n + 1)) >{count}\ncase $n in\n"
        + "\n".join(lines)
        + "\nesac\n"
    )
    curl.chmod(0o755)
    done = subprocess.run(
        ["sh", "-c", script(WHERE)],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        input=b"CA",
        capture_output=True,
        timeout=30,
    )
    assert done.returncode == 0
    return done.stdout.decode()


ANSWERED = f"{NO_KEY}\n@@answer 401 203.0.113.9 {OUTSIDE}\n"


def test_an_answer_there(tmp_path: Path) -> None:
    reply = replied(said(tmp_path, (0, ANSWERED)))
    assert (reply.meaning, reply.distrust, reply.peer) == (Meaning.DOOR, "", OUTSIDE)


def test_our_own_authority_is_asked_second(tmp_path: Path) -> None:
    reply = replied(said(tmp_path, (60, "curl: (60) self-signed"), (0, ANSWERED)))
    assert (reply.meaning, reply.distrust) == (Meaning.DOOR, "")


def test_whom_nobody_trusts_is_named_all_the_same(tmp_path: Path) -> None:
    untrusted = (60, "curl: (60) no alternative name matches")
    reply = replied(said(tmp_path, (77, "curl: (77) no bundle"), untrusted, (0, ANSWERED)))
    assert reply.meaning is Meaning.DOOR
    assert "no alternative name" in reply.distrust


@pytest.mark.parametrize(
    ("code", "text", "meaning"),
    [
        (6, "curl: (6) Could not resolve host: x", Meaning.NAME),
        (7, "curl: (7) Failed to connect: Connection refused", Meaning.REFUSED),
        (7, "curl: (7) Failed to connect: No route to host", Meaning.UNREACHABLE),
        (28, "curl: (28) Connection timed out", Meaning.TIMEOUT),
        (35, "curl: (35) OpenSSL: wrong version number", Meaning.PLAIN),
        (35, "curl: (35) alert handshake failure", Meaning.TLS),
        (52, "curl: (52) Empty reply from server", Meaning.RESET),
    ],
)
def test_failures_there(tmp_path: Path, code: int, text: str, meaning: Meaning) -> None:
    reply = replied(said(tmp_path, (code, f"\n@@answer 000  \n{text}")))
    assert reply.meaning is meaning
    assert reply.detail.startswith("curl:")


def test_no_curl_there() -> None:
    with pytest.raises(StackError, match="no curl"):
        replied("sh: 1: curl: not found\n@@exit 127\n")
    with pytest.raises(StackError, match="understood"):
        replied("This account is not available\n")


@pytest.mark.parametrize(
    ("reply", "by", "proven", "why"),
    [
        (FAR, THERE, True, "another network"),
        (replace(FAR, local="192.168.1.77"), THERE, None, "the LAN's part"),
        (REFUSED, THERE, False, "asked from me@box"),
        (replace(DOOR, local=LAN, peer=OUTSIDE), None, True, "a success proves"),
        (replace(DOOR, local=OUTSIDE, peer=OUTSIDE), None, None, "own address"),
        (replace(DOOR, local=LAN, peer="192.168.1.30"), None, None, "private"),
        (REFUSED, None, None, "proves nothing"),
        (LOGIN, None, None, "proves nothing"),
        (OPEN, None, False, "from here"),
        (Reply(Meaning.NAME), None, False, "from here"),
    ],
)
def test_what_is_proof(reply: Reply, by: Via | None, proven: bool | None, why: str) -> None:
    known, told = verdict.proof(WHERE, reply, via=by, lan=NEAR)
    assert known is proven
    assert why in told


def test_no_hairpin_is_blamed_where_no_router_is_in_between() -> None:
    for url in ("https://192.168.1.20:8443", "https://127.0.0.1:8443", "https://localhost"):
        assert verdict.proof(target(url), REFUSED, via=None)[0] is False


def test_verdicts() -> None:
    for meaning in Meaning:
        known: bool | None = meaning is Meaning.DOOR
        reply = FAR if meaning is Meaning.DOOR else Reply(meaning, "x")
        reply = {Meaning.OPEN: OPEN, Meaning.OTHER: LOGIN}.get(meaning, reply)
        finding = verdict.finding(WHERE, reply, known, "y")
        assert finding.summary
        assert bool(finding.cause and finding.fix) is not known
    login = verdict.finding(WHERE, LOGIN, False, "y")
    assert "Router [31m login" in login.evidence
    assert "\x1b" not in str(login)
    distrusted = verdict.finding(WHERE, replace(FAR, distrust="expired"), True, "y")
    assert distrusted.severity is Severity.WARNING
    clear = verdict.finding(target("http://81.2.69.10"), FAR, True, "y")
    assert clear.severity is Severity.ERROR
    assert "in the clear" in clear.summary
    assert probe.printable("a\nb\x00c\x1b[2J" + "d" * 300).isprintable()
