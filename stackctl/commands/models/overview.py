"""`stackctl models list`: what is here, how sure that is, who needs it, what else lies there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from stackctl.commands.models import needs, usage
from stackctl.commands.models.shelf import Shelf, open_shelf
from stackctl.model import MIB, LockedFile, LockedModel, StackError
from stackctl.models import adoption
from stackctl.models import source as sources
from stackctl.models.adoption import Found
from stackctl.models.state import State, judge
from stackctl.report import table
from stackctl.system import files, terminal
from stackctl.system.progress import size

#: what lies in no lock, line by line; JSON has all
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One locked model with the state of its files. `users` is None if nobody could tell."""

    model: LockedModel
    states: Mapping[str, State]
    users: tuple[str, ...] | None

    @property
    def size(self) -> int:
        return sum(file.size for file in self.model.files)

    @property
    def verified(self) -> str:
        """When the file was hashed whose hash is the oldest; "" if one never was."""
        return min((file.verified for file in self.model.files), default="")

    def of(self, *states: State) -> list[LockedFile]:
        return [file for file in self.model.files if self.states[file.path] in states]


def overview(as_json: bool = False) -> int:
    """Print the models of this box; it changes nothing, and a damage is not its exit code."""
    shelf = open_shelf()
    there = shelf.store.folder.is_dir()
    models = shelf.models if there else ()
    models = tuple(sorted(models, key=lambda m: (sources.spec(m.source), m.revision)))
    users, why = _users(shelf, models)
    entries = [_entry(shelf, *pair) for pair in zip(models, users, strict=True)]
    unlocked = _unlocked(shelf, models) if there else []
    if as_json:
        terminal.out(_json(shelf, entries, unlocked))
        return 0
    terminal.out(f"models in {shelf.store.folder}\n")
    if not there:
        terminal.out(
            f"this folder is not there: mkdir -p {shelf.store.folder}, or mount its disk; "
            "MODELS_DIR in env/stack.env names it"
        )
        return 0
    _print(entries, unlocked)
    _print_rest(shelf)
    if why:
        terminal.out(f"\nUSED BY is unknown: {why}")
    return 0


def _users(
    shelf: Shelf, models: Sequence[LockedModel]
) -> tuple[tuple[tuple[str, ...] | None, ...], str]:
    """Roles per model, those as well that are not to run now; or why nobody can tell."""
    try:
        services = needs.everything(shelf).services
        return tuple(needs.users(shelf, model, services) for model in models), ""
    except StackError as error:
        return (None,) * len(models), error.message


def _entry(shelf: Shelf, model: LockedModel, users: tuple[str, ...] | None) -> Entry:
    states = {file.path: judge(file, shelf.store.stamp(file.path)) for file in model.files}
    return Entry(model, states, users)


def _unlocked(shelf: Shelf, models: Sequence[LockedModel]) -> list[Found]:
    """Models that lie here and in no lock, the largest first."""
    locked = {file.path for model in models for file in model.files}
    found = adoption.discover(shelf.store.folder, shelf.store.folder)
    free = [each for each in found if not any(piece.path in locked for piece in each.pieces)]
    return sorted(free, key=lambda each: -each.size)


def _print(entries: Sequence[Entry], unlocked: Sequence[Found]) -> None:
    rows = [
        (
            sources.spec(entry.model.source),
            size(entry.size),
            str(len(entry.states)),
            entry.model.revision[:12] or "-",
            _verified(entry),
            "unknown" if entry.users is None else ", ".join(entry.users) or "-",
        )
        for entry in entries
    ]
    if rows:
        terminal.out(table(("MODEL", "SIZE", "FILES", "REVISION", "VERIFIED", "USED BY"), rows))
    else:
        terminal.out("no model is locked: stackctl models pull, or stackctl models adopt")
    if any(not entry.model.stated for entry in entries):
        terminal.out("* nobody vouches for these: their hashes were taken from what was here")
    if unlocked:
        terminal.out("\nnot locked (stackctl models adopt PATH):")
        shown = [(f"  {each.path}", size(each.size)) for each in unlocked[:_SHOWN]]
        rest = unlocked[_SHOWN:]
        if rest:
            shown.append((f"  {len(rest)} more", size(sum(each.size for each in rest))))
        width = max(len(path) for path, _ in shown)
        terminal.out("\n".join(f"{path:<{width}}  {text}" for path, text in shown))


def _verified(entry: Entry) -> str:
    """The worst that can be said of its files."""
    count = len(entry.states)
    if wrong := entry.of(State.BAD):
        return f"WRONG: {_files(len(wrong))}"
    if missing := entry.of(State.MISSING):
        return f"incomplete: {count - len(missing)} of {_files(count)}"
    if unsure := [file for file in entry.of(State.UNSURE) if file.verified]:
        return f"changed since: {_files(len(unsure))}"
    if not entry.verified:
        some = sum(bool(file.verified) for file in entry.model.files)
        return f"{some} of {_files(count)}" if some else "never"
    seconds = (datetime.now(UTC) - _time(entry.verified)).total_seconds()
    return _ago(seconds) + ("" if entry.model.stated else " *")


def _time(text: str) -> datetime:
    when = datetime.fromisoformat(text)
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _ago(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit} ago"
    return "just now"


def _files(count: int) -> str:
    return f"{count} file{'s' * (count != 1)}"


def _print_rest(shelf: Shelf) -> None:
    store = shelf.store
    lines = []
    if (parts := usage.of(store.parts)).files:
        lines.append(f"unfinished downloads: {size(parts.bytes)}; pull goes on with them")
    if (aside := usage.of(store.quarantine)).files:
        lines.append(f"put aside by repair: {size(aside.bytes)} in {_files(aside.files)}")
    free = files.space(str(store.folder)).free_mib * MIB
    lines.append(f"on the disk: {size(usage.of(store.folder).bytes)}; free: {size(free)}")
    terminal.out("\n" + "\n".join(lines))


def _json(shelf: Shelf, entries: Sequence[Entry], unlocked: Sequence[Found]) -> str:
    store = shelf.store
    body = {
        "folder": str(store.folder),
        "models": [
            {
                "source": sources.spec(entry.model.source),
                "revision": entry.model.revision,
                "stated": entry.model.stated,
                "size": entry.size,
                "verified": entry.verified,
                "used_by": entry.users,
                "wrong": len(entry.of(State.BAD)),
                "missing": len(entry.of(State.MISSING)),
                "unsure": len(entry.of(State.UNSURE)),
                "files": [
                    {
                        "path": file.path,
                        "size": file.size,
                        "digest": str(file.digest),
                        "verified": file.verified,
                        "state": entry.states[file.path],
                        "wrong": file.wrong,
                    }
                    for file in entry.model.files
                ],
            }
            for entry in entries
        ],
        "unlocked": [{"path": each.path, "size": each.size} for each in unlocked],
        "unfinished": usage.of(store.parts).bytes,
        "put_aside": usage.of(store.quarantine).bytes,
        "on_disk": usage.of(store.folder).bytes,
        "free": files.space(str(store.folder)).free_mib * MIB,
    }
    return json.dumps(body, indent=2)
