"""What an owner probably meant by a text that names no source."""

from __future__ import annotations

import re
from urllib.parse import unquote

FORMS = """write one of
  hf:openai/gpt-oss-20b              all of a repository on Hugging Face
  hf:org/name@v1.0/*Q4_K_M*.gguf     some of its files, at a branch, tag or commit
  ms:Qwen/Qwen3-8B                   the same on ModelScope
  ollama:gpt-oss:20b                 a model of Ollama's registry
  https://host/x.gguf#sha256=…       one file and its SHA-256
  file:llama-cpp/x.gguf              one that is in the models' folder already"""

#: the longest that is shown of what was typed
_LONGEST = 200
_TOKEN = re.compile(r"\b(hf|ms)[_-][A-Za-z0-9-]{16,}")
_SITE = re.compile(r"(?:https?://)?(?:www\.)?(?P<host>[a-z0-9.-]+)/(?P<path>[^?#]+).*", re.I)
_HUB = frozenset({"huggingface.co", "hf.co", "hf-mirror.com"})
_MODELSCOPE = frozenset({"modelscope.cn", "modelscope.ai"})
_OLLAMA = frozenset({"ollama.com", "ollama.ai"})
#: parts of the Hub's site that are no organisations
_NO_ORG = frozenset(
    {"api", "blog", "collections", "datasets", "docs", "models", "papers", "spaces"}
)
_ALIASES = {
    "hugging-face": "hf",
    "huggingface": "hf",
    "hub": "hf",
    "modelscope": "ms",
    "hf": "hf",
    "ms": "ms",
    "ollama": "ollama",
    "file": "file",
}
_ID = r"[A-Za-z0-9_][A-Za-z0-9._-]*"


def shown(text: str) -> str:
    """The text as it may be printed: no secrets, no line breaks, no end of the world."""
    if not text.startswith(("hf:", "ms:")):
        if ":" in text.partition("@")[0] and "@" in text:
            return "what was typed (not shown, it may hold a password)"
        if "://" in text:
            text = re.sub(r"[?#].*", "…", text, flags=re.DOTALL)
    text = _TOKEN.sub("…", text)
    return repr(text if len(text) <= _LONGEST else text[:_LONGEST] + "…")


def hint(text: str) -> str:
    """What to type instead; "" where that is not clear."""
    if _TOKEN.search(text):
        return ""
    word, colon, rest = text.partition(":")
    if colon and word.lower() in _ALIASES:
        return f"write {shown(f'{_ALIASES[word.lower()]}:{rest}')}"
    if re.fullmatch(rf"hf\.co/{_ID}/{_ID}:{_ID}", text):
        return f"for Ollama write ollama:{text}; for its files hf:{text[6:].partition(':')[0]}"
    if better := site_hint(text):
        return better
    if text.startswith(("/", "./", "../", "~")):
        return (
            "for what is in the models' folder already write its path there: file:llama-cpp/x.gguf"
        )
    if re.fullmatch(rf"{_ID}:{_ID}", text):
        return f"for a model of Ollama's registry write ollama:{text}"
    if match := re.fullmatch(rf"(?P<id>{_ID}/{_ID}(@{_ID})?)(?P<tag>:{_ID})?", text):
        if match["tag"]:
            return f"for a model of Ollama's registry write ollama:{text}"
        name = match["id"]
        return (
            f"for Hugging Face write hf:{name}, for ModelScope ms:{name}, for Ollama ollama:{name}"
        )
    if re.fullmatch(_ID, text):
        return f"for Ollama write ollama:{text}; for Hugging Face its whole name, hf:org/{text}"
    return ""


def site_hint(text: str) -> str:
    """What to type instead of the address of a model's page or file."""
    match = _SITE.fullmatch(text)
    if not match:
        return ""
    host, parts = match["host"].lower(), match["path"].rstrip("/").split("/")
    if host in _HUB and len(parts) >= 2 and parts[0] not in _NO_ORG:
        return f"write hf:{_hub(parts)}"
    if host in _MODELSCOPE and parts[0] == "models" and len(parts) >= 3:
        return f"write ms:{parts[1]}/{parts[2]}"
    if host in _OLLAMA and len(parts) == 2:
        return f"write ollama:{'/'.join(parts).removeprefix('library/')}"
    return ""


def _hub(parts: list[str]) -> str:
    org, name, *rest = parts
    if len(rest) < 2 or rest[0] not in ("blob", "raw", "resolve", "tree"):
        return f"{org}/{name}"
    verb, revision, *path = rest
    text = f"{org}/{name}" if revision == "main" else f"{org}/{name}@{revision}"
    # what is shown of a folder is all that is in it
    path += ["*"] if verb == "tree" and path else []
    return "/".join([text, *(unquote(part) for part in path)])
