"""DHCPv6 messages of clients, read with every length checked, and the messages of a server (RFC 8415).

Clients are tenants' machines: a message that is malformed anywhere is none at all.  Options nest two deep at most (an
address in an IA, a status in an address), so nothing here recurses on what a client says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from struct import pack, unpack_from
from typing import NamedTuple

# message types (7.3)
SOLICIT, ADVERTISE, REQUEST, CONFIRM, RENEW, REBIND, REPLY, RELEASE, DECLINE = range(1, 10)
INFORMATION_REQUEST = 11
CLIENTS = frozenset((SOLICIT, REQUEST, CONFIRM, RENEW, REBIND, RELEASE, DECLINE, INFORMATION_REQUEST))
RELAYED = frozenset((12, 13))

# options (21, and where said)
CLIENT_ID, SERVER_ID, IA_NA, IA_TA, IA_ADDRESS, WANTED, PREFERENCE = range(1, 8)
STATUS, RAPID_COMMIT, IA_PD, IA_PREFIX = 13, 14, 25, 26
RESOLVERS, SEARCH, REFRESH_TIME, CLIENT_FQDN = 23, 24, 32, 39  # RFC 3646, RFC 8415, RFC 4704
SOLICIT_MAX_RT, INFORMATION_MAX_RT = 82, 83

# status codes (21.13)
SUCCESS, UNSPECIFIED, NO_ADDRESSES, NO_BINDING, NOT_ON_LINK, USE_MULTICAST, NO_PREFIXES = range(7)

MOST_DUID = 130  # bytes (11.1)
MOST_IAS, MOST_ADDRESSES = 16, 32  # of a message; of an IA
MOST_WANTED = 128
_HEAD = {IA_NA: 12, IA_TA: 4, IA_PD: 12}  # bytes of an IA before its options


class IdentityAssociation(NamedTuple):
    """An IA_NA, IA_TA or IA_PD (`kind`: its option code).  `iaid`: 4 bytes; `addresses`: 16 bytes each, of no IA_PD."""

    kind: int
    iaid: bytes
    addresses: tuple[bytes, ...]


class ClientName(NamedTuple):
    """A client FQDN option (RFC 4704, 4): whether the client asks the server to update its address record."""

    asks_update: bool


class ClientMessage(NamedTuple):
    """`kind`: one of CLIENTS; `transaction`: 3 bytes; `client` and `server`: DUIDs, b"": none; `wanted`: the codes that
    it asks for, None where it has no such option; `ias`: in its order.
    """

    kind: int
    transaction: bytes
    client: bytes
    server: bytes
    ias: tuple[IdentityAssociation, ...]
    wanted: frozenset[int] | None
    rapid: bool
    name: ClientName | None


def read(data: bytes) -> ClientMessage | None:
    """The message in a UDP payload; None where it is none of a client, or malformed."""
    if len(data) < 4 or data[0] not in CLIENTS:
        return None
    ias: list[IdentityAssociation] = []
    once: dict[int, bytes] = {}
    for code, value in _options(data, 4):
        if code < 0:
            return None
        if code in _HEAD:
            association = _association(code, value)
            if association is None or len(ias) == MOST_IAS:
                return None
            ias.append(association)
        elif code in (CLIENT_ID, SERVER_ID, WANTED, RAPID_COMMIT, CLIENT_FQDN):
            if code in once:
                return None
            once[code] = value
    client, server, wanted = once.get(CLIENT_ID, b""), once.get(SERVER_ID, b""), once.get(WANTED)
    for code in (CLIENT_ID, SERVER_ID):
        if code in once and not 0 < len(once[code]) <= MOST_DUID:
            return None
    if wanted is not None and (len(wanted) % 2 or len(wanted) > 2 * MOST_WANTED):
        return None
    if len({(one.kind, one.iaid) for one in ias}) != len(ias) or once.get(CLIENT_FQDN) == b"":
        return None
    return ClientMessage(
        data[0],
        data[1:4],
        client,
        server,
        tuple(ias),
        None if wanted is None else frozenset(unpack_from(f"!{len(wanted) // 2}H", wanted)),
        RAPID_COMMIT in once,
        ClientName(bool(once[CLIENT_FQDN][0] & 1)) if CLIENT_FQDN in once else None,
    )


def _options(data: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Codes and values of the options from `at` on; the code -1 where the rest is malformed."""
    end = len(data)
    while at < end:
        if at + 4 > end:
            yield -1, b""
            return
        code, length = unpack_from("!HH", data, at)
        at += 4
        if at + length > end:
            yield -1, b""
            return
        yield code, data[at : at + length]
        at += length


def _association(kind: int, value: bytes) -> IdentityAssociation | None:
    head = _HEAD[kind]
    if len(value) < head:
        return None
    addresses: list[bytes] = []
    for code, inner in _options(value, head):
        if code < 0:
            return None
        if code != IA_ADDRESS:
            continue
        if kind == IA_PD or len(inner) < 24 or len(addresses) == MOST_ADDRESSES:
            return None
        if any(each < 0 for each, _ in _options(inner, 24)):
            return None
        addresses.append(inner[:16])
    return IdentityAssociation(kind, value[:4], tuple(addresses))


# --- what a server says -----------------------------------------------------------------------------------------------


def message(kind: int, transaction: bytes, options: Sequence[bytes]) -> bytes:
    return b"".join((bytes((kind,)), transaction, *options))


def option(code: int, value: bytes) -> bytes:
    """Raises ValueError for a value of more than 65,535 bytes."""
    if len(value) > 0xFFFF:
        raise ValueError(f"option {code} has {len(value)} bytes")
    return pack("!HH", code, len(value)) + value


def status(code: int, why: str = "") -> bytes:
    return option(STATUS, pack("!H", code) + why.encode())


class LeaseTimes(NamedTuple):
    """Seconds of an address, until a client renews it (T1), and until it asks any server (T2)."""

    lifetime: int
    renewal: int
    rebinding: int


def addresses(iaid: bytes, held: Sequence[bytes], gone: Sequence[bytes], times: LeaseTimes) -> bytes:
    """An IA_NA with addresses that the client holds, and others that it may use no more."""
    lifetime, *t1_t2 = times if held else (0, 0, 0)
    some = [option(IA_ADDRESS, address + pack("!II", lifetime, lifetime)) for address in held]
    some += [option(IA_ADDRESS, address + bytes(8)) for address in gone]
    return option(IA_NA, iaid + pack("!II", *t1_t2) + b"".join(some))


def refused(association: IdentityAssociation, code: int, why: str) -> bytes:
    """An IA without addresses or prefixes, and the reason."""
    times = b"" if association.kind == IA_TA else bytes(8)
    return option(association.kind, association.iaid + times + status(code, why))
