"""The service: `python -m uvicorn stackctl.emulation.app:app`. docs/tools.md says what it does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from stackctl.emulation import settings
from stackctl.emulation.engines import Engines
from stackctl.emulation.service import Service


def create(chosen: settings.Settings, address: Callable[[str], str]) -> Starlette:
    """`address`: the URL of an engine of a name."""
    engines = Engines(address)

    @asynccontextmanager
    async def life(_app: Starlette) -> AsyncIterator[None]:
        yield
        await engines.close()

    made = Starlette(lifespan=life)
    # of no path of an engine's are we to know beforehand
    made.router.default = Service(engines, chosen)
    return made


def in_compose(name: str) -> str:
    """Where every engine listens inside its container."""
    return f"http://{name}:8000"


app = create(settings.read(), in_compose)
