"""How large an object may be: what recent commits and events keep is a multiple of it, so it is the rules' to bound."""

from __future__ import annotations

from msgspec.structs import replace

from controller.model.rows import Port, Standard
from controller.runtime.errors import Invalid
from controller.store.codec import encode
from controller.store.transaction import Transaction

MOST_BYTES = 65_536  # of a row as it is stored


def settle(tx: Transaction) -> None:
    """At the end of a transaction.  Raises Invalid for an object that is too large, and not smaller than it was."""
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
    """In bytes.  A port's addresses do not count: others' subnets may give it some, which no guest shall prevent."""
    return len(encode(replace(row, fixed_ips=()) if isinstance(row, Port) else row))
