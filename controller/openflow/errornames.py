"""Names of the OpenFlow errors that a switch may answer a flow, a meter or a bundle with."""

from __future__ import annotations

from controller.openflow.wire import ONF, Error

# OpenFlow 1.3.5, 7.4.4: the codes of a type count from 0 in this order
_CODES = {
    1: (
        "OFPBRC",
        "BAD_VERSION BAD_TYPE BAD_MULTIPART BAD_EXPERIMENTER BAD_EXP_TYPE EPERM BAD_LEN BUFFER_EMPTY BUFFER_UNKNOWN "
        "BAD_TABLE_ID IS_SLAVE BAD_PORT BAD_PACKET MULTIPART_BUFFER_OVERFLOW",
    ),
    2: (
        "OFPBAC",
        "BAD_TYPE BAD_LEN BAD_EXPERIMENTER BAD_EXP_TYPE BAD_OUT_PORT BAD_ARGUMENT EPERM TOO_MANY BAD_QUEUE "
        "BAD_OUT_GROUP MATCH_INCONSISTENT UNSUPPORTED_ORDER BAD_TAG BAD_SET_TYPE BAD_SET_LEN BAD_SET_ARGUMENT",
    ),
    3: (
        "OFPBIC",
        "UNKNOWN_INST UNSUP_INST BAD_TABLE_ID UNSUP_METADATA UNSUP_METADATA_MASK BAD_EXPERIMENTER BAD_EXP_TYPE BAD_LEN "
        "EPERM DUP_INST",
    ),
    4: (
        "OFPBMC",
        "BAD_TYPE BAD_LEN BAD_TAG BAD_DL_ADDR_MASK BAD_NW_ADDR_MASK BAD_WILDCARDS BAD_FIELD BAD_VALUE BAD_MASK "
        "BAD_PREREQ DUP_FIELD EPERM",
    ),
    5: ("OFPFMFC", "UNKNOWN TABLE_FULL BAD_TABLE_ID OVERLAP EPERM BAD_TIMEOUT BAD_COMMAND BAD_FLAGS"),
    11: ("OFPRRFC", "STALE UNSUP BAD_ROLE"),
    12: (
        "OFPMMFC",
        "UNKNOWN METER_EXISTS INVALID_METER UNKNOWN_METER BAD_COMMAND BAD_FLAGS BAD_RATE BAD_BURST BAD_BAND "
        "BAD_BAND_VALUE OUT_OF_METERS OUT_OF_BANDS",
    ),
}
# ONF extension 230: experimenter errors 2300 and on
_BUNDLE_CODES = (
    "UNKNOWN EPERM BAD_ID BUNDLE_EXIST BUNDLE_CLOSED OUT_OF_BUNDLES BAD_TYPE BAD_FLAGS MSG_BAD_LEN MSG_BAD_XID "
    "MSG_UNSUP MSG_CONFLICT MSG_TOO_MANY MSG_FAILED TIMEOUT BUNDLE_IN_PROGRESS"
)
_FIRST_BUNDLE = 2300


def reason(error: Error) -> str:
    """The error as text: its name where known, and its numbers, as in "OFPBAC_BAD_OUT_PORT (type 2, code 4)"."""
    if error.experimenter:
        index, codes = error.code - _FIRST_BUNDLE, _BUNDLE_CODES.split()
        known = error.experimenter == ONF and 0 <= index < len(codes)
        name = f"OFPBFC_{codes[index]} " if known else ""
        return f"{name}(experimenter {error.experimenter:#x}, type {error.code})"
    prefix, listed = _CODES.get(error.type, ("", ""))
    names = listed.split()
    name = f"{prefix}_{names[error.code]} " if error.code < len(names) else ""
    return f"{name}(type {error.type}, code {error.code})"
