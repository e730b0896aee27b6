"""Local IPs of v2.0 and the ports that serve them, as declared."""

from __future__ import annotations

from controller.intent import local_ips
from controller.model.rows import LocalIp, LocalIpAssociation, Port

from ..checks import address, one_of, optional_address, text, uuid
from ..resource import Attribute, Extension, May, Resource, ResourceView, attribute
from ..rules import ADMIN, MEMBER, READER, Access, any_of
from ..schema import SHOWN_TEXT
from ..structures import nullable
from .common import CREATED, OWNED, OWNER, OWNER_OF_PARENT, STANDARD, UUID
from .ports import host

LOCAL_IPS = Resource(
    name="local_ip",
    plural="local_ips",
    kind=LocalIp,
    not_found="LocalIPNotFound",
    attributes=(
        attribute("id"),
        attribute("name", text, May.SET),
        *OWNER,
        attribute("local_port_id", uuid, May.CREATE, shape=UUID),
        attribute("network_id", uuid, May.CREATE, shape=UUID),
        attribute("local_ip_address", optional_address, May.CREATE, shape=SHOWN_TEXT),
        attribute("ip_mode", one_of(*local_ips.MODES), May.CREATE),
        *STANDARD,
    ),
    access=Access(create=MEMBER, get=READER),
    create=local_ips.create,
    update=local_ips.update,
    delete=local_ips.delete,
    index={**OWNED, "name": "name", "local_port_id": "local_port_id", "network_id": "network_id"},
    extensions=(Extension("local_ip", "Local IP", "2021-07-26T10:00:00-00:00", "Support Node Local Virtual IP"),),
)


def _address(view: ResourceView, row: LocalIpAssociation) -> str:
    local = view.model.get(LocalIp, row.local_ip_id)
    return local.local_ip_address if local is not None else ""


def _host(view: ResourceView, row: LocalIpAssociation) -> str:
    port = view.model.get(Port, row.fixed_port_id)
    return host(view, port) if port is not None else ""


OF_LOCAL_IP = "project_id:%(local_ip:project_id)s"
ASSOCIATION_MEMBER = any_of(ADMIN, f"role:member and {OF_LOCAL_IP}")

LOCAL_IP_ASSOCIATIONS = Resource(
    name="port_association",
    plural="port_associations",
    kind=LocalIpAssociation,
    not_found="LocalIPAssociationNotFound",
    attributes=(
        attribute("id"),
        *OWNER_OF_PARENT,
        attribute("local_ip_id", shape=UUID),
        Attribute("local_ip_address", _address, shape=SHOWN_TEXT),
        attribute("fixed_port_id", uuid, May.CREATE, required=True),
        attribute("fixed_ip", nullable(address, ""), May.CREATE, shape=SHOWN_TEXT),
        Attribute("host", _host, shape=SHOWN_TEXT),
        *CREATED,
    ),
    access=Access(
        create=ASSOCIATION_MEMBER, get=any_of(READER, f"role:reader and {OF_LOCAL_IP}"), delete=ASSOCIATION_MEMBER
    ),
    create=local_ips.associate,
    delete=local_ips.dissociate,
    parent=LOCAL_IPS,
    key="fixed_port_id",
    index={"fixed_port_id": "fixed_port_id"},
)
