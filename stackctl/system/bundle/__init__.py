"""Models as a folder or a tar that is carried to another box: written, and read back."""

from stackctl.system.bundle.copy import Copied, Write, copy
from stackctl.system.bundle.source import Member, Source, damaged, open_bundle, opened
from stackctl.system.bundle.target import Target, check_room, open_target
from stackctl.system.bundle.whole import whole_file

__all__ = [
    "Copied",
    "Member",
    "Source",
    "Target",
    "Write",
    "check_room",
    "copy",
    "damaged",
    "open_bundle",
    "open_target",
    "opened",
    "whole_file",
]
