"""Serves Keystone on loopback, with the WSGI server of the standard library: run by the Python that has Keystone.

One request at a time: a transaction on SQLite that has read and wants to write is refused while another writes.

Arguments: the port, and Keystone's configuration file.
"""

from __future__ import annotations

import os
import sys
import threading
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server


class Threads(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 64


class Quiet(WSGIRequestHandler):
    def address_string(self) -> str:
        return str(self.client_address[0])

    def log_message(self, *about: object) -> None:
        return


def main() -> None:
    port, config = sys.argv[1:]
    del sys.argv[1:]  # Keystone would take them for its own
    os.environ["OS_KEYSTONE_CONFIG_FILES"] = config
    from keystone.server.wsgi import initialize_public_application  # type: ignore[import-not-found]

    keystone, lock = initialize_public_application(), threading.Lock()

    def serve(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        with lock:
            return list(keystone(environ, start_response))

    with make_server("127.0.0.1", int(port), serve, Threads, Quiet) as server:
        print("ready", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
