"""HAProxy's table of keys, as its runtime API prints it."""

from __future__ import annotations

from stackctl.gateway import stats
from stackctl.model.gateway import Usage

TABLE = """\
# table: st_key, type: string, size:10240, used:2
0x7ff06ce8a570: key=alice use=1 exp=2073598502 shard=0 conn_cur=1 http_req_cnt=15 \
bytes_out_cnt=4243 gpc0=8 gpc1=35 gpc2=15 gpc3=9 gpc4=1 gpc5=2 gpc6=11 gpc7=0 gpc12=4 gpc18=3 \
gpc0_rate(60000)=8
0x7ff06ce8a580: key=b.o-b_ use=0 exp=2073598502 shard=0 conn_cur=0 http_req_cnt=1 \
bytes_out_cnt=0 gpc0=1 gpc1=4294967295 gpc2=0 gpc3=0 gpc4=0 gpc0_rate(60000)=0

"""


def test_usage() -> None:
    assert stats.usage(TABLE) == {
        # streamed tokens are decimal digits that may be more than 9: 2 + 11 * 10
        "alice": Usage(15, 9, 1, 1, 4243, 35 + 112, 15 + 4 + 3_000_000),
        "b.o-b_": Usage(requests=1, prompt_tokens=4294967295),
    }


def test_nobody_has_come_yet() -> None:
    assert stats.usage("# table: st_key, type: string, size:10240, used:0\n\n") == {}
