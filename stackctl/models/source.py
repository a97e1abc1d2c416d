"""What an owner writes to name a model, e.g. hf:openai/gpt-oss-20b@main, and back."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote, unquote, urlsplit

from stackctl.model.errors import StackError
from stackctl.model.weights import Algorithm, Digest, Kind, Source
from stackctl.models.source_hints import FORMS, hint, shown, site_hint

OLLAMA_HOST = "registry.ollama.ai"
OLLAMA_NAMESPACE = "library"

_SHA256 = re.compile(r"sha256=(?P<hex>.*)")
_SCHEME = re.compile(r"(?P<word>[a-z]+):(?P<rest>.*)", re.DOTALL)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,95}")
_HOST = re.compile(
    r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?"
)
#: what git allows in no ref, and what begins or ends none
_NO_REF = re.compile(r"[ ~^:?*\[\\]|\.\.|//|@\{|^[-/.]|[/.]$|/\.|\.lock$")
#: kinds of repositories on the Hub that hold no model, or that its own tools write first
_NO_ORG = frozenset({"buckets", "datasets", "kernels", "models", "spaces"})


def parse(text: str) -> Source:
    """The source that the text names; a StackError says what is wrong with the text."""
    _check_characters(text)
    match = _SCHEME.fullmatch(text)
    word, rest = (match["word"], match["rest"]) if match else ("", text)
    if word in (Kind.HUB, Kind.MODELSCOPE):
        return _repository(Kind(word), rest.removeprefix("//"))
    if word == Kind.OLLAMA:
        return _ollama(rest)
    if word == Kind.FILE:
        return _local(rest)
    if text.lower().startswith(("https://", "http://")):
        return _url(text)
    raise _wrong(f"{shown(text)} does not say who publishes it", hint(text))


def spec(source: Source) -> str:
    """The canonical text. Patterns are part of it only where a text can name them: a single one."""
    if source.kind is Kind.URL:
        sha256 = f"#sha256={source.digest.hex}" if source.digest else ""
        return address(source) + sha256
    text = f"{source.kind}:{source.name}"
    if source.revision:
        text += "@" + source.revision.replace("%", "%25").replace("/", "%2F")
    if len(source.include) == 1 and not _bad_path(source.include[0]):
        text += f"/{source.include[0]}"
    return text


def address(source: Source) -> str:
    """The URL of a source of kind URL, without its hash."""
    return source.name if source.name.startswith("http://") else f"https:{source.name}"


def ollama_parts(name: str) -> tuple[str, str, str, str]:
    """Host, namespace, model and tag of the name of a source of kind OLLAMA."""
    path, _, tag = name.rpartition(":")
    *where, model = path.split("/")
    host, namespace = (
        [OLLAMA_HOST, OLLAMA_NAMESPACE, *where][-2:]
        if len(where) != 1
        else (
            OLLAMA_HOST,
            where[0],
        )
    )
    return host, namespace, model, tag


def _wrong(message: str, fix: str = "") -> StackError:
    return StackError(message, fix=fix or FORMS, exit_code=2)


def _unseen(text: str) -> str:
    """The first character that cannot be seen, or that is no space and looks like one."""
    # format characters (Cf) come along when text is copied from a web page
    unseen = (c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs"))
    return next(unseen, "") or next((c for c in text if c != " " and c.isspace()), "")


def _check_characters(text: str) -> None:
    if not text.strip():
        raise _wrong("a source is empty")
    if text != text.strip():
        raise _wrong(f"{shown(text)} begins or ends with white space", "leave that out")
    if char := _unseen(text):
        raise _wrong(
            f"a source has a character that cannot be seen: U+{ord(char):04X}",
            "type it again by hand; it may have come along from where it was copied",
        )


def _bad_path(path: str) -> str:
    """Why a path or pattern cannot be one of a repository's; "" if it can."""
    if path.endswith("/"):
        return f"ends with a slash; for all files of a folder write {path}*"
    parts = path.split("/")
    if "" in parts:
        return "has an empty part, a double slash"
    if "." in parts or ".." in parts:
        return "has a part that is . or .."
    if "\\" in path:
        return "has a backslash; write /"
    return "" if path == path.strip() else "begins or ends with white space"


def _repository(kind: Kind, rest: str) -> Source:
    org, _, tail = rest.partition("/")
    named, slash, path = tail.partition("/")
    name, at, written = named.partition("@")
    whole = f"{kind}:{rest}"
    if org in _NO_ORG:
        raise _wrong(
            f"{shown(whole)}: {org}/ is a kind of repository, not the name of an organisation",
            f"only models can be named, without a word before them: {kind}:org/name",
        )
    base, colon, quant = name.partition(":")
    if colon and _NAME.fullmatch(org) and _NAME.fullmatch(base):
        raise _wrong(
            f"{shown(whole)}: {shown(quant)} after a colon is no file",
            f"name the files, as a pattern: {shown(f'{kind}:{org}/{base}/*{quant}*')}",
        )
    if not all(_NAME.fullmatch(part) and ".." not in part for part in (org, name)):
        raise _wrong(
            f"{shown(whole)}: a repository is written org/name, in ASCII letters, digits, . _ and -"
        )
    if slash and (why := _bad_path(path) if path else "ends with a slash"):
        raise _wrong(f"{shown(whole)}: the path {why}", "")
    revision = _revision(whole, written) if at else ""
    return Source(kind, f"{org}/{name}", revision, (path,) if path else ())


def _revision(whole: str, written: str) -> str:
    try:
        revision = unquote(written, errors="strict")
    except UnicodeDecodeError:
        revision = ""
    if written == "refs":
        raise _wrong(
            f"{shown(whole)}: a slash of a revision must not be written as a slash",
            "write %2F for it, e.g. @refs%2Fpr%2F1",
        )
    if not revision or _unseen(revision) or _NO_REF.search(revision):
        raise _wrong(
            f"{shown(whole)}: what follows @ is no revision",
            "write a branch, a tag or a commit, e.g. @main; a slash in it as %2F",
        )
    return revision


def _ollama(rest: str) -> Source:
    *where, last = rest.split("/")
    model, colon, tag = last.partition(":")
    tag = tag if colon else "latest"
    host = where[0].lower() if len(where) == 2 else OLLAMA_HOST
    namespace = where[-1] if where else OLLAMA_NAMESPACE
    named = all(_NAME.fullmatch(part) for part in (namespace, model, tag))
    if len(where) > 2 or not named or not _HOST.fullmatch(host):
        raise _wrong(
            f"{shown(f'ollama:{rest}')} is no name of a model of Ollama's",
            "write ollama:name:tag, ollama:namespace/name:tag or ollama:host/namespace/name:tag, "
            "e.g. ollama:gpt-oss:20b",
        )
    name = f"{model}:{tag}"
    # one model has one name, so what Ollama takes for granted is left out
    if host != OLLAMA_HOST:
        name = f"{host}/{namespace}/{name}"
    elif namespace != OLLAMA_NAMESPACE:
        name = f"{namespace}/{name}"
    return Source(Kind.OLLAMA, name)


def _local(rest: str) -> Source:
    """A path of this disk; one that is not absolute begins in the models' folder."""
    example = "write file:llama-cpp/x.gguf for what lies in the models' folder"
    path = rest.removeprefix("//") if rest.startswith("///") else rest
    if path.startswith("//"):
        raise _wrong(f"{shown(f'file:{rest}')} names another host", example)
    if path.startswith("~"):
        raise _wrong(f"{shown(f'file:{rest}')}: only a shell knows what ~ is", example)
    path = path.removesuffix("/")
    if not path:
        raise _wrong(f"{shown(f'file:{rest}')} is all of this disk, or nothing", example)
    if why := _bad_path(path.removeprefix("/")):
        raise _wrong(f"{shown(f'file:{rest}')}: the path {why}", example)
    return Source(Kind.FILE, path)


def _url(text: str) -> Source:
    try:
        url = urlsplit(text)
        host, secret = url.netloc, "@" in url.netloc
        _ = url.port  # raises where it is no number
    except ValueError:
        host, secret = "", False
    if secret:
        # not shown, for it is a secret
        raise _wrong(
            "a URL has a user name or a password before its host",
            "put it in the tool that you download with, not in the URL, which is written to files "
            "and logs; then name the file as file:llama-cpp/x.gguf",
        )
    if not _HOST.fullmatch(host):
        raise _wrong(f"{shown(text)} has no valid host", "write https://host/path/file#sha256=…")
    path = quote(url.path, safe="/%:@!$&'()*+,;=~")
    last = unquote(path).rpartition("/")[2] if "%2f" not in path.lower() else ""
    sha256 = _SHA256.fullmatch(url.fragment)
    # a page is never a file, but a direct link with its hash is as good as any other
    direct = sha256 and re.search(r"/(raw|resolve)/", path)
    if not direct and (better := site_hint(text)):
        raise _wrong(f"{shown(text)} is a page of a publisher, or lacks its hash", better)
    if not last or _bad_path(unquote(path)[1:]) or _unseen(unquote(path)) or "\ufffd" in last:
        raise _wrong(
            f"{shown(text)} does not end with the name of a file",
            "write https://host/path/file#sha256=…, without .. or // in the path",
        )
    if not sha256:
        raise _wrong(
            f"{shown(text)} lacks #sha256=: a plain web server says nothing about what the "
            "content must be, so a wrong file would not be noticed",
            "add #sha256= and the 64 digits that the publisher states; if none are stated, "
            "download the file once, make sure of it, and take those of sha256sum FILE",
        )
    if not re.fullmatch("[0-9a-fA-F]{64}", sha256["hex"]):
        raise _wrong(
            f"{shown(text)}: what follows #sha256= is no SHA-256: that has 64 characters, all of "
            f"them 0-9 or a-f; here are {len(sha256['hex'])}",
            "copy it again",
        )
    query = "?" + quote(url.query, safe="/%:@!$&'()*+,;=~?[]") if url.query else ""
    name = f"//{host.lower()}{path}{query}"
    digest = Digest(Algorithm.SHA256, sha256["hex"].lower())
    return Source(Kind.URL, name if url.scheme == "https" else f"http:{name}", digest=digest)
