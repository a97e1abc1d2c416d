"""The files that bring the rules back when the machine starts. Pure."""

from __future__ import annotations

from collections.abc import Mapping

FOLDER = "/etc/stackctl"
UNIT = "/etc/systemd/system/stackctl-firewall.service"
#: a link of ours: `systemctl enable` would reload systemd, which takes GPUs from running containers
LINK = "/etc/systemd/system/multi-user.target.wants/stackctl-firewall.service"
MARK = "# Written by `stackctl net firewall --install`; taken away by --remove\n"


def rules_file(version: int) -> str:
    return f"{FOLDER}/firewall.v{version}"


def files(rules: Mapping[int, str], programs: Mapping[str, str]) -> dict[str, str]:
    """Path -> text. `rules`: what is restored, by IP's version; `programs`: their full paths."""
    return {
        **{rules_file(version): MARK + text for version, text in rules.items()},
        UNIT: _unit(tuple(rules), programs),
    }


def _unit(versions: tuple[int, ...], programs: Mapping[str, str]) -> str:
    lines = []
    for version in versions:
        table = "iptables" if version == 4 else "ip6tables"
        # the chain is Docker's, and it takes it as it finds it; "-": it may be there already
        lines += [
            f"ExecStart=-{programs[table]} -w -N DOCKER-USER",
            f"ExecStart={programs[table + '-restore']} -w --noflush {rules_file(version)}",
        ]
    return (
        f"{MARK}"
        "[Unit]\n"
        "Description=Of what Docker publishes, only the gateway is open\n"
        # before Docker, so that nothing is open for a moment; after what replaces whole tables
        "Before=docker.service\n"
        "After=netfilter-persistent.service iptables.service ip6tables.service nftables.service "
        "ufw.service firewalld.service\n"
        "\n"
        "[Service]\n"
        "Type=oneshot\n"
        "RemainAfterExit=yes\n" + "\n".join(lines) + "\n\n"
        "[Install]\nWantedBy=multi-user.target\n"
    )
