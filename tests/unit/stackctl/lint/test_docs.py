"""docs/lint.md shows what the tool does today."""

from __future__ import annotations

from stackctl.model import Severity
from tests.unit.stackctl.lint.documents import DOCUMENT, examples, regenerated
from tests.unit.stackctl.lint.linting import GOLDEN


def test_the_document_is_what_the_tool_writes() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    assert regenerated(document) == document, "python -m tests.unit.stackctl.lint.documents"


def test_what_the_guides_typed_comes_out_without_an_error() -> None:
    found = examples(DOCUMENT.read_text(encoding="utf-8"))
    assert len(found) >= 9
    assert not [issue for _, left in found for issue in left if issue.severity is Severity.ERROR]


def test_the_documents_files_are_the_golden_ones() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    for name in ("ollama-first.yml", "ollama-first.fixed.yml", "ollama-last.yml"):
        assert (GOLDEN / name).read_text(encoding="utf-8") in document
