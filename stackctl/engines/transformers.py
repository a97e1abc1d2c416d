"""`transformers serve`. It tells nothing of devices: the driver's word is the only proof.

Formats: transformers 5.19, run on its CPU build.
"""

from __future__ import annotations

import re

from stackctl.engines import hub, openai
from stackctl.engines.failures import transformers as failures
from stackctl.model import LOG, Documents, Engine, GpuProof, Progress, Served, Unavailable

_SHARDS = re.compile(r"Loading (?:checkpoint shards|weights): +(\d+)%")
# the model it was started for: `[transformers] Loading openai/gpt-oss-20b@main`
_PINNED = re.compile(r"\[transformers\] Loading (\S+)@\S+")


def prove(_log: str, _documents: Documents) -> GpuProof | Unavailable:
    return Unavailable("transformers does not say where the model is", "ask-driver")


def served(documents: Documents) -> Served | Unavailable:
    """/v1/models lists all that is in the cache; only the model of the log is served."""
    pinned = _PINNED.search(str(documents.get(LOG, "")))
    if pinned:
        return Served((pinned[1],), None)
    models = openai.model_ids(documents.get("/v1/models"))
    return Served(models, None) if models else Unavailable("/v1/models lists no model")


def progress(log: str) -> Progress:
    if "Application startup complete" in log:
        return Progress("loaded", 100)
    if shards := _SHARDS.findall(log):
        return Progress("loading weights", int(int(shards[-1]) * 0.9))
    return Progress("starting", 0)


ENGINE = Engine(
    name="transformers",
    title="transformers",
    ready_path="/health",
    documents=("/v1/models",),
    progress=progress,
    prove=prove,
    served=served,
    ask=openai.ask,
    read_answer=openai.read_answer,
    model_path=hub.model_path,
    source=hub.source,
    failures=failures.FAILURES,
    slots=4,
    strict=True,
)
