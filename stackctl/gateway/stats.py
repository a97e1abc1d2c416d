"""What HAProxy counted for each key: `show table st_key` -> Usage. Pure."""

from __future__ import annotations

import re

from stackctl.model.gateway import Usage

TABLE = "st_key"
_FIELD = re.compile(r"(\w+)(?:\(\d+\))?=(\S+)")


def usage(text: str) -> dict[str, Usage]:
    """By the name of the key. haproxy.cfg says what its numbered counters (gpc) are."""
    rows = [dict(_FIELD.findall(line)) for line in text.splitlines() if "key=" in line]
    return {
        row["key"]: Usage(
            requests=_count(row, "http_req_cnt"),
            bad=_count(row, "gpc3"),
            failed=_count(row, "gpc4"),
            running=_count(row, "conn_cur"),
            bytes_out=_count(row, "bytes_out_cnt"),
            prompt_tokens=_count(row, "gpc1") + _streamed(row, 5),
            completion_tokens=_count(row, "gpc2") + _streamed(row, 12),
        )
        for row in rows
    }


def _count(row: dict[str, str], name: str) -> int:
    value = row.get(name, "")
    return int(value) if value.isdecimal() else 0


def _streamed(row: dict[str, str], first: int) -> int:
    """What compose/gateway/usage.lua counted: decimal digits, each of which goes on beyond 9."""
    return sum(_count(row, f"gpc{first + digit}") * 10**digit for digit in range(7))
