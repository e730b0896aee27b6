"""Attachment of logical ports to OpenFlow ports: the only app that knows both.

A frame gets the key of its logical port as it comes in; the tables between the first one and `deliver` know only keys.
The key is the OpenFlow port where that is small enough (controller/model/keys.py): one flow delivers to all of those.
The switch itself never sends a frame out of the OpenFlow port that it came in by.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.flow import Flow, field, output, output_register
from controller.model.reader import Reader
from controller.model.rows import Network, Port, Switch

from .matches import UNTAGGED, came_in, entering
from .pipeline import CHECK_CLAIMS, CHECK_SOURCES, CLASSIFY, DELIVER, MISS, OUT_KEY, TRUSTED, USUAL
from .security.kinds import filter_of

_PLAIN = Flow(DELIVER, MISS, (), (output_register(OUT_KEY.subfield),))


def switch(_: Switch, see: Reader) -> Iterator[Flow]:
    yield _PLAIN


def port(port: Port, see: Reader) -> Iterator[Flow]:
    """Classification of the port's frames, and delivery of frames for it."""
    at, network = see.binding(port), see.view(Network, port.network_id)
    if at is None or network is None:
        return
    in_port, key = field("in_port", at.ofport), came_in(at.port_key, filter_of(port, see))
    metadata = entering(network.segment)
    if port.learning:
        yield Flow(CLASSIFY, USUAL, (in_port,), key, metadata, goto=CHECK_CLAIMS)
    elif port.learns:
        yield Flow(CLASSIFY, USUAL, (in_port,), key, metadata, goto=TRUSTED)
    else:
        for mac in (port.mac_address, *port.extra_macs):
            owned = (in_port, field("eth_src", mac), UNTAGGED)
            yield Flow(CLASSIFY, USUAL, owned, key, metadata, goto=CHECK_SOURCES)
    if at.port_key != at.ofport:
        yield Flow(DELIVER, USUAL, (OUT_KEY.match(at.port_key),), (output(at.ofport),))


ON_SWITCH = {"switch": switch, "port": port}
