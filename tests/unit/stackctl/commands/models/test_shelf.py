"""Who wants which model: labels, engines' own, and errors that name the knob."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackctl.commands.models import shelf as module
from stackctl.commands.models.shelf import Shelf, Want, canonical, usual, wants
from stackctl.model import Kind, Source, StackError
from stackctl.models.source import parse
from tests.unit.stackctl.commands.models import lying
from tests.unit.stackctl.commands.models.lying import shelf

__all__ = ["shelf"]


def test_labels_win_over_the_engines_own(shelf: Shelf) -> None:
    own = wants((lying.service(shelf, "main", "vllm", "org/name"),))
    assert own == (Want(usual(Source(Kind.HUB, "org/name")), "", "main"),)
    named = wants((lying.service(shelf, "main", "vllm", "org/name", "hf:org/other", "ms:a/b"),))
    assert [want.source.name for want in named] == ["org/other", "a/b"]


def test_a_folder_before_a_source_lies_below_the_engines(shelf: Shelf) -> None:
    url = f"https://host/x.bin?a=b#sha256={'0' * 64}"
    texts = ("vae=hf:org/name/ae.safetensors", "hf:org/name/x.safetensors", url)
    made = wants((lying.service(shelf, "image", "comfyui", "", *texts),))
    assert [want.folder for want in made] == ["comfyui/vae", "comfyui", "comfyui"]
    assert made[2].source == parse(url)


def test_services_that_name_nothing(shelf: Shelf) -> None:
    image = lying.service(shelf, "image", "comfyui")
    own = lying.service(shelf, "main", "ollama", "tiny:1")
    strange = lying.service(shelf, "x", "no-such-engine", "m")
    assert wants((image, own, strange)) == (Want(Source(Kind.OLLAMA, "tiny:1"), "", "main"),)


@pytest.mark.parametrize(
    ("engine", "model", "sources", "words"),
    [
        ("llama-cpp", "x", ("gpt-oss",), "MAIN_SOURCE in env/stack.env"),
        ("llama-cpp", "x", ("vae=hf:org",), "MAIN_SOURCE in env/stack.env"),
        ("vllm", "no-org", (), "the model of main"),
    ],
)
def test_a_bad_label_is_told_by_its_knob(
    shelf: Shelf, engine: str, model: str, sources: tuple[str, ...], words: str
) -> None:
    with pytest.raises(StackError) as raised:
        wants((lying.service(shelf, "main", engine, model, *sources),))
    assert raised.value.message.startswith("main: ")
    assert words in raised.value.fix
    assert raised.value.exit_code == 2


def test_a_path_in_the_models_folder_has_one_name() -> None:
    folder = Path("/data/models")
    for text in ("file:/data/models/llama-cpp/x.gguf", "file:llama-cpp/x.gguf"):
        assert canonical(parse(text), folder).name == "llama-cpp/x.gguf"
    assert canonical(parse("file:/data/models"), folder).name == "/data/models"
    assert canonical(parse("file:/other/x"), folder).name == "/other/x"
    assert canonical(parse("hf:org/name"), folder) == parse("hf:org/name")


def test_what_a_user_names(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    lying.stack(monkeypatch, lying.service(shelf, "main", "vllm", "org/name"))
    (one, two) = module.named([f"file:{shelf.store.folder}/x.gguf", "main"], shelf)
    assert one.source.name == "x.gguf"
    assert two.service == "main"
    with pytest.raises(StackError, match="unknown role"):
        module.named(["nothing"], shelf)
    with pytest.raises(StackError, match="not among the models") as raised:
        module.locked(["main"], shelf)
    assert "stackctl models pull hf:org/name" in raised.value.fix
