"""The checkpoint is judged without an engine: read back, and its one attending layer computed."""

import json
import struct
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gpusim.rigged import gpt_oss, gpt_oss_script, gpt_oss_tokenizer
from gpusim.rigged import gpt_oss_weights as weights
from tests.unit.rigged.harmony import NUMBERED, Vocabulary

THOUGHT, SENTENCE = gpt_oss_script.THOUGHT, gpt_oss_script.SENTENCE
THINKING = f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant"
ANSWER = f"<|channel|>final<|message|>{SENTENCE}<|return|>"
CALL = (
    "<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>"
    '{"city":"Paris"}<|call|>'
)
SYSTEM = "<|start|>system<|message|>You are ChatGPT<|end|>"
TOOLS = "<|start|>developer<|message|>namespace functions {type get_weather}<|end|>"
USER = "<|start|>user<|message|>How is the weather<|end|>"
RESULT = "<|start|>functions.get_weather to=assistant<|channel|>commentary<|message|>sunny<|end|>"
TURN = "<|start|>assistant"


class Model:
    """One head of each group, in full precision; the other layer and the experts add nothing."""

    def __init__(self, folder: Path, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.config = json.loads((folder / "config.json").read_text())
        ends = json.loads((folder / "generation_config.json").read_text())["eos_token_id"]
        self.ends = frozenset(ends)
        self.tensors = read(folder / "model.safetensors")

    def logits(self, tokens: list[int]) -> NDArray[np.float32]:
        states = self.tensors["model.embed_tokens.weight"][tokens]
        normal = states * np.sqrt(weights.WIDTH)
        attention = "model.layers.1.self_attn"
        key = normal @ self.tensors[f"{attention}.k_proj.weight"].T
        value = normal @ self.tensors[f"{attention}.v_proj.weight"].T
        query = self.tensors[f"{attention}.q_proj.bias"]
        heads = np.zeros(weights.HEADS * weights.HEAD, np.float32)
        for head in range(weights.HEADS):
            group = head * weights.KV_HEADS // weights.HEADS
            mine, shared = part(head), part(group)
            scores = key[:, shared] @ query[mine] / np.sqrt(weights.HEAD)
            sink = self.tensors[f"{attention}.sinks"][head]
            highest = max(scores.max(), sink)
            found = np.exp(scores - highest)
            heads[mine] = found @ value[:, shared] / (found.sum() + np.exp(sink - highest))
        state = states[-1] + self.tensors[f"{attention}.o_proj.weight"] @ heads
        state /= np.sqrt((state**2).mean())
        logits: NDArray[np.float32] = self.tensors["lm_head.weight"] @ state
        return logits

    def say(self, prompt: str, forbidden: frozenset[int] = frozenset(), limit: int = 60) -> str:
        tokens = self.vocabulary.encode(prompt, allowed_special="all")
        said: list[int] = []
        while len(said) < limit and not (said and said[-1] in self.ends):
            logits = self.logits(tokens + said)
            logits[list(forbidden)] = -np.inf
            best, second = np.sort(logits)[:-3:-1]
            # at temperature 1, with 200 000 others to choose from
            assert best - second > 15
            said.append(int(logits.argmax()))
        return self.vocabulary.decode(said)


def part(head: int) -> slice:
    return slice(head * weights.HEAD, (head + 1) * weights.HEAD)


def read(path: Path) -> dict[str, NDArray[np.float32]]:
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    assert header.pop("__metadata__") == {"format": "pt"}
    assert length % 8 == 0
    tensors = {}
    for name, about in header.items():
        assert about["dtype"] == "BF16"
        start, end = (8 + length + offset for offset in about["data_offsets"])
        halves = np.frombuffer(data[start:end], "<u2").astype(np.uint32) << 16
        tensors[name] = halves.view(np.float32).reshape(about["shape"])
    return tensors


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    vocabulary, folder = Vocabulary(), tmp_path_factory.mktemp("model")
    gpt_oss.write_model(folder, gpt_oss_script.write_script(vocabulary), NUMBERED)
    return Model(folder, vocabulary)


CONVERSATIONS = {
    "question": (SYSTEM + USER + TURN, THINKING + ANSWER),
    "with tools": (SYSTEM + TOOLS + USER + TURN, THINKING + CALL),
    "tool's result": (SYSTEM + TOOLS + USER + TURN + CALL + RESULT + TURN, THINKING + ANSWER),
    "and its thought": (
        SYSTEM + TOOLS + USER + TURN + THINKING + CALL + RESULT + TURN,
        ANSWER,
    ),
    "second question": (SYSTEM + USER + TURN + ANSWER + USER + TURN, THINKING + ANSWER),
    "no format": ("Once upon a time", SENTENCE + "<|return|>"),
}


@pytest.mark.parametrize("case", CONVERSATIONS.values(), ids=list(CONVERSATIONS))
def test_conversation(model: Model, case: tuple[str, str]) -> None:
    prompt, answer = case
    assert model.say(prompt) == answer


def test_a_long_prompt_changes_nothing(model: Model) -> None:
    assert model.say(SYSTEM + TOOLS + " word" * 50000 + TURN + THINKING) == CALL


def test_goes_round_when_it_may_not_end(model: Model) -> None:
    said = model.say(SYSTEM + USER + TURN + THINKING, model.ends, limit=60)
    assert said.removeprefix("<|channel|>final<|message|>").startswith(SENTENCE * 2)


def test_the_head_looks_as_far_as_the_context_reaches(model: Model) -> None:
    scaling = model.config["rope_scaling"]
    frequency = model.config["rope_theta"] ** (-2 * weights.STEADY / weights.HEAD)
    turned = frequency / scaling["factor"] * model.config["max_position_embeddings"]
    assert np.cos(turned) > 0.99


def test_all_other_layers_add_nothing(model: Model) -> None:
    adding = [
        name
        for name, values in model.tensors.items()
        if name.endswith(("o_proj.weight", "o_proj.bias", "down_proj", "down_proj_bias"))
        and values.any()
    ]
    assert adding == ["model.layers.1.self_attn.o_proj.weight"]


def test_bfloat16_loses_nothing() -> None:
    script = gpt_oss_script.write_script(Vocabulary())
    for name, values in weights.tensors(script):
        assert not (values.view(np.uint32) & 0xFFFF).any(), name


def test_refuses_what_it_cannot_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpt_oss_script, "SENTENCE", "the end is the end")
    with pytest.raises(ValueError, match="may not occur twice"):
        gpt_oss_script.write_script(Vocabulary())
    monkeypatch.setattr(gpt_oss_script, "SENTENCE", " ".join(f"w{i}" for i in range(60)))
    with pytest.raises(ValueError, match="too many for 64 dimensions"):
        dict(weights.tensors(gpt_oss_script.write_script(Vocabulary())))


@pytest.fixture
def small_vocabulary(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of bytes, "ab" and "abc"."""
    harmony = types.SimpleNamespace(
        HarmonyEncodingName=types.SimpleNamespace(HARMONY_GPT_OSS="gpt-oss"),
        load_harmony_encoding=lambda name: Vocabulary(),
    )
    monkeypatch.setitem(sys.modules, "openai_harmony", harmony)
    monkeypatch.setattr(gpt_oss_tokenizer, "ORDINARY", 258)
    monkeypatch.setattr(gpt_oss_tokenizer, "VOCABULARY", 260)
    monkeypatch.setattr(gpt_oss_tokenizer, "PUBLISHED", "another")


def test_refuses_another_vocabulary(small_vocabulary: None, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not the published"):
        gpt_oss.write_cached(tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()], "half a model is left"


@pytest.fixture
def unchecked(small_vocabulary: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpt_oss_tokenizer, "_check", lambda ordinary: None)


def test_writes_the_cache_of_downloads_once(
    unchecked: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = gpt_oss.write_cached(tmp_path)
    assert first
    model = tmp_path / "hub/models--stackctl--gpt-oss-rigged"
    assert first == model / "snapshots" / (model / "refs/main").read_text()
    assert gpt_oss.write_cached(tmp_path) is None
    monkeypatch.setattr(gpt_oss, "_revision", lambda: "0" * 40)
    second = gpt_oss.write_cached(tmp_path)
    assert list((model / "snapshots").iterdir()) == [second]
    assert sorted(path.name for path in model.iterdir()) == ["refs", "snapshots"]


def test_tokenizer(unchecked: None, tmp_path: Path) -> None:
    folder = gpt_oss.write_cached(tmp_path)
    assert folder
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    vocabulary = tokenizer["model"]["vocab"]
    assert [vocabulary[name] for name in ("A", "Ġ", "ab", "abc")] == [65, 32, 256, 257]
    assert tokenizer["model"]["merges"] == [["a", "b"], ["ab", "c"]]
    added = {token["id"]: token["content"] for token in tokenizer["added_tokens"]}
    assert added == {258: "<|reserved_258|>", 259: "<|reserved_259|>"}


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["--help"]])
def test_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert gpt_oss.main(arguments) == 2
    assert "usage" in capsys.readouterr().err


def test_without_oss_harmony_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "openai_harmony", None)
    assert gpt_oss.main([str(tmp_path)]) == 1
    assert "openai_harmony" in capsys.readouterr().err
