"""North-south: floating IPs, gateways that lose power or are drained, a controller's restart under NAT, TCP."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing

from tests.bench.connections_restart import QUIET, Traffic
from tests.bench.figure import Figure, percentiles
from tests.bench.http import request
from tests.bench.north_south import ARP_RETRY, OPEN, STATION, Echoes, NorthSouth, north_south
from tests.bench.routed import throughput
from tests.lab import Vm
from tests.lab.cloud import until
from tests.lab.netns import inside
from tests.lab.processes import Process
from tests.lab.talk import Listener, Talk

SAMPLES, PROBE = 20, 0.001  # associations; seconds between two pings until the first is answered
ASSOCIATED = 30.0  # ms
PINGS, SECONDS_LOST = 0.01, 1.0  # seconds between two pings; lost at most
CONNECTIONS, PORT = 1_000, 20_000
TURNS = 4
GONE = 0.3  # seconds without an answer after which an association is over


def measure() -> Iterator[Figure]:
    with north_south() as made:
        yield _associated(made)
        yield from _throughput(made)
        yield _restarted(made)
        yield _killed(made, controller=True)
        yield _drained(made)
        yield _killed(made, controller=False)


def _associated(made: NorthSouth) -> Figure:
    """From the call until the first ping of the station is answered; its ARP cache is empty each time."""
    floating, delays = made.floating(), []
    path = f"/v2.0/floatingips/{floating['id']}"
    join, part = (
        request("PUT", path, {"floatingip": {"port_id": port}}, headers)
        for port, headers in ((made.ports[0]["id"], {}), (None, {"Prefer": "wait=30"}))
    )
    with closing(Echoes(made.station.namespace, floating["floating_ip_address"])) as echoes:
        for _ in range(SAMPLES):
            made.station.forget()
            made.client.send(join)
            delays.append(echoes.first(PROBE, 30.0) - made.client.began)
            while (reply := made.client.received()) is None:
                pass
            if reply.status != 200 or made.client.ask(part).status != 200:
                raise RuntimeError(f"{reply.status} {reply.body[:500]!r}")
            echoes.silent(GONE, 30.0)
    made.client.json("DELETE", path)
    p50, p95 = (each * 1e3 for each in percentiles(delays))
    return Figure(
        name="floating-ip-associated", value=p50, unit="ms", at_least=f"p50 {ASSOCIATED:g} ms", holds=p50 <= ASSOCIATED,
        details={"p95_ms": p95, "samples": SAMPLES, "probed_every_ms": PROBE * 1e3, "arp_retry_ms": ARP_RETRY,
                 "until": "the first ping from outside is answered, ARP included"},
    )  # fmt: skip


def _killed(made: NorthSouth, *, controller: bool) -> Figure:
    """Pings through the gateway, which loses power; the controller lives, or has been killed before."""
    first = made.active()
    pings = made.far.pinging(STATION, PINGS)
    _await(lambda: len(pings.answered()) > 50)
    if not controller:
        made.controller.kill()
    made.power_off(first)
    before = len(pings.answered())
    _await(lambda: len(pings.answered()) > before + 300)
    lost = len(pings.stop()) * PINGS
    if not controller:
        made.controller.start()
        made.client = made.connect()
    made.power_on(first)
    made.settled()
    return Figure(
        name=f"gateway-killed{'' if controller else ', controller dead'}", value=lost, unit="s lost",
        at_least=f"{SECONDS_LOST:g} s", holds=lost <= SECONDS_LOST,
        details={"pings_a_second": round(1 / PINGS), "dies": "its wires and ovs-vswitchd at once"},
    )  # fmt: skip


def _drained(made: NorthSouth) -> Figure:
    first = made.active()
    pings = made.far.pinging(STATION, PINGS)
    _await(lambda: len(pings.answered()) > 50)
    made.client.json("POST", f"/tenet/v1/gateways/{first.system_id}/drain")
    _await(lambda: made.active() is not first)
    before = len(pings.answered())
    _await(lambda: len(pings.answered()) > before + 800)  # longer than the former gateway stays
    lost = len(pings.stop())
    made.client.json("DELETE", f"/tenet/v1/gateways/{first.system_id}/drain")
    made.settled()
    return Figure(
        name="gateway-drained", value=lost, unit="pings lost", at_least="0", holds=lost == 0,
        details={"pings_a_second": round(1 / PINGS)},
    )  # fmt: skip


def _restarted(made: NorthSouth) -> Figure:
    """kill -9 of the controller, and its start, while connections through NAT go on: half by SNAT, half to a floating
    IP.
    """
    floating = made.floating(port_id=made.ports[0]["id"])
    with closing(Listener(made.station, STATION, PORT)) as outside:
        talks = [outside.accept(made.far) for _ in range(CONNECTIONS // 2)]
    with closing(Listener(made.near, "10.0.0.11", PORT)) as inside_:
        inside_.place = (floating["floating_ip_address"], PORT)
        talks += [inside_.accept(made.station) for _ in range(CONNECTIONS // 2)]
    traffic = Traffic(talks)
    traffic.round()
    if traffic.lost:
        raise RuntimeError(f"{traffic.lost} connections are not answered to begin with")
    again = sum(talk.retransmitted for talk in talks)
    traffic.start()
    time.sleep(QUIET)
    made.controller.restart()
    made.client = made.connect()
    made.settled()
    time.sleep(QUIET)
    traffic.stop()
    again = sum(talk.retransmitted for talk in talks) - again
    sent = made.controller.metric("tenet_flow_messages_total")
    lost = _ended(talks)
    for talk in talks:
        talk.close()
    made.client.json("DELETE", f"/v2.0/floatingips/{floating['id']}")
    return Figure(
        name="nat-connections-restart", value=lost, unit="connections lost", at_least="0, and 0 flow messages",
        holds=lost == 0 and sent == 0,
        details={"flow_messages": sent, "connections": len(talks), "not_answered_in_5_s": traffic.lost,
                 "tcp_segments_sent_again": again, "answered": traffic.answered,
                 "are": "TCP, half by SNAT on a gateway, half to a floating IP on its VM's host"},
    )  # fmt: skip


def _ended(talks: list[Talk]) -> int:
    """How many connections do not go on any more, in one direction or the other."""
    return sum(not (talk.client_says(b"?", 5.0) and talk.server_says(b"!", 5.0)) for talk in talks)


def _throughput(made: NorthSouth) -> Iterator[Figure]:
    """TCP through NAT, beside the same way without: over a tunnel to `near`, and to a VM of the external network."""
    floating = made.floating(port_id=made.ports[0]["id"])
    port = made.v2.port(made.external, "203.0.113.250", **OPEN)
    unrouted = made.cloud.start(made.lab[0], port)
    for vm in (made.station, made.near, unrouted):
        log = made.lab.directory / f"iperf3-{vm.name}.log"
        made.lab.at_end(Process(inside(vm.namespace, ["iperf3", "-s"]), log).kill)
    yield _beside(
        "snat", (made.far, STATION), (made.far, "10.0.0.11"),
        "TCP to a VM of the same network on another hypervisor", gateway=made.active().system_id,
    )  # fmt: skip
    yield _beside(
        "floating-ip", (made.station, floating["floating_ip_address"]), (made.station, "203.0.113.250"),
        "TCP from outside to a VM of the external network, on the same hypervisor",
    )  # fmt: skip
    made.lab.remove(unrouted)
    made.v2.delete("port", port["id"])
    made.client.json("DELETE", f"/v2.0/floatingips/{floating['id']}")


def _beside(name: str, through: tuple[Vm, str], straight: tuple[Vm, str], peer: str, **more: object) -> Figure:
    """Best of several, in turns."""
    rates: tuple[list[float], list[float]] = [], []
    for turn in range(TURNS):
        for which in (0, 1) if turn % 2 else (1, 0):
            client, to = (through, straight)[which]
            rates[which].append(throughput(client, to))
    translated, plain = max(rates[0]), max(rates[1])
    return Figure(
        name=f"nat-tcp-{name}", value=translated, unit="Mbit/s", peer=plain, ratio=translated / plain, peer_is=peer,
        details={"runs": rates[0], "peer_runs": rates[1], "of": "best", **more},
    )  # fmt: skip


def _await(check: Callable[[], bool]) -> None:
    if not until(check):
        raise TimeoutError("pings are not answered, or nobody else becomes the gateway")
