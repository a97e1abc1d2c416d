"""miniupnpc against a router of ours on loopback: what it does, and every way it says no."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from stackctl.model.forwarding import Refusal, Refused
from stackctl.system.net import igd
from stackctl.system.net.igd import Igd

_SERVICE = "urn:schemas-upnp-org:service:WANIPConnection:1"
_DESCRIPTION = f"""<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><device>
<deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:1</deviceType><deviceList><device>
<deviceType>urn:schemas-upnp-org:device:WANDevice:1</deviceType><serviceList><service>
<serviceType>urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1</serviceType>
<controlURL>/cif</controlURL></service></serviceList><deviceList><device>
<deviceType>urn:schemas-upnp-org:device:WANConnectionDevice:1</deviceType><serviceList><service>
<serviceType>{_SERVICE}</serviceType><controlURL>/ip</controlURL></service></serviceList>
</device></deviceList></device></deviceList></device></root>"""


class Router:
    """`says`: what it answers to an action: fields, or the number of an error."""

    def __init__(self) -> None:
        self.says: dict[str, dict[str, object] | int] = {
            "GetStatusInfo": {"NewConnectionStatus": "Connected", "NewUptime": 1},
            "GetExternalIPAddress": {"NewExternalIPAddress": "81.2.69.10"},
            "GetSpecificPortMappingEntry": 714,
            "AddPortMapping": {},
            "DeletePortMapping": {},
        }
        self.asked: list[tuple[str, str]] = []
        self.url = ""

    def answer(self, action: str, body: str) -> tuple[int, str]:
        self.asked.append((action, body))
        told = self.says[action]
        if isinstance(told, int):
            fault = f"<UPnPError><errorCode>{told}</errorCode></UPnPError>"
            return 500, f"<s:Fault><detail>{fault}</detail></s:Fault>"
        fields = "".join(f"<{name}>{value}</{name}>" for name, value in told.items())
        return 200, f'<u:{action}Response xmlns:u="{_SERVICE}">{fields}</u:{action}Response>'


@pytest.fixture
def router() -> Iterator[Router]:
    it = Router()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(200, _DESCRIPTION)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            (action,) = re.findall(r"#(\w+)", self.headers["SOAPAction"])
            status, told = it.answer(action, body)
            envelope = "http://schemas.xmlsoap.org/soap/envelope/"
            self._send(
                status, f'<s:Envelope xmlns:s="{envelope}"><s:Body>{told}</s:Body></s:Envelope>'
            )

        def _send(self, status: int, text: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        it.url = f"http://127.0.0.1:{server.server_port}/root.xml"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield it
        server.shutdown()


def test_what_it_is_asked_and_tells(router: Router) -> None:
    gate = Igd(router.url)
    assert (gate.here, gate.outside()) == ("127.0.0.1", "81.2.69.10")
    assert gate.entry(8443) is None
    router.says["GetSpecificPortMappingEntry"] = {
        "NewInternalPort": 8443,
        "NewInternalClient": "127.0.0.1",
        "NewEnabled": 1,
        "NewPortMappingDescription": "stackctl gateway",
        "NewLeaseDuration": 3599,
    }
    assert gate.add(9443, 8443, 3600) == 3599
    (body,) = (body for action, body in router.asked if action == "AddPortMapping")
    fields = dict(re.findall(r"<New(\w+)>([^<]*)<", body))
    assert fields == {
        "RemoteHost": "",
        "ExternalPort": "9443",
        "Protocol": "TCP",
        "InternalPort": "8443",
        "InternalClient": "127.0.0.1",
        "Enabled": "1",
        "PortMappingDescription": "stackctl gateway",
        "LeaseDuration": "3600",
    }
    entry = gate.entry(9443)
    assert entry is not None
    assert (entry.address, entry.port, entry.left) == ("127.0.0.1", 8443, 3599)


def test_an_entry_that_is_switched_off_is_none(router: Router) -> None:
    router.says["GetSpecificPortMappingEntry"] = {
        "NewInternalPort": 8443,
        "NewInternalClient": "127.0.0.1",
        "NewEnabled": 0,
    }
    assert Igd(router.url).entry(8443) is None


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (501, Refusal.OTHER),
        (606, Refusal.FORBIDDEN),
        (718, Refusal.CONFLICT),
        (724, Refusal.SAME_PORT),
        (725, Refusal.PERMANENT),
        (728, Refusal.FULL),
        (729, Refusal.CONFLICT),
        (899, Refusal.OTHER),
    ],
)
def test_refusals(router: Router, code: int, why: Refusal) -> None:
    gate = Igd(router.url)
    router.says["AddPortMapping"] = code
    with pytest.raises(Refused) as caught:
        gate.add(8443, 8443, 3600)
    assert caught.value.why is why


def test_to_remove_what_is_not_there_is_fine(router: Router) -> None:
    gate = Igd(router.url)
    gate.remove(8443, 8443)
    router.says["DeletePortMapping"] = 714
    gate.remove(8443, 8443)
    router.says["DeletePortMapping"] = 606
    with pytest.raises(Refused):
        gate.remove(8443, 8443)


def test_no_address_outside(router: Router) -> None:
    gate = Igd(router.url)
    for none in ("", "0.0.0.0"):
        router.says["GetExternalIPAddress"] = {"NewExternalIPAddress": none}
        assert gate.outside() == ""


def test_nobody_there(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Refused) as caught:
        Igd("http://127.0.0.1:9/root.xml")
    assert caught.value.why is Refusal.SILENT
    # the library would have written of it itself
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("control", "expected"), [("127.0.0.1", "10.0.0.1"), ("10.9.9.9", "")])
def test_a_router_with_two_lines_of_which_the_second_is_connected(
    router: Router, monkeypatch: pytest.MonkeyPatch, control: str, expected: str
) -> None:
    """Another router that answers instead is not taken for it."""
    router.says["GetStatusInfo"] = {"NewConnectionStatus": "Disconnected", "NewUptime": 0}
    router.says["GetExternalIPAddress"] = {"NewExternalIPAddress": ""}
    real: Callable[[], Any] = igd._client
    other = SimpleNamespace(
        discover=lambda: 1,
        selectigd=lambda: f"http://{control}/ppp",
        externalipaddress=lambda: "10.0.0.1",
    )
    monkeypatch.setattr(igd, "_client", lambda: other)
    assert Igd(router.url, client=real).outside() == expected
