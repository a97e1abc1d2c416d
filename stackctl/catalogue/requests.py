"""What goes wrong with requests while the engine itself is well.

Not among the engines' failures, since engines survive it. To be asked when an answer fails: of the
answer's text, then of the log.
"""

from __future__ import annotations

from stackctl.model import Failure, Sure, Where

_AT = (Where.ANSWER,)

REQUESTS: tuple[Failure, ...] = (
    Failure(
        "tools-off",
        r'"auto\\?" tool choice requires --enable-auto-tool-choice',
        "tools were sent to a vLLM that was not told how its model calls them",
        "add to ROLE_ARGS in env/stack.env: --enable-auto-tool-choice --tool-call-parser openai "
        "--reasoning-parser openai_gptoss (gpt-oss); `stackctl lint` knows other models' parsers",
        _AT,
        source="vllm-project/vllm #22386",
    ),
    Failure(
        "harmony-header",
        r"unexpected tokens remaining in message header"
        r"|Unexpected token \d+ while expecting start token",
        "gpt-oss wrote something that the parser of its format does not take: a fault of the "
        "engine's version, old files of the model, or a request with ignore_eos",
        "`stackctl models verify`; `stackctl models update`; take a newer image (env/images.env); "
        "leave ignore_eos out of requests",
        _AT,
        sure=Sure.POSSIBLE,
        source="vllm-project/vllm #22515 #22519 #23567 #51977",
    ),
    Failure(
        "context-cut",
        r"truncating input prompt|no user query found in messages",
        "Ollama cuts a prompt that is longer than its context window, without an error; num_ctx in "
        "a request does not count on /v1",
        "raise the role's context in env/stack.env (OLLAMA_CONTEXT_LENGTH), then `stackctl up "
        "ROLE`",
        _AT,
        source="ollama/ollama #18107; microsoft/vscode #255164",
    ),
    Failure(
        "context-exceeded",
        r"exceeds the available context size|maximum context length (?:is|\(\d)",
        "the request is longer than the context window",
        "shorten it, or raise the role's context in env/stack.env, then `stackctl up ROLE`",
        _AT,
        source="llama.cpp b11669; vLLM 0.32",
    ),
    Failure(
        "context-divided",
        r"n_ctx_(?:per_)?seq \(\d+\) < n_ctx_train",
        "llama.cpp divides its context among its slots: each request has only its part",
        "raise --ctx-size to slots times the wanted context, or lower --parallel: "
        "compose/engines/llama-cpp.yaml",
        _AT,
        sure=Sure.LIKELY,
        source="llama.cpp: llama-context.cpp",
    ),
)
