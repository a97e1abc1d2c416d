"""Services whose tool calls are to be made by somebody who is not there."""

from __future__ import annotations

from dataclasses import replace

from stackctl.checks.tools import ID
from stackctl.facts.tools import toolless, without
from stackctl.model import EMULATION, Observed, Phase, Service, Severity
from tests.unit.stackctl.box import EMPTY, HEALTHY, findings

SEEN = HEALTHY.observed[1]
EMULATED = replace(SEEN.service, tools="emulated")
TOOLS = Service("tools", "tools", EMULATION, "", port=8000)


def observed(service: Service, project: str) -> Observed:
    box = replace(SEEN.container, name=f"{project}-{service.name}-1", project=project)
    return replace(SEEN, service=service, container=box)


def test_nobody_makes_them() -> None:
    seen = replace(SEEN, service=EMULATED)
    facts = replace(HEALTHY, observed=(seen,), toolless=toolless((seen,)))
    (found,) = findings(ID, facts)
    assert (found.severity, found.subject) == (Severity.ERROR, EMULATED.name)
    assert "stackctl up tools" in found.fix


def test_of_another_role_nothing_is_said() -> None:
    assert findings(ID, replace(HEALTHY, toolless=("somebody-1",))) == ()


def test_the_emulation_is_one_of_the_same_project() -> None:
    mine, other = observed(EMULATED, "mine"), observed(TOOLS, "other")
    assert toolless((mine, other)) == ("mine-" + EMULATED.name + "-1",)
    assert toolless((mine, other, observed(TOOLS, "mine"))) == ()
    assert toolless((observed(SEEN.service, "mine"),)) == ()


def test_before_a_start() -> None:
    assert without((EMULATED,), ()) == (EMULATED.name,)
    assert without((EMULATED,), (TOOLS,)) == without((EMULATED, TOOLS), ()) == ()
    facts = replace(EMPTY, planned=(EMULATED,), toolless=(EMULATED.name,))
    (found,) = findings(ID, facts, Phase.PREFLIGHT)
    assert found.severity is Severity.ERROR
