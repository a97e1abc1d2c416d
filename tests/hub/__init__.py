"""A stand-in for the publishers of models, that can also misbehave on purpose.

`with Hub(folder) as hub:` speaks Hugging Face, ModelScope, Ollama and plain HTTP on loopback.
"""

from tests.hub.faults import (
    FOREVER,
    ClockSkew,
    Cut,
    Fault,
    Flip,
    Html,
    NoLength,
    NoRange,
    NotJson,
    RedirectLoop,
    Reset,
    ShortLength,
    Slow,
    Stall,
    Status,
    WrongRange,
    WrongSize,
    Zeros,
)
from tests.hub.hub import Hub
from tests.hub.messages import Served
from tests.hub.repo import Blob, Commit, Repo

__all__ = [
    "FOREVER",
    "Blob",
    "ClockSkew",
    "Commit",
    "Cut",
    "Fault",
    "Flip",
    "Html",
    "Hub",
    "NoLength",
    "NoRange",
    "NotJson",
    "RedirectLoop",
    "Repo",
    "Reset",
    "Served",
    "ShortLength",
    "Slow",
    "Stall",
    "Status",
    "WrongRange",
    "WrongSize",
    "Zeros",
]
