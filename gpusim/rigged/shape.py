"""What tells one rigged language model from another."""

from dataclasses import dataclass

CONTEXT = 131072
# One head this small keeps the KV cache of the whole context at a few hundred MiB.
HEAD = 16


@dataclass(frozen=True)
class Shape:
    name: str
    layers: int
    sentence: str

    def kv_cache_bytes(self) -> int:
        """K and V at f16 for the whole context, as llama.cpp allocates them."""
        return 2 * 2 * HEAD * CONTEXT * self.layers
