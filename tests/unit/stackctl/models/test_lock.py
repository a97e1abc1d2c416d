"""models.lock: what is written is read again, and what is broken is refused in words."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackctl.model import (
    Algorithm,
    Digest,
    Kind,
    LockedFile,
    LockedModel,
    Source,
    StackError,
    Stamp,
)
from stackctl.models import lock
from stackctl.models.layout import inside

A, B = "a" * 64, "b" * 64
FILE = LockedFile("whisper/x.bin", "x.bin", 7, Digest(Algorithm.SHA256, A))
MODEL = LockedModel(Source(Kind.HUB, "org/name", "main"), "c" * 40, (FILE,))

texts = st.text(st.characters(exclude_categories=[]), max_size=8)
digests = st.one_of(
    st.builds(
        Digest, st.just(Algorithm.SHA256), st.text("0123456789abcdef", min_size=64, max_size=64)
    ),
    st.builds(
        Digest, st.just(Algorithm.GIT_SHA1), st.text("0123456789abcdef", min_size=40, max_size=40)
    ),
)
numbers = st.integers(0, 2**64)
files = st.builds(
    LockedFile,
    st.text(min_size=1, max_size=20).filter(inside),
    texts,
    numbers,
    digests,
    st.sampled_from(["", "2026-11-21T10:00:00Z", "2026-11-21T10:00:00.123456+00:00"]),
    st.none() | st.builds(Stamp, numbers, numbers, numbers, numbers),
)
sources = st.builds(
    Source,
    st.sampled_from(Kind),
    st.text(min_size=1, max_size=8),
    texts,
    st.lists(texts, max_size=2).map(tuple),
    st.lists(texts, max_size=2).map(tuple),
    st.none() | digests,
)
models = st.builds(
    LockedModel,
    sources,
    texts,
    st.lists(files, max_size=4, unique_by=lambda f: f.path).map(
        lambda fs: tuple(sorted(fs, key=lambda f: f.path))
    ),
    st.booleans(),
)


@given(st.lists(models, max_size=4))
def test_what_is_written_is_read_again(some: list[LockedModel]) -> None:
    pinned: tuple[LockedModel, ...] = ()
    for model in some:
        try:
            pinned = lock.put(pinned, model)
        except StackError:  # two models with one path
            continue
    text = lock.render(pinned)
    assert text.endswith("}\n")
    assert text.isascii()
    assert set(lock.read(text)) == set(pinned)
    assert lock.render(lock.read(text)) == text
    assert lock.render(tuple(reversed(pinned))) == text
    assert len(text.splitlines()) >= sum(len(model.files) for model in pinned)


@given(st.text())
def test_garbage_is_refused_in_words(text: str) -> None:
    _read_or_refused(text)


keys = st.text(max_size=3)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | keys,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
)


@given(anything)
def test_json_that_is_no_lock(data: object) -> None:
    _read_or_refused(json.dumps({"version": 1, "models": data}))
    _read_or_refused(json.dumps({"version": 1, "models": [{"source": data, "files": data}]}))
    source = {"kind": "hf", "name": "a/b"}
    _read_or_refused(json.dumps({"version": 1, "models": [{"source": source, "files": data}]}))
    files = {"x": {"size": 1, "sha256": A, "stamp": data}}
    _read_or_refused(json.dumps({"version": 1, "models": [{"source": source, "files": files}]}))


@given(models, st.data())
def test_a_text_with_one_character_changed(model: LockedModel, data: st.DataObject) -> None:
    text = lock.render((model,))
    at = data.draw(st.integers(0, len(text) - 1))
    _read_or_refused(text[:at] + data.draw(st.characters()) + text[at + 1 :])
    _read_or_refused(text[:at])


def _read_or_refused(text: str) -> None:
    refused = None
    try:
        lock.read(text)
    except StackError as error:
        refused = error
    assert refused is None or ("models.lock" in refused.message and refused.fix)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"version": ' + "9" * 10_000 + "}", "\ufeff{}"])
def test_texts_that_hurt_parsers(text: str) -> None:
    with pytest.raises(StackError, match=r"models\.lock, line 1"):
        lock.read(text)


def test_one_line_a_file() -> None:
    other = replace(FILE, path="whisper/a.bin", verified="2026-11-21T10:00:00Z", wrong=B)
    other = replace(other, stamp=Stamp(7, 1, 2, 3))
    adopted = LockedModel(Source(Kind.FILE, "/x/y"), "", (), stated=False)
    text = lock.render([replace(MODEL, files=(FILE, other)), adopted])
    assert text == (
        "{\n"
        '  "version": 1,\n'
        '  "models": [\n'
        "    {\n"
        '      "source": {"kind": "file", "name": "/x/y"},\n'
        '      "stated": false,\n'
        '      "files": {}\n'
        "    },\n"
        "    {\n"
        '      "source": {"kind": "hf", "name": "org/name", "revision": "main"},\n'
        f'      "revision": "{"c" * 40}",\n'
        '      "files": {\n'
        f'        "whisper/a.bin": {{"size": 7, "sha256": "{A}", "origin": "x.bin", '
        f'"verified": "2026-11-21T10:00:00Z", "stamp": [7, 1, 2, 3], "wrong": "{B}"}},\n'
        f'        "whisper/x.bin": {{"size": 7, "sha256": "{A}", "origin": "x.bin"}}\n'
        "      }\n"
        "    }\n"
        "  ]\n"
        "}\n"
    )
    assert lock.read(text) == (adopted, replace(MODEL, files=(other, FILE)))
    assert lock.read(lock.render([])) == lock.read("") == ()


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ('"size": 7', '"size": -7', 8, "-7 bytes"),
        ('"size": 7', '"size": 7.0', 8, "wrong type"),
        ('"size": 7', '"size": true', 8, "wrong type"),
        ('"size": 7, ', "", 8, "missing"),
        ("whisper/x.bin", "whisper/../../x.bin", 8, "leaves the folder"),
        ("whisper/x.bin", "/etc/passwd", 8, "leaves the folder"),
        ("whisper/x.bin", "whisper//x.bin", 8, "leaves the folder"),
        (A, A[:-1], 8, "is no sha256"),
        (A, A.upper(), 8, "is no sha256"),
        (f'"sha256": "{A}", ', "", 8, "needs one hash"),
        ('"size"', f'"git-sha1": "{"0" * 40}", "size"', 8, "needs one hash"),
        ('"size"', '"verified": "yesterday", "size"', 8, "no date"),
        ('"size"', '"stamp": [1, 2], "size"', 8, "four numbers"),
        ('"size"', '"wrong": "x", "size"', 8, "hash that is none"),
        ('"size"', '"sise": 1, "size"', 8, "unknown fields"),
        ('"size"', '"size": 7, "size"', 8, "twice"),
        ('"hf"', '"hg"', 5, "unknown kind"),
        ('"name": "org/name", ', "", 5, "without a name"),
        ('"version": 1', '"version": 0', 2, "version"),
        ('"version": 1', '"version": "1"', 1, "no version"),
        ("},\n", "}\n", 6, "not JSON"),
    ],
)
def test_what_is_wrong_and_where(old: str, new: str, line: int, words: str) -> None:
    text = lock.render([MODEL])
    assert old in text
    with pytest.raises(StackError) as caught:
        lock.read(text.replace(old, new, 1))
    assert caught.value.message.startswith(f"models.lock, line {line}: ")
    assert words in caught.value.message
    assert "stackctl models adopt" in caught.value.fix


def test_a_newer_lock() -> None:
    with pytest.raises(StackError, match="version 2") as caught:
        lock.read('{"version": 2, "models": {"anything": true}}')
    assert caught.value.fix == "update stackctl"


def test_twins() -> None:
    text = lock.render([MODEL, replace(MODEL, source=Source(Kind.HUB, "org/other"))])
    assert len(lock.read(text)) == 2  # Ollama's models share blobs
    with pytest.raises(StackError, match=r"line 15: 'whisper/x.bin' is in two models"):
        lock.read(text[::-1].replace(A[::-1], B, 1)[::-1])
    with pytest.raises(StackError, match="line 12: org/name is there twice"):
        lock.read(text.replace("org/other", 'org/name", "revision": "main'))


def test_changing_a_lock() -> None:
    other = LockedModel(Source(Kind.OLLAMA, "x:1"), "", (FILE, replace(FILE, path="o/y")))
    pins = lock.put(lock.put((), MODEL), other)
    assert lock.find(pins, MODEL.source) == MODEL
    assert lock.find(pins, Source(Kind.HUB, "no")) is None
    assert lock.without(pins, other.source) == (MODEL,)
    assert [file.path for file in lock.only_of(pins, other.source)] == ["o/y"]
    assert lock.only_of(pins, MODEL.source) == ()
    newer = replace(MODEL, revision="d" * 40)
    assert lock.find(lock.put(pins, newer), MODEL.source) == newer
    wrong = replace(
        MODEL,
        source=Source(Kind.URL, "h/x"),
        files=(replace(FILE, digest=Digest(Algorithm.SHA256, B)),),
    )
    with pytest.raises(StackError, match="belongs to"):
        lock.put(pins, wrong)
    with pytest.raises(StackError, match="two files of one path"):
        lock.put((), replace(MODEL, files=(FILE, FILE)))
    with pytest.raises(StackError, match="leaves the folder"):
        lock.put((), replace(MODEL, files=(replace(FILE, path="../x"),)))


def test_what_was_seen_of_files() -> None:
    other = LockedModel(Source(Kind.OLLAMA, "x:1"), "", (replace(FILE, origin="blob"),))
    seen = replace(FILE, verified="2026-11-21T10:00:00Z", stamp=Stamp(7, 1, 2, 3))
    repinned = replace(FILE, digest=Digest(Algorithm.SHA256, B), verified="2026-11-21T10:00:00Z")
    first, second = lock.record((MODEL, other), [seen, replace(repinned, path="whisper/y")])
    assert first.files == (seen,)
    assert second.files == (replace(seen, origin="blob"),)
    assert lock.record((MODEL,), [repinned]) == (MODEL,)
    with pytest.raises(StackError, match="no date"):
        lock.record((MODEL,), [replace(FILE, verified="now")])


def test_ten_thousand_files() -> None:
    """Some 50 and 90 ms on a slow core; the bounds are for a busy one."""
    many = tuple(
        replace(FILE, path=f"whisper/{i:05}", stamp=Stamp(i, 10**18, 10**18, i))
        for i in range(10_000)
    )
    model = replace(MODEL, files=many)
    start = time.process_time()
    text = lock.render([model])
    middle = time.process_time()
    assert lock.read(text) == (model,)
    assert middle - start < 0.5
    assert time.process_time() - middle < 0.5
