"""What the steps say of the promised window: findings, and which window to choose. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from stackctl.model import Finding, Severity
from stackctl.proofs.context.prompt import DEPTHS
from stackctl.proofs.context.step import Step
from stackctl.proofs.kinds import KINDS
from stackctl.proofs.kinds import fix as typed

CHECK = "prove.context"
#: per cent of the promised window
_WHOLE = 100
#: what a prompt that leaves room for an answer takes of a window, at least
_ANSWERED = 0.7
#: of five needles, one may be missed by a model that is well
_MISSED = 1
#: the seed's table: tokens, pages of A4, and for what
PURPOSES = (
    (8192, 3, "short questions and answers"),
    (32768, 12, "chat, questions and answers"),
    (65536, 25, "summaries of documents, code"),
    (131072, 50, "long documents as a whole, large code bases"),
)


@dataclass(frozen=True, slots=True)
class Way:
    """The steps of one way to a model. `promised`: tokens. `beyond`: a prompt longer than that.
    `stopped`: why longer ones were not tried. `late`: seconds that the first token may take."""

    name: str
    way: str
    promised: int
    steps: tuple[Step, ...]
    beyond: Step | None = None
    stopped: str = ""
    rigged: bool = False
    role: str = ""
    late: float | None = None

    @property
    def proven(self) -> int:
        """Tokens of the longest prompt that was taken whole, with room for its answer."""
        return max((s.sent for s in self.steps if s.holds), default=0)

    @property
    def recalls(self) -> bool:
        """Whether any needle was ever found: if not, this model does not look for them."""
        return any(any(step.found) for step in self.steps)

    @property
    def flat(self) -> int | None:
        """The number of tokens at which prompts of different lengths are cut."""
        cut = [s for s in (*self.steps, *filter(None, [self.beyond])) if s.cut]
        same = (a.counted for a, b in pairwise(cut) if a.counted == b.counted)
        return next(same, None)


def findings(way: Way) -> list[Finding]:
    """What is wrong, worst first."""
    return [*_troubles(way), *_cuts(way), *_needles(way), *_late(way), *_stop(way)]


def advice(way: Way) -> list[str]:
    """Which window to choose, in words."""
    best = _usable(way)
    if not best:
        return ["no window can be advised: not even the shortest prompt passed"]
    fitting = [row for row in PURPOSES if row[0] <= best]
    tokens, pages, purpose = fitting[-1] if fitting else (best, 0, "short questions and answers")
    about = f", about {pages} pages of A4" if pages else ""
    lines = [f"good for: {purpose} ({tokens} tokens{about})"]
    for size, _, what in PURPOSES:
        if size <= best and (seconds := first_token_at(way, size)) is not None:
            lines.append(f"a full prompt of {size} tokens ({what}): first token in {seconds:.1f} s")
    if best == max(step.sent for step in way.steps) < way.promised:
        lines.append(f"promised {way.promised}: prompts of more than {best} tokens were not tried")
    elif best < way.promised:
        name = f"{way.role.upper()}_CONTEXT" if way.role else "the context window"
        lines.append(f"promised {way.promised}, usable {best}: set {name}={best // 256 * 256}")
    return lines


def first_token_at(way: Way, tokens: int) -> float | None:
    """Seconds to the first token of a prompt of so many tokens, between two steps by a line."""
    known = [(s.sent, s.first) for s in way.steps if s.holds and s.first is not None]
    known.sort()
    for (a, at_a), (b, at_b) in pairwise(known):
        if a <= tokens <= b and b > a:
            return at_a + (at_b - at_a) * (tokens - a) / (b - a)
    # a prompt that fills the window leaves room for the answer
    if known and known[-1][0] < tokens <= 1.1 * known[-1][0]:
        return known[-1][1]
    return None


def _usable(way: Way) -> int:
    """The window up to which all is well: that of a step, or what the engine itself names."""
    best = 0
    for step in sorted(way.steps, key=lambda s: s.sent):
        lost = way.recalls and step.found.count(False) > _MISSED
        slow = way.late is not None and (step.first or 0.0) > way.late
        if not step.holds or lost or slow:
            break
        best = way.promised if step.percent >= _WHOLE else step.sent
    if best and way.flat:
        return way.flat
    named = next((s.limit for s in way.steps if s.refused and s.limit), None)
    # the prompt that was tried below it left room for its answer
    return named if named and _ANSWERED * named < best < named else best


def _troubles(way: Way) -> Iterator[Finding]:
    failed = [step for step in way.steps if step.trouble]
    if not failed:
        return
    step = failed[0]
    assert step.trouble
    if step.refused:
        real = f"the engine says {step.limit}" if step.limit else f"below {step.sent}"
        yield _finding(
            way,
            "window-smaller",
            f"promised {way.promised} tokens; {step.sent} are refused, {way.proven} are taken "
            f"({real})",
            step.trouble.evidence,
            "the engine runs with a smaller window than its label says, or divides it among slots",
            "raise the engine's window, or lower ROLE_CONTEXT in env/stack.env, then: "
            "stackctl up ROLE",
            {"limit": step.limit, "proven": way.proven},
        )
        return
    kind = KINDS[step.trouble.kind]
    said = f"{kind.id} at {step.sent} tokens ({step.percent} % of the window); {way.proven} passed"
    yield _finding(way, kind.id, said, step.trouble.evidence, kind.cause, kind.fix)


def _cuts(way: Way) -> Iterator[Finding]:
    flat = f"; always {way.flat}: that is the real window" if way.flat else ""
    if cut := [step for step in way.steps if step.cut]:
        first = cut[0]
        yield _finding(
            way,
            "window-cut",
            f"of {first.sent} tokens the engine took {first.counted}, without an error{flat}",
            "",
            "the prompt is longer than the real window, and the engine cuts it in silence",
            "raise ROLE_CONTEXT in env/stack.env (Ollama: OLLAMA_CONTEXT_LENGTH), then: "
            "stackctl up ROLE",
            {"sent": first.sent, "counted": first.counted, "flat": way.flat},
        )
    elif way.beyond and way.beyond.cut:
        yield _finding(
            way,
            "beyond-cut",
            f"a prompt beyond the window ({way.beyond.sent} tokens) is cut to "
            f"{way.beyond.counted} without an error",
            "",
            "the engine cuts what is too long instead of refusing it: clients never learn of it",
            "have clients compare usage.prompt_tokens with what they sent",
            {"sent": way.beyond.sent, "counted": way.beyond.counted},
            Severity.WARNING,
        )


def _needles(way: Way) -> Iterator[Finding]:
    whole = [step for step in way.steps if step.holds]
    if not whole or (way.rigged and not way.recalls):
        return
    lossy = [step for step in whole if not all(step.found)]
    if not lossy:
        return
    worst = max(lossy, key=lambda step: step.found.count(False))
    lost = [f"{d} %" for d, found in zip(DEPTHS, worst.found, strict=True) if not found]
    yield _finding(
        way,
        "needles-lost",
        f"at {worst.sent} tokens, needles at {', '.join(lost)} of the prompt are not found; "
        f"some are lost from {lossy[0].sent} tokens on"
        if way.recalls
        else f"no needle is found, not even in a prompt of {whole[0].sent} tokens",
        "",
        "the model does not use its whole window: too small for it, a wrong rope scaling, a "
        "quantized KV cache; or the prompt was cut and counted as whole",
        "lower ROLE_CONTEXT in env/stack.env to what is found, then: stackctl up ROLE",
        {"lost": len(lost), "from": lossy[0].sent},
        Severity.ERROR if len(lost) > _MISSED else Severity.WARNING,
    )


def _late(way: Way) -> Iterator[Finding]:
    slow = [s for s in way.steps if way.late and s.holds and (s.first or 0.0) > way.late]
    if slow:
        yield _finding(
            way,
            "first-token-late",
            f"the first token of {slow[0].sent} tokens takes {slow[0].first:.1f} s, more than "
            f"{way.late:g}",
            "",
            "reading the prompt takes that long on these GPUs",
            "a smaller window; stackctl verify ROLE, in case it is not wholly on its GPUs",
        )


def _stop(way: Way) -> Iterator[Finding]:
    if way.stopped:
        yield _finding(
            way,
            "stopped",
            f"longer prompts than {way.proven} tokens were not tried",
            way.stopped,
            "the box would swap or run out of memory",
            "make room (stackctl status), then prove it again",
            severity=Severity.WARNING,
        )


def _finding(
    way: Way,
    failure: str,
    summary: str,
    evidence: str,
    cause: str,
    fix: str,
    values: dict[str, int | None] | None = None,
    severity: Severity = Severity.ERROR,
) -> Finding:
    if not way.role:
        fix = fix.replace("ROLE_CONTEXT in env/stack.env", "the context window")
    told = {"failure": failure, "way": way.way, **(values or {})}
    return Finding(
        CHECK,
        severity,
        f"{way.name} ({way.way})",
        f"{failure}: {summary}",
        evidence,
        cause,
        typed(fix, way.role),
        told,
    )
