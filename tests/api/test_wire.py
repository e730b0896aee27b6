"""HTTP as it comes over the wire, to a running Tenet: heads that can be read in two ways, and slow clients."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import time
from collections.abc import Iterator
from http import HTTPStatus

import pytest

from northbound.wire import head

from .live import Live, running

STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3}) ")
HEAD = b"Host: tenet\r\nContent-Type: application/json\r\n"
BODY = b'{"network": {"name": "smuggled"}}'


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with running(tmp_path_factory.mktemp("wire")) as found:
        yield found


def answers(live: Live, sent: bytes) -> list[int]:
    """The statuses of all answers to what was sent, until the server closes, or we have sent all and it is quiet."""
    with live.dial() as client:
        with contextlib.suppress(OSError):  # also ENOTCONN, which is no ConnectionError: the server may have closed
            client.sendall(sent)
            client.shutdown(socket.SHUT_WR)
        said = b""
        with contextlib.suppress(ConnectionError):
            while some := client.recv(65536):
                said += some
    return [int(status) for status in STATUS.findall(said)]


def names(live: Live) -> list[str]:
    return [network["name"] for network in live.call("GET", "/v2.0/networks")[1]["networks"]]


def post(*fields: bytes, body: bytes = BODY) -> bytes:
    return b"POST /v2.0/networks HTTP/1.1\r\n" + HEAD + b"".join(each + b"\r\n" for each in fields) + b"\r\n" + body


NEXT = b"POST /v2.0/networks HTTP/1.1\r\n" + HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
SMUGGLED = b"0\r\n\r\n" + NEXT
LENGTH = b"Content-Length: %d" % len(BODY)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (post(LENGTH, b"Transfer-Encoding: chunked"), 400),
        (post(b"Transfer-Encoding: chunked", LENGTH), 400),
        (post(b"Content-Length: 5", b"Transfer-Encoding: chunked", body=SMUGGLED), 400),
        (post(LENGTH, LENGTH), 400),
        (post(b"Content-Length: 0", LENGTH), 400),
        (post(b"Content-Length: 0, %d" % len(BODY)), 400),
        *[(post(b"Content-Length: " + each), 400)
          for each in (b"+33", b"-1", b"3 3", b"0x21", b"33.0", b"", b"1_0", b"\xb2", b"9" * 30)],
        (post(b"Content-Length : 33"), 400),
        (post(b"Content-Length\t: 33"), 400),
        (post(b"X: a\r\n Content-Length: 33"), 400),
        (post(b"X: a\r\n\tb", LENGTH), 400),
        (post(b"X: a\nContent-Length: 33"), 400),
        (post(b"X: a\rContent-Length: 33"), 400),
        (post(b"X: a\0b", LENGTH), 400),
        (post(b"\0: a", LENGTH), 400),
        (post(b": a", LENGTH), 400),
        (post(b"no colon", LENGTH), 400),
        (post(b"Transfer-Encoding: chunked", body=b"zz\r\nabc\r\n0\r\n\r\n"), 411),
        (post(b"Transfer-Encoding: chunked", body=SMUGGLED), 411),
        (post(b"Transfer-Encoding: xchunked", body=SMUGGLED), 501),
        (post(b"Transfer-Encoding: chunked, identity", body=SMUGGLED), 501),
        (post(b"Transfer-Encoding: \x0bchunked", body=SMUGGLED), 400),
        (post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", body=SMUGGLED), 400),
        (b" POST /v2.0/networks HTTP/1.1\r\n" + NEXT.partition(b"\r\n")[2], 400),
        (b"POST  /v2.0/networks HTTP/1.1\r\n" + NEXT.partition(b"\r\n")[2], 400),
        (b"POST\t/v2.0/networks\tHTTP/1.1\r\n" + NEXT.partition(b"\r\n")[2], 400),
        (b"POST /v2.0/networks HTTP/1.1\n" + NEXT.partition(b"\r\n")[2], 400),
        (b"POST /v2.0/networks HTTP/1.1 HTTP/1.1\r\n" + NEXT.partition(b"\r\n")[2], 400),
        (b"POST v2.0/networks HTTP/1.1\r\n" + NEXT.partition(b"\r\n")[2], 400),
        (b"POST /v2.0/networks#x HTTP/1.1\r\n" + NEXT.partition(b"\r\n")[2], 400),
        (b"POST /v2.0/networks\r\n" + NEXT.partition(b"\r\n")[2], 400),
        (b"GET /\r\n\r\n", 400),
        (b"P\0ST /v2.0/networks HTTP/1.1\r\n" + NEXT.partition(b"\r\n")[2], 400),
        (b"POST /v2.0/networks HTTP/0.9\r\n" + NEXT.partition(b"\r\n")[2], 505),
        (b"POST /v2.0/networks HTTP/2.0\r\n" + NEXT.partition(b"\r\n")[2], 505),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (b"POST /v2.0/networks HTTP/1.1\r\nHost: a\r\n" + NEXT.partition(b"\r\n")[2], 400),
        (b"GET /v2.0/networks HTTP/1.1\r\n\r\n", 400),
        *[(b"GET /v2.0/networks HTTP/1.1\r\nHost: " + each + b"\r\n\r\n", 400)
          for each in (b"a b", b"a/b", b"a@b", b"a:x", b"a:1:2", b"[::1", b"<a>", b"a" * 256, b"a,b", b"a:123456")],
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (post(b"X: " + b"a" * 9_000, LENGTH), 400),
        (post(*[b"X: " + b"a" * 1_000] * 70, LENGTH), 400),
        (post(*[b"X: a"] * 200, LENGTH), 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 50, 400),
    ],
)  # fmt: skip
def test_a_head_that_can_be_read_in_two_ways_is_refused_and_nothing_after_it_is_read(
    live: Live, sent: bytes, status: int
) -> None:
    before = names(live)
    assert answers(live, sent + NEXT) == [status]
    assert names(live) == before


def test_what_is_refused_says_why(live: Live) -> None:
    with live.dial() as client:
        client.sendall(post(LENGTH, LENGTH))
        answer = b""
        while some := client.recv(65536):
            answer += some
    fields, _, body = answer.partition(b"\r\n\r\n")
    assert b"Connection: close" in fields
    assert json.loads(body)["TenetError"]["message"] == "Content-Length is given twice."


def test_what_can_be_read_in_one_way_only_is_taken(live: Live) -> None:
    for sent in (
        b"\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /healthz HTTP/1.0\r\n\r\n",
        b"GET http://tenet:9696/healthz HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost:a\r\nX:\r\nX: \xe9 \t\r\ncontent-length: 0\r\n\r\n",
    ):
        assert answers(live, sent) == [200], sent
    one = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
    for closing in (b"close", b"Close, x", b"x ,close", b"keep-alive\r\nConnection: close"):
        last = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: " + closing + b"\r\n\r\n"
        assert answers(live, last + one) == [200], closing
    for keeping in (b"x", b"closed", b"not close", b"keep-alive, x"):
        assert answers(live, one.replace(b"\r\n\r\n", b"\r\nConnection: " + keeping + b"\r\n\r\n") * 2) == [200] * 2
    old = b"GET /healthz HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"
    assert answers(live, old + one) == [200, 200]
    assert answers(live, one * 3) == [200] * 3
    assert answers(live, b"GET //healthz HTTP/1.1\r\nHost: a\r\n\r\n") == [404]


def test_a_body_that_nobody_wanted_is_no_request(live: Live) -> None:
    """Neither a small one, after which the connection goes on, nor a large one."""
    small = b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(NEXT) + NEXT
    assert answers(live, small * 2) == [200, 200]
    large = NEXT * 1000
    sent = b"POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(large) + large
    assert answers(live, sent + NEXT) == [404]
    assert "smuggled" not in names(live)


def test_ten_megabytes_are_refused_and_the_client_is_told(live: Live) -> None:
    body = b" " * 10 * 2**20
    sent = b"POST /v2.0/networks HTTP/1.1\r\n" + HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    for _ in range(3):
        assert answers(live, sent) == [413]


# --- slow clients -----------------------------------------------------------------------------------------------------


def test_clients_that_never_finish_do_not_keep_others_waiting(live: Live) -> None:
    slow = [live.dial() for _ in range(200)]
    try:
        for place, client in enumerate(slow):
            client.sendall((b"", b"GET / HTTP/1.1\r\nHost: a\r\nX: ", NEXT[:-1])[place % 3])
        for _ in range(20):
            assert live.call("GET", "/v2.0/networks")[0] == 200
    finally:
        for client in slow:
            client.close()


def test_a_head_has_its_time_however_it_trickles(live: Live) -> None:
    began = time.monotonic()
    with live.dial() as client, contextlib.suppress(ConnectionError):
        client.settimeout(0.5)
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n")
        while time.monotonic() - began < 60:
            client.sendall(b"X: a\r\n")
            with contextlib.suppress(TimeoutError):
                if not client.recv(1):
                    break
    assert time.monotonic() - began < 60


def test_the_head_alone_may_be_read() -> None:
    """The rules are pure, so that they can be read and tried without a server."""
    found = head.read(b"PUT /v2.0/x?y=1 HTTP/1.1\r\n", [b"Host: a\r\n", b"Content-Length: 0\r\n"])
    assert found[:3] == ("PUT", "/v2.0/x?y=1", 1)
    assert (found.fields.get("HOST"), found.fields.get("X", "none")) == ("a", "none")
    with pytest.raises(head.BadHead) as refused:
        head.read(b"PUT /v2.0/x HTTP/1.1\r\n", [])
    assert refused.value.status is HTTPStatus.BAD_REQUEST
