"""A choice of settings -> the variables of a role's env file, laid over what its owner has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from stackctl.tune.knobs import DRAFTS, DRAFTS_ALSO, ENGINE, KNOBS, Kind, Spelling
from stackctl.tune.space import Choice, Draft, Other, Value


@dataclass(frozen=True, slots=True)
class Current:
    """A role as its owner has it. `args`: more words for the engine's command."""

    role: str
    engine: str
    args: str
    gpus: int

    def variable(self, name: str) -> str:
        return f"{self.role.upper()}_{name}"


@dataclass(frozen=True, slots=True)
class Overlay:
    """`values`: variables of the env file; `skipped`: settings that this engine does not have."""

    values: Mapping[str, str]
    skipped: tuple[str, ...] = ()


def overlay(current: Current, choice: Choice, others: Mapping[str, Other]) -> Overlay:
    """What is not chosen stays as the owner has it; so do words that nobody chose anew."""
    engine = str(choice.get(ENGINE, current.engine))
    values: dict[str, str] = {}
    args = current.args
    if engine != current.engine and engine in others:
        other = others[engine]
        values = {"ENGINE": engine, "MODEL": other.model, "SOURCE": other.source}
        args = other.args
    words = args.split()
    skipped = []
    for name, value in choice.items():
        if name == ENGINE:
            continue
        said = _said(name, value, engine, current.gpus)
        if said is None:
            skipped.append(name)
            continue
        words = [*_without(words, _flags(name, engine, said)), *said.split()]
        if variable := KNOBS[name].variable:
            values[variable] = _text(value)
    if words != args.split() or "ENGINE" in values:
        values["ARGS"] = " ".join(words)
    named = {current.variable(name): value for name, value in values.items()}
    return Overlay(named, tuple(skipped))


def label(choice: Choice) -> str:
    """A choice as a person reads it."""
    return ", ".join(f"{name} {_text(value)}" for name, value in choice.items()) or "current"


def missing(current: Current, engines: Sequence[str], others: Mapping[str, Other]) -> list[str]:
    """Engines that are to be tried and of which nobody said what the model is called there."""
    return [name for name in engines if name != current.engine and name not in others]


def _said(name: str, value: Value, engine: str, gpus: int) -> str | None:
    """The engine's words; None where it does not have this setting."""
    knob = KNOBS[name]
    if knob.kind is Kind.WORDS:
        return str(value)
    if knob.kind is Kind.DRAFT:
        return _drafting(value, engine)
    if not knob.engines:  # the role's variable says it all
        return None if engine == "transformers" else ""
    if engine not in knob.engines:
        return None
    spelling = knob.engines[engine]
    said = spelling.off if value is False else spelling.on
    return said.replace("<value>", _text(value)).replace("<gpus>", str(gpus))


def _drafting(value: Value, engine: str) -> str | None:
    if not isinstance(value, Draft):
        return "" if _drafts(engine) else None
    spelling = DRAFTS[value.method].get(engine)
    if spelling is None:
        return None
    said = spelling.on.replace("<model>", value.model)
    said = said.replace("<tokens+1>", str(value.tokens + 1))
    return said.replace("<tokens>", str(value.tokens))


def _drafts(engine: str) -> list[Spelling]:
    return [by[engine] for by in DRAFTS.values() if engine in by]


def _flags(name: str, engine: str, said: str) -> dict[str, bool]:
    """What makes room: flag -> whether a value stands behind it."""
    knob = KNOBS[name]
    if knob.kind is Kind.WORDS:
        return _arity(said)
    if knob.kind is Kind.DRAFT:
        spellings = [*_drafts(engine), Spelling(DRAFTS_ALSO.get(engine, ""))]
    else:
        spellings = [knob.engines[engine]] if knob.engines else []
    found: dict[str, bool] = {}
    for spelling in spellings:
        found |= _arity(spelling.on) | _arity(spelling.off) | _arity(spelling.also)
    return found


def _arity(text: str) -> dict[str, bool]:
    """Flags, and variables of Ollama's NAME=value -> whether a value stands behind them."""
    found = {}
    for word, after in pairwise([*text.split(), "-"]):
        if word.startswith("-") or "=" in word:
            name, equals, _ = word.partition("=")
            found[_plain(name)] = not equals and not after.startswith("-")
    return found


def _without(words: Sequence[str], flags: Mapping[str, bool]) -> list[str]:
    kept = []
    value = False
    for word in words:
        name, equals, _ = word.partition("=")
        if value:
            value = False
        elif _plain(name) in flags:
            value = flags[_plain(name)] and not equals
        else:
            kept.append(word)
    return kept


def _plain(flag: str) -> str:
    """Engines take dashes for underscores."""
    return flag.replace("_", "-") if flag.startswith("--") else flag


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)
