"""Changes of a `docker run` command, and of an engine's command typed at a prompt."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stackctl.lint.command import Invocation
from stackctl.lint.issue import Edit, Edits, Span
from stackctl.lint.service import Value
from stackctl.lint.words import Word

#: keys of a compose service -> options of `docker run`
_OPTIONS = {"runtime": "--runtime", "privileged": "--privileged", "shm_size": "--shm-size"}


@dataclass(frozen=True, slots=True)
class Option:
    """One option with its value, long name."""

    name: str
    value: str
    words: tuple[Word, ...]

    @property
    def span(self) -> Span | None:
        return _join(self.words)

    @property
    def value_span(self) -> Span | None:
        """Where the value stands when it is a word of its own."""
        return self.words[1].span if len(self.words) == 2 else None


class RunEditor:
    """Options go in front of the image, each on a line of its own where the others are."""

    def __init__(self, options: Sequence[Option], image: Word | None) -> None:
        self._options, self._image = options, image

    def remove_env(self, name: str) -> Edits | None:
        mine = [o for o in self._named("--env") if o.value.partition("=")[0] == name]
        return self._cut(mine[0]) if len(mine) == 1 else None

    def set_env(self, name: str, value: str) -> Edits | None:
        mine = [o for o in self._named("--env") if o.value.partition("=")[0] == name]
        if mine:
            place = mine[-1].value_span
            return (Edit(place, f"{name}={value}"),) if place else None
        return self._add(f"-e {name}={shlex.quote(value)}")

    def remove_key(self, key: str) -> Edits | None:
        mine = self._named(_OPTIONS.get(key, ""))
        return self._cut(mine[0]) if len(mine) == 1 else None

    def set_key(self, key: str, value: Any) -> Edits | None:
        if key in _OPTIONS:
            return self._add(f"{_OPTIONS[key]} {value}")
        if key == "healthcheck":
            return self._add(f"--health-cmd {shlex.quote(' '.join(value['test'][1:]))}")
        if key == "logging":
            return self._add(*(f"--log-opt {k}={v}" for k, v in value["options"].items()))
        return None

    def set_gpus(self, ids: tuple[str, ...]) -> Edits | None:
        # the inner quotes keep Docker from splitting at the comma
        text = f"'\"device={','.join(ids)}\"'" if ids else "all"
        mine = self._named("--gpus")
        if mine:
            span = mine[-1].span
            return (Edit(span, f"--gpus {text}"),) if span else None
        return self._add(f"--gpus {text}")

    def replace(self, value: Value, text: str) -> Edits | None:
        return (Edit(value.span, text),)

    def _named(self, name: str) -> list[Option]:
        return [option for option in self._options if option.name == name]

    def _cut(self, option: Option) -> Edits | None:
        span = option.span
        if span is None:
            return None
        text, start = span.source.text, span.start
        while start and (text[start - 1].isspace() or text[start - 2 : start] == "\\\n"):
            start -= 1
        if text[start - 1 : start] == "\\":
            start -= 1
            while start and text[start - 1] in " \t":
                start -= 1
        return (Edit(Span(span.source, start, span.end), ""),)

    def _add(self, *options: str) -> Edits | None:
        if self._image is None or self._image.span is None:
            return None
        at = self._image.span
        line = at.source.text.rfind("\n", 0, at.start) + 1
        indent = at.source.text[line : at.start]
        # the image begins a line: so do the options in front of it
        gap = f" \\\n{indent}" if line and not indent.strip() else " "
        text = "".join(f"{option}{gap}" for option in options)
        return (Edit(Span(at.source, at.start, at.start), text),)


class ProcessEditor:
    """A program started by hand: there is no container to change."""

    def __init__(self, invocation: Invocation) -> None:
        self._invocation = invocation

    def remove_env(self, name: str) -> Edits | None:
        word = self._invocation.env[name][1] if name in self._invocation.env else None
        if word is None or word.span is None:
            return None
        text, end = word.span.source.text, word.span.end
        while text[end : end + 1] in (" ", "\t"):
            end += 1
        return (Edit(Span(word.span.source, word.span.start, end), ""),)

    def set_env(self, name: str, value: str) -> Edits | None:
        first = self._invocation.words[0].span
        if first is None:
            return None
        return (Edit(Span(first.source, first.start, first.start), f"{name}={value} "),)

    def remove_key(self, key: str) -> Edits | None:
        return None

    def set_key(self, key: str, value: Any) -> Edits | None:
        return None

    def set_gpus(self, ids: tuple[str, ...]) -> Edits | None:
        return None

    def replace(self, value: Value, text: str) -> Edits | None:
        return (Edit(value.span, text),)


def _join(words: Sequence[Word]) -> Span | None:
    first, last = words[0].span, words[-1].span
    return Span(first.source, first.start, last.end) if first and last else None
