"""Why an engine failed, from its log: the root cause if it is known, else the first error."""

from __future__ import annotations

import re
from itertools import takewhile

from stackctl.catalogue.mask import masked
from stackctl.catalogue.match import UNKNOWN, bare, find, first, is_pointer
from stackctl.engines.failures.pointers import POINTERS
from stackctl.model import Explanation, Failure

#: characters of a log's end in which an unknown failure is looked for: a crash of eight workers
_END = 1 << 17
#: lines of an unknown failure that are shown before its error and after it
_BEFORE, _AFTER = 2, 2
_LONGEST = 300

#: not `INFO: …`, which is a line of another process
_EXCEPTION = re.compile(r"(?:\w+\.)*(?=\w*[a-z])[A-Z]\w*(?::|\s*$)")
_ERROR = re.compile(
    r"\b(?:ERROR|FATAL|CRITICAL|E[a-z]*rror:|[Ff]atal|panic:|[Aa]ssertion .*failed|GGML_ASSERT"
    r"|terminate called|Segmentation fault|SIG[A-Z]{3,4}|Aborted|core dumped|level=ERROR)\b"
    r"|(?:^|[ \]])(?:error|panic|FATAL|ERROR)[: ]|^[\d.]+ E |: error:|\[E\]"
    r"|\b(?:failed|cannot|could not|unable) to\b|command not found|: not found$"
)
#: what programs say after an error of their own, or of a child
_AFTERMATH = re.compile(
    r"Traceback \(most recent|direct cause of the following|During handling of the above"
    r"|ChildFailedError|CalledProcessError|ProcessRaisedException|SystemExit|CancelledError"
    r"|KeyboardInterrupt|resource_tracker|leaked \w+ objects|destroy_process_group"
)
#: below a line of code in a traceback
_MARKS = re.compile(r"[\s^~]*")


def explain(log: str, failures: tuple[Failure, ...]) -> tuple[Explanation, ...]:
    """The known failures of a log, each once, the root cause first.

    Where all that is known is that something failed before, that is looked for.
    """
    found = find(log, failures)
    causes = tuple(hit.explanation for hit in found if not is_pointer(hit))
    if causes or not found:
        return causes
    seen = unknown(log)
    return (seen,) if seen else (found[0].explanation,)


def unknown(log: str) -> Explanation | None:
    """The first error of a log that nothing in the catalogue explains, with what is around it.

    The error is the exception of the innermost traceback, which Python prints first; without one,
    the first line that says error. None if no line does. Only of use once an engine has ended, or
    waits no more: running engines write errors that they survive.
    """
    lines = [line for line in log[-_END:].splitlines() if not _MARKS.fullmatch(bare(line))]
    at = _exception(lines)
    if at is None:
        at = next((n for n, line in enumerate(lines) if _is_error(line)), None)
    if at is None:
        return None
    after = takewhile(lambda line: not _is_aftermath(line), lines[at + 1 : at + 1 + _AFTER])
    shown = (*lines[max(0, at - _BEFORE) : at + 1], *after)
    return Explanation(
        "\n".join(masked(bare(line).rstrip())[:_LONGEST] for line in shown),
        UNKNOWN,
        "`stackctl logs ROLE` shows the lines around it; then `stackctl restart ROLE`",
    )


def _exception(lines: list[str]) -> int | None:
    """The line of the first exception that is not the aftermath of another, if any."""
    inside = False
    for n, line in enumerate(lines):
        if "Traceback (most recent call last)" in line:
            inside = True
        elif inside and _EXCEPTION.match(bare(line)):
            if not _is_aftermath(line):
                return n
            inside = False
    return None


def _is_error(line: str) -> bool:
    return _ERROR.search(line) is not None and not _is_aftermath(line)


def _is_aftermath(line: str) -> bool:
    return _AFTERMATH.search(line) is not None or first(line, POINTERS) is not None
