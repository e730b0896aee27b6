"""Settings of a hypervisor: what its operator wrote into external_ids, read and checked."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

from controller.ovsdb.replica import OpenVSwitch

ENCAPSULATIONS = ("vxlan", "geneve", "gre")
DATAPATH_ID = "tenet-datapath-id"  # key of the datapath id's copy, which outlives the bridge
LEAST_MTU, MOST_MTU = 1280, 65535  # as [network] underlay_mtu

_NAME = re.compile(r"[!-.0-~]{1,128}")  # printable, no space, no slash: it becomes part of a key in the store
_DATAPATH_ID = re.compile(r"(0x)?(?!0{16})[0-9a-f]{16}")


class HypervisorSettings(NamedTuple):
    """`encap_ip`, `datapath_type` and `datapath_id` (16 hex digits) are "" where not set; `remarks` are for the log.

    `underlay_mtu`: the largest IP packet that the host's underlay carries, in bytes; 0 where not set.  `zone`: the
    host's availability zone; "" where not set.
    """

    system_id: str
    host: str
    encap_ip: str
    encap_types: tuple[str, ...]
    datapath_type: str
    datapath_id: str
    mappings: tuple[tuple[str, str], ...]  # physical network, bridge
    remarks: tuple[str, ...]
    underlay_mtu: int = 0
    zone: str = ""


def settings(root: OpenVSwitch) -> HypervisorSettings:
    remarks: list[str] = []
    ids = root.external_ids
    system_id = _name("system-id", ids.get("system-id", ""), remarks) or root.uuid
    encap_ip = _address(ids.get("tenet-encap-ip", ""), remarks)
    types = _types(ids.get("tenet-encap-type", ""), remarks)
    if encap_ip and not types:
        remarks.append("external_ids:tenet-encap-ip without a tenet-encap-type: no tunnels")
    underlay_mtu = _mtu(ids.get("tenet-underlay-mtu", ""), remarks)
    return HypervisorSettings(
        system_id=system_id,
        host=_name("hostname", ids.get("hostname", ""), remarks) or system_id,
        encap_ip=encap_ip,
        encap_types=types,
        datapath_type=_name("tenet-datapath-type", ids.get("tenet-datapath-type", "").strip(), remarks),
        datapath_id=datapath_id(ids.get(DATAPATH_ID, "")),
        mappings=_mappings(ids.get("tenet-bridge-mappings", ""), remarks),
        underlay_mtu=underlay_mtu,
        zone=_name("tenet-availability-zone", ids.get("tenet-availability-zone", "").strip(), remarks),
        remarks=tuple(remarks),
    )


def is_name(text: str) -> bool:
    """Whether a text may be part of a key in the store: at most 128 printable ASCII characters, no space, no slash."""
    return _NAME.fullmatch(text) is not None


def datapath_id(text: str) -> str:
    """Datapath id as 16 hex digits, or "" if `text` is none that a bridge can have."""
    text = text.strip().lower()
    return text[-16:] if _DATAPATH_ID.fullmatch(text) else ""


def _mappings(text: str, remarks: list[str]) -> tuple[tuple[str, str], ...]:
    """Bridges of physical networks, from `physnet1:br-ex,physnet2:br-other`; the first one of a network counts."""
    found: dict[str, str] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        network, colon, bridge = (piece.strip() for piece in part.partition(":"))
        if not colon or not is_name(network) or not is_name(bridge) or ":" in bridge or network in found:
            remarks.append(
                f"external_ids:tenet-bridge-mappings: {part[:64]!r} is not usable (NETWORK:BRIDGE, each once)"
            )
        else:
            found[network] = bridge
    return tuple(found.items())


def _name(key: str, text: str, remarks: list[str]) -> str:
    if not text or is_name(text):
        return text
    remarks.append(f"external_ids:{key} {text[:64]!r} is not usable: 1 to 128 printable, no space or slash")
    return ""


def _address(text: str, remarks: list[str]) -> str:
    """Address in canonical form, "" if there is none or it cannot be a tunnel endpoint."""
    if not text.strip():
        return ""
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        address = None
    if address is None or "%" in text or address.is_unspecified or address.is_multicast:
        remarks.append(f"external_ids:tenet-encap-ip {text[:64]!r} is not a unicast IP address: no tunnels")
        return ""
    return str(address)


def _mtu(text: str, remarks: list[str]) -> int:
    text = text.strip()
    if not text:
        return 0
    if text.isascii() and text.isdecimal() and len(text) < 6 and LEAST_MTU <= int(text) <= MOST_MTU:
        return int(text)
    remarks.append(f"external_ids:tenet-underlay-mtu {text[:64]!r} is not a number from {LEAST_MTU} to {MOST_MTU}")
    return 0


def _types(text: str, remarks: list[str]) -> tuple[str, ...]:
    names = dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip())
    if unknown := [name for name in names if name not in ENCAPSULATIONS]:
        known = ", ".join(ENCAPSULATIONS)
        remarks.append(f"external_ids:tenet-encap-type: {', '.join(unknown)[:64]!r} is not known (there are {known})")
    return tuple(name for name in names if name in ENCAPSULATIONS)
