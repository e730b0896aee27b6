"""Tenants with tokens, and strangers without: requests that are wrong, and requests that are large."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from northbound.openapi.document import document
from tests.soak.attack.target import Attacker, Target

WORDS = (
    *("name", "id", "network", "networks", "port", "ports", "subnet", "fixed_ips", "network_id", "tags", "cidr", "x"),
    *("mac_address", "device_id", "binding:profile", "quota", "prefixes", "project_id", "attachment"),
)
TEXTS = (
    *("", "x", "10.0.0.0/24", "2001:db8::/32", "fa:16:3e:00:00:01", "\0", "\ud7ff", "../..", "' or 1=1", "%00", "-1"),
    *("a" * 300, "0" * 5000, "1e999"),
)
QUERIES = (
    *("", "limit=1", "limit=-1", "fields=id&fields=x", "sort_key=id&sort_dir=up", "name_substr=a&name_substr=b"),
    *("dry_run=true", "changed_since=x", "changed_since=9999-12-31T23:59:59Z", "x=%ff", "marker=x"),
    "fixed_ips=ip_address_substr%3D1",
)


class WrongRequests(Attacker):
    """Each call of the description of the API with ids and bodies drawn at random; some are right by chance."""

    name = "requests"

    def __init__(self, target: Target, seed: int, token: str, ids: list[str], projects: list[str]) -> None:
        """`ids`: of objects of others; `projects`: names for paths."""
        super().__init__(target, seed, token)
        self._ids = [*ids, "x", "00000000-0000-4000-8000-000000000000"]
        self._projects = projects
        self._calls = [(method.upper(), path) for path, methods in document()["paths"].items() for method in methods
                       if path != "/tenet/v1/events"]  # fmt: skip

    def attack(self, until: threading.Event) -> None:
        method, template = self.dice.choice(self._calls)
        path = re.sub(r"\{(\w+)\}", lambda found: self._part(found[1]), template)
        query = self.dice.choice(QUERIES) if method in ("GET", "POST") else ""
        self.ask(method, f"{path}?{query}" if query else path, self._body(method))

    def _part(self, name: str) -> str:
        if name in ("tenant", "project"):
            return self.dice.choice(self._projects)
        return quote(self.dice.choice([*self._ids, self.dice.choice(TEXTS)[:200] or "x"]), safe="")

    def _body(self, method: str) -> bytes | None:
        if method in ("GET", "DELETE"):
            return None
        return self.dice.choice((
            json.dumps(self._value(3)).encode(errors="replace"),
            json.dumps({self.dice.choice(WORDS): self._some()}).encode(),
            bytes(self.dice.randrange(256) for _ in range(40)),
            b"[" * self.dice.randrange(1, 5000),
            b'{"network":{"name":"a","name":"b"}}',
        ))  # fmt: skip

    def _some(self) -> dict[str, Any]:
        return {word: self._value(1) for word in self.dice.sample(WORDS, 4)}

    def _value(self, deep: int) -> Any:
        kind = self.dice.randrange(8)
        if deep and kind < 3:
            return {self.dice.choice(WORDS): self._value(deep - 1) for _ in range(3)}
        if deep and kind < 5:
            return [self._value(deep - 1) for _ in range(3)]
        return self.dice.choice((None, True, 2**63, -1, 1e308, *TEXTS, *self._ids))


class LargeRequests(Attacker):
    """A member of a project asks for as much at once as he may, and for more."""

    name = "large"

    def __init__(self, target: Target, seed: int, token: str) -> None:
        super().__init__(target, seed, token)
        self._network = self._port = ""
        self._acts: tuple[Callable[[], object], ...] = (
            *(self._options, self._bulk, self._dry_run, self._values, self._keys, self._lists),
            *(self._substrings, self._pool),
        )  # fmt: skip

    def attack(self, until: threading.Event) -> None:
        self._network = self._network or self.made("network", "networks")
        if self._network:
            self._port = self._port or self.made("port", "ports", network_id=self._network)
        self.dice.choice(self._acts)()

    def _options(self) -> None:
        """50 KB that are others each time: what is remembered of recent commits and events fills up."""
        text = chr(0x1F6A7) * 240
        options = [{"opt_name": f"option-{n}", "opt_value": f"{self.dice.random()}{text}"} for n in range(48)]
        self.ask("PUT", f"/v2.0/ports/{self._port}", json.dumps({"port": {"extra_dhcp_opts": options}}).encode())

    def _ports(self, count: int) -> bytes:
        return json.dumps({"ports": [{"network_id": self._network, "name": "bulk"} for _ in range(count)]}).encode()

    def _bulk(self) -> None:
        """More than the quota has: nothing is made.  Less: it is made, and goes again."""
        self.ask("POST", "/v2.0/ports", self._ports(600))
        status, said = self.ask("POST", "/v2.0/ports", self._ports(60))
        for port in json.loads(said)["ports"] if status == 201 else ():
            self.ask("DELETE", f"/v2.0/ports/{port['id']}")

    def _dry_run(self) -> None:
        self.ask("POST", "/v2.0/ports?dry_run=true", self._ports(200))

    def _values(self) -> None:
        self.ask("POST", "/v2.0/networks", b'{"network":[' + b"{}," * self.dice.choice((30_000, 1_000_000)) + b"1]}")

    def _keys(self) -> None:
        keys = ",".join(f'"{number}":1' for number in range(60_000))
        self.ask("POST", "/v2.0/networks", f'{{{keys},"1":2}}'.encode())

    def _lists(self) -> None:
        self.ask(
            "GET", self.dice.choice(("/v2.0/ports", "/v2.0/networks", "/v2.0/ports?sort_key=name", "/v2.0/extensions"))
        )

    def _substrings(self) -> None:
        some = "&".join(f"fixed_ips=ip_address_substr%3D{n}" for n in range(self.dice.choice((20, 199))))
        self.ask("GET", f"/v2.0/ports?{some}")

    def _pool(self) -> None:
        prefixes = [f"10.{n}.{self.dice.randrange(256)}.0/28" for n in range(256)]
        made = self.made("subnetpool", "subnetpools", name="p", prefixes=prefixes)
        if made:
            self.ask("DELETE", f"/v2.0/subnetpools/{made}")
