"""A laboratory of the network: the internet, a home router, a host with Docker and a client on its
LAN, in one container. Nothing of it reaches this machine's network, nor the other way round.

    with Lab() as lab:
        lab.publish("0.0.0.0:8443:8443")
        lab.stackctl("net", "forward", "add")
        assert lab.wan("curl", "-sk", f"https://{lab.wan_address}:8443/").out == "peer ..."
"""

from tests.lab.lab import CGNAT, PRIVATE, PUBLIC, Lab, Run, build

__all__ = ["CGNAT", "PRIVATE", "PUBLIC", "Lab", "Run", "build"]
