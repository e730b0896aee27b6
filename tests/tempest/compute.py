"""In Nova's place: the one call of its API that tests of ports make, which hosts there are (GET /os-hypervisors)."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATH = "/v2.1/os-hypervisors"


class Compute:
    """Serves on loopback until `stop`."""

    def __init__(self, hosts: Sequence[str]) -> None:
        found = [{"id": number, "hypervisor_hostname": host, "state": "up", "status": "enabled"}
                 for number, host in enumerate(hosts, 1)]  # fmt: skip
        body = json.dumps({"hypervisors": found}).encode()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200 if self.path == PATH else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *about: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}{PATH.rpartition('/')[0]}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
