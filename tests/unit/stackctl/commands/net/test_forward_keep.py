"""What is kept of a forwarding, and how it is asked for again."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from stackctl.commands.net import forward_keep
from stackctl.model import Severity, StackError, Unavailable
from stackctl.model.forwarding import Entry, Mapping, Method, Refusal, Refused
from stackctl.system import files

MAPPING = Mapping(Method.UPNP, "http://192.168.1.1/", 8443, "192.168.1.20", 8443, 3600, 0.0)


@dataclass
class Gate:
    """A router that knows permanent leases only, or refuses for another reason."""

    why: Refusal = Refusal.PERMANENT
    there: Entry | Unavailable | None = None
    asked: list[int] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)
    method = Method.UPNP
    url = "http://192.168.1.1/"
    here = "192.168.1.20"

    def outside(self) -> str:
        return "81.2.69.10"

    def entry(self, external: int) -> Entry | Unavailable | None:
        return self.there

    def add(self, external: int, port: int, lease: int) -> int:
        self.asked.append(lease)
        if lease:
            raise Refused(self.why)
        return 0

    def remove(self, external: int, port: int) -> None:
        self.removed.append(external)


def test_a_router_that_knows_no_leases() -> None:
    gate = Gate()
    kept = forward_keep.asked(gate, MAPPING)
    assert gate.asked == [3600, 0]
    assert (kept.lease, kept.until) == (0, 0.0)


def test_another_refusal_is_no_reason_to_ask_for_ever() -> None:
    gate = Gate(Refusal.FORBIDDEN)
    with pytest.raises(Refused):
        forward_keep.asked(gate, MAPPING)
    assert gate.asked == [3600]


@pytest.mark.parametrize(
    ("there", "removed"),
    [
        (Entry(8443, "192.168.1.20", 8443), [8443]),
        (Entry(8443, "192.168.1.99", 8443), []),
        (None, []),
        (Unavailable("NAT-PMP"), [8443]),
    ],
)
def test_only_what_is_ours_is_taken_back(
    there: Entry | Unavailable | None, removed: list[int]
) -> None:
    gate = Gate(there=there)
    forward_keep.take_back(gate, MAPPING)
    assert gate.removed == removed


def test_what_is_kept(tmp_path: Path) -> None:
    assert forward_keep.load(tmp_path) is None
    forward_keep.save(tmp_path, MAPPING)
    assert forward_keep.load(tmp_path) == MAPPING
    forward_keep.path(tmp_path).write_text("{")
    with pytest.raises(StackError, match="damaged"):
        forward_keep.load(tmp_path)


def test_a_round_while_somebody_else_changes_it(tmp_path: Path) -> None:
    """It could not look, so an incident that is open stays so."""
    assert forward_keep.watch(tmp_path) == ()
    forward_keep.save(tmp_path, MAPPING)
    with files.lock(tmp_path / "forward.lock", "net forward add"):
        (found,) = forward_keep.watch(tmp_path)
    assert (found.check, found.severity) == ("net.forward", Severity.SKIPPED)


def test_a_round_without_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> None:
        raise StackError("the Docker daemon is not running")

    monkeypatch.setattr(forward_keep, "containers", gone)
    forward_keep.save(tmp_path, MAPPING)
    (found,) = forward_keep.watch(tmp_path)
    assert (found.subject, found.severity) == ("port 8443", Severity.SKIPPED)
