"""What ACME servers say against a certificate, and what that means for the owner."""

from __future__ import annotations

import pytest
from acme import messages

from stackctl.model import Unavailable
from stackctl.system import acme


def problem(code: str, detail: str, **more: object) -> dict[str, object]:
    return {"type": f"urn:ietf:params:acme:error:{code}", "detail": detail, **more}


def refused(said: dict[str, object]) -> tuple[str, str]:
    told = acme.refusal(messages.Error.from_json(said), "ai.example.org", "ca.test")
    return told.message, told.fix


@pytest.mark.parametrize(
    ("code", "fix"),
    [
        ("connection", "port 80 of the router must lead"),
        ("unauthorized", "another machine or program answers on port 80 of ai.example.org"),
        ("dns", "dig +short ai.example.org"),
        ("caa", "dig +short CAA ai.example.org"),
        ("rateLimited", "--staging"),
        ("rejectedIdentifier", "stackctl tls init"),
        ("externalAccountRequired", "choose another server"),
        ("userActionRequired", "--agree-tos"),
        ("invalidContact", "--email"),
        ("serverInternal", "try again later"),
        ("malformed", "urn:ietf:params:acme:error:malformed"),
    ],
)
def test_every_refusal_has_its_reason_and_a_fix(code: str, fix: str) -> None:
    message, said = refused(problem(code, "too many certificates, retry after 12:00"))
    assert message == (
        f"ca.test gives no certificate: too many certificates, retry after 12:00 [{code}]"
    )
    assert fix in said


def test_the_reason_of_the_part_is_nearer_than_that_of_the_whole() -> None:
    part = problem("caa", "CAA forbids it")
    message, fix = refused(problem("malformed", "some problems", subproblems=[part]))
    assert "CAA forbids it [caa]" in message
    assert "dig" in fix


def test_a_problem_without_words() -> None:
    message, fix = refused({"type": "urn:x:odd"})
    assert "no reason given" in message
    assert "urn:x:odd" in fix


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1", True),
        ("192.168.1.1", False),
        ("100.64.0.1", False),  # CGNAT
        ("127.0.0.1", False),
        ("fd00::1", False),
        ("fe80::1%eth0", False),
    ],
)
def test_public_addresses(address: str, public: bool) -> None:
    assert acme.public(address) is public


def test_names_are_resolved_here() -> None:
    found = acme.resolve("localhost")
    assert not isinstance(found, Unavailable)
    assert {"127.0.0.1", "::1"} & set(found)


def test_a_wish_does_not_show_its_key() -> None:
    assert "secret" not in repr(acme.Wish("a.org", "https://ca.test", b"secret"))
