"""What the doctor foretells comes true: a real `systemctl daemon-reload` on a host of its own."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from stackctl.checks.doctor import LOOKS, run
from stackctl.facts import host as gathering
from stackctl.model import Finding, Severity
from stackctl.model.host import Engine, HostFacts
from stackctl.system.host.engine import HostDocker
from tests.integration.gpusim.simulated_host import Host, command

pytestmark = pytest.mark.docker

#: how a container gets its GPU -> whether a reload takes it away
WAYS = {
    "hook": (("--gpus", "1"), True),
    "runtime": (("--runtime", "nvidia", "--env", "NVIDIA_VISIBLE_DEVICES=1"), True),
    "cdi": (("--device", "nvidia.com/gpu=2"), False),
    "both": (("--gpus", "1", "--device", "/dev/nvidia0", "--device", "/dev/nvidiactl"), False),
    "privileged": (("--gpus", "1", "--privileged"), False),
}


def facts_of(host: Host) -> HostFacts:
    """The doctor's facts of that host, seen from this one: its files and its daemon."""
    told = command("docker", "inspect", "--format", "{{.State.Pid}}", host.name)
    root = Path(f"/proc/{told.stdout.strip()}/root")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", f"unix://{root}/run/docker.sock")
        return gathering.gather(HostDocker(), root=root)


def of(check: str, facts: HostFacts) -> list[Finding]:
    (look,) = [look for look in LOOKS if look.id == check]
    return list(run((look,), facts))


def test_the_prediction_comes_true(gpuhost: Host) -> None:
    with ExitStack() as stack:
        made = {
            way: stack.enter_context(gpuhost.container(*options))
            for way, (options, _) in WAYS.items()
        }
        facts = facts_of(gpuhost)
        assert isinstance(facts.engine, Engine)
        assert facts.engine.daemon.cgroup_driver == "systemd"
        found = of("docker.reload", facts)
        assert {f.severity for f in found} == {Severity.ERROR}, found
        foretold = {f.subject for f in found}
        assert foretold == {made[way].name for way, (_, loses) in WAYS.items() if loses}

        assert all(each.smi("-L").returncode == 0 for each in made.values())
        gpuhost.run("systemctl", "daemon-reload")
        time.sleep(1)
        lost = {each.name for each in made.values() if each.smi("-L").returncode != 0}
        assert lost == foretold


def test_only_cdi_is_told_as_fine(gpuhost: Host) -> None:
    with gpuhost.container(*WAYS["cdi"][0]):
        (found,) = of("docker.reload", facts_of(gpuhost))
        assert found.severity is Severity.OK
        assert found.summary == "no GPU is taken away: 1 container with one"
        (spec,) = of("cdi.spec", facts_of(gpuhost))
        assert spec.severity is Severity.OK


def test_a_broken_daemon_json_is_seen_before_the_next_start(gpuhost: Host) -> None:
    path = "/etc/docker/daemon.json"
    (fine,) = of("docker.config", facts_of(gpuhost))
    assert fine.severity is Severity.OK
    gpuhost.shell(f"cp {path} /tmp/kept && echo '{{,' > {path}")
    try:
        (broken,) = of("docker.config", facts_of(gpuhost))
        assert broken.severity is Severity.ERROR
    finally:
        gpuhost.shell(f"cp /tmp/kept {path}")
