"""What is attacked, from where, and with which certificates; and what all attackers are."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.cluster.machine import Machine
from tests.lab.netns import socket_in

REST, OPENFLOW, OVSDB = 9696, 6653, 6640
PATIENCE = 30.0  # seconds until an answer to a request that was sent whole is one that did not come


class Target(NamedTuple):
    """`source`: the attacker's address.  It is in another /64 than everybody else, who must not pay for what it does.

    `files`: certificates; `own`: the name of the one that the attacker has, of a hypervisor of the site.
    """

    members: list[str]
    machine: Machine
    source: str
    files: Path
    own: str

    def dial(self, member: str, port: int, timeout: float = PATIENCE) -> socket.socket:
        """A TCP connection; raises OSError."""
        raw = socket_in(self.machine.namespace, socket.AF_INET6, socket.SOCK_STREAM)
        try:
            raw.settimeout(timeout)
            raw.bind((self.source, 0))
            raw.connect((member, port))
        except BaseException:
            raw.close()
            raise
        return raw

    def secured(self, member: str, port: int, certificate: str = "", timeout: float = PATIENCE) -> ssl.SSLSocket:
        """A connection over TLS, that shows the certificate of this name; raises OSError."""
        context = ssl.create_default_context(cafile=self.files / "ca.pem")
        if certificate:
            context.load_cert_chain(self.files / f"{certificate}.pem", self.files / f"{certificate}.key")
        raw = self.dial(member, port, timeout)
        try:
            return context.wrap_socket(raw, server_hostname=member)
        except BaseException:
            raw.close()
            raise

    @contextlib.contextmanager
    def client(self, member: str) -> Iterator[http.client.HTTPConnection]:
        connection = http.client.HTTPConnection(member, REST)
        with contextlib.closing(self.secured(member, REST)) as connection.sock:
            yield connection


class Attacker:
    """Somebody who does one kind of harm at random until the event is set.

    `answers` counts what came of it.  `faults`: answers that nobody should get, whatever he asks.
    """

    name = ""

    def __init__(self, target: Target, seed: int, token: str = "") -> None:
        self.target = target
        self.token = token
        self.dice = random.Random(f"{self.name} {token} {seed}")
        self.answers: Counter[str] = Counter()
        self.faults: list[str] = []

    def work(self, until: threading.Event) -> None:
        while not until.is_set():
            try:
                self.attack(until)
            except OSError as error:
                self.answers[type(error).__name__] += 1
                until.wait(0.1)

    def attack(self, until: threading.Event) -> None:
        """Once; raises OSError."""
        raise NotImplementedError

    def member(self) -> str:
        return self.dice.choice(self.target.members)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        """One request on a connection of its own; a status of 500 or more is a fault, and so is no answer."""
        given = {"Content-Type": "application/json", **headers}
        if self.token:
            given["X-Auth-Token"] = self.token
        status, said = 0, b""
        try:
            with self.target.client(self.member()) as connection:
                connection.request(method, path, body, given)
                response = connection.getresponse()
                status, said = response.status, response.read()
        except TimeoutError:
            self.faults.append(f"{method} {path}: no answer")
        except (http.client.HTTPException, OSError) as error:  # the server hangs up on who sends on after a refusal
            self.answers[type(error).__name__] += 1
        else:
            self.answers[str(status)] += 1
        if status >= 500 and status not in (501, 505):
            self.faults.append(f"{method} {path} {(body or b'')[:200]!r}: {status} {said[:300]!r}")
        return status, said

    def made(self, kind: str, path: str, **request: object) -> str:
        """The id of a new object; "" where that is refused."""
        status, said = self.ask("POST", f"/v2.0/{path}", json.dumps({kind: request}).encode())
        return str(json.loads(said)[kind]["id"]) if status == 201 else ""
