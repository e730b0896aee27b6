"""Size limit of stored objects.  It bounds the memory of the change log and of events, which keep recent versions."""

from __future__ import annotations

from msgspec.structs import replace

from controller.model.rows import Port, Standard
from controller.runtime.errors import Invalid
from controller.store.codec import encode
from controller.store.transaction import Transaction

MOST_BYTES = 65_536  # of a row as it is stored


def settle(tx: Transaction) -> None:
    """Check a transaction's objects at its end.  Raises Invalid for one that is too large, unless it has shrunk."""
    for before, after in tx.changes():
        if not isinstance(after, Standard) or len(tx.write[after.key] or b"") <= MOST_BYTES:
            continue
        size = _size(after)
        if size > MOST_BYTES and not (isinstance(before, Standard) and size < _size(before)):
            raise Invalid(
                f"Invalid input for operation: {after.kind_name()} {after.id} would take {size} bytes, more than "
                f"{MOST_BYTES}."
            )


def _size(row: Standard) -> int:
    """Stored size in bytes.  A port's addresses are not counted: a large port must not prevent new SLAAC subnets."""
    return len(encode(replace(row, fixed_ips=()) if isinstance(row, Port) else row))
