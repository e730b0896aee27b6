"""Objects of every kind in every relation to the one who asks, who is red's member; and what a request did to whom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from controller.intent.flavors import DRIVERS
from controller.model.rows import NdpProxy, Pool, Port, Row, Subnet
from controller.store.codec import decode
from controller.store.replica import Replica
from controller.store.store import Store
from controller.store.transaction import transact

from .conftest import Api
from .tenants import Cloud

NOBODY = "00000000-0000-4000-8000-000000000000"
Rows = dict[str, bytes]


class Estate:
    """`of[kind][relation]` is an id.

    Relations: own; shared (blue's, with red); everyones (the operator's, shared with all); external (the operator's);
    foreign (blue's).  Further ones are said where they are made.
    """

    def __init__(self, directory: Path, store: Store, replica: Replica, policy: str = "") -> None:
        cloud = Cloud(directory, store, replica, policy=policy)
        self.red, self.blue, self.operator = (
            cloud.person("red", "member"), cloud.person("blue", "member"), cloud.person("ops", "admin"),
        )  # fmt: skip
        self.store, self.replica = store, replica
        self.of: dict[str, dict[str, str]] = {
            "network": self._networks(), "project": {"own": "red", "foreign": "blue"}, "agent": {"switch": NOBODY},
            "address_scope": self._scopes(),
        }  # fmt: skip
        self.of["address_group"] = self._address_groups()
        self.of["security_group"] = self._security_groups()
        self.of["security_group_rule"] = self._security_group_rules()
        self.of["subnetpool"] = self._pools()
        self.of["subnet"] = self._subnets()
        self.of["port"] = self._ports()
        rules = self.red.call("GET", "/v2.0/default-security-group-rules").json["default_security_group_rules"]
        self.of["default_security_group_rule"] = {"everyones": rules[0]["id"]}
        self.of["log"] = self._logs()
        self.of["service_profile"], self.of["flavor"] = self._flavors()
        self.of["router"] = self._routers()
        self.of |= self._translation()
        self.of["rbac_policy"] = self._policies()

    def rows(self) -> Rows:
        """Every key and value in the store."""
        return {stored.key: stored.value for stored in self.store.everything()[1]}

    def others(self, before: Rows) -> set[str]:
        """Keys that are not of red's and that have changed since: rows, and reservations that such rows hold."""
        after = self.rows()
        changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
        return {key for key in changed if any(_is_others(key, rows, rows.get(key)) for rows in (before, after))}

    def hidden(self) -> set[str]:
        """Ids that red cannot know."""
        seen = {NOBODY, "red"}
        for path in ("networks", "subnets", "ports", "subnetpools", "address-scopes", "address-groups",
                     "security-groups", "security-group-rules", "rbac-policies", "routers", "floatingips",
                     "local_ips", "ndp_proxies", "metering/metering-labels",
                     "metering/metering-label-rules"):  # fmt: skip
            (listed,) = self.red.call("GET", f"/v2.0/{path}").json.values()
            seen |= {str(row["id"]) for row in listed}
        return {key.rpartition("/")[2] for key in self.rows() if not key.startswith("taken/")} - seen

    def share(self, by: Api, kind: str, row: dict[str, Any], target: str = "red") -> str:
        return self._made(by, "rbac-policy", object_type=kind, object_id=row["id"], action="access_as_shared",
                          target_tenant=target)  # fmt: skip

    def _made(self, by: Api, kind: str, **request: object) -> str:
        return str(by.made(kind, **request)["id"])

    def _networks(self) -> dict[str, str]:
        """home: red's, with ports on it."""
        shared = self.blue.made("network")
        self.share(self.blue, "network", shared)
        return {
            "own": self._made(self.red, "network"),
            "home": self._made(self.red, "network"),
            "shared": shared["id"],
            "everyones": self._made(self.operator, "network", shared=True),
            "external": self._made(self.operator, "network", router__external=True),
            "foreign": self._made(self.blue, "network"),
        }

    def _scopes(self) -> dict[str, str]:
        shared = self.blue.made("address-scope", ip_version=4)
        self.share(self.blue, "address_scope", shared)
        return {
            "own": self._made(self.red, "address-scope", ip_version=4),
            "shared": shared["id"],
            "everyones": self._made(self.operator, "address-scope", ip_version=4, shared=True),
            "foreign": self._made(self.blue, "address-scope", ip_version=4),
        }

    def _address_groups(self) -> dict[str, str]:
        shared, everyones = self.blue.made("address-group"), self.operator.made("address-group")
        self.share(self.blue, "address_group", shared)
        self.share(self.operator, "address_group", everyones, "*")
        return {
            "own": self._made(self.red, "address-group", addresses=["10.0.0.0/8"]),
            "shared": shared["id"],
            "everyones": everyones["id"],
            "foreign": self._made(self.blue, "address-group"),
        }

    def _security_groups(self) -> dict[str, str]:
        """home: red's, with a rule of the operator's.  theirs: blue's default group."""
        shared, everyones = self.blue.made("security-group"), self.operator.made("security-group")
        self.share(self.blue, "security_group", shared)
        self.share(self.operator, "security_group", everyones, "*")
        (theirs,) = self.blue.call("GET", "/v2.0/security-groups?name=default").json["security_groups"]
        return {
            "own": self._made(self.red, "security-group"),
            "home": self._made(self.red, "security-group"),
            "shared": shared["id"],
            "everyones": everyones["id"],
            "foreign": self._made(self.blue, "security-group"),
            "theirs": theirs["id"],
        }

    def _security_group_rules(self) -> dict[str, str]:
        """operators: the operator's, in red's.  Of the others it is the group that is own, shared, or blue's."""
        by = {"own": self.red, "home": self.red, "everyones": self.operator}
        found = {
            relation: self._made(by.get(relation, self.blue), "security-group-rule", security_group_id=group,
                                 direction="ingress")
            for relation, group in self.of["security_group"].items()
        }  # fmt: skip
        found["operators"] = self._made(self.operator, "security-group-rule", direction="egress", protocol="tcp",
                                        security_group_id=self.of["security_group"]["home"])  # fmt: skip
        return found

    def _pools(self) -> dict[str, str]:
        """guest: red's in a scope of blue's."""
        shared = self.blue.made("subnetpool", prefixes=["10.64.0.0/16"], default_prefixlen=24)
        self.share(self.blue, "subnetpool", shared)
        whole = {"prefixes": ["10.65.0.0/16"], "default_prefixlen": 24}
        return {
            "own": self._made(self.red, "subnetpool", **whole),
            "guest": self._made(
                self.red,
                "subnetpool",
                prefixes=["10.67.0.0/16"],
                default_prefixlen=24,
                address_scope_id=self.of["address_scope"]["shared"],
            ),
            "shared": shared["id"],
            "everyones": self._made(self.operator, "subnetpool", **whole, shared=True),
            "foreign": self._made(self.blue, "subnetpool", **whole),
        }

    def _subnets(self) -> dict[str, str]:
        """operators: the operator's on red's network.  guest: red's on blue's network, as older versions allowed it."""
        found = {}
        by = {"own": self.red, "shared": self.blue, "foreign": self.blue}
        for place, (relation, network) in enumerate(self.of["network"].items()):
            found[relation] = self._made(by.get(relation, self.operator), "subnet", network_id=network, ip_version=4,
                                         cidr=f"10.{place}.0.0/24")  # fmt: skip
        found["operators"] = found.pop("home")
        row = Subnet(id=NOBODY.replace("4", "6"), project_id="red", network_id=self.of["network"]["shared"],
                     ip_version=4, cidr="10.99.0.0/24", allocation_pools=(Pool("10.99.0.2", "10.99.0.9"),))  # fmt: skip
        transact(self.store, self.replica, lambda tx: tx.put(row))
        return found | {"guest": row.id}

    def _ports(self) -> dict[str, str]:
        """guest: red's on blue's network.  guests: blue's on red's.  neighbour: blue's on a network shared with red."""
        home, shared = self.of["network"]["home"], self.of["network"]["shared"]
        guests = Port(id=NOBODY.replace("4", "7"), project_id="blue", network_id=home, mac_address="fa:16:3e:00:00:01")
        transact(self.store, self.replica, lambda tx: tx.put(guests))
        return {
            "own": self._made(self.red, "port", network_id=home, fixed_ips=[]),
            "guest": self._made(self.red, "port", network_id=shared),
            "guests": guests.id,
            "neighbour": self._made(self.blue, "port", network_id=shared),
            "foreign": self._made(self.blue, "port", network_id=self.of["network"]["foreign"]),
        }

    def _logs(self) -> dict[str, str]:
        """Those of red's project are its managers'."""
        what = {"resource_type": "security_group"}
        return {each: self._made(self.operator, "log/log", project_id=project, **what) for each, project in (
            ("own", "red"), ("foreign", "blue"))}  # fmt: skip

    def _flavors(self) -> tuple[dict[str, str], dict[str, str]]:
        """A profile that no flavor has, and a flavor of a profile of its own."""
        driver = next(iter(DRIVERS))
        free, used = (self._made(self.operator, "service_profile", driver=driver) for _ in range(2))
        flavor = self._made(self.operator, "flavor", service_type="L3_ROUTER_NAT")
        body = {"service_profile": {"id": used}}
        assert self.operator.call("POST", f"/v2.0/flavors/{flavor}/service_profiles", body).status == 201
        return {"operators": free}, {"everyones": flavor}

    def _routers(self) -> dict[str, str]:
        """own: with an interface in the subnet `routed`.  `to_route`: others where each of red's could have one."""
        self.routed, *others = (
            self._made(self.red, "subnet", network_id=self._made(self.red, "network"), ip_version=4, cidr=cidr)
            for cidr in ("10.88.0.0/24", "10.89.0.0/24", "10.90.0.0/24")
        )
        self.to_route = dict(zip(("own", "spare"), others, strict=True))
        own = self._made(self.red, "router")
        body = {"subnet_id": self.routed}
        assert self.red.call("PUT", f"/v2.0/routers/{own}/add_router_interface", body).status == 200
        return {"own": own, "spare": self._made(self.red, "router"), "foreign": self._made(self.blue, "router")}

    def _translation(self) -> dict[str, dict[str, str]]:
        """Floating IPs that no router uses, and what else belongs to routers; there are no port forwardings."""
        networks, people = self.of["network"], {"own": self.red, "foreign": self.blue}
        external = {"floating_network_id": networks["external"]}
        labels = {each: self._made(self.operator, "metering/metering-label", project_id=project) for each, project in (
            ("own", "red"), ("foreign", "blue"))}  # fmt: skip
        rule = {"direction": "ingress", "remote_ip_prefix": "10.0.0.0/8"}
        proxies = [
            NdpProxy(
                id=NOBODY.replace("4", digit), project_id=project, router_id=NOBODY, port_id=NOBODY, ip_address="::1"
            )
            for digit, project in (("8", "red"), ("9", "blue"))
        ]  # fmt: skip
        for proxy in proxies:
            transact(self.store, self.replica, lambda tx, proxy=proxy: tx.put(proxy))  # type: ignore[misc]
        return {
            "floatingip": {each: self._made(by, "floatingip", **external) for each, by in people.items()},
            "local_ip": {
                each: self._made(by, "local_ip", network_id=networks["shared"]) for each, by in people.items()
            },
            "metering_label": labels,
            "metering_label_rule": {
                each: self._made(self.operator, "metering/metering-label-rule", metering_label_id=label, **rule)
                for each, label in labels.items()
            },
            "ndp_proxy": dict(zip(people, [proxy.id for proxy in proxies], strict=True)),
            "port_forwarding": {"own": NOBODY},
        }

    def _policies(self) -> dict[str, str]:
        """operators: in red's project, about what is not red's."""
        networks = self.of["network"]
        return {
            "own": self.share(self.red, "network", {"id": networks["own"]}, "green"),
            "foreign": self.share(self.blue, "network", {"id": networks["foreign"]}, "green"),
            "operators": self._made(self.operator, "rbac-policy", object_type="network", object_id=networks["external"],
                                    action="access_as_shared", target_tenant="green", project_id="red"),
        }  # fmt: skip


def _is_others(key: str, rows: Rows, value: bytes | None) -> bool:
    """A row of another project, or a reservation that one holds."""
    if value is None:
        return False
    if key.startswith("taken/"):
        holder = value.decode()
        return holder in rows and _is_others(holder, rows, rows[holder])
    row: Row = decode(key, value)
    return getattr(row, "project_id", "red") not in ("red", "")  # the ports of gateways are of no project
