"""Nova hears of each port from one member, and from another when that one dies."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

from tests.cluster.site import Member, Site, site
from tests.lab import Lab, Vm, leftovers
from tests.lab.cloud import Body, until
from tests.lab.netns import socket_in

ADDRESS, PORT = Lab.controller_address, 8774
SERVERS = ("11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222")
Heard = list[tuple[str, str]]  # name of the event, port


@contextmanager
def nova(made: Site) -> Iterator[Heard]:
    """The Compute API, on the underlay, while this lasts."""
    heard: Heard = []

    class Api(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            heard.extend((event["name"].removeprefix("network-vif-"), event["tag"]) for event in body["events"])
            time.sleep(0.5)  # nothing is written down meanwhile
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer((ADDRESS, PORT), Api, bind_and_activate=False)
    server.socket.close()
    server.socket = socket_in(made.lab.namespace, socket.AF_INET, socket.SOCK_STREAM)
    server.allow_reuse_address = True
    server.server_bind()
    server.server_activate()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_nova_hears_once_and_goes_on_hearing_when_the_one_that_tells_dies() -> None:
    options = {"nova": {"endpoint": f"http://{ADDRESS}:{PORT}/v2.1", "auth_type": "none"}}
    with site(2, 2, options) as made:
        with nova(made) as heard:
            ports, vms = _servers(made)
            plugged = sorted(("plugged", port["id"]) for port in ports)
            assert until(lambda: _told(made.members[0]) == 2, 10), heard
            assert sorted(heard) == plugged
            master = made.master("hv1")
            (other,) = (member for member in made.members if member is not master)
            master.kill()
            vms[0].unplug()
            assert until(lambda: _told(other) == 1, 15), other.text()[-3000:]
        # nobody listens: what happens now is told later, by whoever is there then
        made.use(other)
        vms[0].plug()
        assert made.cloud.v2("acme").status(ports[0], "ACTIVE") == "ACTIVE"
        master.start()
        other.kill()
        with nova(made) as later:
            assert until(lambda: _told(master) == 2, 90), master.text()[-3000:]
        assert sorted(heard + later) == sorted(
            [*plugged, ("unplugged", ports[0]["id"]), ("plugged", ports[0]["id"])]
        )  # and nothing twice: no answer was lost
    assert leftovers() == []


def _told(member: Member) -> int:
    """How many ports Nova knows to be up."""
    found = re.search(r'^tenet_objects\{kind="told"\} (\S+)$', member.api("GET", "/metrics").body.decode(), re.M)
    assert found
    return int(float(found[1]))


def _servers(made: Site) -> tuple[list[Body], list[Vm]]:
    project = made.cloud.v2("acme")
    network = project.network()
    project.subnet(network, "10.0.0.0/24")
    ports = [project.port(network, device_owner="compute:nova", device_id=server) for server in SERVERS]
    return ports, [made.cloud.start(made.lab[n], port) for n, port in enumerate(ports)]
