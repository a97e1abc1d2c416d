"""`stackctl net`: every hop between a client and the gateway, tested, with what to do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from stackctl import report, settings
from stackctl.checks import way as checks
from stackctl.commands.net import forward_keep
from stackctl.facts import network as gather
from stackctl.model import Finding, Severity, StackError
from stackctl.model.network import TLS, Network
from stackctl.net import way
from stackctl.system import terminal
from stackctl.system.net.published import NetDocker

_PROBLEMS = (Severity.WARNING, Severity.ERROR)


@dataclass(frozen=True, slots=True)
class Knobs:
    """What the owner chose; the way is also shown where the rest of the settings is broken."""

    bind: str = ""
    port: int = TLS


def show(*, as_json: bool) -> int:
    """The drawing, the table, what is wrong, what to type into the router. 1 if a hop is broken."""
    chosen, state = knobs(), settings.find_root() / ".stackctl"
    if terminal.interactive() and not as_json:
        terminal.err("asking the gateway, the router and the address outside ...")
    network = gather.whole(
        NetDocker(),
        settings.chosen_project(None),
        bind=chosen.bind,
        port=chosen.port,
        external=_external(state),
        ca=state / "tls" / "ca.pem",
    )
    found = checks.run(network)
    hops = way.hops(network, [(step.hop, findings) for step, findings in found])
    failed = any(hop.severity is Severity.ERROR for hop in hops)
    terminal.out(_json(network, hops, failed) if as_json else text(network, hops))
    return 1 if failed else 0


def knobs() -> Knobs:
    """GATEWAY_BIND and GATEWAY_PORT, by the settings of any hardware profile."""
    try:
        root = settings.find_root()
        profiles = [known.profile for known in settings.hardware_profiles(root)]
        chosen = settings.chosen_profile(root) or next(iter(profiles), "")
        values = settings.load(root, chosen).values
    except StackError:
        return Knobs()
    return Knobs(values.get("GATEWAY_BIND", ""), int(values.get("GATEWAY_PORT", TLS)))


def text(network: Network, hops: Sequence[way.Hop], *, colour: bool | None = None) -> str:
    """All of it for a person."""
    painted = terminal.colour() if colour is None else colour
    parts = [way.draw(hops), report.table(("HOP", "STATE", "WHAT"), way.rows(hops))]
    findings = [f for hop in hops for f in hop.findings]
    parts += [report.problem(f, colour=painted) for f in findings if f.severity in _PROBLEMS]
    unsure = [f for f in findings if f.severity is Severity.SKIPPED and f.fix]
    if unsure:
        lines = dict.fromkeys(f"  {f.subject}: {f.fix}" for f in unsure)
        parts.append("\n".join(["To know what is unknown:", *lines]))
    if rules := way.rules(network):
        parts.append("\n".join(["To type into the router:", *(f"  {rule}" for rule in rules)]))
    return "\n\n".join([*parts, _summary(findings)])


def _summary(findings: Sequence[Finding]) -> str:
    unknown = sum(f.severity is Severity.SKIPPED for f in findings)
    return report.summary(findings) + (f", {unknown} unknown" if unknown else "")


def _json(network: Network, hops: Sequence[way.Hop], failed: bool) -> str:
    return json.dumps(
        {
            "ok": not failed,
            "hops": [
                {
                    "hop": hop.name,
                    "place": hop.place,
                    "state": hop.state,
                    "findings": [asdict(finding) for finding in hop.findings],
                }
                for hop in hops
            ],
            "router_rules": list(way.rules(network)),
        },
        indent=2,
        default=str,
    )


def _external(state: Path) -> int:
    """The router's port that was asked for; 0 if none was."""
    try:
        mapping = forward_keep.load(state)
    except StackError:
        return 0
    return mapping.external if mapping else 0
