"""The winner as lines of an env file, and those lines within the owner's file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence


def render(values: Mapping[str, str], evidence: Sequence[str]) -> str:
    """An env file: what speaks for it as comments, then the variables."""
    comments = "".join(f"# {line}\n" for text in evidence for line in text.splitlines())
    return comments + "".join(f"{line}\n" for line in lines(values))


def lines(values: Mapping[str, str]) -> list[str]:
    return [f"{name}={_quoted(value)}" for name, value in sorted(values.items())]


def merged(text: str, values: Mapping[str, str]) -> str:
    """The owner's file with these variables; everything else stays as it is.

    The last line of a variable counts, for Compose as for us, so that is the one that is replaced.
    """
    found = text.splitlines()
    for name, line in zip(sorted(values), lines(values), strict=True):
        pattern = re.compile(rf"\s*(export\s+)?{re.escape(name)}\s*=")
        at = [n for n, old in enumerate(found) if pattern.match(old)]
        if at:
            found[at[-1]] = line
        else:
            found.append(line)
    return "\n".join(found) + "\n"


def _quoted(value: str) -> str:
    if re.fullmatch(r"[\w./:@,+-]*", value):
        return value
    if "'" not in value:
        return f"'{value}'"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
