"""A declared space of settings: TOML -> values that are checked, each error with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NoReturn, TypeAlias

from stackctl.model import StackError
from stackctl.tune.knobs import DRAFTS, ENGINE, KNOBS, Kind


@dataclass(frozen=True, slots=True)
class Draft:
    """Speculative decoding: who drafts, and how many tokens at a time."""

    method: str
    tokens: int
    model: str = ""

    def __str__(self) -> str:
        return f"{self.method} {self.tokens}"


Value: TypeAlias = bool | int | float | str | Draft
#: setting -> value; what is not in it is as the owner has it
Choice: TypeAlias = Mapping[str, Value]


class Goal(StrEnum):
    THROUGHPUT = "throughput"
    LATENCY = "latency"


@dataclass(frozen=True, slots=True)
class Objective:
    """What is better, and what has to hold all the same; limits in ms, of 95 % of the requests."""

    goal: Goal
    ttft_p95_ms: float | None = None
    tpot_p95_ms: float | None = None

    def __str__(self) -> str:
        limits = [
            f"{name} p95 <= {limit:g} ms"
            for name, limit in (("TTFT", self.ttft_p95_ms), ("TPOT", self.tpot_p95_ms))
            if limit is not None
        ]
        verb = "maximise" if self.goal is Goal.THROUGHPUT else "minimise"
        return f"{verb} {self.goal}" + (f" under {', '.join(limits)}" if limits else "")


@dataclass(frozen=True, slots=True)
class Load:
    """What every candidate is measured with: tokens, requests at once, requests of each step."""

    input: int = 1024
    output: int = 256
    concurrency: tuple[int, ...] = (1, 8, 32)
    requests: int = 32
    warm_up: int = 2


@dataclass(frozen=True, slots=True)
class Setting:
    name: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Other:
    """What an engine needs that is not the role's own: its name of the model, its words."""

    model: str
    source: str = ""
    args: str = ""


@dataclass(frozen=True, slots=True)
class Space:
    objective: Objective
    load: Load
    settings: tuple[Setting, ...]
    engines: Mapping[str, Other] = field(default_factory=dict)


def parse(text: str, name: str, engines: Collection[str]) -> Space:
    """`name` of the file, for errors; `engines` that there are. Raises StackError (usage)."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StackError(f"{name}: {error}", fix="it is TOML: toml.io", exit_code=2) from None
    return _Reader(text, name, engines).space(raw)


class _Reader:
    def __init__(self, text: str, name: str, engines: Collection[str]) -> None:
        self._lines, self._name, self._engines = text.splitlines(), name, engines

    def space(self, raw: Mapping[str, Any]) -> Space:
        self._known(raw, ("objective", "load", "settings", "engines"))
        others = self._others(raw.get("engines", {}))
        load = self._load(self._table(raw, "load"))
        return Space(
            self._objective(self._table(raw, "objective")),
            load,
            self._settings(raw.get("settings", []), others),
            others,
        )

    def _objective(self, raw: Mapping[str, Any]) -> Objective:
        self._known(raw, ("maximise", "minimise", "ttft_p95_ms", "tpot_p95_ms"))
        goals = {"maximise": Goal.THROUGHPUT, "minimise": Goal.LATENCY}
        given = [(verb, raw[verb]) for verb in goals if verb in raw]
        if len(given) != 1 or given[0][1] != goals[given[0][0]]:
            self._bad("objective", 'write maximise = "throughput" or minimise = "latency"')
        limits = [self._limit(raw, key) for key in ("ttft_p95_ms", "tpot_p95_ms")]
        return Objective(goals[given[0][0]], *limits)

    def _limit(self, raw: Mapping[str, Any], key: str) -> float | None:
        value = raw.get(key)
        if value is not None and not (_number(value) and value > 0):
            self._bad(key, "a number of milliseconds above 0")
        return value

    def _load(self, raw: Mapping[str, Any]) -> Load:
        names = ("input", "output", "requests", "warm_up")
        self._known(raw, (*names, "concurrency"))
        for key in names:
            if key in raw and not _count(raw[key]):
                self._bad(key, "a whole number above 0")
        levels = raw.get("concurrency", list(Load().concurrency))
        if not isinstance(levels, list) or not levels or not all(map(_count, levels)):
            self._bad("concurrency", "whole numbers above 0, as [1, 8, 32]")
        return Load(**{**raw, "concurrency": tuple(sorted(set(levels)))})

    def _others(self, raw: Any) -> dict[str, Other]:
        if not isinstance(raw, dict):
            self._bad("engines", "write [engines.NAME]")
        found = {}
        for name, table in raw.items():
            if name not in self._engines:
                self._bad(name, f"there is no such engine; {self._choose(self._engines)}")
            if not isinstance(table, dict) or not _word(table.get("model")):
                self._bad(name, f"write [engines.{name}] with model = the name that it has there")
            self._known(table, ("model", "source", "args"))
            for key in ("source", "args"):
                if not _words(table.get(key, "")):
                    self._bad(key, "text on one line, without ' and $")
            found[name] = Other(**table)
        return found

    def _settings(self, raw: Any, others: Collection[str]) -> tuple[Setting, ...]:
        if not isinstance(raw, list) or not raw:
            self._bad("settings", "write [[settings]] with name and values, one or more")
        found: dict[str, Setting] = {}
        for table in raw:
            if not isinstance(table, dict) or not isinstance(table.get("name"), str):
                self._bad("settings", "each [[settings]] has a name and values")
            self._known(table, ("name", "values"))
            name, values = table["name"], table.get("values")
            if name not in KNOBS:
                self._bad(name, f"there is no such setting; {self._choose(KNOBS)}")
            if name in found:
                self._bad(name, "twice; put the values together")
            if not isinstance(values, list) or not values:
                self._bad(name, "values = [...], one or more")
            found[name] = Setting(name, tuple(self._value(name, v, others) for v in values))
        # another engine first: what comes after is tried with the better one
        return tuple(sorted(found.values(), key=lambda s: s.name != ENGINE))

    def _value(self, name: str, value: Any, others: Collection[str]) -> Value:
        if name == ENGINE and value not in self._engines:
            self._bad(str(value), f"there is no such engine; {self._choose(self._engines)}")
        match KNOBS[name].kind:
            case Kind.COUNT:
                good, what = _count(value), "a whole number above 0"
            case Kind.SHARE:
                good, what = _number(value) and 0 < value < 1, "a number between 0 and 1"
            case Kind.SWITCH:
                good, what = isinstance(value, bool), "true or false"
            case Kind.WORD:
                good, what = _word(value), "one word in quotes, as the engine spells it"
            case Kind.WORDS:
                good, what = _words(value), "words on one line in quotes, without ' and $"
            case Kind.DRAFT:
                return self._draft(name, value)
        if not good:
            self._bad(name, f"{value!r} is not {what}")
        checked: Value = value
        return checked

    def _draft(self, name: str, raw: Any) -> Value:
        if raw is False:
            return False
        form = '{method = "eagle3", model = "org/name", tokens = 3}'
        if not isinstance(raw, dict):
            self._bad(name, f"false, or {form}")
        self._known(raw, ("method", "model", "tokens"))
        method, model = raw.get("method"), raw.get("model", "")
        if method not in DRAFTS:
            self._bad(name, f"method {method!r}; {self._choose(DRAFTS)}")
        if not _count(raw.get("tokens")) or (model and not _word(model)):
            self._bad(name, f"write it as {form}")
        if bool(model) is (method == "ngram"):
            self._bad(name, "ngram has no model" if model else f"{method} needs a model")
        return Draft(method, raw["tokens"], model)

    def _table(self, raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        table = raw.get(key, {})
        if not isinstance(table, dict):
            self._bad(key, f"write [{key}]")
        return table

    def _known(self, raw: Mapping[str, Any], allowed: Sequence[str]) -> None:
        for key in raw:
            if key not in allowed:
                self._bad(key, f"nothing is called so here; {self._choose(allowed)}")

    def _choose(self, names: Collection[str]) -> str:
        return f"choose from: {', '.join(sorted(names))}"

    def _bad(self, word: str, why: str) -> NoReturn:
        # tomllib tells no places; the first line that has the word is the one, or near it
        pattern = re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])")
        bare = (line.partition("#")[0] for line in self._lines)
        at = next((n for n, line in enumerate(bare, 1) if pattern.search(line)), 0)
        where = f"{self._name}:{at}" if at else self._name
        head, _, fix = why.partition("; ")
        raise StackError(f"{where}: {word}: {head}", fix=fix or "docs/tune.md", exit_code=2)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _word(value: Any) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"[^\s'\"$`\\]+", value))


def _words(value: Any) -> bool:
    """What one line of an env file holds between single quotes, for Compose as for us."""
    return isinstance(value, str) and not re.search(r"[^\x20-\uffff]|['$\x7f]", value)
