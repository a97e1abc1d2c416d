"""What a rule finds: a place in a text, what is wrong there, and the edit that corrects it."""

from __future__ import annotations

from dataclasses import dataclass, field

from stackctl.model import Finding, Severity


@dataclass(frozen=True, slots=True)
class Source:
    """A file, or a command line, as it was read. `name` is how the user calls it."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a source: `start` and `end` are offsets in its text."""

    source: Source
    start: int
    end: int

    @property
    def line(self) -> int:
        return self.source.text.count("\n", 0, self.start) + 1

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line}"


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace a piece of a source by `text`."""

    span: Span
    text: str


Edits = tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding of the linter.

    `edits` correct it. They are written by `--fix` only when `safe`: when no decision of the owner
    is in them. `advice` stands in where no edit can be made, e.g. in a shared anchor.
    """

    rule: str
    severity: Severity
    service: str
    span: Span
    summary: str
    why: str
    edits: Edits = ()
    safe: bool = False
    advice: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What stays the same of an issue while the text around it changes."""
        return (self.rule, self.service, self.summary)

    @property
    def fixable(self) -> bool:
        return self.safe and bool(self.edits)

    def finding(self, lines: list[str]) -> Finding:
        """In the vocabulary that every command of stackctl reports in."""
        name = f"{self.service}: " if self.service else ""
        return Finding(
            self.rule,
            self.severity,
            str(self.span),
            name + self.summary,
            cause=self.why,
            fix="\n".join(lines) or self.advice,
            values={
                "file": self.span.source.name,
                "line": self.span.line,
                "service": self.service,
                "fixable": self.fixable,
            },
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What vLLM's own parser said of a service's arguments; `by` names where it ran."""

    by: str
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What is known besides the text: the GPUs' memory, and vLLM's own verdicts by service."""

    gpu_mib: int = 0
    verdicts: dict[str, Verdict] = field(default_factory=dict)
