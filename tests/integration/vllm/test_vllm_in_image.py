"""What is asked of the image without starting an engine: its parser, and the tokenizer's files."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from gpusim.rigged.gpt_oss import NAME
from stackctl.engines import vllm_parser
from tests.integration.vllm.fragment import MODELS, words

pytestmark = pytest.mark.docker

OLD_FLAGS = {
    "--swap-space 4": "unrecognized arguments: --swap-space 4",
    "--disable-log-requests": "unrecognized arguments: --disable-log-requests",
    "--tensor-parallel-size two": "argument --tensor-parallel-size/-tp: invalid int value: 'two'",
    "--enable-auto-tool-choice": (
        "TypeError: Error: --enable-auto-tool-choice requires --tool-call-parser"
    ),
}
TEXTS = """\
hello world, this is a Test123!
  Übergrößenträger 日本語のテキスト 🙂 don't  WE'LL

\t indented(code[0]) += 1_000_000;   \r\n
<|start|>assistant<|channel|>final<|message|>hi<|return|>"""
COMPARE = """
import sys, tokenizers, openai_harmony as harmony
files, text = sys.argv[1:]
real = harmony.load_harmony_encoding(harmony.HarmonyEncodingName.HARMONY_GPT_OSS)
ours = tokenizers.Tokenizer.from_file(files + "/tokenizer.json")
tokens = ours.encode(text).ids
assert tokens == real.encode(text, allowed_special="all"), tokens
assert ours.decode(tokens, skip_special_tokens=False) == text, ours.decode(tokens)
assert ours.get_vocab_size() == 201088
"""


def python(image: str, script: str, *arguments: str) -> str:
    done = subprocess.run(
        [
            *("docker", "run", "--rm", "--interactive", "--network", "none"),
            *("--volume", f"{MODELS}:/models:ro", "--entrypoint", "python3"),
            *(f"stackctl/{image}:1", "-", *arguments),
        ],
        input=script,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_vllms_own_parser_judges_command_lines(image: str, tmp_path: Path) -> None:
    serve, *ours = words("vllm", "vllm", tmp_path)
    assert (serve, ours[0]) == ("serve", NAME)
    commands = [ours, *([NAME, *flags.split()] for flags in OLD_FLAGS)]
    script = Path(vllm_parser.__file__).read_text()
    answer = json.loads(python(image, script, json.dumps({"argv": commands})))
    assert answer == {"version": "0.32.0+cpu", "errors": [None, *OLD_FLAGS.values()]}


def test_the_tokenizer_is_the_real_one(image: str) -> None:
    model = MODELS / f"huggingface/hub/models--{NAME.replace('/', '--')}"
    snapshot = model / "snapshots" / (model / "refs/main").read_text()
    python(image, COMPARE, f"/models/{snapshot.relative_to(MODELS)}", TEXTS)
