"""Errors in three families: for people who asked (`Refused`), of the store, of switches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class Refused(Exception):
    """A request that is answered with an error and changes nothing.

    `message` is one sentence for the person who asked.  `kind` is the name that API clients test for
    (`NetworkNotFound`, `IpAddressInUse`, ...); each API has its own table from class and kind to status code.
    """

    kind = "Refused"

    def __init__(self, message: str, kind: str = "", detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind or type(self).kind
        self.detail = detail


class NotFound(Refused):
    kind = "NotFound"


class Conflict(Refused):
    """Request that contradicts the present state: in use, taken, exists already."""

    kind = "Conflict"


class Invalid(Refused):
    """Malformed request; `faults`: path of each bad attribute -> what is wrong with it."""

    kind = "InvalidInput"

    def __init__(self, message: str, kind: str = "", detail: str = "", faults: Mapping[str, str] | None = None) -> None:
        super().__init__(message, kind, detail)
        self.faults = dict(faults or {})


class Forbidden(Refused):
    kind = "PolicyNotAuthorized"


class Exhausted(Refused):
    """Exhausted pool: no address, no segment id is left."""

    kind = "IpAddressGenerationFailure"


class StoreError(Exception):
    """Errors of the store."""


class Changed(StoreError):
    """Commit refused because something that it had read has changed.

    `revision`: the store's at the refusal; a retry first waits until its replica has reached it.
    """

    def __init__(self, keys: Sequence[str], revision: int) -> None:
        super().__init__(f"changed since read: {', '.join(keys)}")
        self.keys = list(keys)
        self.revision = revision


class Compacted(StoreError):
    """The requested changes are no longer kept; read everything again."""


class Unavailable(StoreError):
    """Store unavailable, or the commit could not be made durable."""


class SwitchError(Exception):
    """Errors of the connection to one switch."""


class Unreachable(SwitchError):
    """Connection ended, or no answer in time."""


class Rejected(SwitchError):
    """The switch refused a bundle, or flows of it.  `refusals` maps a flow's cookie to the reason.

    `groups` and `meters` map a refused one's number to the reason; the meters that are not named were taken.  When all
    are empty, the bundle as a whole was refused, for `reason`.  `rest`: what was not refused is in force; otherwise
    nothing of the bundle is.
    """

    def __init__(
        self,
        refusals: Mapping[int, str],
        reason: str = "",
        groups: Mapping[int, str] | None = None,
        meters: Mapping[int, str] | None = None,
        *,
        rest: bool = False,
    ) -> None:
        self.refusals = dict(refusals)
        self.groups = dict(groups or {})
        self.meters = dict(meters or {})
        self.rest = rest
        named = [f"{cookie:#018x}: {why}" for cookie, why in self.refusals.items()]
        named += [f"group {number}: {why}" for number, why in self.groups.items()]
        named += [f"meter {number}: {why}" for number, why in self.meters.items()]
        super().__init__(reason or "; ".join(named))
        self.reason = reason


class NotMaster(SwitchError):
    """This member is not the switch's master now."""


class Withheld(NotMaster):
    """Change withheld: the model is doubtful, so the switch stays as it is."""


class Misconfigured(Exception):
    """Configuration that the process cannot start with; the message is one line with the reason."""
