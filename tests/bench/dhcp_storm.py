"""Leases of one tenant while 400 VMs of another ask without end, on the same four hypervisors."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress

from tests.bench.dhcp_boot import booting
from tests.bench.figure import Figure, percentiles
from tests.bench.site import site
from tests.lab.dhcp import ACK, Client, Message, discover

STORMING, QUIET = 400, 40  # VMs
EACH, TICK = 60, 0.1  # questions a second of a storming VM, which is more than its share; seconds
LEASES, AGAIN = 200, 1.0
P50, MOST = 20.0, 4  # ms; messages that a client sends for a lease


def measure() -> Iterator[Figure]:
    with site() as made, ExitStack() as stack:
        clients = [stack.enter_context(closing(each)) for each in booting(made, STORMING + QUIET)]
        storming, quiet = clients[:STORMING], clients[STORMING:]
        rest = [lease(quiet[turn % QUIET]) for turn in range(LEASES)]
        used, began = made.cpu(), time.perf_counter()
        with storm(storming):
            time.sleep(1.0)  # bursts are over
            busy = [lease(quiet[turn % QUIET]) for turn in range(LEASES)]
        used, took = made.cpu() - used, time.perf_counter() - began
    (p50, p95), (at_rest, _) = (percentiles([each[0] * 1e3 for each in some]) for some in (busy, rest))
    again = sum(each[1] > 2 for each in busy) / LEASES
    yield Figure(
        name="dhcp-storm", value=p50, unit="ms", at_least=f"p50 {P50:g} ms, none sends more than {MOST} messages",
        holds=p50 <= P50 and max(each[1] for each in busy) <= MOST,
        details={
            "p95_ms": p95, "p50_at_rest_ms": at_rest, "asked_again": again, "storming_vms": STORMING,
            "questions_a_second": STORMING * EACH, "controller_cpu": used / took, "of": "DISCOVER to ACK",
        },
    )  # fmt: skip


def lease(client: Client) -> tuple[float, int]:
    """Seconds until a client has its lease, and how many messages it has sent for it: two, if all goes well."""
    began, asked = time.perf_counter(), 0
    offer: Message | None = None
    while True:
        asked += 1
        told, _ = client.discover(within=AGAIN) if offer is None else client.request(offer, AGAIN)
        if told is not None and told.kind == ACK:
            return time.perf_counter() - began, asked
        offer = told or offer
        if asked > 30:
            raise TimeoutError(f"{client.mac}: no lease")


@contextmanager
def storm(clients: Sequence[Client]) -> Iterator[None]:
    over = threading.Event()

    def send() -> None:
        frames = [(client.socket, discover(client.mac, 1)) for client in clients]
        while not over.wait(TICK):
            for sock, frame in frames:
                with suppress(OSError):  # no room in its queue
                    for _ in range(int(EACH * TICK)):
                        sock.send(frame)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
