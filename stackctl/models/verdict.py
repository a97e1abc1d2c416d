"""What the look at locked files comes to: missing, damaged in which way, unsure. Pure.

Who is at fault decides what to do, so it is told apart: this disk's copy, the publisher's own file,
or nobody knows, since the hash was taken here.
"""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from stackctl.model import Damage, DamagedModel, LockedModel, MissingModel, UnsureModel
from stackctl.models import source as sources
from stackctl.models.quick import Seen
from stackctl.models.state import State, unreadable

#: digits of a hash that are shown
_SHOWN = 16


@dataclass(frozen=True, slots=True)
class Verdict:
    missing: tuple[MissingModel, ...] = ()
    damaged: tuple[DamagedModel, ...] = ()
    unsure: tuple[UnsureModel, ...] = ()

    def __add__(self, other: Verdict) -> Verdict:
        return Verdict(
            self.missing + other.missing,
            self.damaged + other.damaged,
            self.unsure + other.unsure,
        )


def spec(model: LockedModel) -> str:
    """How a model is named in a command."""
    return shlex.quote(sources.spec(model.source))


def judge(
    subject: str,
    names: str,
    folder: str,
    seen: Sequence[Seen],
    rest: Sequence[str] = (),
    place: str = "",
) -> Verdict:
    """All of one subject. `names` are what a command takes for it; `rest` is wrong at `place`
    beside the locked files."""
    where: Callable[[str], str] = lambda path: str(PurePosixPath(folder) / path)  # noqa: E731
    missing = [one for one in seen if one.state is State.MISSING]
    unsure = [one for one in seen if one.state is State.UNSURE and not one.problems]
    kinds: defaultdict[Damage, list[str]] = defaultdict(list)
    first: dict[Damage, str] = {}
    for one in seen:
        found = _damage(one)
        if found is not None:
            kinds[found[0]] += found[1]
            first.setdefault(found[0], where(one.file.path))
    gone = {PurePosixPath(one.file.path).name for one in missing}
    if more := [text for text in rest if not any(f"{name}:" in text for name in gone)]:
        kinds[Damage.STRUCTURE] += more
        first.setdefault(Damage.STRUCTURE, where(place))
    return Verdict(
        tuple(
            MissingModel(
                subject,
                where(one.file.path),
                f"stackctl models pull {names}",
                tuple(PurePosixPath(each.file.path).name for each in missing),
            )
            for one in missing[:1]
        ),
        tuple(
            DamagedModel(subject, first[kind], tuple(texts), _cure(kind, names, first[kind]), kind)
            for kind, texts in kinds.items()
        ),
        tuple(
            UnsureModel(
                subject,
                where(one.file.path),
                tuple(PurePosixPath(each.file.path).name for each in unsure),
                f"stackctl models verify {names}",
            )
            for one in unsure[:1]
        ),
    )


def _damage(one: Seen) -> tuple[Damage, list[str]] | None:
    """What is wrong with a file that is there; None if nothing is known to be."""
    name = PurePosixPath(one.file.path).name
    if one.state is State.MISSING:
        return None
    if one.state is State.BAD and one.size != one.file.size:
        # whoever is right about the hash, half a file or a web page is no model
        broken = one.model.stated or one.problems
        texts = one.problems or (f"{name}: {one.size} bytes, not {one.file.size}",)
        return (Damage.STRUCTURE if broken else Damage.UNSTATED), list(texts)
    if one.state is State.BAD and unreadable(one.file):
        return Damage.DISK, [f"{name}: the disk failed when it was last hashed"]
    if one.state is State.BAD:
        wanted, last = one.file.digest, one.file.verified
        text = f"{name}: {wanted.algorithm} {one.file.wrong[:_SHOWN]}, not {wanted.hex[:_SHOWN]}"
        text += f" (last right {last})" if last else " (it was never right here)"
        return (Damage.HASH if one.model.stated else Damage.UNSTATED), [text]
    if not one.problems:
        return None
    whole = one.state is State.GOOD and one.model.stated
    return (Damage.PUBLISHER if whole else Damage.STRUCTURE), list(one.problems)


def _cure(kind: Damage, names: str, path: str) -> str:
    match kind:
        case Damage.STRUCTURE | Damage.HASH:
            return f"stackctl models repair {names}"
        case Damage.UNSTATED:
            at = shlex.quote(path)
            return f"if the change was meant: stackctl models adopt {at}; else restore a backup"
        case Damage.DISK:
            return f"sudo dmesg -T | tail; then: stackctl models repair {names}"
        case Damage.RIGHTS:
            return f"ls -l {shlex.quote(path)}; give yourself the right to read it"
        case Damage.PUBLISHER:
            return f"stackctl models update {names}, or choose another model"
