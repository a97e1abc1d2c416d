"""What can go wrong: a failure that ends the command, a fact that could not be had."""

from __future__ import annotations

from dataclasses import dataclass


class StackError(Exception):
    """A failure that we understand: what is wrong, and what to do about it.

    `exit_code` is 1 for a failure of the box, 2 for a mistake in what the user typed or wrote.
    """

    def __init__(self, message: str, *, fix: str = "", exit_code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A fact that could not be had, and why. `code` is machine readable, e.g. `nvml:999`."""

    reason: str
    code: str = ""


NOT_ASKED = Unavailable("not asked")
