"""The Hub's chunk store, Xet: faster than HTTP for large files, and the only way to some of them.

hf_xet checks the size of what it brings and not the content. So its bytes go the way of all others:
into a part, where they are hashed and kept for the next run; a file that comes out wrong is fetched
again over HTTP.
"""

from stackctl.system.xet.feed import Feed

__all__ = ["Feed"]
