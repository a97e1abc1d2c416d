"""Models that are on the disk already, whoever brought them, and what their bringer left beside
them: whose they are, which revision, and the hashes that the publisher stated.

Reads names, sizes and small files; never the models themselves. Nothing here asks a network.
"""

from stackctl.models.adoption.found import Found, Piece, narrowed
from stackctl.models.adoption.search import at, discover, whole

__all__ = ["Found", "Piece", "at", "discover", "narrowed", "whole"]
