"""Adopting what is none, lies elsewhere, or means harm."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from stackctl.commands.models.adopt import adopt
from stackctl.commands.models.shelf import Shelf
from stackctl.model import StackError
from tests.hub import make
from tests.unit.stackctl.commands.models import lying
from tests.unit.stackctl.commands.models.lying import COMMIT, shelf

__all__ = ["shelf"]


@pytest.mark.parametrize(
    ("paths", "source", "message"),
    [
        (["/etc"], "", "outside the models' folder"),
        (["nothing"], "", "no such file"),
        (["empty"], "", "no model in it"),
        (["empty", "empty"], "hf:org/name", "one path"),
        (["empty"], "gpt-oss", "does not say"),
        (["empty"], "file:other", "is not"),
    ],
)
def test_what_cannot_be_adopted(shelf: Shelf, paths: list[str], source: str, message: str) -> None:
    (shelf.store.folder / "empty").mkdir()
    with pytest.raises(StackError, match=message) as raised:
        adopt(paths, source=source)
    assert raised.value.fix
    assert raised.value.exit_code == 2


def test_a_folder_that_is_a_link_out_is_refused(shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    make.gguf(tmp_path / "elsewhere/x.gguf", 51_200)
    (shelf.store.folder / "llama-cpp").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StackError, match="outside"):
        adopt(["llama-cpp/x.gguf"])
    with pytest.raises(StackError, match="outside"):
        adopt(["llama-cpp"])


def test_a_tree_that_lies_or_is_broken(shelf: Shelf) -> None:
    snapshot = lying.cache(shelf)
    tree = snapshot.parents[1] / "trees" / f"{COMMIT}.json"
    for text in ("", "[]", "{}", '{"files": {"../x": 3}}', json.dumps({"files": [1]})):
        tree.write_text(text)
        assert adopt([str(snapshot)], dry_run=True) == 0  # the blobs' names are left
    entry = {"size": 3, "blob_id": "0" * 40}
    tree.write_text(json.dumps({"files": {"../../../../../../etc/passwd": entry}}))
    assert adopt([str(snapshot)], dry_run=True) == 0


def test_names_that_no_lock_can_hold(shelf: Shelf) -> None:
    folder = shelf.store.folder / "odd"
    make.model(folder, 200_000)
    (folder / "a\nb.json").write_text("{}")
    (Path(os.fsencode(folder).decode()) / os.fsdecode(b"\xff.json")).write_text("{}")
    assert adopt(["odd"]) == 0
