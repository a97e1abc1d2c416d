"""The context window is set, and is one that the model has.

Sources: Ollama 0.33 `routes.go` chooses it by the total VRAM (4096, 32768, 262144); llama.cpp's
`-c` is divided by `-np`, and `--fit` may shrink it; vLLM 0.32 refuses one beyond the model's.
"""

from __future__ import annotations

from collections.abc import Iterable

from stackctl.lint import edit_words
from stackctl.lint.command import spelling
from stackctl.lint.interpolate import known
from stackctl.lint.issue import Edits, Issue, Span
from stackctl.lint.rules.base import WARNING, Rule, each, issue
from stackctl.lint.service import Service, number
from stackctl.lint.tables.engines import FLAGS
from stackctl.lint.tables.models import GPT_OSS

#: what sets the context besides a flag
_VARIABLES = {"ollama": "OLLAMA_CONTEXT_LENGTH", "llama-cpp": "LLAMA_ARG_CTX_SIZE"}
_WHY = {
    "ollama": "Ollama chooses by the size of the GPUs, 4096 tokens on a small one, and cuts longer "
    "prompts without a word",
    "llama-cpp": "llama.cpp takes what fits beside the model, and divides it by its slots",
}
_DEFAULT_WHY = "whether the model's whole context fits shows only after minutes of loading"
#: by another engine's flag it is set as well, which another rule has an opinion on
_SPELLINGS = {name for names in FLAGS["context"].values() for name in names}
#: flags and variables that stretch a context on purpose
_STRETCHED = ("--hf-overrides", "--rope-scaling", "--json-model-override-args", "--yarn-orig-ctx")


def _given(service: Service) -> tuple[str, Span | None]:
    """The context as it is written, and where."""
    call = service.invocation
    flag = call.find("context") if call else None
    if flag:
        return flag.value or "?", flag.words[0].span
    name = _VARIABLES.get(service.engine, "")
    if call and name in call.env:
        return call.env[name][0] or "?", call.env[name][1].span
    if name in service.env:
        return service.env[name].text, service.env[name].span
    return "", None


def _missing(service: Service) -> Iterable[Issue]:
    if not service.invocation and service.engine != "ollama":
        return
    if service.engine not in _VARIABLES and not spelling("context", service.engine):
        return
    call = service.invocation
    if _given(service)[0] or (call and any(call.named(name) for name in _SPELLINGS)):
        return
    family = service.family
    context = family.context if family else 0
    # Ollama cuts it down to the model's own, so that the largest is right for every model
    context = context or (GPT_OSS.context if service.engine == "ollama" else 0)
    yield issue(
        "context.missing",
        service,
        "no context window is set",
        _WHY.get(service.engine, _DEFAULT_WHY),
        severity=WARNING,
        span=service.command_span if service.kind == "process" else None,
        edits=_set(service, context) if context else None,
        safe=True,
        advice=_advice(service, context or "TOKENS"),
    )


def _set(service: Service, context: int) -> Edits | None:
    if service.engine == "ollama":
        return service.editor.set_env(_VARIABLES["ollama"], str(context))
    if service.invocation is None:
        return None
    return edit_words.add(service.invocation, spelling("context", service.engine), str(context))


def _advice(service: Service, context: int | str) -> str:
    if service.engine == "ollama":
        return f"OLLAMA_CONTEXT_LENGTH={context}"
    return f"{spelling('context', service.engine)} {context}"


def _too_long(service: Service) -> Iterable[Issue]:
    text, span = _given(service)
    family, context = service.family, number(text)
    if not family or not family.context or context is None or context <= family.context:
        return
    call = service.invocation
    if "VLLM_ALLOW_LONG_MAX_MODEL_LEN" in service.env or (
        call and any(call.named(name) for name in _STRETCHED)
    ):
        return
    flag = call.find("context") if call else None
    edits = (
        edit_words.set_value(flag, str(family.context))
        if flag
        else service.editor.set_env(_VARIABLES.get(service.engine, ""), str(family.context))
        if _VARIABLES.get(service.engine) in service.env
        else None
    )
    yield issue(
        "context.too-long",
        service,
        f"{context} tokens are more than {family.name}'s {family.context}",
        "the engine refuses to start, or answers nonsense beyond what the model was trained for",
        span=span,
        edits=edits,
        safe=True,
        advice=_advice(service, family.context),
    )


def _slots(service: Service) -> Iterable[Issue]:
    slots = service.flag_number("slots")
    context, promised = (
        number(_given(service)[0]),
        number(service.labels.get("stackctl.context", "")),
    )
    if service.engine != "llama-cpp" or not slots or not context or not promised:
        return
    call = service.invocation
    if call and any(call.named(name) for name in ("--kv-unified", "-kvu")):
        return  # one cache for all of them, and each may fill it
    if context // slots < promised and known(str(context)):
        yield issue(
            "context.slots",
            service,
            f"{context} tokens over {slots} slots are {context // slots} for a request, "
            f"and {promised} are promised",
            "llama.cpp divides --ctx-size by --parallel",
            span=_given(service)[1],
            advice=f"--ctx-size {promised * slots}, --kv-unified, or --parallel 1",
        )


RULES = (
    Rule("context.missing", "the context window is set", each(_missing)),
    Rule("context.too-long", "the model has that much context", each(_too_long)),
    Rule("context.slots", "each slot has the context that is promised", each(_slots)),
)
