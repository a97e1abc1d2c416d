"""What systemd believes a container may open. After a `daemon-reload` it makes that so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from stackctl.model import Unavailable
from stackctl.model.host import ABSENT, Rules
from stackctl.system.host import tree

_TRANSIENT = "/run/systemd/transient"
_NUMBERS = re.compile(r"/dev/char/(\d+:\d+)$")


def rules(
    container_id: str,
    majors: Mapping[str, int],
    nodes: Mapping[str, tuple[int, int]],
    root: Path = tree.ROOT,
) -> Rules | Unavailable:
    """The device rules of a container's scope, from the files that systemd keeps of it."""
    unit = f"{_TRANSIENT}/docker-{container_id}.scope"
    folder = f"{unit}.d"
    names = [unit, *(f"{folder}/{p.name}" for p in tree.entries(root, folder))]
    texts = [tree.text(root, name) for name in names]
    written = [text for text in texts if isinstance(text, str)]
    if not written:
        refused = [t for t in texts if isinstance(t, Unavailable) and t.code != ABSENT]
        return refused[0] if refused else Unavailable("systemd keeps no rules of it", ABSENT)
    return parse(written, majors, nodes)


def parse(
    texts: Iterable[str], majors: Mapping[str, int], nodes: Mapping[str, tuple[int, int]]
) -> Rules | Unavailable:
    """The texts of a unit and its drop-ins in their order -> its rules. Pure."""
    allowed: list[str] = []
    policy, told = "auto", False
    for line in "\n".join(texts).splitlines():
        key, _, value = line.partition("=")
        if key.strip() == "DevicePolicy":
            policy = value.strip() or "auto"
        elif key.strip() == "DeviceAllow":
            told = True
            if not value.strip():
                allowed.clear()  # an empty value forgets what was said before
            else:
                allowed += _numbers(value.strip(), majors, nodes)
    if not told and policy == "auto":
        # nothing is forbidden by systemd, or it keeps the rules elsewhere: that is not told apart
        return Unavailable("systemd keeps no device rules of it", ABSENT)
    return Rules(everything=policy == "auto" and not allowed, allowed=tuple(allowed))


def _numbers(
    value: str, majors: Mapping[str, int], nodes: Mapping[str, tuple[int, int]]
) -> list[str]:
    """`/dev/char/195:0 rw`, `/dev/nvidia0 rw`, `char-nvidia rw` -> `195:0`, `195:*`."""
    what, _, access = value.rpartition(" ")
    if not what:
        what, access = value, "rwm"
    what = what.strip('" ')
    if "r" not in access or "w" not in access:
        return []  # `char-* m` lets make nodes, not open them
    if match := _NUMBERS.match(what):
        return [match[1]]
    if what in nodes:
        return ["{}:{}".format(*nodes[what])]
    if what == "char-*":
        return ["*:*"]
    name = what.removeprefix("char-")
    if what.startswith("char-"):
        if name.isdecimal():
            return [f"{name}:*"]
        return [f"{major}:*" for known, major in majors.items() if known == name]
    return []
