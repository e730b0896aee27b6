"""Names of OpenFlow errors: the framework's, and those of bundles, which it names otherwise than Open vSwitch does."""

from __future__ import annotations

from controller.openflow.wire import ONF, Error

# Open vSwitch's names (lib/ofp-errors.h) of the experimenter errors 2300 and on of ONF extension 230
_BUNDLE_CODES = (
    "UNKNOWN EPERM BAD_ID BUNDLE_EXIST BUNDLE_CLOSED OUT_OF_BUNDLES BAD_TYPE BAD_FLAGS MSG_BAD_LEN MSG_BAD_XID "
    "MSG_UNSUP MSG_CONFLICT MSG_TOO_MANY MSG_FAILED TIMEOUT BUNDLE_IN_PROGRESS"
)
_FIRST_BUNDLE = 2300


def reason(error: Error) -> str:
    """Text of an error: its name if known, and its numbers, as in "OFPBAC_BAD_OUT_PORT (type 2, code 4)"."""
    if error.experimenter:
        index = error.code - _FIRST_BUNDLE
        known = error.experimenter == ONF and 0 <= index < len(_BUNDLE_CODES.split())
        name = f"OFPBFC_{_BUNDLE_CODES.split()[index]} " if known else ""
        return f"{name}(experimenter {error.experimenter:#x}, type {error.code})"
    from controller.openflow.framework import error_name  # which imports the session, which imports this

    return f"{error_name(error.type, error.code)} (type {error.type}, code {error.code})".lstrip()
