"""`${VAR:-default}` as Compose reads it (compose-spec, "Interpolation").

A variable without value and default stays as it is written: a rule that needs the value then sees
the `$` and keeps quiet, because it would judge a guess.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_VARIABLE = re.compile(
    r"\$\$|\$\{(?P<name>[A-Za-z_]\w*)(?:(?P<op>:?[-?+])(?P<rest>(?:[^{}]|\{[^{}]*\})*))?\}"
    r"|\$(?P<bare>[A-Za-z_]\w*)"
)
#: defaults may hold variables themselves; nobody nests deeper
_DEPTH = 5


def interpolate(text: str, env: Mapping[str, str], *, depth: int = _DEPTH) -> str:
    """The text as the container gets it, `$$` becoming `$`."""
    if "$" not in text:
        return text

    def value(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        name, op = match["name"] or match["bare"], match["op"] or ""
        known = env.get(name)
        if op.startswith(":") and known == "":
            known = None
        if op.endswith("+"):
            return _again(match["rest"], env, depth) if known is not None else ""
        if known is not None:
            return known
        return _again(match["rest"], env, depth) if op.endswith("-") else match[0]

    return _VARIABLE.sub(value, text)


def _again(text: str, env: Mapping[str, str], depth: int) -> str:
    return interpolate(text, env, depth=depth - 1) if depth else text


def expand(text: str, env: Mapping[str, str]) -> str:
    """`$NAME` and `${NAME}` of a shell script, where the value is known."""
    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda m: env.get(m[1] or m[2], m[0]), text)


def known(text: str) -> bool:
    """Whether a value was resolved to its end."""
    return "$" not in text
