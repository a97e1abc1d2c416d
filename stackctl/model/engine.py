"""What stackctl knows of an engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stackctl.model.errors import Unavailable
from stackctl.model.failure import Failure
from stackctl.model.observed import GpuProof, Progress, Served

#: JSON documents by the path they were fetched from; text for answers that are not JSON
Documents = Mapping[str, Any]

#: beside the paths: the container's log, for what an engine tells there and in no answer
LOG = "log"


def untold(_documents: Documents) -> str:
    """The version of an engine that does not tell it."""
    return ""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request to an engine. `file` is sent as multipart, `json` as a JSON body."""

    method: str
    path: str
    json: Mapping[str, Any] | None = None
    file: bytes | None = None
    form: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Engine:
    """Everything stackctl knows of one engine: data first, then the few pure functions it needs.

    `documents` are the paths to GET once it is ready. `load` makes it load its model, for engines
    that do so only when asked. `ask` makes it do one piece of real work and `read_answer` judges
    what came back. `version` is empty where the engine does not tell. `model_path` is where the
    model has to lie inside the container, `source` where it comes from if its owner names no other
    source, and `folder` where such files belong in the models' folder (empty: their publisher's
    own layout).
    """

    name: str
    title: str  # as its makers write it
    ready_path: str
    documents: tuple[str, ...]
    progress: Callable[[str], Progress]
    prove: Callable[[str, Documents], GpuProof | Unavailable]
    served: Callable[[Documents], Served | Unavailable]
    ask: Callable[[str], Request]  # model name -> request
    read_answer: Callable[[Any], str | Unavailable]
    version: Callable[[Documents], str] = untold
    load: Callable[[str], Request] | None = None
    model_path: Callable[[str], str] | None = None
    source: Callable[[str], str] | None = None
    folder: str = ""
    api: str = "text"  # what clients of the gateway use it for: text, audio, images, comfyui
    slots: int = 64  # requests at once, where its role names no number
    greedy: bool = False  # takes a share of the GPU, whatever its model needs
    strict: bool = False  # refuses a request that calls its model by an alias
    failures: tuple[Failure, ...] = ()
