"""What programs on the host say: stackctl itself and its helpers, nvidia-ctk."""

from __future__ import annotations

from stackctl.model import Failure, Sure, Where

_AT = (Where.PROGRAM,)

PROGRAMS: tuple[Failure, ...] = (
    Failure(
        "cdi-empty",
        r"invalid device, empty device edits",
        "nvidia-ctk found the driver's libraries, and no device node of a GPU",
        "ls -l /dev/nvidia*; sudo nvidia-modprobe -c 0 -u; sudo nvidia-ctk cdi generate "
        "--output=/etc/cdi/nvidia.yaml",
        _AT,
        source="kaito-project/kaito #2326",
    ),
    # engines survive it where only their logging fails, so it is none of their failures
    Failure(
        "no-utf8",
        r"UnicodeEncodeError: 'ascii' codec|UnicodeDecodeError: 'ascii' codec",
        "Python reads and writes ASCII here: there is no UTF-8 locale",
        "export PYTHONUTF8=1; for good: export LANG=C.UTF-8 in ~/.profile; in a container: "
        "PYTHONUTF8=1 in the environment of the engine's file in compose/engines",
        _AT,
        sure=Sure.LIKELY,
        source="club-3090 #779",
    ),
)
