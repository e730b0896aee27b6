"""Port forwardings of v2.0, as declared: parts of a floating IP."""

from __future__ import annotations

from typing import Any

from controller.intent import forwardings
from controller.model.rows import PortForwarding

from .. import schema
from ..checks import Check, Fault, address, shown, text, uuid
from ..resource import Attribute, Extension, May, Resource, ResourceView, attribute
from ..rules import ADMIN, READER, Access, any_of
from ..schema import SHOWN_TEXT, WHOLE, either, or_null
from ..structures import DECIMAL, nullable, number
from .common import CREATED, OWNER_OF_PARENT
from .floatingips import FLOATING_IPS, single_port

LAST_PORT = 65_535
_PORT = number(1, LAST_PORT)
PORT: Check = nullable(_PORT, None)
SPAN = {"type": "string", "pattern": "^[0-9]{1,5}:[0-9]{1,5}$"}
_NUMBERS = {"6": "tcp", "17": "udp", "132": "sctp"}


@schema.takes(schema.or_null({"type": "string", "pattern": "^[1-9][0-9]{0,4}(:[1-9][0-9]{0,4})?$"}))
def port_range(value: object) -> tuple[int, int] | None:
    """`FIRST:LAST`, or one port; null for none."""
    if value is None:
        return None
    parts = value.split(":") if isinstance(value, str) and len(value) <= 11 else []
    if len(parts) not in (1, 2) or not all(map(DECIMAL.fullmatch, parts)):
        raise Fault(f"{shown(value)} is not a valid range of ports: FIRST:LAST, or one port")
    first, last = int(parts[0]), int(parts[-1])
    if not 1 <= first <= last <= LAST_PORT:
        raise Fault(f"{shown(value)} is not a range of ports from 1 to {LAST_PORT}")
    return first, last


@schema.takes(schema.either(*forwardings.PROTOCOLS))
def protocol(value: object) -> str:
    """Name of a protocol with ports, in any case, or its number as text."""
    name = text(value).lower()
    name = _NUMBERS.get(name, name)
    if name not in forwardings.PROTOCOLS:
        raise Fault(
            f"{shown(value)} is not one of {', '.join(forwardings.PROTOCOLS)}: connections of other protocols have no "
            f"ports that could be forwarded"
        )
    return name


def _ports(side: str) -> tuple[Attribute, Attribute]:
    """The attributes SIDE_port and SIDE_port_range."""

    def single(view: ResourceView, row: Any) -> object:
        return single_port(getattr(row, f"{side}_ports"))

    def span(view: ResourceView, row: Any) -> str:
        first, last = getattr(row, f"{side}_ports")
        return f"{first}:{last}"

    one, several = f"{side}_port", f"{side}_port_range"
    return (
        Attribute(one, single, May.SET, PORT, one, shape=or_null(WHOLE)),
        Attribute(several, span, May.SET, port_range, several, shape=SPAN),
    )


OF_FLOATING_IP = "project_id:%(floatingip:project_id)s"
FORWARDING_MEMBER = any_of(ADMIN, f"role:member and {OF_FLOATING_IP}")


PORT_FORWARDINGS = Resource(
    name="port_forwarding",
    plural="port_forwardings",
    kind=PortForwarding,
    not_found="PortForwardingNotFound",
    attributes=(
        attribute("id"),
        *OWNER_OF_PARENT,
        attribute("protocol", protocol, May.SET, required=True, shape=either(*forwardings.PROTOCOLS)),
        *_ports("external"),
        *_ports("internal"),
        attribute("internal_port_id", uuid, May.SET, required=True),
        attribute("internal_ip_address", address, May.SET, shape=SHOWN_TEXT),
        attribute("description", text, May.SET, shape=SHOWN_TEXT),
        *CREATED,
    ),
    access=Access(
        create=FORWARDING_MEMBER,
        get=any_of(READER, f"role:reader and {OF_FLOATING_IP}"),
        update=FORWARDING_MEMBER,
        delete=FORWARDING_MEMBER,
    ),
    create=forwardings.create,
    update=forwardings.update,
    delete=forwardings.delete,
    parent=FLOATING_IPS,
    index={"internal_port_id": "internal_port_id"},
    extensions=(
        Extension("floating-ip-port-forwarding", "Floating IP Port Forwarding", "2018-01-19T10:00:00-00:00",
                  "Allow port forwarding from floating IP port to an internal port"),
        Extension("floating-ip-port-forwarding-description",
                  "Floating IP Port Forwarding new attribute description", "2019-11-01T10:00:00-00:00",
                  "Add a description field to Port Forwarding rules"),
        Extension("floating-ip-port-forwarding-detail", "Floating IP port forwarding detail",
                  "2022-05-06T10:00:00-00:00",
                  "Allow list floating ip return more port forwarding data, include'id' and 'internal_port_id'"),
        Extension("floating-ip-port-forwarding-port-ranges", "Floating IP Port Forwarding support port ranges",
                  "2020-07-01T10:00:00-00:00", "Add support to port ranges"),
    ),
)  # fmt: skip
