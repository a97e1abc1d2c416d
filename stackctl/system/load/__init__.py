"""Load on OpenAI-compatible APIs: raw HTTP/1.1 over asyncio, fast enough not to measure itself."""

from stackctl.system.load.client import fire, probe

__all__ = ["fire", "probe"]
