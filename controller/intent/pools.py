"""Rules of subnet pools: their prefixes, and allocation of subnets from them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from typing import Any

from controller.intent.env import Means
from controller.model.rows import AddressScope, Subnet, SubnetPool
from controller.model.scope_ranges import ScopeRanges, ranges_of
from controller.runtime.errors import Conflict, Invalid, NotFound
from controller.store.transaction import Transaction

from . import ranges, scopes, sharing, standard, visibility
from .standard import StandardRequest

BITS = {4: 32, 6: 128}
LEAST = {4: 8, 6: 64}  # a pool's default shortest prefix
COUNTED = {4: 32, 6: 64}  # a quota counts addresses (IPv4) or /64s (IPv6)
MOST_PREFIXES = 256  # of one pool


class PoolRequest(StandardRequest, total=False):
    """Requested attributes of a subnet pool.  `prefixes` canonical, of one IP version; `address_scope_id` "": none."""

    prefixes: tuple[str, ...]
    default_prefixlen: int
    min_prefixlen: int
    max_prefixlen: int
    default_quota: int
    is_default: bool
    address_scope_id: str
    shared: bool


def missing(pool_id: str) -> NotFound:
    return NotFound(f"Subnet pool {pool_id[:64]} could not be found.", "SubnetPoolNotFound")


def required(tx: Transaction, pool_id: str) -> SubnetPool:
    pool = tx.get(SubnetPool, pool_id)
    if pool is None:
        raise missing(pool_id)
    return pool


def create(tx: Transaction, project_id: str, request: PoolRequest, means: Means) -> SubnetPool:
    version = _version(request["prefixes"])
    least = request.get("min_prefixlen", LEAST[version])
    pool = SubnetPool(
        **standard.fields(project_id, request, means),
        ip_version=version,
        prefixes=compact(request["prefixes"]),
        min_prefixlen=least,
        max_prefixlen=request.get("max_prefixlen", BITS[version]),
        default_prefixlen=request.get("default_prefixlen", least),
        default_quota=request.get("default_quota", 0),
        is_default=request.get("is_default", False),
        address_scope_id=request.get("address_scope_id", ""),
    )
    _check_bounds(pool)
    _take_default(tx, pool)
    if pool.address_scope_id:
        _enter_scope(tx, pool, request.get("shared", False), means)
    tx.put(pool)
    if request.get("shared"):
        sharing.everybody(tx, "subnetpool", pool, visibility.SHARED, True, means)
    return pool


def update(tx: Transaction, pool_id: str, request: PoolRequest, means: Means) -> SubnetPool:
    pool = required(tx, pool_id)
    if request.keys() & {"prefixes", "address_scope_id"}:
        _check_scope_is_ours(tx, pool, means)
    changes: dict[str, Any] = {name: value for name, value in request.items() if name != "shared"}
    if "prefixes" in request:
        if _version(request["prefixes"]) != pool.ip_version:
            raise Invalid("Cannot mix IPv4 and IPv6 prefixes in a subnet pool.", "PrefixVersionMismatch")
        changes["prefixes"] = compact((*request["prefixes"],))
        _check_kept(pool, changes["prefixes"])
    changed = standard.change(tx, pool, changes, means)
    _check_bounds(changed)
    if changed.is_default != pool.is_default:
        tx.release(f"default-pool/{pool.ip_version}")
        _take_default(tx, changed)
    if changed.address_scope_id != pool.address_scope_id or changed.prefixes != pool.prefixes:
        if pool.address_scope_id:
            tx.release(f"scope/{pool.address_scope_id}/{pool.id}")
        if changed.address_scope_id:
            _enter_scope(tx, changed, visibility.shared(tx, pool.id, visibility.EVERYBODY), means)
    return changed


def delete(tx: Transaction, pool_id: str, means: Means) -> None:
    pool = required(tx, pool_id)
    tx.guard(f"pool/{pool_id}")
    if tx.model.count(Subnet, "subnetpool_id", pool_id):
        raise Invalid(
            "Unable to delete subnet pool: Subnet pool has existing allocations.", "SubnetPoolDeleteError"
        )  # fmt: skip
    if pool.is_default:
        tx.release(f"default-pool/{pool.ip_version}")
    if pool.address_scope_id:
        tx.release(f"scope/{pool.address_scope_id}/{pool.id}")
    sharing.remove_all(tx, pool.id)
    tx.delete(pool)


def default(tx: Transaction, version: int) -> SubnetPool:
    """The default pool of an IP version.  Raises Invalid when there is none."""
    holder = tx.holder(f"default-pool/{version}")
    pool = tx.get(SubnetPool, holder.partition("/")[2]) if holder else None
    if pool is None:
        raise Invalid(f"Bad subnets request: No default subnetpool found for IPv{version}.", "BadRequest")
    return pool


# --- cutting a subnet -------------------------------------------------------------------------------------------------


def cut(tx: Transaction, pool: SubnetPool, project_id: str, prefixlen: int | None) -> str:
    """The first free block of this length (of the pool's default length); the caller reserves it with `hold`."""
    length = pool.default_prefixlen if prefixlen is None else prefixlen
    _check_length(pool, length)
    _check_quota(tx, pool, project_id, length)
    size = 1 << (BITS[pool.ip_version] - length)
    taken = _taken(tx, pool)
    order = sorted(ranges_of(pool.prefixes), key=lambda each: (each[1] - each[0], each[0]))
    searched = ("searched", pool.id, length)  # within this transaction: no free block of this size below here
    place, begin = tx.memo.get(searched, (0, 0))
    for at, (first, last) in enumerate(order[place:], place):
        start = _gap(max(first, begin) if at == place else first, last, size, taken)
        if start is not None:
            tx.memo[searched] = (at, start)
            return f"{ranges.text(pool.ip_version, start)}/{length}"
    raise Conflict(
        f"Failed to allocate subnet: Insufficient prefix space to allocate subnet size /{length}.",
        "SubnetAllocationError",
    )


def claim(tx: Transaction, pool: SubnetPool, project_id: str, cidr: str) -> str:
    """Check that an explicitly requested block is in the pool and free."""
    _check_length(pool, _length(cidr))
    _check_quota(tx, pool, project_id, _length(cidr))
    wanted = ranges.whole(cidr)
    inside = pool.ip_version == _version([cidr]) and _is_within(wanted, ranges_of(pool.prefixes))
    if not inside or _first_overlap(wanted, _taken(tx, pool)) is not None:
        raise Conflict(
            "Failed to allocate subnet: Cannot allocate requested subnet from the available set of prefixes.",
            "SubnetAllocationError",
        )
    return cidr


def hold(tx: Transaction, subnet: Subnet) -> None:
    """Reserve a subnet's block, so that a concurrent allocation from the pool is refused and runs again."""
    tx.reserve(f"pool/{subnet.subnetpool_id}/{subnet.id}", subnet)
    taken = tx.memo.get(("taken", subnet.subnetpool_id))
    if taken is not None:
        insort(taken, ranges.span(subnet).whole)


def _taken(tx: Transaction, pool: SubnetPool) -> Sequence[ranges.Range]:
    """Allocated blocks of the pool, in order and disjoint.  Sorted once per transaction."""
    tx.guard(f"pool/{pool.id}")
    found: Sequence[ranges.Range] | None = tx.memo.get(("taken", pool.id))
    if found is None:
        subnets = tx.find(Subnet, "subnetpool_id", pool.id)
        found = tx.memo["taken", pool.id] = sorted(ranges.span(subnet).whole for subnet in subnets)
    return found


def _gap(first: int, last: int, size: int, taken: Sequence[ranges.Range]) -> int | None:
    """The first aligned free block of `size` addresses in first..last; `taken`: allocated blocks, in order."""
    start = first
    place = max(bisect_right(taken, (first, -1)) - 1, 0)
    while place < len(taken):
        low, high = taken[place]
        place += 1
        if high < start:
            continue
        if low > last or low >= start + size:
            break
        start = -(-(high + 1) // size) * size
    return start if start + size - 1 <= last else None


def _is_within(inner: ranges.Range, outer: Sequence[ranges.Range]) -> bool:
    """Whether one of the ranges (in order, disjoint) holds all of `inner`."""
    place = bisect_right(outer, (inner[0], float("inf"))) - 1
    return place >= 0 and inner[1] <= outer[place][1]


def _first_overlap(one: ranges.Range, others: Sequence[ranges.Range]) -> ranges.Range | None:
    """The first of the ranges (in order, disjoint) that has an address of `one`."""
    place = max(bisect_left(others, (one[0], -1)) - 1, 0)
    return next((each for each in others[place : place + 2] if ranges.overlap(one, each)), None)


def _length(cidr: str) -> int:
    return int(cidr.partition("/")[2])


def _check_length(pool: SubnetPool, length: int) -> None:
    if length > pool.max_prefixlen:
        raise Invalid(
            f"Unable to allocate subnet with prefix length {length}, maximum allowed prefix is {pool.max_prefixlen}.",
            "MaxPrefixSubnetAllocationError",
        )
    if length < pool.min_prefixlen:
        raise Invalid(
            f"Unable to allocate subnet with prefix length {length}, minimum allowed prefix is {pool.min_prefixlen}.",
            "MinPrefixSubnetAllocationError",
        )


def _check_quota(tx: Transaction, pool: SubnetPool, project_id: str, length: int) -> None:
    if not pool.default_quota:
        return
    tx.guard(f"pool/{pool.id}")
    unit = COUNTED[pool.ip_version]
    mine = [subnet for subnet in tx.find(Subnet, "subnetpool_id", pool.id) if subnet.project_id == project_id]
    used = sum(_units(_length(subnet.cidr), unit) for subnet in mine)
    if used + _units(length, unit) > pool.default_quota:
        raise Conflict("Per-project subnet pool prefix quota exceeded.", "SubnetPoolQuotaExceeded")


def _units(length: int, unit: int) -> int:
    return 1 << max(unit - length, 0)


# --- what is refused --------------------------------------------------------------------------------------------------


def compact(prefixes: Sequence[str]) -> tuple[str, ...]:
    """Canonical prefixes: in order, merged where they touch or overlap."""
    merged = ranges.merged(ranges_of(tuple(prefixes)))
    return ranges.prefixes(_version(prefixes), merged, len(prefixes))


def _version(prefixes: Sequence[str]) -> int:
    if not prefixes:
        raise Invalid("Empty subnet pool prefix list.", "EmptySubnetPoolPrefixList")
    versions = {6 if ":" in prefix else 4 for prefix in prefixes}
    if len(versions) > 1:
        raise Invalid("Cannot mix IPv4 and IPv6 prefixes in a subnet pool.", "PrefixVersionMismatch")
    return versions.pop()


def _check_bounds(pool: SubnetPool) -> None:
    least, usual, most = pool.min_prefixlen, pool.default_prefixlen, pool.max_prefixlen
    for low, name, high, other in (
        (least, "min_prefixlen", most, "max_prefixlen"),
        (most, "max_prefixlen", BITS[pool.ip_version], "the length of an address"),
        (least, "min_prefixlen", usual, "default_prefixlen"),
        (usual, "default_prefixlen", most, "max_prefixlen"),
    ):
        if low > high:
            raise Invalid(f"Illegal prefix bounds: {name}={low}, {other}={high}.", "IllegalSubnetPoolPrefixBounds")


def _check_kept(pool: SubnetPool, prefixes: tuple[str, ...]) -> None:
    """Raises Invalid when an existing prefix is missing: subnets may have been allocated from it."""
    wide = ranges_of(prefixes)
    for prefix, inner in zip(pool.prefixes, ranges_of(pool.prefixes), strict=True):
        if not _is_within(inner, wide):
            raise Invalid(
                f"Illegal update to prefixes: existing prefixes must be a subset of the new prefixes, {prefix} is not.",
                "IllegalSubnetPoolPrefixUpdate",
            )


def _take_default(tx: Transaction, pool: SubnetPool) -> None:
    if not pool.is_default:
        return
    if tx.holder(f"default-pool/{pool.ip_version}") is not None:
        raise Invalid(
            f"Invalid input for operation: A default subnetpool for this IP family has already been set. Only one "
            f"default may exist per IP family ({pool.ip_version})."
        )
    tx.reserve(f"default-pool/{pool.ip_version}", pool)


def _check_scope_is_ours(tx: Transaction, pool: SubnetPool, means: Means) -> None:
    """Raises Invalid for a change of a pool in another project's shared address scope."""
    scope = tx.get(AddressScope, pool.address_scope_id) if pool.address_scope_id else None
    if scope is None or means.operator or scope.project_id == means.project_id:
        return
    raise Invalid(
        f"Illegal subnetpool update: subnetpool {pool.id} cannot be updated when associated with shared address scope "
        f"{scope.id}.",
        "IllegalSubnetPoolUpdate",
    )


def _enter_scope(tx: Transaction, pool: SubnetPool, public: bool, means: Means) -> None:
    """Join an address scope.  Raises Conflict when another pool of the scope overlaps with this one."""
    scope_id = pool.address_scope_id
    scope = visibility.required(tx, AddressScope, scope_id, means, scopes.missing(scope_id))
    if scope.project_id != pool.project_id and not visibility.shared(tx, scope.id, pool.project_id):
        raise Invalid(
            f"Illegal subnetpool association: subnetpool {pool.id} cannot be associated with address scope {scope_id}.",
            "IllegalSubnetPoolAssociationToAddressScope",
        )
    if scope.ip_version != pool.ip_version:
        raise Invalid(
            f"Illegal subnetpool association: subnetpool {pool.id} cannot associate with address scope {scope_id} "
            f"because subnetpool ip_version is not {scope.ip_version}.",
            "IllegalSubnetPoolIpVersionAssociationToAddressScope",
        )
    tx.guard(f"scope/{scope_id}")
    entered: ScopeRanges = tx.memo.setdefault("scopes", ScopeRanges())  # pools of this transaction
    mine = ranges_of(pool.prefixes)
    if any(held.overlaps(scope_id, mine, pool.id) for held in (tx.model.scopes, entered)):
        raise Conflict(
            "Failed to associate address scope: subnetpools within an address scope must have unique prefixes.",
            "AddressScopePrefixConflict",
        )
    entered.change(None, pool)
    tx.reserve(f"scope/{scope_id}/{pool.id}", pool)


def change_prefixes(tx: Transaction, pool_id: str, add: Sequence[str], drop: Sequence[str], means: Means) -> SubnetPool:
    """Add prefixes, or remove prefixes that no subnet was allocated from."""
    pool = required(tx, pool_id)
    _check_scope_is_ours(tx, pool, means)
    if add:
        _version([*pool.prefixes, *add])
    version = pool.ip_version
    holes = ranges.merged(ranges_of(tuple(prefix for prefix in drop if _version([prefix]) == version)))
    kept = ranges.less(ranges.merged([*ranges_of(pool.prefixes), *ranges_of(tuple(add))]), holes)
    most = max(MOST_PREFIXES, len(pool.prefixes))  # pools of earlier versions may have more
    wide = ranges.prefixes(version, kept, most)
    if len(wide) > most:
        raise Invalid(
            f"Illegal update to prefixes: subnetpool {pool_id} would have more than {MOST_PREFIXES} prefixes.",
            "IllegalSubnetPoolPrefixUpdate",
        )
    _version(wide)
    for subnet in tx.find(Subnet, "subnetpool_id", pool_id):
        if not _is_within(ranges.span(subnet).whole, kept):
            raise Conflict("Illegal update to prefixes: a subnet was cut from them.", "IllegalSubnetPoolPrefixUpdate")
    tx.guard(f"pool/{pool_id}")
    changed = standard.change(tx, pool, {"prefixes": wide}, means)
    if changed is not pool and pool.address_scope_id:
        tx.release(f"scope/{pool.address_scope_id}/{pool.id}")
        _enter_scope(tx, changed, False, means)
    return changed
