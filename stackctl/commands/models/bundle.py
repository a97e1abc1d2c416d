"""`stackctl models export`: locked models with their lock, to a folder or a tar; and `import`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from stackctl.commands.models.arrival import bring
from stackctl.commands.models.shelf import Models, Shelf, locked, now, open_shelf
from stackctl.model import Algorithm, Kind, LockedFile, LockedModel, StackError
from stackctl.models import lock
from stackctl.models import source as sources
from stackctl.models.state import State, judge
from stackctl.report import table
from stackctl.system import bundle, terminal
from stackctl.system.hashing import Pace, Task, hash_files
from stackctl.system.progress import Progress, progress, size

__all__ = ["bring", "export"]


def export(target: str, names: Sequence[str]) -> int:
    """Write models and their lock to `target`, each file hashed while it is copied."""
    shelf = open_shelf()
    models = locked(names, shelf)
    if not models:
        raise StackError(
            f"{shelf.store.lock_file}: names no model", fix="stackctl models pull", exit_code=2
        )
    chosen = _in_order(models)
    _check_here(shelf, models)
    path = _outside(shelf, Path(target).absolute())
    to = bundle.open_target(path, lock.render(tuple(map(bare, models))))
    there = [file for file in chosen if to.there(file.path, file.size)]
    _show(models, path, there)
    bundle.check_room(to, sum(f.size for f in chosen) - sum(f.size for f in there), len(chosen))

    # --- border: from here on the target is written ---
    seen: list[LockedFile] = []
    try:
        with to, progress("exporting", sum(file.size for file in chosen)) as bar:
            done = _already(to, there, bar)
            seen.extend(_carry(shelf, to, file, bar) for file in chosen if file not in done)
    except KeyboardInterrupt:
        terminal.err(f"\n{_broken_off(to)}")
        raise
    finally:
        if shelf.store.writable:  # reading a file whole is as good as models verify
            shelf.record(seen)
    terminal.out(
        f"\n{path}: {len(chosen)} files, every hash is right\n"
        f"on the other box: stackctl models import {path.name}"
    )
    return 0


def bare(model: LockedModel) -> LockedModel:
    """A model without what was seen of it on this box."""
    files = tuple(LockedFile(f.path, f.origin, f.size, f.digest) for f in model.files)
    return replace(model, files=files)


def _in_order(models: Models) -> tuple[LockedFile, ...]:
    """Every file once; Ollama's manifests last, for they are what makes a model be there."""
    by_path = {file.path: file for model in models for file in model.files}
    ollama = {f.path for m in models if m.source.kind is Kind.OLLAMA for f in m.files}

    def last(file: LockedFile) -> bool:
        return file.path in ollama and "/manifests/" in file.path

    return tuple(sorted(by_path.values(), key=lambda file: (last(file), file.path)))


def _check_here(shelf: Shelf, models: Models) -> None:
    """All that is to be exported has to be here, as far as is known without reading it."""
    for model in models:
        for file in model.files:
            state = judge(file, shelf.store.stamp(file.path))
            if state in (State.MISSING, State.BAD):
                word = "is missing" if state is State.MISSING else "is wrong"
                name = sources.spec(model.source)
                raise StackError(
                    f"{name}: {file.path} {word}, so it cannot be exported",
                    fix=f"stackctl models repair {name}; then export again",
                )


def _outside(shelf: Shelf, path: Path) -> Path:
    home = shelf.store.folder.resolve()
    if path.resolve() == home or home in path.resolve().parents:
        raise StackError(
            f"{path}: is in the models' folder",
            fix="name a folder or .tar on the disk that is carried",
            exit_code=2,
        )
    return path


def _show(models: Models, path: Path, there: Sequence[LockedFile]) -> None:
    rows = [
        (
            sources.spec(model.source),
            model.revision[:12],
            str(len(model.files)),
            size(sum(file.size for file in model.files)),
        )
        for model in models
    ]
    terminal.out(f"export to {path}\n")
    terminal.out(table(("MODEL", "REVISION", "FILES", "SIZE"), rows))
    if there:
        terminal.out(f"{len(there)} files are there already; they are checked, not copied")


def _already(to: bundle.Target, there: Sequence[LockedFile], bar: Progress) -> set[LockedFile]:
    """Files of an earlier run that are right."""
    tasks = [Task(to.path / file.path, file.digest) for file in there]
    total = sum(file.size for file in there)
    pace = Pace(told=lambda count: bar.advance("checking", count, total, moved=False))
    done: set[LockedFile] = set()
    for file, found in zip(there, hash_files(tasks, pace, 1), strict=True):
        if found.right:
            done.add(file)
        else:
            bar.advance("checking", -file.size, total, moved=False)
    bar.ended("checking")
    return done


def _carry(shelf: Shelf, to: bundle.Target, file: LockedFile, bar: Progress) -> LockedFile:
    """Copy one file -> what was seen of it; an error if it is not what the lock says."""
    name = file.path.rpartition("/")[2]
    repair = "stackctl models repair; then export again"
    try:
        descriptor = os.open(shelf.path(file), os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise StackError(f"{file.path}: cannot be read: {error.strerror}", fix=repair) from None
    try:
        with to.file(file.path, file.size, os.fstat(descriptor).st_mtime) as write:
            copied = bundle.copy(
                descriptor, 0, file.size, file.digest.algorithm, write,
                lambda count: bar.advance(name, count, file.size),
            )  # fmt: skip
            if copied.problem:
                raise StackError(f"{file.path}: {copied.problem}", fix=repair)
            if copied.hex != file.digest.hex:
                _note_wrong(shelf, file, copied)
                raise StackError(
                    f"{file.path}: its {file.digest.algorithm} is {copied.hex[:16]}, "
                    f"not {file.digest.hex[:16]}; nothing of it was exported",
                    fix=repair,
                )
    finally:
        os.close(descriptor)
        bar.ended(name)
    if copied.chain and file.digest.algorithm is Algorithm.SHA256:
        shelf.store.chains.save(file.digest.hex, copied.chain)
        text = "".join(f"{state.hex()}\n" for state in copied.chain)
        to.text(f".stackctl/chains/{file.digest.hex}", text)
    return replace(file, verified=now(), stamp=copied.stamp, wrong="")


def _note_wrong(shelf: Shelf, file: LockedFile, copied: bundle.Copied) -> None:
    if shelf.store.writable:
        shelf.record([replace(file, stamp=copied.stamp, wrong=copied.hex)])


def _broken_off(to: bundle.Target) -> str:
    if to.path.is_dir():
        return f"{to.path}: not complete; the same export goes on with what is there"
    return f"{to.path}: was not written; a tar begins anew"
