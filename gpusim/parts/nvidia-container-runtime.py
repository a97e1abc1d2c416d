#!/usr/bin/python3 -IS
"""The old nvidia-container-runtime: adds the prestart hook to a new container, then becomes runc.

It stands alone: it is installed as a copy and runs without the repository.
"""

import json
import os
import shutil
import sys

HOOK = "nvidia-container-runtime-hook"


def bundle_directory(arguments: list[str]) -> str:
    for place, argument in enumerate(arguments):
        if argument in ("--bundle", "-b") and place + 1 < len(arguments):
            return arguments[place + 1]
        if argument.startswith("--bundle="):
            return argument.partition("=")[2]
    return os.getcwd()


def add_hook(config_path: str) -> None:
    with open(config_path, encoding="utf-8") as file:
        config = json.load(file)
    hooks = config.setdefault("hooks", {}).setdefault("prestart", [])
    if any(os.path.basename(hook["path"]) == HOOK for hook in hooks):
        return
    path = shutil.which(HOOK) or f"/usr/local/bin/{HOOK}"
    hooks.insert(0, {"path": path, "args": [HOOK, "prestart"]})
    with open(config_path + ".new", "w", encoding="utf-8") as file:
        json.dump(config, file)
    os.rename(config_path + ".new", config_path)


def main() -> None:
    arguments = sys.argv[1:]
    if "create" in arguments or "run" in arguments:
        add_hook(os.path.join(bundle_directory(arguments), "config.json"))
    os.execvp("runc", ["runc", *arguments])  # noqa: S606 - it is the whole purpose


main()
