"""`stackctl up` and `restart`: plan, border, create, start in waves, gates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from stackctl import compose, report
from stackctl import facts as gather
from stackctl.checks import CHECKS, run, worst
from stackctl.checks.gateway import unreached
from stackctl.commands import plan, wanted
from stackctl.commands.gates import Patience
from stackctl.commands.gateway import apply
from stackctl.commands.waves import Outcome, start
from stackctl.engines import ENGINES
from stackctl.facts import gateway, tools
from stackctl.gateway.backends import backends
from stackctl.model import (
    Daemon,
    Driver,
    Facts,
    Finding,
    Observed,
    Phase,
    Placement,
    Service,
    Severity,
    StackError,
    Unavailable,
)
from stackctl.placement import assign
from stackctl.settings import Settings
from stackctl.system import files, process, terminal
from stackctl.system.docker import Docker

#: seconds; engines' images have 5 to 20 GB
GETTING_IMAGES = 7200


def up(roles: Sequence[str], *, dry_run: bool, patience: Patience, recreate: bool = False) -> int:
    """Bring the services up and prove each. Nothing is changed before every check has passed."""
    config = plan.load()
    stack = plan.resolve(config)
    chosen = plan.select(stack.services, roles)
    # what the gateway could not offer is refused before anything is changed
    backends([(s, s.name) for s in stack.services], ENGINES)
    docker = Docker()
    facts = _preflight(docker, stack.project, chosen, config)
    findings = run(CHECKS, facts, Phase.PREFLIGHT)
    simulated = isinstance(facts.driver, Driver) and facts.driver.simulated
    if simulated:
        terminal.out(report.SIMULATION + "\n")
    if worst(findings) is Severity.ERROR:
        return _refuse(findings)
    assert isinstance(facts.driver, Driver)
    assert isinstance(facts.daemon, Daemon)
    # the whole stack is placed, so that a later `up` of another role changes nothing here
    placement = assign(stack.services, facts.driver.gpus, facts.daemon.cdi_devices)
    override = compose.override(placement)
    target = config.state / "placement.yaml"
    words = ["create", *(["--force-recreate"] if recreate else []), *(s.name for s in chosen)]
    create = compose.argv(config.compose_file, config.env_files, *words, override=str(target))
    if dry_run:
        _show(config, chosen, placement, override, target, create)
        return 0

    # --- border: from here on the box is changed ---
    with files.lock(config.state / "lock", "restart" if recreate else "up"):
        get_images(docker, chosen, config)
        files.write(target, override)
        wanted.add(config.state, stack.project, [s.name for s in chosen], whole=not roles)
        if any(service.role == apply.ROLE for service in chosen):
            apply.Place(config.root).prepare()
        result = process.run(create, env=config.environ, timeout=600)
        if result.code != 0:
            raise compose.explain(result.err)
        apply.refresh(config.root, docker)
        outcomes = start(docker, stack, chosen, patience)
        outcomes = _behind_the_gateway(docker, config, stack.project, outcomes)
    code = _report(outcomes)
    gateway_up = any(o.done and o.service.role == apply.ROLE for o in outcomes)
    if gateway_up and not apply.load_keys(apply.Place(config.root)):
        terminal.out("\nnobody has a key for the gateway yet: stackctl keys add NAME")
    return code


def _behind_the_gateway(
    docker: Docker, config: Settings, project: str, outcomes: Sequence[Outcome]
) -> tuple[Outcome, ...]:
    """What is up has to be so for its clients as well."""
    pairs = docker.services()
    pair = apply.among(pairs, apply.Place(config.root))
    if pair is None or not pair[1].running:
        return tuple(outcomes)
    names = {c.name: s.name for s, c in pairs if c.project == project}
    up = {o.service.name for o in outcomes if o.done}
    missed = gateway.wait(pair[0], [c for c, s in names.items() if s in up])
    gone = {names[container] for container in missed}
    return tuple(
        replace(o, word="not behind the gateway", findings=(*o.findings, unreached(o.service.name)))
        if o.service.name in gone
        else o
        for o in outcomes
    )


def _preflight(docker: Docker, project: str, chosen: Sequence[Service], config: Settings) -> Facts:
    facts = gather.preflight(docker, chosen, str(config.models_dir))
    if isinstance(facts.daemon, Unavailable):
        return facts
    # ports held by our own containers are no obstacle, those of another project are
    ours = tuple(Observed(service, container) for service, container in docker.services(project))
    missing = tools.without(chosen, [o.service for o in ours])
    return replace(facts, observed=ours, toolless=missing)


def _refuse(findings: Sequence[Finding]) -> int:
    bad = [f for f in findings if f.severity in (Severity.WARNING, Severity.ERROR)]
    terminal.out("\n\n".join(report.problem(f, colour=terminal.colour()) for f in bad))
    terminal.out("\nnothing was changed")
    return 1


def get_images(docker: Docker, chosen: Sequence[Service], config: Settings) -> None:
    """Pull or build what is missing, and say so."""
    missing = {s.name: s.image for s in chosen if not docker.image_exists(s.image)}
    if not missing:
        return
    terminal.out(f"getting {', '.join(sorted(set(missing.values())))}")
    _compose(config, "pull", "--ignore-buildable", "--policy", "missing", *missing)
    # what is left is ours to build, and says so in its fragment
    if left := [name for name, image in missing.items() if not docker.image_exists(image)]:
        _compose(config, "build", *left)


def _compose(config: Settings, *words: str) -> None:
    """With Compose's own progress on a terminal, where somebody waits for it."""
    argv = compose.argv(config.compose_file, config.env_files, *words)
    if terminal.interactive():
        if process.passthrough(argv, env=config.environ):
            raise StackError(
                f"docker compose {words[0]} failed, its own words are above",
                fix="check the network and the names in env/images.env, then try again",
            )
        return
    result = process.run(argv, env=config.environ, timeout=GETTING_IMAGES)
    if result.code != 0:
        raise compose.explain(result.err)


def _show(
    config: Settings,
    chosen: Sequence[Service],
    placement: Placement,
    override: str,
    target: Path,
    create: Sequence[str],
) -> None:
    rows = [
        (
            s.name,
            s.engine,
            s.model,
            str(s.context or ""),
            ",".join(str(g.index) for g in placement.gpus.get(s.name, ())),
            ",".join(f"{p.address or '0.0.0.0'}:{p.host}" for p in s.ports),  # noqa: S104
        )
        for s in chosen
    ]
    terminal.out(f"hardware profile: {config.profile}\n")
    terminal.out(report.table(("ROLE", "ENGINE", "MODEL", "CONTEXT", "GPU", "ADDRESS"), rows))
    terminal.out(f"\nwould write {target}:\n\n{override}")
    terminal.out(
        f"would run:\n\n{' '.join(create)}\n\nwould start and prove each; nothing was done"
    )


def _report(outcomes: Sequence[Outcome]) -> int:
    terminal.out("")
    failed = False
    for outcome in outcomes:
        bad = [f for f in outcome.findings if f.severity is Severity.ERROR]
        failed = failed or bool(bad) or not outcome.done
        for finding in bad:
            terminal.out(report.problem(finding, colour=terminal.colour()) + "\n")
    rows = [
        (
            o.service.name,
            "up" if o.done else o.word,
            o.service.engine,
            o.service.model,
            str(o.service.context or ""),
            ",".join(str(gpu.index) for gpu in o.gpus),
            o.proof,
            o.url,
        )
        for o in outcomes
    ]
    header = ("ROLE", "STATE", "ENGINE", "MODEL", "CONTEXT", "GPU", "PROOF", "URL")
    terminal.out(report.table(header, rows))
    return 1 if failed else 0
