"""Which paths are let onto this disk."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackctl.model.errors import StackError
from stackctl.model.weights import Algorithm, Digest, Kind, RemoteFile, Source
from stackctl.models.publishers.paths import choose, chosen, safe

SOURCE = Source(Kind.HUB, "org/name")


def files(*paths: str) -> tuple[RemoteFile, ...]:
    return tuple(RemoteFile(path, 1, Digest(Algorithm.SHA256, "ab" * 32)) for path in paths)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("", "has an empty part"),
        ("/etc/passwd", "is absolute"),
        ("a/", "ends with a slash"),
        ("a//b", "has an empty part"),
        ("..", "a part that is . or .."),
        ("a/../b", "a part that is . or .."),
        ("./a", "a part that is . or .."),
        ("a\\b", "a backslash"),
        ("a\0b", "a control character"),
        ("a\x1b[2Jb", "a control character"),
        ("a\u2028b", "a control character"),
        ("a\udc80b", "a control character"),
        ("ö" * 128, "longer than 255 bytes"),
        ("/".join(["x" * 200] * 11), "longer than 2048 bytes"),
        (".cache/huggingface/x", "keep their state"),
        (".stackctl/lock", "keep their state"),
        (".Cache/x", "keep their state"),
    ],
)
def test_refused(path: str, why: str) -> None:
    with pytest.raises(StackError) as caught:
        safe(path)
    assert why in caught.value.message
    assert caught.value.message.isprintable()
    assert ascii(path)[1:100].rstrip("'") in caught.value.message


@pytest.mark.parametrize(
    "path",
    ["a", "a/b.gguf", ".gitattributes", "größe/模型 1.bin", "a...b", "x/.cache/y", "ö" * 127],
)
def test_let_through(path: str) -> None:
    assert safe(path) == path


@given(st.text() | st.lists(st.sampled_from(["..", ".", "/", "a", "\\", "é"])).map("".join))
def test_what_is_let_through_stays_below_its_folder(path: str) -> None:
    try:
        safe(path)
    except StackError:
        return
    joined = PurePosixPath("/models") / path
    assert joined.is_relative_to("/models")
    assert str(joined) == f"/models/{path}"


@pytest.mark.parametrize(
    ("paths", "why"),
    [
        (["a", "b", "a"], "'a', a path that is listed twice"),
        (["a/b", "a-b", "a"], "'a', a path that is a file and a folder at once"),
        (["x/a/b/c", "x/a"], "'x/a', a path that is a file and a folder"),
    ],
)
def test_paths_that_exclude_each_other(paths: list[str], why: str) -> None:
    with pytest.raises(StackError, match="not written to this disk") as caught:
        chosen(SOURCE, files(*paths))
    assert why in caught.value.message


def test_names_that_only_look_alike_are_different_files() -> None:
    assert len(chosen(SOURCE, files("A", "a", "\u00e9", "e\u0301"))) == 4


def test_a_bad_path_can_be_excluded() -> None:
    source = Source(Kind.HUB, "org/name", exclude=(".cache/*",))
    assert chosen(source, files("x", ".cache/y")) == files("x")


def test_patterns() -> None:
    all_files = files("a.gguf", "d/b.gguf", "d/c.json", "x[1].gguf")
    assert choose(all_files, (), ()) == all_files
    assert choose(all_files, ("*.gguf",), ("d/*",)) == files("a.gguf", "x[1].gguf")
    assert choose(all_files, ("x[1].gguf",), ()) == files("x[1].gguf")
    assert choose(all_files, ("A.gguf",), ()) == ()


def test_what_there_is_is_shown_but_not_all_of_it() -> None:
    many = files(*(f"model-{n:05}.bin" for n in range(50)), "\x1b[2J")
    source = Source(Kind.HUB, "org/name", include=("model-00042.gguf",))
    with pytest.raises(StackError) as caught:
        chosen(source, many)
    assert "model-00042.bin" in caught.value.fix
    assert caught.value.fix.endswith("and 39 more")
    assert caught.value.fix.isprintable()
