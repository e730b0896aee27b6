"""Security groups on Tenet."""

from __future__ import annotations

from collections.abc import Sequence

from tests.bench.http import Client, load, request
from tests.bench.peers.tenet import OPEN, Tenet
from tests.bench.security_groups import GROUPS, OPERATOR, RULES, tcp
from tests.bench.site import PORTS, refused

FILTERED = {"device_owner": "compute:bench"}


class Groups:
    """`tests.bench.peers.filters.Filters` of a `Tenet`."""

    def __init__(self, tenet: Tenet) -> None:
        self._tenet = tenet
        quota = {"security_group_rule": -1, "security_group": -1, "port": -1}
        self._client.json("PUT", "/v2.0/quotas/bench", {"quota": quota})

    def group(self, ports: Sequence[str]) -> str:
        """A new group has the rules that let all be sent."""
        made = self._client.json("POST", GROUPS, {"security_group": {"name": "bench", **OPERATOR}})["security_group"]
        group = str(made["id"])
        itself: dict[str, object] = {"direction": "ingress", "ethertype": "IPv4", "remote_group_id": group, **OPERATOR}
        self._add(group, [itself])
        self._change(ports, {**FILTERED, "security_groups": [group]})
        return group

    def rule(self, group: str, *numbers: int, remote: bool = False) -> None:
        source = {"remote_group_id": group} if remote else {}
        self._add(group, [tcp(number, **source) for number in numbers])

    def remove(self, group: str) -> None:
        found = self._client.json("GET", f"{PORTS}?fields=id&security_groups={group}")["ports"]
        members = [str(one["id"]) for one in found]
        self._change(members, {"security_groups": []})
        self._change(members, OPEN)
        self._client.json("DELETE", f"{GROUPS}/{group}", Prefer="wait=60")

    @property
    def _client(self) -> Client:
        return self._tenet.fresh().client

    def _add(self, group: str, rules: Sequence[dict[str, object]]) -> None:
        bulk = {"security_group_rules": [{**rule, "security_group_id": group} for rule in rules]}
        self._client.json("POST", RULES, bulk, Prefer="wait=60")

    def _change(self, ports: Sequence[str], how: dict[str, object]) -> None:
        if ports:
            wanted = [request("PUT", f"{PORTS}/{port}", {"port": how}) for port in ports]
            refused(load([self._tenet.fresh().connect()], wanted), 200)
            self._tenet.fresh().settled()
