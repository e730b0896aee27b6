"""Nova is told over HTTP, and told again until it listens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.model.rows import NovaNotification, Port, Row
from controller.publish.nova import PLUGGED, Event, Notifier, Nova
from controller.reconcile.progress import Progress
from controller.reconcile.statuses import Statuses
from controller.runtime import hub
from controller.runtime.errors import Misconfigured
from controller.store import open_store
from controller.store.codec import encode
from controller.store.replica import Replica
from tests.apps.clouds import network, plugged, switch
from tests.publish.test_nova import ONE, of_server


class Listener:
    """An HTTP server that answers as it is told, and keeps what it got."""

    def __init__(self) -> None:
        self.got: list[tuple[str, Any]] = []
        self.answers: list[int] = []
        self.socket = hub.listen(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/v2.1"
        self.thread = hub.spawn(hub.serve_wsgi, self.socket, self._serve, log_output=False)

    def _serve(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        body = json.loads(environ["wsgi.input"].read())
        self.got.append((f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}", body))
        start_response(f"{self.answers.pop(0) if self.answers else 200} Answer", [("Content-Type", "application/json")])
        return [b"{}"]

    def close(self) -> None:
        hub.kill(self.thread)
        self.socket.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


def nova(tmp_path: Path, url: str, auth: str = "auth_type = none\n") -> Nova:
    config = tmp_path / "tenet.conf"
    config.write_text(f"[nova]\nendpoint = {url}\n{auth}")
    return Nova(url, [str(config)])


def test_a_request(tmp_path: Path, listener: Listener) -> None:
    hub.in_thread(nova(tmp_path, listener.url), [Event(PLUGGED, ONE, "a")])
    assert listener.got == [
        ("POST /v2.1/os-server-external-events", {"events": [Event(PLUGGED, ONE, "a").body()]}),
    ]


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_what_is_not_taken(tmp_path: Path, listener: Listener, status: int) -> None:
    listener.answers = [status] * 5
    with pytest.raises(OSError, match=str(status)):
        hub.in_thread(nova(tmp_path, listener.url), [Event(PLUGGED, ONE, "a")])


@pytest.mark.parametrize("status", [200, 207, 404, 422])
def test_what_nova_does_not_want_is_not_told_again(tmp_path: Path, listener: Listener, status: int) -> None:
    listener.answers = [status]
    hub.in_thread(nova(tmp_path, listener.url), [Event(PLUGGED, ONE, "a")])


def test_nobody_there(tmp_path: Path, listener: Listener) -> None:
    listener.close()
    with pytest.raises(OSError):
        hub.in_thread(nova(tmp_path, listener.url), [Event(PLUGGED, ONE, "a")])


@pytest.mark.parametrize("auth", ["", "auth_type = no-such\n"])
def test_wrong_settings(tmp_path: Path, auth: str) -> None:
    with pytest.raises(Misconfigured, match=r"\[nova\]"):
        nova(tmp_path, "http://127.0.0.1:1", auth)


def test_a_port_that_comes_up_is_told_until_it_is_heard(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/tenet.db")
    replica = Replica(store)
    replica.start()
    progress = Progress(lambda: 0.0)
    heard: list[Event] = []
    attempts: list[int] = []

    def send(events: Any) -> None:
        attempts.append(len(events))
        if len(attempts) == 1:
            raise ConnectionError("not now")
        heard.extend(events)

    Notifier(store, replica, Statuses(replica.model, progress), progress, send).start()
    rows: list[Row] = [switch(1), network("red"), of_server("a"), plugged("a", 1, 1)]
    revision = store.commit({}, {row.key: encode(row) for row in rows})
    replica.wait(revision)
    progress.round(revision, ["h1"])
    progress.confirmed("h1", revision, current=True)
    with hub.Timeout(10):
        while not heard:
            hub.sleep(0.02)
        while replica.model.get(NovaNotification, "a") is None:
            hub.sleep(0.02)
    assert heard == [Event(PLUGGED, ONE, "a")]
    assert attempts == [1, 1]
    assert replica.model.get(Port, "a") is not None
    replica.stop()
    store.close()
