"""A metadata server's sockets and bounds without a switch: run in a namespace where its addresses are local.

`python -m tests.metadata.serving`: answers each request with who asks, its path and the sender's address; a request of
/port/NAME is of that port; /slow takes a second.  DNS: the question, turned around.
"""

from __future__ import annotations

import signal

from apps.services.identity import Asker
from controller.metadata.interface import listening
from controller.metadata.request import InstanceRequest
from controller.metadata.server import InstanceServer, Reply
from controller.runtime import hub


def answer(request: InstanceRequest, asker: Asker, address: str) -> Reply:
    if request.path == "/slow":
        hub.sleep(1.0)
    if request.path == "/large":
        return Reply(200, b"x" * (1 << 20))
    port = request.path.removeprefix("/port/") if request.path.startswith("/port/") else ""
    return Reply(200, f"{asker.number} {asker.key} {request.path} {address}".encode(), port_id=port)


def main() -> None:
    hub.patch()
    server = InstanceServer(answer, lambda question, asker: question[::-1] or None)
    server.serve(listening())
    print("ready", flush=True)
    hub.wait_for_signal((signal.SIGTERM,))


if __name__ == "__main__":
    main()
