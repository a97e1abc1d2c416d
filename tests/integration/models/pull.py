"""`python -m tests.integration.models.pull ORDER`: fetch as a process of its own, to be killed.

ORDER is JSON: url, target, parts, size, sha256, range. Ends as stackctl does; says what came.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

from stackctl.model import Algorithm, Digest
from stackctl.system import sha256
from stackctl.system.transfer import Job, Patience, Watch, fetch_all, part, pool
from stackctl.system.web import Web


def main() -> int:
    order = json.loads(sys.argv[1])
    sha256.RANGE = order["range"]
    pool._SMALL = 1000
    part._NOTE_EVERY = 16 << 10
    job = Job(
        "w.gguf",
        order["url"],
        order["size"],
        Digest(Algorithm.SHA256, order["sha256"]),
        Path(order["target"]),
        Path(order["parts"]),
    )
    said = threading.Lock()

    def say(text: str) -> None:
        with said:
            print(text, flush=True)

    watch = Watch(
        bytes_changed=lambda _job, count: say(f"bytes {count}"),
        told=lambda _job, text: say(f"told {text}"),
    )
    patience = Patience(silence=order.get("silence", 30), tries=4, pause=0.01, longest=0.1)
    (fetched,) = fetch_all(Web(), [job], watch, patience, connections=3)
    if fetched.failure:
        say(f"failure {fetched.failure.message}; fix: {fetched.failure.fix}")
        return 1
    say("right")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        os._exit(130)
