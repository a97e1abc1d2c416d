"""An engine's command line within a service's words: the engine, its flags, its environment."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from stackctl.lint.interpolate import expand
from stackctl.lint.tables import vllm
from stackctl.lint.tables.engines import BOOLEAN, FLAGS, LAUNCHERS, VALUED
from stackctl.lint.words import Word, split

_SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh"})
_PREFIXES = frozenset({"exec", "nohup", "env", "time", "sudo", "command", "export", "nice", "--"})
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_NUMBER = re.compile(r"-\d")
#: a variable that nobody set: the shell makes nothing of it
_UNKNOWN = re.compile(r"\$\{?\w+\}?")


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag as it is written, with its value. `words` are the flag's and the value's own."""

    name: str
    value: str
    words: tuple[Word, ...]

    @property
    def joined(self) -> bool:
        """Written as --flag=value."""
        return len(self.words) == 1 and "=" in self.words[0].text


@dataclass(frozen=True, slots=True)
class Invocation:
    """`words` begin with the program, `arguments` behind it; `env` are assignments before it."""

    engine: str
    words: tuple[Word, ...]
    arguments: tuple[str, ...]
    flags: tuple[Flag, ...]
    positional: tuple[str, ...]
    env: Mapping[str, tuple[str, Word]] = field(default_factory=dict)

    def find(self, concept: str) -> Flag | None:
        """The flag of this engine for a concept; the last one counts, as argparse has it."""
        names = {_plain(name) for name in FLAGS[concept].get(self.engine, ())}
        return next((flag for flag in reversed(self.flags) if _plain(flag.name) in names), None)

    def value(self, concept: str) -> str:
        flag = self.find(concept)
        return flag.value if flag else ""

    def named(self, name: str) -> Flag | None:
        """The flag that is spelled like this, dashes or underscores."""
        return next((f for f in reversed(self.flags) if _plain(f.name) == _plain(name)), None)


def spelling(concept: str, engine: str) -> str:
    """How an engine spells a concept; "" when it has none."""
    return next(iter(FLAGS[concept].get(engine, ())), "")


def _plain(name: str) -> str:
    return name.replace("_", "-") if name.startswith("--") else name


def find(
    words: Sequence[Word],
    image_engine: str,
    entrypoint: str,
    env: Mapping[str, str],
    resolve: Callable[[str], str],
    *,
    script: bool = False,
) -> Invocation | None:
    """The first command that starts an engine. `entrypoint` is what the image begins with."""
    for command, assigned in _commands(words, script):
        texts = [
            word.text.rpartition("/")[2] if i == 0 else word.text for i, word in enumerate(command)
        ]
        if texts and texts[0] in _SHELLS and (inner := _script(command)):
            words = split(inner.inner, inner.span, lambda t: expand(resolve(t), env), script=True)
            return find(words, image_engine, "", env, resolve, script=True)
        engine, size = _launched(texts)
        if engine:
            return _invocation(engine, command, size, assigned)
        if entrypoint and not script:
            lead = entrypoint.split()
            engine, size = _launched([*lead, *texts])
            if engine and size >= len(lead):
                return _invocation(engine, command, size - len(lead), assigned)
    return None


def _commands(
    words: Sequence[Word], script: bool
) -> list[tuple[list[Word], dict[str, tuple[str, Word]]]]:
    """Simple commands and the variables that are set in front of them, `export`s included."""
    commands: list[tuple[list[Word], dict[str, tuple[str, Word]]]] = []
    current: list[Word] = []
    exported: dict[str, tuple[str, Word]] = {}
    for word in [*words, Word("\n", operator=True)]:
        if not word.operator:
            current.append(word)
            continue
        if word.text in (">", ">>", "<", "&>", "2>&1"):
            # what stands behind a redirection is a file, and ends the arguments for our purpose
            current.append(Word("", operator=True))
            continue
        command = current[: next((i for i, w in enumerate(current) if w.operator), len(current))]
        current = []
        assigned = dict(exported)
        while command:
            match = _ASSIGNMENT.fullmatch(command[0].text)
            if match and script:
                assigned[match[1]] = (match[2], command[0])
            elif command[0].text not in _PREFIXES and not _UNKNOWN.fullmatch(command[0].text):
                break
            command = command[1:]
        if command:
            commands.append((command, assigned))
        else:
            exported = assigned
    return commands


def _script(command: list[Word]) -> Word | None:
    for index, word in enumerate(command[1:], 1):
        if word.text.startswith("-") and "c" in word.text:
            return command[index + 1] if index + 1 < len(command) else None
    return None


def _launched(texts: list[str]) -> tuple[str, int]:
    line = " ".join(texts[:4])
    for launcher in LAUNCHERS:
        match = launcher.pattern.match(line)
        if match and (match.end() == len(line) or line[match.end()] == " "):
            return launcher.engine, len(match[0].split(" "))
    return "", 0


def _invocation(
    engine: str, command: list[Word], size: int, assigned: dict[str, tuple[str, Word]]
) -> Invocation:
    flags: list[Flag] = []
    positional: list[str] = []
    rest = command[size:]
    arguments = tuple(word.text for word in rest)
    while rest:
        word, rest = rest[0], rest[1:]
        if not word.text.startswith("-") or _NUMBER.match(word.text) or word.text == "-":
            positional.append(word.text)
            continue
        name, equals, value = word.text.partition("=")
        if equals or not rest or not _takes_value(name, engine) or _is_flag(rest[0].text):
            flags.append(Flag(name, value, (word,)))
        else:
            flags.append(Flag(name, rest[0].text, (word, rest[0])))
            rest = rest[1:]
    return Invocation(engine, tuple(command), arguments, tuple(flags), tuple(positional), assigned)


def _takes_value(name: str, engine: str) -> bool:
    if engine == "vllm" and vllm.knows(name):
        return vllm.plain(name) in vllm.VALUED
    plain = name.replace("_", "-")
    return plain in VALUED or not BOOLEAN.fullmatch(plain)


def _is_flag(text: str) -> bool:
    return text.startswith("-") and not _NUMBER.match(text) and len(text) > 1
