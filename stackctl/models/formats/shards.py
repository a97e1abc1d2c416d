"""Files that are a model only together: an index names them, or `-00001-of-00015` in the name."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from stackctl.models.formats import disk, documents
from stackctl.models.formats.file import Examined

_MEMBER = re.compile(r"(.*-)(\d{1,6})(-of-)(\d{1,6})(\.(safetensors|gguf|bin))", re.DOTALL)
#: missing shards that are named one by one
_NAMED = 20


def problems(
    folder: Path, names: Iterable[str], examined: Mapping[str, Examined], *, needed: bool
) -> Iterator[str]:
    """What is missing in a folder, of which the files were looked at.

    `needed` says that its weights are wanted: a subfolder may keep an index whose shards nobody
    asked for, as gpt-oss's `original/`. The safetensors go first: where there are some, an index
    of pytorch files that were left out means nothing.
    """
    names = frozenset(names)
    kinds = {"safetensors", "bin"}
    if any(name.endswith(".safetensors") for name in names):
        kinds = {"safetensors"}
    weights = any(name.endswith((".safetensors", ".gguf", ".bin", ".pth")) for name in names)
    indexed = set()
    for name in sorted(names):
        kind = documents.index_of(name)
        if kind in kinds and name in examined:
            indexed.add(kind)
            if examined[name].content is not None:
                yield from _index(folder, name, examined, needed=needed and not weights)
    # where there is an index, it says which shards belong together; others are leftovers
    sets = [name for name in names if name.rpartition(".")[2] in (kinds | {"gguf"}) - indexed]
    yield from incomplete_sets(sets)


def members(name: str, names: Iterable[str]) -> list[str]:
    """The files of the set that a file belongs to, itself among them; none if it is alone."""
    own = _MEMBER.fullmatch(name)
    if own is None:
        return []
    found = [_MEMBER.fullmatch(other) for other in names]
    return sorted(other[0] for other in found if other and _set(other) == _set(own))


def incomplete_sets(names: Iterable[str]) -> Iterator[str]:
    """What is missing of the sets that files belong to by their names."""
    sets: defaultdict[tuple[str, ...], dict[int, str]] = defaultdict(dict)
    for name in names:
        if found := _MEMBER.fullmatch(name):
            sets[_set(found)][int(found[2])] = found[2]
    for (before, of, total, after), there in sorted(sets.items()):
        # some count from 0
        missing = int(total) - len(there)
        first = 0 if 0 in there else 1
        width = len(next(iter(there.values())))
        absent = (n for n in range(first, first + int(total)) if n not in there)
        for number, _ in zip(absent, range(min(missing, _NAMED)), strict=False):
            name = f"{before}{number:0{width}}{of}{total}{after}"
            yield f"{disk.shown(name)}: one of {int(total)} shards, but not there"
        if missing > _NAMED:
            yield f"{disk.shown(before)}*: {missing - _NAMED} more shards are not there"


def _set(member: re.Match[str]) -> tuple[str, str, str, str]:
    return member[1], member[3], member[4], member[5]


def _index(
    folder: Path, name: str, examined: Mapping[str, Examined], *, needed: bool
) -> Iterator[str]:
    """What an index names and the shards lack.

    Its `metadata.total_size` is not compared: publishers leave it as it was before they stripped
    or quantised, or have none, while every shard proves its own size by its header.
    """
    content = examined[name].content
    mapped: defaultdict[str, set[str]] = defaultdict(set)
    try:
        for tensor, shard in content["weight_map"].items():
            mapped[str(shard)].add(tensor)
    except (KeyError, TypeError, AttributeError):
        yield f"{disk.shown(name)}: not an index of shards"
        return
    missing = [s for s in sorted(mapped) if s not in examined and not disk.exists(folder / s)]
    if len(missing) == len(mapped) and not needed:
        return
    for shard in missing[:_NAMED]:
        yield f"{disk.shown(shard)}: named by {disk.shown(name)}, but not there"
    if len(missing) > _NAMED:
        yield f"{disk.shown(name)}: {len(missing) - _NAMED} more that it names are not there"
    for shard, wanted in sorted(mapped.items()):
        look = examined.get(shard)
        if look and not look.problems and look.tensors is not None:
            yield from _other(disk.shown(shard), disk.shown(name), wanted, look.tensors)


def _other(shard: str, index: str, wanted: set[str], there: frozenset[str]) -> Iterator[str]:
    """A shard that is whole, but not the one that the index means: another version, or swapped.

    Such a one holds others instead. A few that are only missing were left out by the publisher,
    with the index unchanged (draft heads of nightmedia/Qwen3.8-27B-Brainwaves): engines load it.
    """
    lost = wanted - there
    if lost and (there - wanted or 2 * len(lost) > len(wanted)):
        yield f"{shard}: {len(lost)} tensors that {index} maps to it are not in it ({min(lost)!r})"
