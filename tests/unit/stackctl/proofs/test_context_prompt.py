"""Prompts of a set length, with needles where they are said to be."""

from __future__ import annotations

import pytest

from stackctl.proofs.context.prompt import DEPTHS, Prompt, build, fit, found


def words(prompt: Prompt) -> int:
    return len(prompt.text.split())


@pytest.mark.parametrize("notes", [0, 1, 7, 1000])
def test_every_needle_is_in_it_at_its_depth(notes: int) -> None:
    prompt = build(notes, 1)
    lines = prompt.text.splitlines()
    at = [next(n for n, line in enumerate(lines) if code in line) for code in prompt.codes]
    assert at == sorted(at)
    assert len(set(prompt.codes)) == len(DEPTHS)
    for depth, line in zip(DEPTHS, at, strict=True):
        assert abs((line - 2) / (notes + 5) - depth / 100) <= 5 / (notes + 5)


def test_another_seed_differs_from_the_first_note_on() -> None:
    first, second = (build(50, seed).text.splitlines()[3] for seed in (1, 2))
    assert first != second
    assert build(50, 1) == build(50, 1)


@pytest.mark.parametrize("tokens", [200, 512, 4000, 131072])
@pytest.mark.parametrize("each", [1, 3.7])
def test_it_fits(tokens: int, each: float) -> None:
    asked = 0

    def count(prompt: Prompt) -> int:
        nonlocal asked
        asked += 1
        return round(each * words(prompt)) + 9

    prompt, size = fit(tokens, 3, count)
    assert size == round(each * words(prompt)) + 9
    if tokens > 200 * each:
        assert tokens - 15 * each < size <= tokens
    assert asked <= 8


def test_the_shortest_may_be_longer_than_wished() -> None:
    prompt, size = fit(1, 3, words)
    assert prompt == build(0, 3)
    assert size > 1


def test_found() -> None:
    prompt = build(9, 4)
    assert found(prompt, f"Lima: {prompt.codes[0]}, Riga {prompt.codes[4]}") == (
        *(True, False, False, False),
        True,
    )
    assert not any(found(prompt, ""))
