"""Security groups: how soon a rule, a member or a thousand rules are in force on 4 real switches; what they hold."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from typing import Any

from apps.pipeline import STAGES
from tests.bench.figure import Figure, against, percentiles
from tests.bench.http import request
from tests.bench.site import CLIENTS_RUN, PORTS, Site, port, site, vif_of

LEVELS = (100, 1_000, 2_000)  # ports present, of which GROUPED are in the group
GROUPED, SAMPLES, PAUSE, REST = 100, 60, 0.1, 3.0
RULE, GROWTH = 10.0, 1.3  # ms, times
MEMBERS, MEMBER_RULES, MEMBER = 10_000, 100, 15.0  # members of a group, rules that name it, ms
WIDE, HERE, FLOWS = 1_000, 50, 1_500  # members, those on one switch, flows of its security groups
BULK, BULK_SECONDS = 1_000, 1.0
OVN = {100: 28.0, 1_000: 36.0, 2_000: 87.0}  # ms
OVN_IS = "OVN 26.03, 4 hypervisors, measured before on the same kind of machine"
GROUPS, RULES = "/v2.0/security-groups", "/v2.0/security-group-rules"
OPERATOR = {"project_id": "bench"}
TABLES = frozenset(table.name for stage in ("egress", "ingress", "judge", "verdict") for table in STAGES[stage])


def measure() -> Iterator[Figure]:
    with site() as made:
        _without_limits(made)
        network = made.network()
        yield from _rules(made, network)
        yield _flows(made)
        yield _bulk(made)
        yield _member(made)


def group(at: Site, *rules: dict[str, object]) -> str:
    """A group with these rules, none but egress otherwise; its id."""
    made = at.client.json("POST", GROUPS, {"security_group": {"name": "bench", **OPERATOR}})["security_group"]
    if rules:
        bulk = {"security_group_rules": [{**rule, "security_group_id": made["id"]} for rule in rules]}
        at.client.json("POST", RULES, bulk, Prefer="wait=60")
    return str(made["id"])


def tcp(number: int, **more: object) -> dict[str, object]:
    return {"direction": "ingress", "ethertype": "IPv4", "protocol": "tcp", "port_range_min": number,
            "port_range_max": number, **OPERATOR, **more}  # fmt: skip


def _without_limits(at: Site) -> None:
    quota = {"security_group_rule": -1, "security_group": -1, "port": -1}
    at.client.json("PUT", "/v2.0/quotas/bench", {"quota": quota})


def _rules(at: Site, network: str) -> Iterator[Figure]:
    """One rule more on a group of 100 ports."""
    of = group(at)
    present, p50s = 0, {}
    for level in LEVELS:
        ids = at.ports(network, at.plug(level - present))
        if not present:
            for port_id in ids[:GROUPED]:
                at.client.json("PUT", f"{PORTS}/{port_id}", {"port": {"security_groups": [of]}})
        present = level
        at.settled()
        time.sleep(REST)
        delays = [_one_rule(at, of, 10_000 + number) for number in range(SAMPLES)]
        p50, p95 = (each * 1e3 for each in percentiles(delays))
        p50s[level] = p50
        yield Figure(
            name=f"rule-latency-{level}", value=p50, unit="ms", peer=OVN[level], ratio=against(OVN[level], p50),
            peer_is=OVN_IS, at_least=f"p50 {RULE:g} ms", holds=p50 <= RULE,
            details={"p95_ms": p95, "samples": SAMPLES, "ports_in_the_group": GROUPED, "clients_run": CLIENTS_RUN},
        )  # fmt: skip
    growth = p50s[LEVELS[-1]] / p50s[LEVELS[0]]
    yield Figure(
        name="rule-latency-growth", value=growth, unit="times", at_least=f"{GROWTH:g}", holds=growth <= GROWTH,
        details={"from_ports": LEVELS[0], "to_ports": LEVELS[-1]},
    )  # fmt: skip


def _one_rule(at: Site, of: str, number: int) -> float:
    """Seconds until every switch has confirmed it; it is removed again."""
    asked = request("POST", RULES, {"security_group_rule": tcp(number, security_group_id=of)}, {"Prefer": "wait=30"})
    began = time.perf_counter()
    reply = at.client.ask(asked)
    took = time.perf_counter() - began
    if reply.status != 201:
        raise RuntimeError(f"{reply.status} {reply.body[:500]!r}")
    time.sleep(PAUSE)
    rule = _read(reply.body)["security_group_rule"]["id"]
    at.client.ask(request("DELETE", f"{RULES}/{rule}", None, {"Prefer": "wait=30"}))
    time.sleep(PAUSE)
    return took


def _flows(at: Site) -> Figure:
    """Flows that a group of 1,000 members adds to a switch with 50 of them, each rule naming the group."""
    of = group(at)
    at.client.json("POST", RULES, {"security_group_rules": [
        tcp(20_000 + number, security_group_id=of, remote_group_id=of) for number in range(100)
    ]})  # fmt: skip
    there = at.network()
    here = [vif_of(at.lab[0], at.plugged + number) for number in range(HERE)]
    at.plug(HERE * len(at.lab.hypervisors))
    at.settled()
    before = _held(at)
    _ports(at, there, [f"absent-{number}" for number in range(WIDE - HERE)], [of])
    _ports(at, there, here, [of])
    at.settled()
    added = _held(at) - before
    return Figure(
        name="security-group-flows", value=added, unit="flows", at_least=f"{FLOWS} at most", holds=added <= FLOWS,
        details={"ports_on_the_switch": HERE, "members": WIDE, "rules": 100,
                 "are": "those of the tables of filters that the ports bring"},
    )  # fmt: skip


def _held(at: Site) -> int:
    """Flows in tables of filters on the first switch."""
    flows = at.client.json("GET", f"/tenet/v1/switches/{at.lab[0].system_id}/flows")["flows"]
    return sum(flow["table"] in TABLES for flow in flows)


def _ports(at: Site, network: str, vifs: Sequence[str], groups: list[str]) -> list[str]:
    ids: list[str] = []
    for start in range(0, len(vifs), 1000):
        wanted = [{**port(network, vif), "security_groups": groups} for vif in vifs[start : start + 1000]]
        ids += [one["id"] for one in at.client.json("POST", PORTS, {"ports": wanted}, Prefer="wait=60")["ports"]]
    return ids


def _bulk(at: Site) -> Figure:
    """1,000 rules in one request, of a group that every switch has ports of."""
    bound = at.client.json("GET", f"{PORTS}?limit=8&device_owner=&status=ACTIVE")["ports"]
    of = group(at)
    for one in bound:
        at.client.json("PUT", f"{PORTS}/{one['id']}", {"port": {"security_groups": [of]}}, Prefer="wait=30")
    rules = [tcp(1_000 + number, security_group_id=of) for number in range(BULK)]
    began = time.perf_counter()
    at.client.json("POST", RULES, {"security_group_rules": rules}, Prefer="wait=60")
    took = time.perf_counter() - began
    return Figure(
        name="rules-bulk", value=took, unit="s", at_least=f"{BULK_SECONDS:g} s", holds=took <= BULK_SECONDS,
        details={"rules": BULK, "ports_in_the_group": len(bound)},
    )  # fmt: skip


def _member(at: Site) -> Figure:
    """One port more in a group of 10,000 members that 100 rules name."""
    of = group(at)
    at.client.json("POST", RULES, {"security_group_rules": [
        tcp(30_000 + number, security_group_id=of, remote_group_id=of) for number in range(MEMBER_RULES)
    ]})  # fmt: skip
    there = at.network()
    _ports(at, there, [f"far-{number}" for number in range(MEMBERS)], [of])
    vifs = at.plug(40)
    at.settled()
    time.sleep(REST)
    delays = []
    for turn in range(SAMPLES):
        kept = len(vifs) // 2  # so that the switches have members already: the first one brings all 10,000
        vif = vifs[turn if turn < kept else kept + turn % kept]
        wanted = {**port(there, vif), "security_groups": [of]}
        asked = request("POST", PORTS, {"port": wanted}, {"Prefer": "wait=30"})
        began = time.perf_counter()
        reply = at.client.ask(asked)
        delays.append(time.perf_counter() - began)
        made = _read(reply.body)["port"]
        if made["status"] != "ACTIVE":
            raise RuntimeError(f"{reply.status} {reply.body[:500]!r}")
        if turn >= kept:
            at.client.ask(request("DELETE", f"{PORTS}/{made['id']}"))
        time.sleep(PAUSE)
    p50, p95 = (each * 1e3 for each in percentiles(delays[len(vifs) // 2 :]))
    return Figure(
        name="member-latency", value=p50, unit="ms", at_least=f"p50 {MEMBER:g} ms", holds=p50 <= MEMBER,
        details={"p95_ms": p95, "members": MEMBERS, "rules_that_name_the_group": MEMBER_RULES},
    )  # fmt: skip


def _read(body: bytes) -> Any:
    return json.loads(body)
