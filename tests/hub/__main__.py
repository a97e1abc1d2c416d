"""`python -m tests.hub FOLDER --port N`: the hub as a process, for benchmarks and engines."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from tests.hub.hub import Hub


def main() -> int:
    """Serve `FOLDER/<org>/<name>/` until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m tests.hub", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--redirect", action="store_true", help="large files from the CDN")
    parser.add_argument("--page", type=int, default=1000, help="entries on a page of a listing")
    given = parser.parse_args()
    signals = {signal.SIGTERM, signal.SIGINT}
    # before any thread starts: they all must leave these to `sigwait`
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    with Hub(given.folder, host=given.host, port=given.port) as hub:
        hub.redirect, hub.page = given.redirect, given.page
        print(hub.url, flush=True)
        signal.sigwait(signals)
    return 0


if __name__ == "__main__":
    sys.exit(main())
