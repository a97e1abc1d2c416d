"""vLLM's own parser, asked where it is at hand: in this Python, or in the service's local image.

It takes a quarter of a minute to import, so all services of one place are asked at once. Where it
cannot answer, the linter's table does.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from stackctl import lint as core
from stackctl.model import StackError
from stackctl.system import process

#: runs by itself, wherever vLLM is; what it wants and answers stands in its docstring
SCRIPT = Path(__file__).parent.parent / "engines" / "vllm_parser.py"
#: vLLM's import on a slow disk, the image's start included
_TIMEOUT = 180.0
_TABLE = "stackctl's table of vLLM 0.32"

Arguments = Mapping[str, tuple[str, list[str]]]


def ask(arguments: Arguments) -> dict[str, core.Verdict]:
    """Verdicts by service. `arguments` are image and arguments by service."""
    known = {
        name: (image, words)
        for name, (image, words) in arguments.items()
        # a variable that nobody knows would be judged as if it were the value
        if not any("$" in word for word in words)
    }
    if not known or not SCRIPT.is_file():
        return {}
    if importlib.util.find_spec("vllm"):
        return _verdicts(known, [sys.executable, str(SCRIPT)], "vLLM {} in this Python")
    verdicts: dict[str, core.Verdict] = {}
    for image in sorted({image for image, _ in known.values() if image and _is_here(image)}):
        mine = {name: entry for name, entry in known.items() if entry[0] == image}
        argv = ["docker", "run", "--rm", "--network=none", "--pull=never", "--entrypoint=python3"]
        argv += [image, "-c", SCRIPT.read_text(encoding="utf-8")]
        verdicts |= _verdicts(mine, argv, f"vLLM {{}} in {image}")
    return verdicts


def judges(services: Iterable[core.Service], verdicts: Mapping[str, core.Verdict]) -> set[str]:
    """Who checked vLLM's flags, as the user is told."""
    names = [s.name for s in services if s.invocation and s.invocation.engine == "vllm"]
    return {verdicts[name].by if name in verdicts else _TABLE for name in names}


def _is_here(image: str) -> bool:
    try:
        return process.run(["docker", "image", "inspect", image], timeout=20).code == 0
    except StackError:
        return False


def _verdicts(arguments: Arguments, argv: list[str], by: str) -> dict[str, core.Verdict]:
    asked = json.dumps({"argv": [words for _, words in arguments.values()]})
    try:
        answer = json.loads(process.run([*argv, asked], timeout=_TIMEOUT).out)
        errors = [[str(error)] if error else [] for error in answer["errors"]]
        who = by.format(answer["version"])
    except (StackError, ValueError, LookupError, TypeError):
        return {}
    return {
        name: core.Verdict(who, tuple(found))
        for name, found in zip(arguments, errors, strict=False)
    }
