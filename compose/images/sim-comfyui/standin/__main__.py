"""A stand-in for ComfyUI: its HTTP API, its log lines, no pictures but plain ones."""

import argparse
import logging
import signal
import sys
from pathlib import Path

import device
from jobs import Jobs
from server import TORCH_VERSION, VERSION, Server, State


def main() -> int:
    parser = argparse.ArgumentParser(prog="main.py")
    parser.add_argument("--listen", nargs="?", default="127.0.0.1", const="0.0.0.0")  # noqa: S104
    parser.add_argument("--port", type=int, default=8188)
    parser.add_argument("--base-directory", type=Path, default=Path("/root/ComfyUI"))
    # the many others that ComfyUI knows make no difference here
    options, _ = parser.parse_known_args()

    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    logging.warning("*** This is NOT ComfyUI but a stand-in that answers its API. ***")
    gpu = device.find()
    held = device.hold() if gpu.kind == "cuda" else bytearray()
    mib = device.MIB
    logging.info("Total VRAM %d MB, total RAM %d MB", gpu.total // mib, device.ram()[0] // mib)
    logging.info("pytorch version: %s", TORCH_VERSION)
    logging.info("Set vram state to: %s", "NORMAL_VRAM" if held else "DISABLED")
    logging.info("Device: %s", gpu.name)
    logging.info("ComfyUI version: %s", VERSION)

    # as the first process of a container it would ignore the signal otherwise
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    base = options.base_directory
    state = State(base, gpu, Jobs(base / "output"))
    try:
        server = Server((options.listen, options.port), state)
    except OSError as problem:
        logging.error("[Errno %s] %s: %s", problem.errno, problem.strerror, options.port)
        return 1
    logging.info("Starting server\n")
    logging.info("To see the GUI go to: http://%s:%d", options.listen, options.port)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
