"""Structure of model files, read from their headers: is all there that the headers promise?

Costs milliseconds whatever the size of the files. It finds a broken download, a web page saved as a
model, a Git LFS pointer, holes and missing shards; it does not find wrong bytes, only a hash does.
A JSON file beyond 1 MiB, as a tokenizer is, is judged by its two ends.

Silence proves little, a word must be true: what is found stops `up`. So what is not known, or not
ours to read, is not judged.
"""

from stackctl.models.formats.file import structure
from stackctl.models.formats.model import scan

__all__ = ["scan", "structure"]
