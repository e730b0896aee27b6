"""EC2's layout of instance metadata, as cloud-init's DataSourceEc2 reads it.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-categories.html
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping, Sequence

from controller.services.instance import Instance, InstanceInterface

from .tree import Document, Tree, found

VERSIONS = ("1.0", "2007-01-19", "2007-03-01", "2007-08-29", "2007-10-10", "2007-12-15", "2008-02-01", "2008-09-01",
            "2009-04-04", "2016-09-02", "2018-09-24", "2021-03-23", "latest")  # fmt: skip
_ZONE = "nova"


def document(instance: Instance, parts: Sequence[str]) -> Document | None:
    if not parts:
        return Document("\n".join(VERSIONS).encode())
    if parts[0] not in VERSIONS:
        return None
    if list(parts[1:]) == ["meta-data", "public-keys"]:
        names = list(instance.metadata.public_keys)
        return Document("\n".join(f"{at}={name}" for at, name in enumerate(names)).encode()) if names else None
    return found(_tree(instance), parts[1:], _listing)


def _listing(branch: Mapping[str, Tree]) -> str:
    return "\n".join(f"{name}/" if isinstance(below, Mapping) else name for name, below in branch.items())


def _tree(instance: Instance) -> dict[str, Tree]:
    told = instance.metadata
    tree: dict[str, Tree] = {"meta-data": _meta_data(instance)}
    if told.user_data or told.user_data_base64:
        tree["user-data"] = told.user_data.encode() or b64decode(told.user_data_base64)
    return tree


def _meta_data(instance: Instance) -> dict[str, Tree]:
    name = instance.hostname or f"host-{instance.id}"
    own = _addresses(instance.interfaces[0], 4)
    keys: dict[str, Tree] = {
        str(number): {"openssh-key": key} for number, key in enumerate(instance.metadata.public_keys.values())
    }
    tree: dict[str, Tree] = {
        "ami-id": "ami-00000000",
        "ami-launch-index": "0",
        "ami-manifest-path": "(unknown)",
        "hostname": name,
        "instance-action": "none",
        "instance-id": instance.id,
        "instance-type": "(unknown)",
        "local-hostname": name,
        "local-ipv4": own[0] if own else "",
        "mac": instance.interfaces[0].mac_address,
        "network": {"interfaces": {"macs": _macs(instance)}},
        "placement": {"availability-zone": _ZONE},
        "public-hostname": name,
        "public-ipv4": "",
        "reservation-id": f"r-{instance.id[:8]}",
    }
    if keys:
        tree["public-keys"] = keys
    return tree


def _macs(instance: Instance) -> dict[str, Tree]:
    return {each.mac_address: _of_mac(number, each) for number, each in enumerate(instance.interfaces)}


def _of_mac(number: int, interface: InstanceInterface) -> dict[str, Tree]:
    tree: dict[str, Tree] = {
        "device-number": str(number),
        "interface-id": interface.port_id,
        "mac": interface.mac_address,
        "vpc-id": interface.network_id,
    }
    for version, addresses, blocks in ((4, "local-ipv4s", "subnet-ipv4-cidr-block"),
                                       (6, "ipv6s", "subnet-ipv6-cidr-blocks")):  # fmt: skip
        if own := _addresses(interface, version):
            tree[addresses] = "\n".join(own)
            prefixes = [each.cidr for each in interface.addresses if (":" in each.cidr) == (version == 6)]
            tree[blocks] = "\n".join(dict.fromkeys(prefixes)) if version == 6 else prefixes[0]
    return tree


def _addresses(interface: InstanceInterface, version: int) -> list[str]:
    return [each.ip_address for each in interface.addresses if (":" in each.ip_address) == (version == 6)]
