"""What a choice makes of a role's variables, and that engines know the words."""

from __future__ import annotations

import pytest

from stackctl.lint.tables import vllm
from stackctl.tune.knobs import DRAFTS, DRAFTS_ALSO, KNOBS
from stackctl.tune.overlay import Current, label, missing, overlay
from stackctl.tune.space import Choice, Draft, Other

VLLM = Current("main", "vllm", "--seed 1 --max_num_seqs=64 -tp 2", 2)
OTHERS = {"llama-cpp": Other("gpt-oss-120b", "file:x.gguf", "--mlock")}
EAGLE = Draft("eagle3", 3, "org/draft")


def args(engine: str, own: str, choice: Choice) -> str | None:
    return overlay(Current("main", engine, own, 2), choice, {}).values.get("MAIN_ARGS")


@pytest.mark.parametrize(
    ("engine", "own", "choice", "words"),
    [
        ("vllm", "", {"kv-cache-dtype": "fp8"}, "--kv-cache-dtype fp8"),
        ("vllm", "--a 1 --max-num-seqs 4 --b", {"max-num-seqs": 8}, "--a 1 --b --max-num-seqs 8"),
        ("vllm", "--max_num_seqs=4", {"max-num-seqs": 8}, "--max-num-seqs 8"),
        ("vllm", "-ep --b", {"expert-parallel": False}, "--b"),
        ("sglang", "", {"expert-parallel": True}, "--ep-size 2"),
        ("sglang", "--ep 2", {"expert-parallel": False}, ""),
        ("vllm", "", {"gpu-memory-utilization": 0.9}, "--gpu-memory-utilization 0.9"),
        ("llama-cpp", "-np 2 -kvu", {"max-num-seqs": 4}, "--parallel 4 --kv-unified"),
        ("llama-cpp", "-fa on --x", {"flash-attention": False}, "--x --flash-attn off"),
        ("ollama", "OLLAMA_NUM_PARALLEL=1 A=2", {"max-num-seqs": 4}, "A=2 OLLAMA_NUM_PARALLEL=4"),
        ("vllm", '-sc {"a":1} --b', {"speculative": False}, "--b"),
        (
            *("vllm", "", {"speculative": EAGLE}),
            "--spec-method eagle3 --spec-model org/draft --spec-tokens 3",
        ),
        (
            *("sglang", "", {"speculative": EAGLE}),
            "--speculative-algorithm EAGLE3 --speculative-draft-model-path org/draft "
            "--speculative-num-steps 3 --speculative-eagle-topk 1 "
            "--speculative-num-draft-tokens 4",
        ),
        ("llama-cpp", "--threads 8 --x", {"args": "--threads 1"}, "--x --threads 1"),
        ("llama-cpp", "--x", {"args": ""}, None),
        ("vllm", "--x", {"context": 4096}, None),
        # nothing of it is this engine's
        ("llama-cpp", "--x", {"moe-backend": "marlin", "expert-parallel": True}, None),
        ("ollama", "", {"speculative": Draft("ngram", 4)}, None),
    ],
)
def test_words(engine: str, own: str, choice: Choice, words: str | None) -> None:
    assert args(engine, own, choice) == words


def test_variables_of_the_role() -> None:
    made = overlay(VLLM, {"context": 4096, "max-num-seqs": 128}, OTHERS)
    assert made.values == {
        "MAIN_CONTEXT": "4096",
        "MAIN_SLOTS": "128",
        "MAIN_ARGS": "--seed 1 -tp 2 --max-num-seqs 128",
    }


def test_another_engine_has_words_and_a_model_of_its_own() -> None:
    made = overlay(VLLM, {"engine": "llama-cpp", "moe-backend": "marlin"}, OTHERS)
    assert made.values == {
        "MAIN_ENGINE": "llama-cpp",
        "MAIN_MODEL": "gpt-oss-120b",
        "MAIN_SOURCE": "file:x.gguf",
        "MAIN_ARGS": "--mlock",
    }
    assert made.skipped == ("moe-backend",)
    assert missing(VLLM, ["vllm", "llama-cpp", "ollama"], OTHERS) == ["ollama"]


def test_what_is_left_out_is_told() -> None:
    assert overlay(Current("main", "transformers", "", 1), {"context": 1}, {}).skipped == (
        "context",
    )
    assert overlay(VLLM, {"split-mode": "row"}, {}).skipped == ("split-mode",)


def test_a_choice_in_words() -> None:
    assert label({}) == "current"
    assert label({"expert-parallel": True, "speculative": EAGLE}) == (
        "expert-parallel on, speculative eagle3 3"
    )


def test_vllm_knows_each_of_its_words() -> None:
    """As the linter's table has them, which its own parser agrees with."""
    spellings = [knob.engines["vllm"] for knob in KNOBS.values() if "vllm" in knob.engines]
    spellings += [by["vllm"] for by in DRAFTS.values()]
    texts = [f"{s.on} {s.off} {s.also}" for s in spellings] + [DRAFTS_ALSO["vllm"]]
    flags = [word for text in texts for word in text.split() if word.startswith("-")]
    assert len(flags) > 15
    assert [flag for flag in flags if not vllm.knows(flag)] == []
