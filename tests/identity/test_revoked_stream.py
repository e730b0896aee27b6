"""An event stream ends when Keystone no longer knows its token, once the cache has forgotten it."""

from __future__ import annotations

import http.client
from contextlib import closing
from pathlib import Path

from tests.identity.cloud import Keystone, Tenet, User, call

PATIENCE = 60.0  # seconds without any line


def test_a_stream_ends_with_its_token(tmp_path: Path, keystone: Keystone, red: User) -> None:
    tenet = Tenet(tmp_path, keystone, {"keystone_authtoken": "token_cache_time = 2"})
    tenet.start()
    revoked, kept = keystone.token(red), keystone.token(red)
    with closing(http.client.HTTPConnection("127.0.0.1", tenet.port, timeout=PATIENCE)) as connection:
        connection.request("GET", "/tenet/v1/events", headers={"X-Auth-Token": revoked})
        stream = connection.getresponse()
        assert stream.status == 200
        tenet.call("POST", "/v2.0/networks", {"network": {"name": "told"}}, kept)
        while b'"told"' not in stream.readline():
            pass
        gone = call(keystone.port, "DELETE", "/v3/auth/tokens", token=kept, headers={"X-Subject-Token": revoked})
        assert gone.status == 204
        said = stream.read()  # to the stream's end
    assert tenet.call("GET", "/tenet/v1/events", token=revoked).status == 401
    assert tenet.call("GET", "/v2.0/networks", token=kept).status == 200
    assert said.count(b":\n\n") < 4  # comments, one in 15 s; it lasts ten minutes otherwise
    assert tenet.stop() == 0
