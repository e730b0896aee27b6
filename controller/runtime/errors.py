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
    """The request contradicts what is there: in use, taken, exists."""

    kind = "Conflict"


class Invalid(Refused):
    """The request itself is wrong; `faults` maps the path of each bad attribute to what is wrong with it."""

    kind = "InvalidInput"

    def __init__(self, message: str, kind: str = "", detail: str = "", faults: Mapping[str, str] | None = None) -> None:
        super().__init__(message, kind, detail)
        self.faults = dict(faults or {})


class Forbidden(Refused):
    kind = "PolicyNotAuthorized"


class Exhausted(Refused):
    """Nothing is left to allocate: addresses, segment ids."""

    kind = "IpAddressGenerationFailure"


class StoreError(Exception):
    """Family of what the store says."""


class Changed(StoreError):
    """A commit was refused: some of what it had read is no longer so.

    `revision` is the store's revision at the refusal; whoever retries first waits until its replica is there.
    """

    def __init__(self, keys: Sequence[str], revision: int) -> None:
        super().__init__(f"changed since read: {', '.join(keys)}")
        self.keys = list(keys)
        self.revision = revision


class Compacted(StoreError):
    """The changes that were asked for are no longer kept; read everything again."""


class Unavailable(StoreError):
    """The store cannot answer now, or could not make the commit durable."""


class SwitchError(Exception):
    """Family of what goes wrong between us and one switch."""


class Unreachable(SwitchError):
    """The switch's connection ended or the switch did not answer in time."""


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
    """This process may not write to the switch now; another may."""


class Withheld(NotMaster):
    """The switch is left as it is, for what it should be is in doubt."""


class Misconfigured(Exception):
    """The process cannot start as configured; the message is the one line that says why."""
