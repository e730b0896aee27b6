"""Operators' calls on gateways: what they show, and what a drain writes."""

from __future__ import annotations

from controller.model.rows import GatewayHost, GatewayRanking, Switch
from controller.store.transaction import transact
from tests.api.conftest import Api

GATEWAYS = "/tenet/v1/gateways"


def test_gateways_are_shown_drained_and_designated(api: Api) -> None:
    assert api.call("GET", GATEWAYS).json == {"gateways": [], "routers_without": []}
    context = api.context
    ranking = GatewayRanking(id="r", switches=("h1", "h2"))
    transact(context.store, context.replica, lambda tx: [tx.put(row) for row in (
        Switch(id="h1", number=1, dpid=1, host="one"), Switch(id="h2", number=2, dpid=2), ranking)])  # fmt: skip
    assert api.call("POST", f"{GATEWAYS}/h1/drain").json["gateway"] == {
        "switch": "h1", "host": "one", "physical_networks": [], "designated": False, "draining": True, "alive": True,
        "not_heard_by": [], "availability_zone": "nova", "no_link": [],
        "routers_active": 1, "routers_standby": 0, "routers_leaving": 0,
    }  # fmt: skip
    assert api.call("POST", f"{GATEWAYS}/h2/designation").json["gateway"]["designated"]
    shown = api.call("GET", GATEWAYS).json["gateways"]
    assert [(one["switch"], one["draining"], one["designated"], one["routers_standby"]) for one in shown] == [
        ("h1", True, False, 0), ("h2", False, True, 1),
    ]  # fmt: skip
    api.call("DELETE", f"{GATEWAYS}/h1/drain")
    api.call("DELETE", f"{GATEWAYS}/h2/designation")
    rows = context.replica.model.rows(GatewayHost)
    assert set(rows.values()) == {GatewayHost(id="h1"), GatewayHost(id="h2")}


def test_a_switch_that_is_not_known_is_refused(api: Api) -> None:
    for method, what in (("POST", "drain"), ("DELETE", "drain"), ("POST", "designation")):
        reply = api.call(method, f"{GATEWAYS}/h9/{what}")
        assert reply.error == (404, "SwitchNotFound")


def test_a_rebalancing_is_begun(api: Api) -> None:
    assert api.call("POST", f"{GATEWAYS}/rebalance").json == {"rebalance": {"moved": [], "left": 0}}
