"""`stackctl models import`: what export wrote on another box, proven on arrival."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from stackctl.commands.models import hashes
from stackctl.commands.models.shelf import Models, Shelf, now, open_shelf, same
from stackctl.model import (
    Kind,
    Listing,
    LockedFile,
    LockedModel,
    RemoteFile,
    StackError,
    Stamp,
)
from stackctl.models import layout, lock
from stackctl.models import source as sources
from stackctl.models.formats import structure
from stackctl.models.state import State, judge
from stackctl.report import table
from stackctl.system import bundle, files, terminal
from stackctl.system.hashing import stamp_of
from stackctl.system.progress import Progress, progress, size

#: seconds between two writings of the lock while files arrive
_KEEP = 5.0


def bring(target: str, *, update: bool = False, dry_run: bool = False) -> int:
    """Take over the models of a bundle; 1 if one of its files is wrong. What is pinned here to
    another revision stays so, unless `update` moves it on."""
    shelf = open_shelf()
    path = Path(target).absolute()
    if path.resolve() == shelf.store.folder.resolve():
        raise StackError(
            f"{path}: is the models' folder itself",
            fix="name the folder or .tar that export wrote",
            exit_code=2,
        )
    source = bundle.open_bundle(path)
    models = _models(source)
    members = source.members({file.path for model in models for file in model.files})
    merged = _merged(shelf.models, models, update)
    _show(shelf, path, merged, models)
    _check_room(shelf, merged, models)
    if dry_run:
        terminal.out("\nnothing was done")
        return 0

    # --- border: from here on the models' folder is changed ---
    names = sorted({sources.spec(model.source) for model in models})
    with ExitStack() as stack:
        for name in ("import", *names):
            stack.enter_context(
                shelf.store.exclusive(
                    name, "models import", lambda holder: terminal.out(f"waiting for {holder}")
                )
            )
        shelf.change(lambda here: _merged(here, models, update))
        arrival = _Arrival(shelf, members)
        arrival.run([model for model in shelf.models if _is_of(model, models)])
    good = [_finish(shelf, model) for model in arrival.complete]
    if arrival.wrong:
        terminal.out(
            f"\n{len(arrival.wrong)} files of {path} are wrong; they were not put in place\n"
            "  fix: copy the bundle again, then import again: it goes on with what is here"
        )
    return 0 if all(good) and not arrival.wrong else 1


def _models(source: bundle.Source) -> Models:
    """The models of the bundle's lock, without what another box saw of them."""
    try:
        models = lock.read(source.lock)
    except StackError as error:
        fix = error.fix if "update stackctl" in error.fix else "copy the bundle again"
        raise StackError(f"{source.path}: {error.message}", fix=fix) from None
    if not models:
        raise bundle.damaged(source.path, "its lock names no model")
    for model in models:
        for file in model.files:
            if file.path.split("/")[0] in (layout.STATE_NAME, layout.LOCK_NAME):
                raise StackError(
                    f"{source.path}: {file.path} is no place for a model's file",
                    fix="do not use this bundle; somebody has changed it",
                )
    return tuple(
        replace(m, files=tuple(LockedFile(f.path, f.origin, f.size, f.digest) for f in m.files))
        for m in models
    )


def _merged(here: Models, arriving: Models, update: bool) -> Models:
    """The lock with these models as well; an error if that is not possible."""
    known = {(file.path, file.digest): file for model in here for file in model.files}
    for model in arriving:
        for old in here:
            if same(old.source, model.source) and not _is_same(old, model):
                if not update:
                    raise _other(old, model)
                here = lock.without(here, old.source)
        seen = tuple(known.get((file.path, file.digest), file) for file in model.files)
        here = lock.put(here, replace(model, files=seen))
    return here


def _is_same(old: LockedModel, new: LockedModel) -> bool:
    theirs = {file.path: file.digest for file in new.files}
    clash = old.source == new.source and theirs != {f.path: f.digest for f in old.files}
    return old.revision == new.revision and not clash


def _other(old: LockedModel, new: LockedModel) -> StackError:
    """What is pinned here stays where its owner pinned it."""
    return StackError(
        f"{sources.spec(new.source)}: {layout.LOCK_NAME} here has revision "
        f"{old.revision[:12] or 'none'}, the bundle {new.revision[:12] or 'none'}; "
        "nothing was changed",
        fix="to move on to the bundle's: stackctl models import --update",
    )


def _is_of(model: LockedModel, models: Models) -> bool:
    return any(model.source == other.source for other in models)


def _show(shelf: Shelf, path: Path, merged: Models, models: Models) -> None:
    rows = []
    for model in merged:
        if _is_of(model, models):
            here = [file for file in model.files if _state(shelf, file) is State.GOOD]
            whole, there = sum(f.size for f in model.files), sum(f.size for f in here)
            count = str(len(model.files))
            name, revision = sources.spec(model.source), model.revision[:12]
            rows.append((name, revision, count, size(whole), size(there), size(whole - there)))
    terminal.out(f"import from {path} to {shelf.store.folder}\n")
    terminal.out(table(("MODEL", "REVISION", "FILES", "SIZE", "GOOD", "TO BRING"), rows))


def _state(shelf: Shelf, file: LockedFile) -> State:
    return judge(file, shelf.store.stamp(file.path))


def _check_room(shelf: Shelf, merged: Models, models: Models) -> None:
    """What has the right size here is hashed and, if it is right, not brought."""
    new = {
        file.path: file.size
        for model in merged
        if _is_of(model, models)
        for file in model.files
        if _state(shelf, file) in (State.MISSING, State.BAD)
    }
    free = files.space(str(shelf.store.folder)).free_mib << 20
    if sum(new.values()) > free:
        raise StackError(
            f"{size(sum(new.values()))} are to be brought, and {shelf.store.folder} has "
            f"{size(free)} free",
            fix="make room (stackctl models prune), or set MODELS_DIR in env/stack.env to a "
            "larger disk",
        )


@dataclass
class _Arrival:
    """Bringing files one after the other, as a disk that is carried likes it."""

    shelf: Shelf
    members: Mapping[str, bundle.Member]
    complete: list[LockedModel] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    _good: dict[str, LockedFile] = field(default_factory=dict)
    _kept: float = field(default_factory=time.monotonic)

    def run(self, models: Sequence[LockedModel]) -> None:
        """Everything that is not good yet."""
        by_path = {file.path: file for model in models for file in model.files}
        states = {path: _state(self.shelf, file) for path, file in by_path.items()}
        self._good = {p: f for p, f in by_path.items() if states[p] is State.GOOD}
        unsure = [f for p, f in by_path.items() if states[p] is State.UNSURE]
        right, _ = hashes.check(self.shelf, unsure)
        self._good |= {file.path: file for file in right}
        total = sum(f.size for p, f in by_path.items() if p not in self._good)
        try:
            with progress("importing", total) as bar:
                for model in models:
                    self._bring(model, bar)
        except KeyboardInterrupt:
            terminal.err("\nwhat has arrived is kept: import again goes on with it")
            raise
        finally:
            self.shelf.record(tuple(self._good.values()))

    def _bring(self, model: LockedModel, bar: Progress) -> None:
        late = [f for f in model.files if _comes_last(model, f)]
        first = [f for f in model.files if f not in late]
        for part in (first, late):
            if not all([self._file(file, bar) for file in part]):  # a list: one stops no other
                return
        seen = tuple(self._good[file.path] for file in model.files)
        self.complete.append(replace(model, files=seen))

    def _file(self, file: LockedFile, bar: Progress) -> bool:
        """One file, unless it is here; whether it is right."""
        if file.path in self._good:
            return True
        if file.path in self.wrong:
            return False
        name = file.path.rpartition("/")[2]
        try:
            stamp = self._put(file, name, bar)
        except _Wrong as wrong:
            bar.tell(f"error: {file.path}: {wrong}")
            self.wrong.append(file.path)
            return False
        finally:
            bar.ended(name)
        self._good[file.path] = replace(file, verified=now(), stamp=stamp, wrong="")
        if time.monotonic() - self._kept > _KEEP:  # so that a kill -9 costs no second reading
            self._kept = time.monotonic()
            self.shelf.record(tuple(self._good.values()))
        return True

    def _put(self, file: LockedFile, name: str, bar: Progress) -> Stamp:
        member, digest = self.members[file.path], file.digest
        if member.size != file.size:
            raise _Wrong(f"has {member.size} bytes, not {file.size}")
        target = self.shelf.path(file)
        parts = self.shelf.store.parts_for(target)
        draft = parts / f"{digest.algorithm}-{digest.hex}.import"
        with bundle.opened(member) as source, bundle.whole_file(target, draft) as write:
            copied = bundle.copy(
                source, member.offset, file.size, digest.algorithm, write,
                lambda count: bar.advance(name, count, file.size),
            )  # fmt: skip
            if copied.problem:
                raise _Wrong(copied.problem)
            if copied.hex != digest.hex:
                raise _Wrong(f"its {digest.algorithm} is {copied.hex[:16]}, not {digest.hex[:16]}")
        self.shelf.store.chains.save(digest.hex, copied.chain)
        return stamp_of(target.stat())


class _Wrong(Exception):
    """A file of the bundle is not what its lock says."""


def _comes_last(model: LockedModel, file: LockedFile) -> bool:
    """Ollama takes a model for there as soon as its manifest is."""
    return model.source.kind is Kind.OLLAMA and "/manifests/" in file.path


def _extras(model: LockedModel) -> Mapping[str, str]:
    """What huggingface_hub keeps beside a model that lies in its layout."""
    if not all(file.path.startswith("huggingface/hub/") for file in model.files):
        return {}
    remote = tuple(RemoteFile(file.origin, file.size, file.digest) for file in model.files)
    return layout.extras(Listing(model.source, model.revision, remote), time.time())


def _finish(shelf: Shelf, model: LockedModel) -> bool:
    """What engines need beside the files; whether the files make a model."""
    for path, text in _extras(model).items():
        files.write(shelf.store.folder / path, text)
    name = sources.spec(model.source)
    problems = [p for file in model.files for p in structure(shelf.path(file), file.origin)]
    for problem in problems:
        terminal.out(f"error: {problem}\n  cause: the publisher's file is so: its hash is right")
    if not problems:
        terminal.out(f"{name}: {len(model.files)} files, every hash is right")
    return not problems
