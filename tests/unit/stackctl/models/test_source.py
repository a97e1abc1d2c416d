"""What owners write to name a model."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stackctl.model.errors import StackError
from stackctl.model.weights import Algorithm, Digest, Kind, Source
from stackctl.models.source import address, ollama_parts, parse, spec

HASH = "0123456789abcdef" * 4
SHA256 = Digest(Algorithm.SHA256, HASH)

GOOD = {
    "hf:openai/gpt-oss-20b": Source(Kind.HUB, "openai/gpt-oss-20b"),
    "hf:org/name@v1.0": Source(Kind.HUB, "org/name", "v1.0"),
    "hf:org/name@refs%2Fpr%2F1/a b.gguf": Source(Kind.HUB, "org/name", "refs/pr/1", ("a b.gguf",)),
    "hf:org/name@50%25/x": Source(Kind.HUB, "org/name", "50%", ("x",)),
    "hf:org/name/dir/*Q4_K_M*.gguf": Source(Kind.HUB, "org/name", include=("dir/*Q4_K_M*.gguf",)),
    "hf:org/name/größe@2.gguf": Source(Kind.HUB, "org/name", include=("größe@2.gguf",)),
    "ms:Qwen/Qwen3-8B@master": Source(Kind.MODELSCOPE, "Qwen/Qwen3-8B", "master"),
    "ollama:gpt-oss:20b": Source(Kind.OLLAMA, "gpt-oss:20b"),
    "ollama:acme/tiny:1": Source(Kind.OLLAMA, "acme/tiny:1"),
    "ollama:hf.co/org/Name-GGUF:Q4_K_M": Source(Kind.OLLAMA, "hf.co/org/Name-GGUF:Q4_K_M"),
    "ollama:localhost:5000/acme/tiny:1": Source(Kind.OLLAMA, "localhost:5000/acme/tiny:1"),
    f"https://host:8443/a/b.bin?v=2&w=%20#sha256={HASH}": Source(
        Kind.URL, "//host:8443/a/b.bin?v=2&w=%20", digest=SHA256
    ),
    f"http://host/b.bin#sha256={HASH}": Source(Kind.URL, "http://host/b.bin", digest=SHA256),
    f"https://huggingface.co/o/n/resolve/main/x.gguf#sha256={HASH}": Source(
        Kind.URL, "//huggingface.co/o/n/resolve/main/x.gguf", digest=SHA256
    ),
    "file:llama-cpp/x.gguf": Source(Kind.FILE, "llama-cpp/x.gguf"),
    "file:/data/my models/x.gguf": Source(Kind.FILE, "/data/my models/x.gguf"),
}

#: other ways to write the same
SAME = {
    "hf://openai/gpt-oss-20b": "hf:openai/gpt-oss-20b",
    "ms://Qwen/Qwen3-8B/x.gguf": "ms:Qwen/Qwen3-8B/x.gguf",
    "hf:org/name@%6Dain": "hf:org/name@main",
    "ollama:gpt-oss": "ollama:gpt-oss:latest",
    "ollama:registry.ollama.ai/library/gpt-oss:20b": "ollama:gpt-oss:20b",
    "ollama:library/gpt-oss:20b": "ollama:gpt-oss:20b",
    "ollama:HF.co/org/Name:Q4": "ollama:hf.co/org/Name:Q4",
    f"HTTPS://HOST/ä b.bin#sha256={HASH.upper()}": f"https://host/%C3%A4%20b.bin#sha256={HASH}",
    "file:///data/x.gguf": "file:/data/x.gguf",
    "file:/data/folder/": "file:/data/folder",
    "file:comfyui/checkpoints/": "file:comfyui/checkpoints",
}

#: text -> words of the message, words of the fix
BAD = {
    "": ("is empty", "hf:openai/gpt-oss-20b"),
    "  ": ("is empty", ""),
    "hf:org/name ": ("begins or ends with white space", ""),
    "hf:org/name\nx": ("U+000A", "type it again"),
    "hf:org/na\u200bme": ("U+200B", ""),
    "hf:org/name/\u00a0x": ("U+00A0", ""),
    "hf:org/\udcffname": ("U+DCFF", ""),
    "openai/gpt-oss-20b": ("does not say who publishes it", "hf:openai/gpt-oss-20b"),
    "openai/gpt-oss-20b@main": ("does not say", "hf:openai/gpt-oss-20b@main"),
    "gpt-oss:20b": ("does not say", "ollama:gpt-oss:20b"),
    "acme/tiny:1": ("does not say", "ollama:acme/tiny:1"),
    "gpt-oss": ("does not say", "ollama:gpt-oss;"),
    "hf.co/org/name:Q4": ("does not say", "ollama:hf.co/org/name:Q4; for its files hf:org/name"),
    "huggingface.co/org/name": ("does not say", "hf:org/name"),
    "HF:org/name": ("does not say", "write 'hf:org/name'"),
    "modelscope:org/name": ("does not say", "write 'ms:org/name'"),
    "/data/x.gguf": ("does not say", "file:llama-cpp/x.gguf"),
    "~/x.gguf": ("does not say", "file:llama-cpp/x.gguf"),
    "s3://bucket/key": ("does not say", "write one of"),
    "https:host/x": ("does not say", "write one of"),
    "hf:gpt2": ("org/name", "write one of"),
    "hf:org": ("org/name", ""),
    "hf:org/": ("org/name", ""),
    "hf:ö/name": ("org/name", ""),
    "hf:../name": ("org/name", ""),
    "hf:org/na..me": ("org/name", ""),
    "hf:datasets/org/name": ("kind of repository", "hf:org/name"),
    "hf:org/name:Q4_K_M": ("after a colon is no file", "'hf:org/name/*Q4_K_M*'"),
    "hf:org/name/": ("ends with a slash", ""),
    "hf:org/name/dir/": ("ends with a slash; for all files of a folder write dir/*", ""),
    "hf:org/name//x": ("empty part", ""),
    "hf:org/name/a/../x": ("a part that is . or ..", ""),
    "hf:org/name/a\\x": ("backslash", ""),
    "hf:org/name/ x": ("white space", ""),
    "hf:org/name@": ("no revision", "@main"),
    "hf:org/name@a..b": ("no revision", ""),
    "hf:org/name@%ff": ("no revision", ""),
    "hf:org/name@a%0Ab": ("no revision", ""),
    "hf:org/name@refs/pr/1": ("must not be written as a slash", "%2F"),
    "ollama:": ("no name of a model of Ollama's", "ollama:gpt-oss:20b"),
    "ollama:a/b/c/d:1": ("no name", ""),
    "ollama:name:": ("no name", ""),
    "ollama:-h/ns/name:1": ("no name", ""),
    "ollama:name:1@sha256:00": ("no name", ""),
    "file:": ("or nothing", "file:llama-cpp/x.gguf"),
    "file:~/x": ("only a shell", "file:llama-cpp/x.gguf"),
    "file:./x": ("a part that is . or ..", ""),
    "file:../x": ("a part that is . or ..", ""),
    "file://host/x": ("names another host", ""),
    "file:/": ("all of this disk", ""),
    "file:/a/../b": ("a part that is . or ..", ""),
    "file:/a//b": ("empty part", ""),
    "https://huggingface.co/openai/gpt-oss-20b": ("page", "write hf:openai/gpt-oss-20b"),
    "https://hf.co/o/n/tree/v1/sub": ("page", "write hf:o/n@v1/sub/*"),
    "https://huggingface.co/o/n/blob/main/x%20y.gguf": ("page", "write hf:o/n/x y.gguf"),
    f"https://huggingface.co/o/n/blob/main/x.gguf#sha256={HASH}": ("page", "hf:o/n/x.gguf"),
    "https://huggingface.co/o/n/resolve/abc/x.gguf": ("lacks its hash", "hf:o/n@abc/x.gguf"),
    "https://www.modelscope.cn/models/o/n/files": ("page", "write ms:o/n"),
    "https://ollama.com/library/gpt-oss:20b": ("page", "write ollama:gpt-oss:20b"),
    "https://ollama.com/acme/tiny": ("page", "write ollama:acme/tiny"),
    "https://host/x.gguf": ("lacks #sha256=: a plain web server", "sha256sum FILE"),
    "https://host/x.gguf#main": ("lacks #sha256=", ""),
    "https://host/x.gguf#sha256=": ("no SHA-256", "copy it again"),
    f"https://host/x.gguf#sha256={HASH[:-1]}": ("here are 63", "copy it again"),
    f"https://host/x.gguf#sha256={HASH[:-1]}g": ("0-9 or a-f", ""),
    f"https://host/#sha256={HASH}": ("name of a file", ""),
    f"https://host#sha256={HASH}": ("name of a file", ""),
    f"https://host/a%2Fb#sha256={HASH}": ("name of a file", ""),
    f"https://host/%2e%2e/b#sha256={HASH}": ("name of a file", ""),
    f"https://host/b%00#sha256={HASH}": ("name of a file", ""),
    f"https://host/b%ff#sha256={HASH}": ("name of a file", ""),
    f"https:///b#sha256={HASH}": ("no valid host", ""),
    f"https://host:port/b#sha256={HASH}": ("no valid host", ""),
    f"https://[::1/b#sha256={HASH}": ("no valid host", ""),
}

SECRETS = [
    f"https://me:s3cret@host/x.gguf#sha256={HASH}",
    "https://s3cret@host/x.gguf",
    "https://me:s3cret@huggingface.co/o/n",
    "https://me:a?s3cret@host/x",
    "https://me:a#s3cret@host/x",
    "https://me:a/s3cret@host/x",
    "ftp://me:s3cret@host/x",
    "me:s3cret@host/x",
    "https://host/x?token=s3cret",
    "https://host/x#s3cret",
    "hf_s3cretS3CRETs3cretS3CRET",
    "hf:org/name@hf_s3cretS3CRETs3cretS3CRET/",
    "hf:org/name:hf_s3cretS3CRETs3cretS3CRET",
]


@pytest.mark.parametrize("text", GOOD)
def test_good(text: str) -> None:
    assert parse(text) == GOOD[text]
    assert spec(GOOD[text]) == text


@pytest.mark.parametrize("text", SAME)
def test_the_same_model_has_one_text(text: str) -> None:
    assert spec(parse(text)) == SAME[text]


@pytest.mark.parametrize("text", BAD)
def test_bad(text: str) -> None:
    with pytest.raises(StackError) as caught:
        parse(text)
    message, fix = BAD[text]
    assert message in caught.value.message
    assert fix in caught.value.fix
    assert caught.value.fix
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("text", SECRETS)
def test_a_secret_is_never_printed(text: str) -> None:
    with pytest.raises(StackError) as caught:
        parse(text)
    assert "s3cret" not in (caught.value.message + caught.value.fix).lower()


def test_a_long_text_is_cut() -> None:
    with pytest.raises(StackError) as caught:
        parse("!" * 10_000)
    assert len(caught.value.message) < 400


def test_patterns_given_apart_are_not_part_of_the_text() -> None:
    source = Source(Kind.HUB, "o/n", include=("*.json", "*.gguf"), exclude=("x",))
    assert spec(source) == "hf:o/n"
    assert spec(Source(Kind.HUB, "o/n", include=("dir/",))) == "hf:o/n"


def test_the_parts_of_a_name_of_ollamas() -> None:
    assert ollama_parts("a:b") == ("registry.ollama.ai", "library", "a", "b")
    assert ollama_parts("n/a:b") == ("registry.ollama.ai", "n", "a", "b")
    assert ollama_parts("h:1/n/a:b") == ("h:1", "n", "a", "b")


def test_address() -> None:
    assert address(parse(f"https://host/x#sha256={HASH}")) == "https://host/x"
    assert address(parse(f"http://host/x?y#sha256={HASH}")) == "http://host/x?y"


FORMS = ("hf:", "ms:", "ollama:", "file:", "https://", "http://", "huggingface.co", "org", "name")
MARKS = ("//", "/", "@", ":", "%2F", "%25", "..", "*", "#sha256=", HASH, "?", "[", "x.gguf", " ")
WORDS = st.sampled_from(FORMS + MARKS)
TEXTS = st.lists(WORDS | st.text(max_size=4), max_size=9).map("".join)


@given(TEXTS | st.text())
@example("https://[")
@example("https://ⓗ/x")
def test_it_is_a_source_or_an_error_that_is_understood(text: str) -> None:
    source = None
    with suppress(StackError):
        source = parse(text)
    if source:
        assert parse(spec(source)) == source


PARTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters="/\\"),
    min_size=1,
).filter(lambda part: part not in (".", ".."))
NAMES = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,20}(\.[0-9])?", fullmatch=True)
REVISIONS = st.from_regex(r"([a-z0-9][a-z0-9_%+@-]*(/[a-z0-9%]+)?)?", fullmatch=True)


@given(
    st.sampled_from([Kind.HUB, Kind.MODELSCOPE]),
    st.tuples(NAMES.filter(lambda n: n not in ("datasets", "models")), NAMES),
    REVISIONS,
    st.lists(PARTS, max_size=4),
)
def test_any_revision_and_path_can_be_written(
    kind: Kind, name: tuple[str, str], revision: str, path: list[str]
) -> None:
    include = ("/".join(path),) if path else ()
    source = Source(kind, "/".join(name), revision, include)
    assert parse(spec(source)) == source
