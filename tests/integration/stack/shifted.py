"""stackctl on a clock that is so many seconds ahead, or behind: `-m tests... SECONDS VERB ...`.

The machine's clock stays as it is; what Docker, the kernel and the engines say is by that one.
"""

from __future__ import annotations

import sys
import time

offset = float(sys.argv.pop(1))
_time, _localtime, _strftime = time.time, time.localtime, time.strftime


def _now() -> float:
    return _time() + offset


def _local(seconds: float | None = None) -> time.struct_time:
    return _localtime(_now() if seconds is None else seconds)


def _text(form: str, when: time.struct_time | None = None) -> str:
    return _strftime(form, when or _local())


if __name__ == "__main__":
    time.time, time.localtime, time.strftime = _now, _local, _text  # type: ignore[assignment]
    from stackctl.__main__ import main

    sys.exit(main(sys.argv[1:]))
