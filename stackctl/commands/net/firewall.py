"""`stackctl net firewall`: rules that make the gateway the only door to what Docker publishes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from stackctl import settings
from stackctl.commands.net.way import knobs
from stackctl.facts import network as gather
from stackctl.model import StackError, Unavailable
from stackctl.model.network import Network
from stackctl.net import boot
from stackctl.net import firewall as pure
from stackctl.net.firewall import Plan
from stackctl.system import process, terminal, timers
from stackctl.system.net import rules
from stackctl.system.net.published import NetDocker

_HOST = Path("/")
_VERB = "stackctl net firewall"
_PROGRAMS = ("iptables", "iptables-restore", "ip6tables", "ip6tables-restore")
LIMITS = """\
What the rules do not do:
  - stop programs of the host itself, or containers with network_mode: host: that is ufw's part
  - stop this machine and its containers: what is published, they reach
  - replace the key: to the gateway's own port everybody comes
  - spare what others forward here, such as virtual machines: that is closed too; --allow PORT
  - follow a new port of the gateway, a new network, a port that is published on [::] later:
    --install again; stackctl net says when
"""


@dataclass(frozen=True, slots=True)
class _State:
    """What is there, and what should be."""

    network: Network
    plan: Plan
    present: dict[int, tuple[str, ...] | Unavailable]

    @property
    def known(self) -> dict[int, tuple[str, ...]]:
        return {v: lines for v, lines in self.present.items() if isinstance(lines, tuple)}

    @property
    def in_place(self) -> bool:
        known = self.known
        return 4 in known and all(pure.in_place(self.plan, v, known[v]) for v in known)

    @property
    def some(self) -> bool:
        return any(pure.ours(lines) for lines in self.known.values())


def firewall(
    *,
    install: bool,
    remove: bool,
    lan: Sequence[str],
    allow: Sequence[int],
    dry_run: bool,
    as_json: bool,
    host: Path = _HOST,
) -> int:
    """Show, install or remove. `host`: whose systemd it is that brings the rules back."""
    if remove and (lan or allow):
        raise StackError("--remove takes all of it away", fix=f"{_VERB} --remove", exit_code=2)
    if as_json and (install or remove):
        raise StackError("--json shows, and changes nothing", fix=f"{_VERB} --json", exit_code=2)
    if remove:
        return _remove(dry_run=dry_run, host=host)
    if install:
        return _install(lan=lan, allow=allow, dry_run=dry_run, host=host)
    return _show(lan=lan, allow=allow, as_json=as_json)


def _show(*, lan: Sequence[str], allow: Sequence[int], as_json: bool) -> int:
    """The rules as they would be now, and whether they are there. Changes nothing."""
    state = _look(lan, allow)
    told = state.present[4]
    if as_json:
        terminal.out(_json(state))
        return 0
    terminal.out(_rules(state) + "\n\n" + _effect(state) + "\n\n" + LIMITS)
    if isinstance(told, Unavailable):
        terminal.out(f"whether they are in place is not known: {told.reason} firewall")
    elif state.in_place:
        terminal.out("in place")
    elif state.some:
        terminal.out("in place are older ones: sudo stackctl net firewall --install")
    else:
        terminal.out("not in place: sudo stackctl net firewall --install")
    return 0


def _install(*, lan: Sequence[str], allow: Sequence[int], dry_run: bool, host: Path) -> int:
    """Put them in place, now and at every boot. A second time changes nothing."""
    state = _look(lan, allow, chosen=True)
    _need(state, dry_run)
    texts = {v: pure.restore(state.plan, v, lines) for v, lines in state.known.items()}
    persistent = _files(state, host) if timers.has_systemd(host) else {}
    if dry_run:
        parts = [f"would load for IPv{v}:\n\n{text}" for v, text in texts.items()]
        parts += [f"would write {path}:\n\n{text}" for path, text in persistent.items()]
        terminal.out("\n".join([*parts, _effect(state)]))
        return 0
    was = state.in_place
    if not was:
        for version, text in texts.items():
            rules.load(version, text)
    changed = [path for path, text in persistent.items() if timers.write(host, path, text)]
    if persistent:
        _enable(host)
    terminal.out(_effect(state))
    terminal.out("all of it was there already" if was and not changed else "in place")
    if not persistent:
        terminal.out(
            "there is no systemd here: the rules are gone after a restart of the machine. Run at "
            "every start, after Docker's: " + _again(state.plan)
        )
    return 0


def _remove(*, dry_run: bool, host: Path) -> int:
    """Take them away, here and at boot: all is as it was."""
    if not process.is_root() and not dry_run:
        raise StackError("only root changes rules", fix="sudo stackctl net firewall --remove")
    known = {v: lines for v in (4, 6) if isinstance(lines := rules.present(v), tuple)}
    texts = {v: text for v, lines in known.items() if (text := pure.removal(lines))}
    paths = (boot.rules_file(4), boot.rules_file(6), boot.UNIT)
    found = [path for path in paths if boot.MARK in timers.read(host, path)]
    if not texts and not found:
        terminal.out("nothing to do: no rule of stackctl is here")
        return 0
    if dry_run:
        parts = [f"would load for IPv{v}:\n\n{text}" for v, text in texts.items()]
        terminal.out("\n".join([*parts, *(f"would remove {path}" for path in found)]))
        return 0
    for version, text in texts.items():
        rules.load(version, text)
    if found:
        timers.delete(host, boot.LINK)
    for path in found:
        timers.delete(host, path)
    terminal.out("taken away: what Docker publishes is as open as it is bound")
    return 0


def _look(lan: Sequence[str], allow: Sequence[int], *, chosen: bool = False) -> _State:
    """`chosen`: the owner's words are all there is; else what he said last time counts as well."""
    network = gather.here(NetDocker(), settings.chosen_project(None), knobs().port)
    present = {version: rules.present(version) for version in (4, 6)}
    lines = [line for each in present.values() if isinstance(each, tuple) for line in each]
    if not chosen and not lan and not allow:
        lan, allow = pure.remembered(lines)
    return _State(network, pure.plan(network, lan=lan, allowed=allow), present)


def _need(state: _State, dry_run: bool) -> None:
    told = state.present[4]
    if isinstance(told, Unavailable):
        if dry_run and not process.is_root():
            return
        fix = "sudo stackctl net firewall --install" if not process.is_root() else ""
        raise StackError(f"no rules can be set: {told.reason}", fix=fix)
    if f"-N {pure.OWNERS}" not in told:
        raise StackError(
            f"there is no chain {pure.OWNERS}: this Docker does not work with iptables",
            fix="docker info --format '{{.FirewallBackend}}'; in /etc/docker/daemon.json neither "
            '"iptables": false nor "firewall-backend": "nftables", then: sudo systemctl restart '
            "docker",
        )


def _effect(state: _State) -> str:
    plan = state.plan
    doors = ", ".join(map(str, plan.doors))
    lines = [f"open to everybody: the gateway, TCP {doors}"]
    if plan.allowed:
        lines.append(f"open to everybody, as you allowed: TCP {', '.join(map(str, plan.allowed))}")
    if plan.lan:
        lines.append(f"open to {', '.join(plan.lan)}: everything that is published")
    closed = pure.closed(state.network, plan)
    told = ", ".join(f"{p.container} {p.port.where}" for p in closed)
    lines.append(f"closed: {told or 'nothing at present, and whatever is published later'}")
    return "\n".join(lines)


def _rules(state: _State) -> str:
    parts = []
    for version in (4, 6):
        lines = [f"IPv{version}", *(f"  -A {a} -j {b}" for a, b in _leads(state, version))]
        parts.append("\n".join([*lines, *(f"  {r}" for r in pure.rules(state.plan, version))]))
    return "\n\n".join(parts)


def _leads(state: _State, version: int) -> Sequence[tuple[str, str]]:
    return pure.jumps(state.plan, version, state.known.get(version, (f"-N {pure.OWNERS}",)))


def _json(state: _State) -> str:
    known = 4 in state.known
    return json.dumps(
        {
            "in_place": state.in_place if known else None,
            "outdated": (state.some and not state.in_place) if known else None,
            "plan": asdict(state.plan),
            "closed": [
                {"container": p.container, "address": p.port.address, "port": p.port.host}
                for p in pure.closed(state.network, state.plan)
            ],
            "rules": {f"ipv{v}": list(pure.rules(state.plan, v)) for v in (4, 6)},
        },
        indent=2,
    )


def _files(state: _State, host: Path) -> dict[str, str]:
    """At boot nothing is there yet, so that nothing has to be taken away first."""
    start = (f"-N {pure.OWNERS}",)
    texts = {version: pure.restore(state.plan, version, start) for version in state.known}
    found = boot.files(texts, {program: rules.path(program) for program in _PROGRAMS})
    for path in found:
        before = timers.read(host, path)
        if before and boot.MARK not in before:
            raise StackError(f"{path} was written by somebody else", fix=f"move {path} away")
    return found


def _enable(host: Path) -> None:
    """For the next boot; now the rules are there."""
    link = host / boot.LINK.lstrip("/")
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(boot.UNIT)


def _again(plan: Plan) -> str:
    words = ["stackctl net firewall --install"]
    words += [f"--lan {each}" for each in plan.lan]
    words += [f"--allow {port}" for port in plan.allowed]
    return " ".join(words)
