"""Names of ports and floating IPs on a real BIND: published, changed, removed, whatever fails meanwhile."""

from __future__ import annotations

import ipaddress
import random
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import dns.message
import pytest
from msgspec.structs import replace

from controller.config.external_dns import ExternalDnsSettings, Zone, _key
from controller.config.physical_networks import PhysicalNetworks
from controller.model.rows import (
    KINDS,
    DnsRecord,
    FixedIp,
    FloatingIp,
    Network,
    Port,
    PublishedName,
    Row,
    Subnet,
    UnpublishedZone,
)
from controller.publish.external_dns.publisher import ExternalDns
from controller.publish.external_dns.updates import Answer, DnsServer, Result, Update
from controller.store import open_store
from controller.store.replica import Replica
from controller.store.transaction import Transaction, transact

from .bind import REVERSE6, Bind, Records, bind

V4, V6 = "192.0.2", "2001:db8::"
PHYSICAL = PhysicalNetworks(("ext",), (("lan", ((100, 199),)),))


class Deployment:
    """Rows in a store, and members that publish them; time is what the test says."""

    def __init__(self, folder: Path, server: Bind) -> None:
        self.server = server
        self.now = 1000.0
        self.store = open_store(f"sqlite:///{folder}/tenet.db")
        self.replica = Replica(self.store)
        self.replica.start()
        self.dns = self.member()

    @property
    def settings(self) -> ExternalDnsSettings:
        networks = (ipaddress.ip_network(f"{V4}.0/24"), ipaddress.ip_network("2001:db8::/32"))
        return ExternalDnsSettings(
            ("127.0.0.1", self.server.port), _key(str(self.server.key_file)),
            (Zone("example.org."), Zone("lab.example.net.", ("red",))), networks, ipv6_prefix=104, timeout=5.0,
        )  # fmt: skip

    def member(self, send: Callable[[Sequence[Update], bytes], list[Answer]] | None = None) -> ExternalDns:
        settings = self.settings
        return ExternalDns(
            self.store, self.replica, settings, PHYSICAL, send or DnsServer(settings), clock=lambda: self.now
        )

    def put(self, *rows: Row | str) -> None:
        """Rows, and keys of those that go."""

        def rules(tx: Transaction) -> None:
            for row in rows:
                if not isinstance(row, str):
                    tx.put(row)
                    continue
                kind, _, row_id = row.partition("/")
                found = tx.get(KINDS[kind], row_id)
                if found is not None:
                    tx.delete(found)

        transact(self.store, self.replica, rules)

    def rest(self, seconds: float = 2000.0) -> None:
        """Let time pass, so that everything is tried again."""
        self.now += seconds
        self.dns.turn()

    def rows(self, *, sent: bool = True) -> Records:
        """What is published, as the rows have it."""
        found: Records = {}
        for row in self.replica.model.rows(PublishedName).values():
            for record in row.records:
                if row.sent == sent:
                    kinds = found.setdefault(row.id, {})
                    kinds[record.type] = tuple(sorted((*kinds.get(record.type, ()), record.value)))
        return found

    def troubles(self) -> dict[str, str]:
        return {row.id: row.reason for row in self.replica.model.rows(UnpublishedZone).values()}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Bind]:
    with bind(tmp_path / "bind", refused=("lab.example.net",)) as made:
        yield made


@pytest.fixture
def cloud(tmp_path: Path, server: Bind) -> Iterator[Deployment]:
    made = Deployment(tmp_path, server)
    made.put(network(), *subnets())
    yield made
    made.replica.stop()
    made.store.close()


def network(**others: object) -> Network:
    made = Network(id="net", project_id="red", mtu=1500, network_type="flat", segment=7, physical_network="ext",
                   dns_domain="example.org.")  # fmt: skip
    return replace(made, **others)


def subnets(*, chosen: tuple[str, ...] = ()) -> list[Subnet]:
    return [
        Subnet(id="s4", project_id="red", network_id="net", ip_version=4, cidr=f"{V4}.0/24",
               dns_publish_fixed_ip="s4" in chosen),
        Subnet(id="s6", project_id="red", network_id="net", ip_version=6, cidr=f"{V6}/104",
               dns_publish_fixed_ip="s6" in chosen),
    ]  # fmt: skip


def port(port_id: str, number: int, name: str = "", **others: object) -> Port:
    fixed = (FixedIp("s4", f"{V4}.{number}"), FixedIp("s6", f"{V6}{number:x}"))
    made = Port(id=port_id, project_id="red", network_id="net", mac_address=f"02:00:00:00:00:{number:02x}",
                fixed_ips=fixed, dns_name=name, created_at=f"2026-01-01T00:00:{number % 60:02}Z")  # fmt: skip
    return replace(made, **others)


def floating(floating_id: str, number: int, name: str = "", domain: str = "", **others: object) -> FloatingIp:
    made = FloatingIp(id=floating_id, project_id="red", floating_network_id="out", floating_port_id="fp",
                      floating_ip_address=f"{V4}.{number}", dns_name=name, dns_domain=domain,
                      created_at=f"2026-01-01T00:01:{number % 60:02}Z")  # fmt: skip
    return replace(made, **others)


def published(name: str, *numbers: int, six: bool = True) -> Records:
    """The records of a name with these addresses, and those that lead back."""
    found: Records = {f"{name}.example.org.": {"A": tuple(f"{V4}.{number}" for number in numbers)}}
    if six:
        found[f"{name}.example.org."]["AAAA"] = tuple(f"{V6}{number:x}" for number in numbers)
    for number in numbers:
        found[f"{number}.2.0.192.in-addr.arpa."] = {"PTR": (f"{name}.example.org.",)}
        if six:
            reverse = ".".join(reversed(f"{number:06x}"))
            found[f"{reverse}.{REVERSE6}."] = {"PTR": (f"{name}.example.org.",)}
    return found


def test_a_port_is_published_changed_and_removed(cloud: Deployment, server: Bind) -> None:
    cloud.put(port("a", 10, "vm"))
    cloud.dns.turn()
    assert server.records() == published("vm", 10) == cloud.rows()
    cloud.put(port("a", 11, "vm"))
    cloud.dns.turn()
    assert server.records() == published("vm", 11) == cloud.rows()
    cloud.put(port("a", 11, "other"))
    cloud.dns.turn()
    assert server.records() == published("other", 11) == cloud.rows()
    cloud.put("port/a")
    cloud.dns.turn()
    assert server.records(marks=True) == {} and not cloud.replica.model.rows(PublishedName)


def test_a_floating_ip_has_its_own_name_or_its_ports(cloud: Deployment, server: Bind) -> None:
    inside = network(id="in", physical_network="", network_type="vxlan")
    cloud.put(
        network(id="out", external=True),
        inside,
        port("a", 10, "vm", network_id="in"),
        floating("f", 50, "www", "example.org."),
    )
    cloud.dns.turn()
    assert server.records() == published("www", 50, six=False)  # and nothing of the port
    cloud.put(floating("f", 50, port_id="a"))
    cloud.dns.turn()
    assert server.records() == published("vm", 50, six=False)
    cloud.put(replace(inside, dns_domain="no.example.org."))
    cloud.dns.turn()
    assert server.records() == published("vm.no", 50, six=False)
    cloud.put(floating("f", 50))
    cloud.dns.turn()
    assert server.records() == {}


def test_what_is_not_ours_is_never_touched(cloud: Deployment, server: Bind) -> None:
    server.by_hand("example.org.", "add vm.example.org. 60 A 198.51.100.1")
    server.by_hand("2.0.192.in-addr.arpa.", "add 11.2.0.192.in-addr.arpa. 60 PTR host.example.org.")
    theirs = server.records()
    cloud.put(port("a", 10, "vm"), port("b", 11, "free"))
    cloud.dns.turn()
    after = server.records()
    assert {name: after[name] for name in theirs} == theirs
    assert after["free.example.org."] == {"A": (f"{V4}.11",), "AAAA": (f"{V6}b",)}
    refused = {row.id for row in cloud.replica.model.rows(PublishedName).values() if row.reason}
    assert refused == {"vm.example.org.", "11.2.0.192.in-addr.arpa."}
    cloud.put("port/b")
    cloud.rest()
    server.by_hand("example.org.", "delete vm.example.org.")  # they give it up
    cloud.rest()
    ours = {"A": (f"{V4}.10",), "AAAA": (f"{V6}a",)}
    assert cloud.rows()["vm.example.org."] == server.records()["vm.example.org."] == ours
    cloud.put("port/a")
    cloud.rest()
    assert server.records() == {"11.2.0.192.in-addr.arpa.": {"PTR": ("host.example.org.",)}}


def test_records_of_other_types_under_our_name_stay(cloud: Deployment, server: Bind) -> None:
    cloud.put(port("a", 10, "vm"))
    cloud.dns.turn()
    server.by_hand("example.org.", 'add vm.example.org. 60 TXT "of the operator"')
    cloud.put(port("a", 11, "vm"))
    cloud.dns.turn()
    assert server.records()["vm.example.org."]["TXT"] == ('"of the operator"',)
    assert server.records()["vm.example.org."]["A"] == (f"{V4}.11",)


def test_of_two_that_want_a_name_the_first_has_it_and_then_the_other(cloud: Deployment, server: Bind) -> None:
    cloud.put(port("a", 10, "vm"))
    cloud.dns.turn()
    cloud.put(port("b", 9, "vm"))  # older, and late
    cloud.dns.turn()
    assert server.records() == published("vm", 10)
    assert [(one.holder, one.name) for one in cloud.dns.wanted.nameless()] == [("port/b", "vm.example.org.")]
    cloud.put("port/a")
    cloud.dns.turn()
    assert server.records() == published("vm", 9) == cloud.rows()


def test_another_deployment_does_not_take_our_names(cloud: Deployment, server: Bind, tmp_path: Path) -> None:
    cloud.put(port("a", 10, "vm"))
    cloud.dns.turn()
    (tmp_path / "second").mkdir()
    second = Deployment(tmp_path / "second", server)
    second.put(network(), *subnets(), port("z", 77, "vm"))
    second.dns.turn()
    assert server.records()["vm.example.org."] == {"A": (f"{V4}.10",), "AAAA": (f"{V6}a",)}
    second.put("port/z")
    second.rest()
    assert server.records() == published("vm", 10)
    second.replica.stop()
    second.store.close()


def test_a_server_that_is_down_gets_everything_when_it_is_back(cloud: Deployment, server: Bind) -> None:
    cloud.put(port("a", 10, "vm"), port("b", 11, "gone"))
    cloud.dns.turn()
    server.stop()
    cloud.put("port/b", port("a", 12, "moved"), port("c", 13, "new"))
    for _ in range(3):
        cloud.rest(100.0)
    assert list(cloud.troubles()) == ["."] and "does not answer" in cloud.troubles()["."]
    cloud.put(port("c", 13, "renamed"))
    server.start()
    cloud.rest(100.0)
    assert server.records() == published("moved", 12) | published("renamed", 13) == cloud.rows()
    assert cloud.troubles() == {}


def test_a_wrong_key_is_told_and_what_waited_is_sent_with_the_right_one(cloud: Deployment, server: Bind) -> None:
    server.new_key()  # the server has the former one
    cloud.dns = cloud.member()
    cloud.put(port("a", 10, "vm"))
    cloud.dns.turn()
    assert "secret for the key tenet." in cloud.troubles()["example.org."] and server.records() == {}
    server.stop()
    server.start()
    cloud.rest()
    assert server.records() == published("vm", 10) and cloud.troubles() == {}


def test_a_zone_that_is_refused_keeps_no_other_waiting(cloud: Deployment, server: Bind) -> None:
    cloud.put(port("a", 10, "vm", dns_domain="lab.example.net."), port("b", 11, "vm"))
    cloud.dns.turn()
    assert server.records() == published("vm", 11) | {
        name: {"PTR": ("vm.lab.example.net.",)} for name in published("x", 10) if name.endswith(".arpa.")
    }
    assert "REFUSED" in cloud.troubles()["lab.example.net."]


def test_zones_are_of_projects_and_names_below_them(cloud: Deployment, server: Bind) -> None:
    cloud.put(
        port("a", 10, "vm", dns_domain="lab.example.net.", project_id="blue"),
        port("b", 11, "lab", dns_domain="example.net."),  # the zone itself
        port("c", 12, "vm", dns_domain="example.com."),
        port("d", 13, "vm.example.com.", dns_domain="example.org."),
    )
    cloud.dns.turn()
    assert server.records() == {} and cloud.rows(sent=False) == {}


@pytest.mark.parametrize(
    ("of", "chosen", "records"),
    [
        ({}, (), published("vm", 10)),
        ({}, ("s4",), published("vm", 10, six=False)),
        ({"external": True}, (), {}),
        ({"external": True}, ("s4",), published("vm", 10, six=False)),
        ({"physical_network": "lan", "network_type": "vlan", "vlan": 150}, (), {}),
        ({"physical_network": "lan", "network_type": "vlan", "vlan": 200}, (), published("vm", 10)),
        ({"physical_network": "", "network_type": "vxlan"}, (), {}),
        ({"physical_network": "", "network_type": "vxlan"}, ("s4",), {"vm.example.org.": {"A": (f"{V4}.10",)}}),
    ],
)
def test_which_networks_publish_their_ports(
    cloud: Deployment, server: Bind, of: dict[str, object], chosen: tuple[str, ...], records: Records
) -> None:
    cloud.put(network(**of), *subnets(chosen=chosen), port("a", 10, "vm"))
    cloud.dns.turn()
    assert server.records() == records


def test_a_member_that_dies_before_it_has_written_leaves_nothing_behind(cloud: Deployment, server: Bind) -> None:
    """It has sent an update and not written that down; meanwhile the port is deleted."""
    real = DnsServer(cloud.settings)

    def dies(updates: Sequence[Update], identity: bytes) -> list[Answer]:
        real(updates, identity)
        raise MemoryError

    dying = cloud.member(dies)
    cloud.put(port("a", 10, "vm"))
    with pytest.raises(MemoryError):
        dying.turn()
    assert "vm.example.org." in server.records()
    cloud.put("port/a")
    cloud.dns.turn()
    assert server.records(marks=True) == {} and not cloud.replica.model.rows(PublishedName)


def test_a_late_update_of_a_former_owner_is_put_right(cloud: Deployment, server: Bind) -> None:
    real = DnsServer(cloud.settings)

    def late(updates: Sequence[Update], identity: bytes) -> list[Answer]:
        if not taken_over:
            taken_over.append(True)
            cloud.put(port("a", 11, "vm"))
            cloud.dns.turn()  # the other member does all of it
            assert server.records() == published("vm", 11)
        return real(updates, identity)

    taken_over: list[bool] = []
    cloud.put(port("a", 10, "vm"))
    cloud.member(late).turn()
    cloud.dns.turn()
    assert server.records() == published("vm", 11) == cloud.rows()


def test_whatever_happens_the_zones_are_as_the_model_in_the_end(cloud: Deployment, server: Bind) -> None:
    """Random histories: renames, moves, deletions, lost answers, deaths, restarts of the server."""
    chance = random.Random(13)
    real = DnsServer(cloud.settings)

    def unreliable(updates: Sequence[Update], identity: bytes) -> list[Answer]:
        fate = chance.random()
        if fate < 0.2:
            raise ConnectionError("lost on the way")
        answers = real(updates, identity)
        if fate < 0.4:
            raise ConnectionError("the answer is lost")
        return answers

    model: dict[str, Port] = {}
    for step in range(120):
        for _ in range(chance.randrange(1, 4)):
            which = f"p{chance.randrange(8)}"
            number = 20 + int(which[1:])
            if chance.random() < 0.3:
                cloud.put(f"port/{which}")
                model.pop(which, None)
            else:
                model[which] = port(which, number, chance.choice(["", f"n{number}", f"m{number}", "shared"]))
                cloud.put(model[which])
        if step % 10 == 0:
            cloud.dns = cloud.member(unreliable)  # another takes over
        cloud.rest(1000.0)
    cloud.dns = cloud.member()
    cloud.rest()
    wanted: Records = {}
    shared = [each for each in model.values() if each.dns_name == "shared"]
    holder = cloud.replica.model.get(PublishedName, "shared.example.org.")
    assert bool(shared) == (holder is not None)
    for each in model.values():
        number = int(each.fixed_ips[0].ip_address.rpartition(".")[2])
        if each.dns_name and (each.dns_name != "shared" or (holder and holder.holder == f"port/{each.id}")):
            wanted |= published(each.dns_name, number)
    assert server.records() == wanted == cloud.rows()


def test_an_answer_without_a_signature_is_not_believed(cloud: Deployment) -> None:
    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            while head := connection.recv(2):
                asked = dns.message.from_wire(connection.recv(int.from_bytes(head, "big")), keyring=False)
                reply = dns.message.make_response(asked).to_wire()
                connection.sendall(len(reply).to_bytes(2, "big") + reply)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer)
        thread.start()
        settings = cloud.settings._replace(server=listener.getsockname()[:2])
        update = Update("vm.example.org.", "example.org.", (DnsRecord("A", f"{V4}.1"),), known=False)
        (found,) = DnsServer(settings)([update], bytes(16))
        thread.join()
    assert found.result is Result.ZONE and "NOERROR, is not to be believed" in found.reason
