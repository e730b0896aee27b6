"""Connection tracking and NAT as actions: NXAST_CT, NXAST_NAT and NXAST_CT_CLEAR (ofp-actions.c of OVS)."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from struct import pack
from typing import NamedTuple

from .action import Action, ActionSpec, bits_of, long_header, vendor
from .fields import subfield

_NO_TABLE = 0xFF  # the packet is not looked up again
_PORTS_OF = {"": 0, "ftp": 21, "tftp": 69}
_FLAGS = {"persistent": 4, "hash": 8, "random": 16}


class Nat(NamedTuple):
    """What `ct` translates: `side` is `src` or `dst` for new connections, "" to do with a packet of a known one as was
    done with its first.

    `addresses` and `ports`: first and last, or one; no address: the packet's own.  `how`: of persistent, hash, random.
    """

    side: str = ""
    addresses: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    how: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.side:
            return "nat"
        written = [f"[{one}]" if self.ports and ":" in one else one for one in self.addresses]
        place = "-".join(written) + (":" + "-".join(map(str, self.ports)) if self.ports else "")
        return f"nat({','.join([self.side + (f'={place}' if place else ''), *self.how])})"

    @property
    def wire(self) -> bytes:
        flags = {"": 0, "src": 1, "dst": 2}[self.side] + sum(_FLAGS[one] for one in self.how)
        addresses = [ip_address(one) for one in self.addresses]
        six = any(isinstance(one, IPv6Address) for one in addresses)
        present = ((1 << len(addresses)) - 1) << (2 if six else 0) | ((1 << len(self.ports)) - 1) << 4
        body = b"".join(one.packed for one in addresses) + b"".join(pack("!H", port) for port in self.ports)
        return vendor(36, pack("!2xHH", flags, present) + body)


class Track(NamedTuple):
    """What is asked of the connection tracker.

    `zone`: a number, or the register that holds it (`reg6[0..15]`).  `table`: where the packet is looked up again with
    what the tracker said of it; what follows the action is done with a copy that knows nothing of it.  `commit`: a new
    connection is remembered; `force`: one of the other direction is forgotten first.  `marks`: what sets mark and
    label.
    """

    zone: int | str = 0
    table: int | None = None
    commit: bool = False
    force: bool = False
    nat: Nat | None = None
    marks: tuple[Action, ...] = ()
    alg: str = ""


def _encode(track: Track) -> bytes:
    if isinstance(track.zone, int):
        source, zone = 0, track.zone
    else:
        part = subfield(track.zone)
        source, zone = long_header(part), bits_of(part)
    head = pack(
        "!HIHB3xH",
        track.commit + 2 * track.force,
        source,
        zone,
        _NO_TABLE if track.table is None else track.table,
        _PORTS_OF[track.alg],
    )
    body = b"".join(action.wire for action in track.marks)
    return vendor(35, head + (track.nat.wire if track.nat is not None else b"") + body)


def _text(track: Track) -> str:
    parts = [word for word, said in (("commit", track.commit), ("force", track.force)) if said]
    if track.table is not None:
        parts.append(f"table={track.table}")
    if track.zone:
        parts.append(f"zone={track.zone if isinstance(track.zone, int) else subfield(track.zone)}")
    if track.nat is not None:
        parts.append(str(track.nat))
    if track.marks:
        parts.append(f"exec({','.join(map(str, track.marks))})")
    if track.alg:
        parts.append(f"alg={track.alg}")
    return f"ct({','.join(parts)})"


SPECS = {
    spec.kind: spec
    for spec in (
        ActionSpec("ct", _encode, _text),
        ActionSpec("ct_clear", lambda: vendor(43, b""), lambda: "ct_clear"),
    )
}


def ct(
    zone: int | str = 0,
    table: int | None = None,
    commit: bool = False,
    force: bool = False,
    nat: Nat | None = None,
    marks: tuple[Action, ...] = (),
    alg: str = "",
) -> Action:
    """Pass the packet to the connection tracker; see `Track`.  The match must say `ip` or `ipv6`."""
    assert commit or not (force or marks or alg or (nat and nat.side)), "only a commit has these"
    return SPECS["ct"](Track(zone, table, commit, force, nat, marks, alg))


def ct_clear() -> Action:
    """Forget what the connection tracker said of the packet."""
    return SPECS["ct_clear"]()
