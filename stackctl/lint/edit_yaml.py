"""Edits of a YAML text between the marks of its values; what is not named stays as it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from stackctl.lint.issue import Edit, Edits, Span
from stackctl.lint.tree import Tree

_PLAIN = re.compile(r"-{0,2}[A-Za-z0-9_/.$][\w/.:@=$%+~-]*(?<!:)")
#: plain scalars that YAML would read as something else than a string
_SPECIAL = re.compile(
    r"(?i)(true|false|null|yes|no|on|off|~|[-+]?[\d._]+(e\d+)?|0x[\da-f]+|[\d:]+)"
)


def scalar(text: str, quote: str = "") -> str:
    """A string in the given quotes, or in quotes where it needs some."""
    if quote == "'" or (not quote and (not _PLAIN.fullmatch(text) or _SPECIAL.fullmatch(text))):
        return "'" + text.replace("'", "''") + "'"
    if quote == '"':
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return text


def change(tree: Tree, text: str) -> Edits | None:
    """Another text for a scalar, in its quotes."""
    if not tree.own or tree.kind != "scalar" or tree.style in ("|", ">") or not tree.span.text:
        return None
    return (Edit(tree.span, scalar(text, tree.style)),)


def remove_key(tree: Tree, key: str) -> Edits | None:
    """Take a key and its value out of a map, with its whole lines or its comma."""
    value = tree.items.get(key)
    if value is None or not (tree.own and value.own):
        return None
    place = tree.key(key)
    end = max(place.end, _end(value)) if value.span.text else place.end
    if tree.style == "flow":
        return _cut_flow(place.source.text, Span(place.source, place.start, end))
    return _cut_lines(Span(place.source, place.start, end))


def remove_elements(elements: Sequence[Tree]) -> Edits | None:
    """Take neighbouring elements out of a list."""
    first, last = elements[0], elements[-1]
    if not all(element.own for element in elements):
        return None
    text = first.span.source.text
    dash = _dash(first)
    if dash is None:
        return _cut_flow(text, Span(first.span.source, first.span.start, _end(last)))
    return _cut_lines(Span(first.span.source, dash, _end(last)))


def append_elements(after: Tree, texts: Sequence[str]) -> Edits | None:
    """Put strings behind an element of a list, quoted like it."""
    if not after.own or after.style in ("|", ">"):
        return None
    written = [scalar(text, after.style) for text in texts]
    dash = _dash(after)
    if dash is None:
        at = _end(after)
        return (Edit(Span(after.span.source, at, at), "".join(f", {text}" for text in written)),)
    source = after.span.source
    indent = source.text[source.text.rfind("\n", 0, dash) + 1 : dash]
    return insert_lines(after.span, "".join(f"{indent}- {text}\n" for text in written))


def insert_lines(after: Span, lines: str) -> Edits:
    """Put whole lines behind the line that a value ends on."""
    text = after.source.text
    at = text.find("\n", after.start + len(after.text.rstrip()))
    if at < 0:
        return (Edit(Span(after.source, len(text), len(text)), "\n" + lines.rstrip("\n")),)
    return (Edit(Span(after.source, at + 1, at + 1), lines),)


def add_key(tree: Tree, key: str, value: Any, step: int) -> Edits | None:
    """Put a key behind the last one of a map, in the map's own style."""
    if not tree.own or tree.kind != "map":
        return None
    source = tree.span.source
    if tree.style == "flow":
        at = tree.span.end - 1
        while at > tree.span.start and source.text[at - 1] in " \n\t":
            at -= 1
        comma = ", " if tree.items else ""
        return (Edit(Span(source, at, at), f"{comma}{key}: {flow(value)}"),)
    column = tree.span.start - source.text.rfind("\n", 0, tree.span.start) - 1
    lines = "".join(f"{line}\n" for line in block({key: value}, column, step))
    return insert_lines(tree.span, lines)


def block(value: dict[str, Any], column: int, step: int) -> list[str]:
    """A map as indented lines; a list of strings stays on one line."""
    lines = []
    pad = " " * column
    for key, inner in value.items():
        if isinstance(inner, dict):
            lines += [f"{pad}{key}:", *block(inner, column + step, step)]
        elif isinstance(inner, list) and inner and isinstance(inner[0], dict):
            lines.append(f"{pad}{key}:")
            for entry in inner:
                # the dash takes the place of the first key's indentation
                body = block(entry, column + step + 2, step)
                lines += [" " * (column + step) + "- " + body[0].lstrip(), *body[1:]]
        else:
            lines.append(f"{pad}{key}: {flow(inner)}")
    return lines


def flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(inner) for inner in value) + "]"
    return str(value) if isinstance(value, int) else scalar(str(value))


def _end(tree: Tree) -> int:
    return tree.span.start + len(tree.span.text.rstrip())


def _dash(tree: Tree) -> int | None:
    """Where the dash of a list's element stands; None in a list on one line."""
    text = tree.span.source.text
    line = text.rfind("\n", 0, tree.span.start) + 1
    match = re.fullmatch(r"(\s*)-\s+(?:[&!]\S+\s+)?", text[line : tree.span.start])
    return line + len(match[1]) if match else None


def _cut_lines(span: Span) -> Edits | None:
    text = span.source.text
    start = text.rfind("\n", 0, span.start) + 1
    if text[start : span.start].strip():
        return None  # `- key: value`: the line belongs to something else as well
    end = text.find("\n", span.end)
    rest = text[span.end : len(text) if end < 0 else end].strip()
    if rest and not rest.startswith("#"):
        return None
    if end < 0:
        # the last line has no end of its own: that of the line before goes with it
        return (Edit(Span(span.source, max(start - 1, 0), len(text)), ""),)
    return (Edit(Span(span.source, start, end + 1), ""),)


def _cut_flow(text: str, span: Span) -> Edits | None:
    after = re.compile(r"\s*,\s*").match(text, span.end)
    if after:
        return (Edit(Span(span.source, span.start, after.end()), ""),)
    before = re.compile(r"\s*,\s*$").search(text[: span.start])
    start = before.start() if before else span.start
    return (Edit(Span(span.source, start, span.end), ""),)
