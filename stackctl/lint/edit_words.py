"""Edits of a command line: one flag added, changed or removed, the rest as it is written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from stackctl.lint import edit_yaml
from stackctl.lint.command import Flag, Invocation
from stackctl.lint.issue import Edit, Edits, Span
from stackctl.lint.words import Word

#: what separates two words: blanks, line ends, and the backslash in front of those
_GAP = re.compile(r"(?:\s|\\\n)+")


def change(word: Word, text: str) -> Edits | None:
    """Another text for one word, in the quotes that it has."""
    if word.span is None:
        return None
    if word.element is not None:
        return edit_yaml.change(word.element, text)
    quote = word.span.text[:1]
    if quote in "'\"" and word.span.text.endswith(quote):
        text = f"{quote}{text}{quote}"
    return (Edit(word.span, text),)


def set_value(flag: Flag, value: str) -> Edits | None:
    """Another value for a flag, `--flag=value` or `--flag value`."""
    if flag.joined:
        return change(flag.words[0], f"{flag.name}={value}")
    return change(flag.words[1], value) if len(flag.words) == 2 else None


def rename(flag: Flag, name: str) -> Edits | None:
    """Another name, the value kept."""
    return change(flag.words[0], f"{name}={flag.value}" if flag.joined else name)


def remove(invocation: Invocation, flag: Flag) -> Edits | None:
    """Take a flag and its value out, with the blanks or the line in front of them."""
    first, last = flag.words[0], flag.words[-1]
    if first.element is not None:
        return edit_yaml.remove_elements([w.element for w in flag.words if w.element])
    index = invocation.words.index(first)
    before = invocation.words[index - 1] if index else None
    if first.span is None or last.span is None or before is None or before.span is None:
        return None
    if before.element is not None:
        # the words of `entrypoint` and `command` stand in two places
        return None
    gap = first.span.source.text[before.span.end : first.span.start]
    start = before.span.end if _GAP.fullmatch(gap) else first.span.start
    return (Edit(Span(first.span.source, start, last.span.end), ""),)


def add(invocation: Invocation, *words: str) -> Edits | None:
    """Put words behind the last one, on a line of their own where the others are."""
    last = invocation.words[-1]
    if last.span is None:
        return None
    if last.element is not None:
        return edit_yaml.append_elements(last.element, words)
    gap = _line_gap(invocation.words, invocation.flags)
    at = Span(last.span.source, last.span.end, last.span.end)
    return (Edit(at, gap + " ".join(words)),)


def _line_gap(words: Sequence[Word], flags: Sequence[Flag]) -> str:
    """How the last flag that begins a line is set off from what stands before it."""
    starts = {id(flag.words[0]) for flag in flags}
    for before, word in reversed(list(pairwise(words))):
        if id(word) in starts and before.span and word.span:
            gap = word.span.source.text[before.span.end : word.span.start]
            if "\n" in gap and _GAP.fullmatch(gap):
                return gap
    return " "
