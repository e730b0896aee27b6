"""Rules of connection tracking helpers of routers: ftp and tftp, which Open vSwitch has."""

from __future__ import annotations

from msgspec.structs import replace

from controller.intent.env import Means
from controller.model.rows import ConntrackHelper, Router
from controller.runtime.errors import Invalid, NotFound
from controller.store.transaction import Transaction

from . import standard
from .standard import StandardRequest

HELPERS = {"ftp": ("tcp",), "tftp": ("udp",)}  # ovs-actions(7), ct(alg=...)
PROTOCOLS = ("tcp", "udp")


class HelperRequest(StandardRequest, total=False):
    """Requested attributes of a helper; missing keys were not given."""

    router_id: str
    protocol: str
    port: int
    helper: str


def create(tx: Transaction, project_id: str, request: HelperRequest, means: Means) -> ConntrackHelper:
    """Have a router read connections.  Raises Invalid for helpers that Open vSwitch lacks, and for one that is there.

    A helper is of the router's project, whoever makes it.
    """
    router = tx.get(Router, request["router_id"])
    if router is None:
        raise NotFound(f"Router {request['router_id'][:64]} could not be found.", "RouterNotFound")
    helper = ConntrackHelper(
        **standard.fields(router.project_id, request, means),
        router_id=router.id,
        protocol=request["protocol"],
        port=request["port"],
        helper=request["helper"],
    )
    _check(helper)
    _enter(tx, helper)
    return helper


def update(tx: Transaction, helper_id: str, request: HelperRequest, means: Means) -> ConntrackHelper:
    helper = _required(tx, helper_id)
    changed = replace(helper, **request)
    if changed == helper:
        return helper
    _check(changed)
    _leave(tx, helper)
    changed = replace(changed, updated_at=means.now())
    _enter(tx, changed)
    return changed


def delete(tx: Transaction, helper_id: str, means: Means) -> None:
    helper = _required(tx, helper_id)
    _leave(tx, helper)
    tx.delete(helper)


def remove_all(tx: Transaction, router_id: str) -> None:
    """Delete the helpers of a router that is deleted."""
    tx.guard(f"router-helper/{router_id}")
    for helper in tx.find(ConntrackHelper, "router_id", router_id):
        _leave(tx, helper)
        tx.delete(helper)


def _required(tx: Transaction, helper_id: str) -> ConntrackHelper:
    helper = tx.get(ConntrackHelper, helper_id)
    if helper is None:
        raise NotFound(f"Conntrack Helper {helper_id[:64]} could not be found.", "ConntrackHelperNotFound")
    return helper


def _check(helper: ConntrackHelper) -> None:
    protocols = HELPERS.get(helper.helper)
    if protocols is None:
        raise Invalid(
            f"Conntrack Helper {helper.helper} is not allowed: Open vSwitch follows the connections that "
            f"{' and '.join(HELPERS)} announce, and no others.",
            "ConntrackHelperNotAllowed",
        )
    if helper.protocol not in protocols:
        raise Invalid(
            f"Conntrack Helper {helper.helper} does not support: {helper.protocol}. Supported protocols are: "
            f"{', '.join(protocols)}.",
            "InvalidProtocolForHelper",
        )


def _place(helper: ConntrackHelper) -> str:
    """Held by one helper for each port of a protocol: two helpers cannot read a connection."""
    return f"router-helper/{helper.router_id}/{helper.protocol}/{helper.port}"


def _enter(tx: Transaction, helper: ConntrackHelper) -> None:
    if tx.holder(_place(helper)) is not None:
        raise Invalid(
            f"Bad conntrack_helper request: A duplicate conntrack helper entry with same attributes already exists, "
            f"conflicting values are router_id {helper.router_id}, protocol {helper.protocol}, port {helper.port}.",
            "BadRequest",
        )
    tx.reserve(_place(helper), helper)
    tx.put(helper)


def _leave(tx: Transaction, helper: ConntrackHelper) -> None:
    tx.release(_place(helper))
