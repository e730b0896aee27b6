"""Many connections of nobody, from one address, against a running Tenet with tokens: everybody else is answered."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from collections.abc import Iterator

import pytest

from northbound.identity import tokens
from tests.api.live import Live, running

MANY = 4300  # more than there are places
GET = b"GET /openapi.json HTTP/1.1\r\nHost: tenet\r\n\r\n"
POST = b"POST /v2.0/networks HTTP/1.1\r\nHost: tenet\r\nContent-Type: application/json\r\nContent-Length: 65536\r\n\r\n"


PATIENCE = 20.0  # seconds of a supervisor; it was a minute until the first of these connections were let go


class Site:
    def __init__(self, live: Live, token: str) -> None:
        self.live = live
        self.token = token

    def status(self, path: str, token: str = "") -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.live.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request("GET", path, headers={"X-Auth-Token": token} if token else {})
            return connection.getresponse().status


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("connections")
    token, entry = tokens.new("red", "rose", ("member",), 0)
    tokens.save(directory / "tokens", [entry])
    with running(directory, f"[auth]\nstrategy = tokens\ntokens = {directory}/tokens\n") as live:
        yield Site(live, token)


@pytest.mark.parametrize("sent", [b"", GET[:20], GET * 25, POST], ids=["silent", "half", "pipelined", "no-body"])
def test_connections_that_neither_read_nor_send_keep_nobody_out(site: Site, sent: bytes) -> None:
    with contextlib.ExitStack() as held:
        for number in range(MANY):
            client = held.enter_context(socket.create_connection(("127.0.0.1", site.live.port), PATIENCE))
            with contextlib.suppress(ConnectionError):
                client.sendall(sent)
            if number % 500 == 499:
                assert site.status("/healthz") == 200
        for _ in range(10):
            assert site.status("/healthz") == 200
            assert site.status("/v2.0/networks", site.token) == 200


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/docs/page.js", "/v2.0", "/v2.0/extensions", "/metrics"])
def test_large_answers_are_for_who_is_known(site: Site, path: str) -> None:
    assert site.status(path) == 401
    assert site.status(path, site.token) in (200, 403)


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz"])
def test_what_is_public_is_small(site: Site, path: str) -> None:
    status, said = site.live.call("GET", path)
    assert status == 200
    assert len(json.dumps(said)) < 1000
