"""Rules as iptables prints them: who comes in, what is replaced, what is taken away."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stackctl.model import Port
from stackctl.model.network import Guard, Published
from stackctl.net import boot, firewall
from stackctl.net.firewall import Plan, guard, in_place, plan, remembered, removal, restore, rules
from tests.unit.stackctl.checks.way.networks import ENGINE, HEALTHY, STRANGER, door

BARE = ("-P INPUT ACCEPT", "-P FORWARD ACCEPT", "-N DOCKER-USER", "-A FORWARD -j DOCKER-USER")
SIX = Published("old", "", Port("::", 3001, 80), proxied=True)
NETWORK = replace(HEALTHY, others=(ENGINE, STRANGER, SIX))
PLAN = plan(NETWORK)


def after(wanted: Plan, version: int, present: tuple[str, ...] = BARE) -> tuple[str, ...]:
    """What `-S` prints once a plan is loaded on bare tables."""
    leads = firewall.jumps(wanted, version, present)
    chains = [line for _, chain in leads for line in (f"-N {chain}",)]
    lines = [r for r in rules(wanted, version) if f"-N {r.split()[1]}" in chains]
    return (*present, *chains, *(f"-A {a} -j {b}" for a, b in leads), *lines)


def test_the_gateway_is_open_and_all_else_that_is_published_is_closed() -> None:
    assert Plan(doors=(8443,), bridges=("docker0",), proxied=(3001,)) == PLAN
    lines = rules(PLAN, 4)
    assert lines[0].startswith("-A STACKCTL -m conntrack ! --ctstate DNAT")
    assert any("-p tcp -m conntrack --ctorigdstport 8443 " in line for line in lines)
    assert lines[-1].endswith("-j DROP")
    assert [line for line in lines if "DROP" in line] == [lines[-1]]
    assert [p.container for p in firewall.closed(NETWORK, PLAN)] == ["grafana", "old"]


def test_plain_http_and_proofs_are_let_in_only_where_they_leave_this_machine() -> None:
    assert plan(door(Port("0.0.0.0", 9443, 8443), Port("0.0.0.0", 8000, 8080))).doors == (
        8000,
        9443,
    )
    proofs = door(Port("0.0.0.0", 8443, 8443), Port("0.0.0.0", 80, 8081))
    assert plan(proofs).doors == (80, 8443)
    local = door(Port("0.0.0.0", 8443, 8443), Port("127.0.0.1", 8081, 8081))
    assert plan(local).doors == (8443,)
    assert plan(replace(NETWORK, door=None, port=7443)).doors == (7443,)


def test_networks_go_where_they_belong() -> None:
    wanted = plan(NETWORK, lan=["192.168.1.0/24", "fd00::/64"], allowed=[3001, 8443, 3000])
    assert wanted.allowed == (3000, 3001)
    assert wanted.proxied == ()
    four, six = rules(wanted, 4), rules(wanted, 6)
    assert any("-s 192.168.1.0/24" in line for line in four)
    assert not any("fd00" in line for line in four)
    assert any("-s fd00::/64" in line for line in six)
    assert remembered((*four, *six)) == (("192.168.1.0/24", "fd00::/64"), (3000, 3001))


def test_what_dockers_own_program_takes_is_closed_in_input_of_ipv6() -> None:
    assert not any(line.startswith("-A STACKCTL-IN") for line in rules(PLAN, 4))
    (drop,) = (x for x in rules(PLAN, 6) if x.startswith("-A STACKCTL-IN") and "DROP" in x)
    assert "--dport 3001" in drop
    text = restore(PLAN, 6, BARE)
    assert "-I INPUT 1 -j STACKCTL-IN" in text
    # where Docker leaves IPv6 alone there is no chain of the owner's
    alone = restore(PLAN, 6, ("-P INPUT ACCEPT",))
    assert "DOCKER-USER" not in alone
    assert "STACKCTL-IN" in alone


def test_a_second_time_changes_nothing_and_what_is_old_goes() -> None:
    there = after(PLAN, 4)
    assert in_place(PLAN, 4, there)
    assert not in_place(PLAN, 4, BARE)
    again = restore(PLAN, 4, there)
    assert again.index("-D DOCKER-USER -j STACKCTL") < again.index("-I DOCKER-USER 1 -j STACKCTL")
    # a rule of somebody else before ours would let past
    assert not in_place(PLAN, 4, (*BARE, "-A DOCKER-USER -j ACCEPT", *there[len(BARE) :]))
    unproxied = replace(PLAN, proxied=())
    text = restore(unproxied, 6, after(PLAN, 6))
    assert "-D INPUT -j STACKCTL-IN" in text
    assert "-X STACKCTL-IN" in text


def test_removal_takes_all_and_only_ours() -> None:
    assert removal(BARE) == ""
    doubled = (*after(PLAN, 6), "-A DOCKER-USER -j STACKCTL", "-A DOCKER-USER -p tcp -j DROP")
    text = removal(doubled)
    assert text.count("-D DOCKER-USER -j STACKCTL\n") == 2
    assert text.splitlines()[0] == "*filter"
    assert text.endswith("COMMIT\n")
    for chain in ("STACKCTL", "STACKCTL-IN"):
        assert f"-F {chain}\n" in text
        assert f"-X {chain}\n" in text
    assert "-p tcp" not in text


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (NETWORK, Guard.OURS),
        # networks of Docker's come and go, and open nothing
        (replace(NETWORK, bridges=()), Guard.OURS),
        (replace(NETWORK, door=None, port=9443), Guard.STALE),
        (replace(NETWORK, others=()), Guard.STALE),
    ],
)
def test_whose_rules_they_are(network: object, expected: Guard) -> None:
    assert guard(network, after(PLAN, 4), after(PLAN, 6)) is expected  # type: ignore[arg-type]


def test_rules_of_others() -> None:
    assert guard(NETWORK, BARE, BARE) is Guard.NONE
    assert guard(NETWORK, (*BARE, "-A DOCKER-USER -j RETURN"), BARE) is Guard.NONE
    assert guard(NETWORK, (*BARE, "-A DOCKER-USER -i eth0 -j DROP"), BARE) is Guard.OTHERS


def test_at_boot_it_is_loaded_before_docker() -> None:
    start = ("-N DOCKER-USER",)
    programs = ("iptables", "iptables-restore", "ip6tables", "ip6tables-restore")
    files = boot.files(
        {v: restore(PLAN, v, start) for v in (4, 6)}, {p: f"/usr/sbin/{p}" for p in programs}
    )
    unit = files[boot.UNIT]
    assert "Before=docker.service\n" in unit
    assert "ExecStart=-/usr/sbin/iptables -w -N DOCKER-USER\n" in unit
    assert f"ExecStart=/usr/sbin/ip6tables-restore -w --noflush {boot.FOLDER}/firewall.v6" in unit
    assert all(text.startswith(boot.MARK) for text in files.values())
    assert "-D " not in files[f"{boot.FOLDER}/firewall.v4"]
