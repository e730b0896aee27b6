"""Client of etcd's JSON gateway: one attempt a request, and the next member of etcd after a failure.

https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator
from typing import Any

import msgspec

from controller.runtime.errors import Misconfigured, StoreError, Unavailable
from controller.runtime.files import check_secret
from controller.store.etcd_http import ConnectionFailed, Http, Silence
from controller.store.etcd_url import Address

log = logging.getLogger("tenet.store")

TIMEOUT = 2.5  # seconds for an answer; then the next request goes to another member
IDLE = 5.0  # seconds of silence on a stream; then it is opened again at another member
_API = "/v3/"
_NOT_FOUND, _EXHAUSTED, _UNSUPPORTED = 5, 8, 12
# gRPC status codes after which the request is certainly not executed: invalid, not found, exists, no permission,
# exhausted, precondition, out of range, unimplemented, unauthenticated.  After any other the outcome is unknown.
_REFUSALS = {3, _NOT_FOUND, 6, 7, _EXHAUSTED, 9, 11, _UNSUPPORTED, 16}


class Refusal(StoreError):
    """Error: etcd has refused the request, and nothing of it was executed."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code

    @property
    def lease_is_gone(self) -> bool:
        return self.code == _NOT_FOUND and "lease" in str(self)

    @property
    def too_large(self) -> bool:
        """Whether the request exceeds --max-request-bytes; etcd's second text is for an excess of 512 KiB or more."""
        return "too large" in str(self) or "larger than max" in str(self)

    @property
    def compacted(self) -> bool:
        return "compacted" in str(self)


class Full(Unavailable):
    """Error: etcd takes no writes now (no space, too many requests), and nothing was executed."""


class _Fault(msgspec.Struct):
    code: int = 2  # gRPC: unknown
    message: str = ""


class Etcd:
    """Client of all members of etcd.  For green threads of one hub, with patched sockets."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._http = Http(_tls(address))
        scheme = "https" if address.tls else "http"
        self._urls = [f"{scheme}://{_quoted(host)}:{port}{_API}" for host, port in address.endpoints]
        self._at = 0  # the member that answered last

    def call(self, path: str, body: dict[str, Any], timeout: float = TIMEOUT) -> dict[str, Any]:
        """Answer to one request.

        Raises Refusal or Full when the request was not executed, and Unavailable when it may have been: no answer in
        time, a lost connection, no leader.  The next call then goes to the next member.
        """
        at = self._at
        try:
            answer = self._http.post(self._urls[at] + path, msgspec.json.encode(body), timeout)
            if answer.status == 200:
                return msgspec.json.decode(answer.body, type=dict[str, Any])
            text = answer.text or f"HTTP status {answer.status}"
        except (ConnectionFailed, ValueError) as error:
            text = str(error)
        fault = _fault(text)
        if fault.code in _REFUSALS:
            if fault.code == _EXHAUSTED and "larger than max" not in fault.message:
                raise Full(_explained(fault.message))
            raise Refusal(fault.message, fault.code)
        if at == self._at:
            self._at = (at + 1) % len(self._address.endpoints)
        raise Unavailable(f"etcd {self.name(at)}: {fault.message or text}")

    def stream(self, path: str, body: dict[str, Any], at: int) -> Iterator[dict[str, Any]]:
        """Messages of a stream from member `at`, until it ends.

        Raises Unavailable when the connection fails, ends or is refused, Silence after IDLE seconds without data.
        """
        url = self._urls[at % len(self._urls)] + path
        rest = bytearray()
        try:
            for piece in self._http.stream(url, msgspec.json.encode(body), TIMEOUT, IDLE):
                rest += piece
                if b"\n" in piece:
                    *lines, rest = rest.split(b"\n")
                    yield from (msgspec.json.decode(line) for line in lines if line.strip())
        except Silence:
            raise
        except ConnectionFailed as error:
            raise Unavailable(f"etcd {self.name(at)}: {_fault(str(error)).message or error}") from error

    def name(self, at: int) -> str:
        host, port = self._address.endpoints[at % len(self._address.endpoints)]
        return f"{host}:{port}"

    def close(self) -> None:
        self._http.close()


def _quoted(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _tls(address: Address) -> ssl.SSLContext | None:
    """TLS context of the client, or None without TLS.  Raises Misconfigured."""
    if not address.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=address.ca or None)
        if address.certificate:
            check_secret(address.private_key, "[store] url: private_key")
            context.load_cert_chain(address.certificate, address.private_key)
    except OSError as error:
        raise Misconfigured(f"[store] url: {error}") from error
    return context


def _fault(text: str) -> _Fault:
    """Error of the gateway: {"error": ..., "message": ..., "code": ...}; any other text has an unknown outcome."""
    try:
        return msgspec.json.decode(text, type=_Fault)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return _Fault(message=" ".join(text.split())[:300])


def _explained(message: str) -> str:
    if "space exceeded" in message:
        return "etcd is at its space quota: compact, defragment, then `etcdctl alarm disarm`"
    return f"etcd refuses for now: {message}"
