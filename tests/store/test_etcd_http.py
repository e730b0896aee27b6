"""HTTP to etcd: answers in all their forms, connections that are kept, and servers that say nothing or nonsense."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from controller.store.etcd_http import ConnectionFailed, Http, Silence

OK = b"HTTP/1.1 200 OK\r\n"


class Server:
    """Answers each request, of whatever connection, with the next of `answers`, byte for byte in pieces of `piece`.

    After one that is "" it hangs up instead.
    """

    def __init__(self, answers: list[bytes], piece: int = 1 << 16) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self._answers = answers
        self._piece = piece
        self.over = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/v3/x"
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        while self._answers:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            with sock:
                self._speak(sock)

    def _speak(self, sock: socket.socket) -> None:
        sock.settimeout(5)
        while self._answers:
            got = b""
            while not got.endswith(b"{}"):
                more = sock.recv(4096)
                if not more:
                    return
                got += more
            self.requests.append(got)
            answer = self._answers.pop(0)
            for start in range(0, len(answer), self._piece):
                sock.sendall(answer[start : start + self._piece])
                if self._piece == 1:
                    time.sleep(0.0005)
            if not answer or b"close" in answer:
                return
        self.over.wait(5.0)  # the connection stays open until the test ends


@contextmanager
def serving(*answers: bytes, piece: int = 1 << 16) -> Iterator[Server]:
    server = Server(list(answers), piece)
    try:
        yield server
    finally:
        server.over.set()
        server.listener.close()
        server.thread.join()


def plain(body: bytes, status: bytes = OK, more: bytes = b"") -> bytes:
    return status + more + b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunked(*pieces: bytes) -> bytes:
    chunks = b"".join(b"%x;of=etcd\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return OK + b"transfer-encoding: Chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


def post(http: Http, server: Server, timeout: float = 5.0) -> bytes:
    return http.post(server.url, b"{}", timeout).body


@pytest.mark.parametrize("piece", [1, 7, 1 << 16])
def test_answers_in_every_form_over_one_connection(piece: int) -> None:
    http = Http(None)
    long = bytes(range(256))
    with serving(plain(b"[1]"), chunked(b"a\r\n", long), plain(b""), chunked(), plain(b"[2]"), piece=piece) as server:
        assert [post(http, server) for _ in range(5)] == [b"[1]", b"a\r\n" + long, b"", b"", b"[2]"]
        assert server.connections == 1
        assert server.requests[0].startswith(b"POST /v3/x HTTP/1.1\r\nHost: 127.0.0.1:")
        http.close()


def test_what_is_refused_has_its_status_and_what_it_says() -> None:
    http = Http(None)
    with serving(plain(b'{"code":5}', b"HTTP/1.1 404 Not Found\r\n")) as server:
        answer = http.post(server.url, b"{}", 5.0)
        assert (answer.status, answer.text) == (404, '{"code":5}')
        http.close()


def test_a_connection_that_was_ended_meanwhile_is_not_used_again() -> None:
    http = Http(None)
    with serving(plain(b"1", more=b"Connection: close\r\n"), plain(b"2"), b"", plain(b"4")) as server:
        assert [post(http, server), post(http, server)] == [b"1", b"2"]
        assert server.connections == 2
        with pytest.raises(ConnectionFailed):  # it may have been taken, so it is not sent again from here
            post(http, server)
        assert post(http, server) == b"4"
        http.close()


def test_a_kept_connection_that_the_server_closes_while_idle() -> None:
    http = Http(None)
    with serving(plain(b"1", more=b"X: close\r\n"), plain(b"2")) as server:
        assert post(http, server) == b"1"  # kept, for all that it says; then the server hangs up
        time.sleep(0.2)
        assert post(http, server) == b"2"
        http.close()


def test_a_server_that_does_not_answer_in_time() -> None:
    http = Http(None)
    with serving(OK + b"Content-Length: 9\r\n\r\nhalf") as server:
        began = time.monotonic()
        with pytest.raises(Silence):
            post(http, server, 0.3)
        assert time.monotonic() - began < 2


@pytest.mark.parametrize("answer", [b"\x00\r\n\r\n", b"HTTP/1.1 x\r\n\r\n",
                                    OK + b"Transfer-Encoding: chunked\r\n\r\nx\r\n", b"HTTP/1.1 200 " + b"x" * 100_000,
                                    OK + b"Transfer-Encoding: chunked\r\n\r\n-9\r\n"])  # fmt: skip
def test_nonsense(answer: bytes) -> None:
    http = Http(None)
    with serving(answer) as server, pytest.raises(ConnectionFailed):
        post(http, server)


def test_nobody_there() -> None:
    with serving(b"") as server:
        url = server.url
        server.listener.close()
        with pytest.raises(ConnectionFailed):
            Http(None).post(url, b"{}", 5.0)


@pytest.mark.parametrize("piece", [1, 5, 1 << 16])
def test_a_stream_is_told_as_it_comes(piece: int) -> None:
    with serving(chunked(b"one\n", b"two\nthr", b"ee\n"), piece=piece) as server:
        assert b"".join(Http(None).stream(server.url, b"{}", 5.0, 5.0)) == b"one\ntwo\nthree\n"
        assert b"Grpc-Metadata-hasleader: true\r\n" in server.requests[0]


def test_a_stream_that_falls_silent() -> None:
    with serving(chunked(b"one\n").removesuffix(b"0\r\n\r\n")) as server:
        pieces = Http(None).stream(server.url, b"{}", 5.0, 0.2)
        with pytest.raises(Silence):
            assert b"".join(pieces) == b"nothing of it is told: it raises"


def test_a_stream_that_is_refused() -> None:
    answer = plain(b'{"message":"no leader"}', b"HTTP/1.1 503 x\r\n")
    with serving(answer) as server, pytest.raises(ConnectionFailed, match="no leader"):
        list(Http(None).stream(server.url, b"{}", 5.0, 5.0))
