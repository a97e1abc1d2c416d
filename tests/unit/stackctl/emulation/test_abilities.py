"""What is tried after an engine's error, and remembered."""

from __future__ import annotations

import pytest

from stackctl.emulation.abilities import Abilities, Form, Held, simpler


@pytest.mark.parametrize(
    ("form", "said", "then"),
    [
        (Form(), "The provided JSON schema contains features not supported", Form(Held.LOOSELY)),
        (Form(), "Failed to initialize samplers: failed to parse grammar", Form(Held.LOOSELY)),
        (Form(Held.LOOSELY), "response_format is not supported", Form(Held.NOT)),
        (Form(Held.NOT), "response_format is not supported", None),
        (Form(), "System role not supported", Form(folded=True)),
        (Form(Held.NOT), "System role not supported", Form(Held.NOT, folded=True)),
        (Form(folded=True), "System role not supported", None),
        (Form(), "maximum context length is 8192 tokens", None),
        (Form(), "model not found", None),
    ],
)
def test_what_is_tried_next(form: Form, said: str, then: Form | None) -> None:
    assert simpler(form, said) == then


def test_it_is_remembered_for_a_while_and_not_for_ever() -> None:
    clock = [0.0]
    known = Abilities(lambda: clock[0])
    known.learn("main", "a", Form(Held.NOT))
    assert known.of("main", "a") == Form(Held.NOT)
    assert known.of("main", "b") == known.of("coder", "a") == Form()
    clock[0] = 601.0
    assert known.of("main", "a") == Form()


def test_memory_is_bounded() -> None:
    known = Abilities(lambda: 0.0)
    for i in range(3000):
        known.learn("main", str(i), Form(Held.NOT))
    assert known.of("main", "0") == Form()
    assert known.of("main", "2999") == Form(Held.NOT)
