"""Parts of routers in v2.0, as declared: connection tracking helpers, and NDP proxies."""

from __future__ import annotations

from controller.intent import conntrack_helpers, ndp_proxies
from controller.model.rows import ConntrackHelper, NdpProxy

from .. import schema
from ..checks import Fault, address, filled, shown, text, uuid
from ..resource import Attribute, Extension, May, Resource, attribute
from ..rules import ADMIN, MEMBER, READER, Access, any_of
from ..schema import SHOWN_TEXT, WHOLE, either
from ..structures import nullable, number
from .common import IDENTITY, OWNED, STANDARD, UUID
from .routers import ROUTERS

OF_ROUTER = "project_id:%(router:project_id)s"
PART_MEMBER = any_of(ADMIN, f"role:member and {OF_ROUTER}")


@schema.takes(schema.either(*conntrack_helpers.PROTOCOLS))
def protocol(value: object) -> str:
    if text(value).lower() not in conntrack_helpers.PROTOCOLS:
        raise Fault(f"{shown(value)} is not one of {', '.join(conntrack_helpers.PROTOCOLS)}")
    return text(value).lower()


CONNTRACK_HELPERS = Resource(
    name="conntrack_helper",
    plural="conntrack_helpers",
    kind=ConntrackHelper,
    not_found="ConntrackHelperNotFound",
    attributes=(
        attribute("id"),
        Attribute("project_id", None, May.CREATE, filled, "project_id"),
        Attribute("tenant_id", None, May.CREATE, filled, "project_id"),
        attribute("protocol", protocol, May.SET, required=True, shape=either(*conntrack_helpers.PROTOCOLS)),
        attribute("port", number(1, 65_535), May.SET, required=True, shape=WHOLE),
        attribute("helper", text, May.SET, required=True, shape=SHOWN_TEXT),
    ),
    access=Access(
        create=PART_MEMBER,
        get=any_of(READER, f"role:reader and {OF_ROUTER}"),
        update=PART_MEMBER,
        delete=PART_MEMBER,
    ),
    create=conntrack_helpers.create,
    update=conntrack_helpers.update,
    delete=conntrack_helpers.delete,
    parent=ROUTERS,
    extensions=(
        Extension("l3-conntrack-helper", "L3 Conntrack helper", "2019-04-04T10:00:00-00:00",
                  "Allow adding CT target rules for conntrack helper"),
        Extension("expose-l3-conntrack-helper", "Expose CT target rules for conntrack helper",
                  "2019-04-04T10:00:00-00:00",
                  "Expose allow adding CT target rules for conntrack helper"),
    ),
)  # fmt: skip

NDP_PROXIES = Resource(
    name="ndp_proxy",
    plural="ndp_proxies",
    kind=NdpProxy,
    not_found="NDPProxyNotFound",
    attributes=(
        *IDENTITY,
        attribute("router_id", uuid, May.CREATE, required=True, shape=UUID),
        attribute("port_id", uuid, May.CREATE, required=True, shape=UUID),
        attribute("ip_address", nullable(address, ""), May.CREATE, shape=SHOWN_TEXT),
        *STANDARD,
    ),
    access=Access(create=MEMBER, get=READER),
    create=ndp_proxies.create,
    update=ndp_proxies.update,
    delete=ndp_proxies.delete,
    index={**OWNED, "name": "name", "router_id": "router_id", "port_id": "port_id"},
    extensions=(
        Extension("l3-ext-ndp-proxy", "Router support to enable NDP proxy", "2020-08-25T00:00:00-00:00",
                  "Router extension to enable ndp proxy"),
        Extension("l3-ndp-proxy", "L3 NDP Proxy", "2021-06-29T10:00:00-00:00", "Router support for L3 NDP proxy."),
    ),
)  # fmt: skip
