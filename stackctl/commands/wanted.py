"""Which services are to run: those that `up` brought up and no `down` took away since.

So a container that somebody removed by hand is missed, and one that was taken down is not. The
roles of COMPOSE_PROFILES would not do: `stackctl up main` wants one of them, `down` none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from stackctl.system import files

Name = tuple[str, str]  # Compose project, service


def load(state: Path, project: str = "") -> tuple[Name, ...]:
    """Of one project, or of all that this clone brought up."""
    path = state / "wanted"
    if not files.exists(str(path)):
        return ()
    rows = (line.strip().partition("/") for line in files.read(path).splitlines())
    return tuple((p, name) for p, _, name in rows if p and name and project in ("", p))


def add(state: Path, project: str, names: Iterable[str], *, whole: bool) -> None:
    """`up` brings these up; `whole`: they are all of the project, what it had before is no more."""
    new = {(project, name) for name in names}
    _keep(state, lambda old: {n for n in old if not (whole and n[0] == project)} | new)


def remove(state: Path, project: str, names: Iterable[str] = ()) -> None:
    """`down` took these away; without names, all of the project."""
    gone = set(names)
    _keep(state, lambda old: {n for n in old if n[0] != project or (gone and n[1] not in gone)})


def _keep(state: Path, change: Callable[[set[Name]], set[Name]]) -> None:
    before = set(load(state))
    after = change(set(before))
    if after != before:
        files.write(state / "wanted", "".join(f"{p}/{name}\n" for p, name in sorted(after)))
