"""A process that writes pieces of one file to its output; see feed.py, which starts and kills it.

hf_xet cannot be stopped: its threads run to the end of the file, whatever signal comes. It takes
what it is to do as JSON from its input, for a token must not stand in a command line. And it may
write its log to the standard output, so that is made to be another file.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from datetime import timedelta
from typing import Any

#: prctl: a signal for us when the thread that started us is no more
_PR_SET_PDEATHSIG = 1
_OUT, _ERR = 1, 2
#: no reports to the store's owner; less memory than the 6 GB that it takes where it can; and HTTP
#: is there when the store is not, so no minutes of waiting
_CONFIG = {
    "telemetry.enabled": False,
    "reconstruction.download_buffer_size": 512_000_000,
    "reconstruction.download_buffer_limit": 1_000_000_000,
    "client.connect_timeout": timedelta(seconds=10),
    "client.read_timeout": timedelta(seconds=60),
    "client.retry_max_duration": timedelta(seconds=60),
}


def main() -> int:
    parent = int(sys.argv[1])
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before we could ask for the signal
        return 1
    out = os.dup(_OUT)
    os.dup2(_ERR, _OUT)
    try:
        _stream(json.load(sys.stdin), out)
    except BrokenPipeError:
        return 1
    except Exception as error:  # noqa: BLE001 - whatever it is, our parent goes on over HTTP
        text = f"{type(error).__name__}: {' '.join(str(error).split())}"
        os.write(_ERR, f"\n{text[:500]}\n".encode("utf-8", "replace"))
        return 1
    return 0


def _stream(ask: dict[str, Any], out: int) -> None:
    import hf_xet

    config = hf_xet.XetConfig().with_config(_CONFIG)
    session = hf_xet.XetSession(config)
    group = session.new_download_stream_group(**ask["store"])
    info = hf_xet.XetFileInfo(ask["hash"], ask["size"])
    for begin, end in ask["spans"]:
        for chunk in group.download_stream(info, begin, end):
            view = memoryview(chunk)
            while view:
                view = view[os.write(out, view) :]


if __name__ == "__main__":
    os._exit(main())  # its threads would keep us
