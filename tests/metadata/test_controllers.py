"""Controllers as a metadata server asks them: metadata and names each have their own room."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from apps.services.identity import Asker
from controller.config.metadata import MetadataSettings
from controller.metadata.process import _server
from controller.metadata.request import InstanceRequest
from controller.metadata.resolving import PATIENCE, Resolving
from controller.runtime import hub
from controller.services import upstream


class NobodyThere(BaseHTTPRequestHandler):
    """A controller that knows of no logical port."""

    def do_GET(self) -> None:
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), NobodyThere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_questions_that_wait_for_controllers_delay_no_metadata(url: str) -> None:
    server = _server(MetadataSettings((url,), "", "", "nobody", "", "", ""))
    names = getattr(server._resolve, "__self__", None)
    assert isinstance(names, Resolving)
    while names._controllers._room.acquire(blocking=False):
        pass
    with hub.Timeout(10.0):
        request = InstanceRequest("GET", "/latest/", "/latest/", {}, b"", True)
        assert server._answer(request, Asker(1, 2), "10.0.0.5").status == 404


def test_a_controller_has_the_time_that_upstream_resolvers_have() -> None:
    """Else a question that is under way would be asked of the next controller, too."""
    assert PATIENCE > upstream.DEADLINE
