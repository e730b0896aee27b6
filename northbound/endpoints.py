"""Operators' calls, in one list.  Routes, policies, `/openapi.json` and tests follow from it."""

from __future__ import annotations

from . import cluster, drops, events, external_dns, gateway_hosts, leases, metadata, metering, operators
from .endpoint import Endpoint, Parameter
from .schema import SHOWN_TEXT, WHOLE, decimal, either

# The rules that they ask for, and what each lets the operator do.
RULES = {
    "get_switch": "See switches, their flows, and the wires between them",
    "delete_switch": "Remove a switch that is gone for good",
    "get_cluster": "See the members of the cluster",
    "update_cluster": "Drain or remove a member; accept a model that has shrunk",
    "get_gateway": "See the gateways of routers",
    "update_gateway": "Drain a gateway, or designate one",
    "get_lease": "See DHCP leases",
    "get_external_dns": "See what is published in external DNS",
    "get_metrics": "Read the metrics",
    "get_metadata_host": "See the hosts of metadata servers",
    "update_metadata_host": "Let the metadata server of a host serve instances, or take that back",
    "get_instance_metadata": "See what instances are told of themselves: for metadata servers",
    "resolve_for_instance": "Ask for names as a port: for metadata servers, which pass on DNS over TCP",
}
SERVICES = {"get_instance_metadata", "resolve_for_instance"}  # of these what other services of the cloud may, too
UNSAID = (401, 404, 503)  # of what anybody may ask whenever the process runs

SWITCHES, CLUSTER = "/tenet/v1/switches", "/tenet/v1/cluster"
MEMBER = f"{CLUSTER}/members/{{id}}"
GATEWAYS = "/tenet/v1/gateways"
METADATA_HOSTS = "/tenet/v1/metadata-hosts"
PACKET = (
    Parameter(
        "protocol", "icmp (an echo, if nothing is said), tcp, udp or sctp.", either("icmp", "tcp", "udp", "sctp")
    ),
    Parameter("port", "That the connection is to; not for icmp.", decimal(1, 65_535)),
    Parameter(
        "state",
        "new (if nothing is said), established, or reply: an answer in a connection of the other port.",
        either("new", "established", "reply"),
    ),
)
ENDS = tuple(Parameter(end, "A port: id, name or interface.", required=True) for end in ("from", "to"))

ENDPOINTS = (
    Endpoint("GET", "/healthz", operators.health, "health", "Whether the process serves.", about="It does.",
             without=UNSAID),
    Endpoint("GET", "/readyz", operators.ready, "ready", "Whether to send requests here.", about="Yes.",
             answers={503: "Rather not: why, for the operator."}, without=UNSAID),
    Endpoint("GET", "/metrics", operators.metrics, "metrics", "Metrics.", "get_metrics",
             about="In Prometheus' format.", shape=SHOWN_TEXT, media="text/plain"),
    Endpoint("GET", "/tenet/v1/events", events.stream, "events", "What changes, as it changes.",
             about="Server-sent events, until either side ends it.", shape=SHOWN_TEXT, media="text/event-stream",
             query=(Parameter("after", "The id of the last event that is known.", WHOLE),), refusals=(410,)),
    Endpoint("GET", "/tenet/v1/ports/{id}/drops", drops.show, "portDrops", "What a port's security groups dropped.",
             about="Counts, and the last packets with the reason."),
    Endpoint("GET", "/tenet/v1/metering-labels/{id}", metering.show, "meteringCounts", "What a metering label counts.",
             about="Packets and bytes, in each direction."),
    Endpoint("GET", SWITCHES, operators.switches, "listSwitches", "The switches.", "get_switch"),
    Endpoint("GET", f"{SWITCHES}/{{id}}", operators.switch, "showSwitch", "One switch.", "get_switch"),
    Endpoint("DELETE", f"{SWITCHES}/{{id}}", operators.forget, "removeSwitch", "Forget a switch that is gone for good.",
             "delete_switch", 204, "Forgotten.", None),
    Endpoint("GET", f"{SWITCHES}/{{id}}/flows", operators.flows, "listFlows", "Its flows and their owners.",
             "get_switch"),
    Endpoint("GET", "/tenet/v1/links", operators.links, "listLinks", "The wires between switches.", "get_switch"),
    Endpoint("GET", "/tenet/v1/topology", operators.topology, "topology", "Switches, wires and ports.", "get_switch"),
    Endpoint("GET", "/tenet/v1/trace", operators.trace, "trace", "What becomes of a frame between two ports.",
             "get_switch", query=ENDS + PACKET),
    Endpoint("GET", "/tenet/v1/unreachable", operators.unreachable, "unreachable", "Pairs that are not joined.",
             "get_switch"),
    Endpoint("GET", "/tenet/v1/refused", operators.refused, "refused", "Connections that were refused.", "get_switch"),
    Endpoint("GET", "/tenet/v1/claims", operators.claims, "claims", "What several hypervisors claim.", "get_switch"),
    Endpoint("GET", "/tenet/v1/leases", leases.show, "listLeases", "DHCP leases that this member gave.", "get_lease"),
    Endpoint("GET", "/tenet/v1/external-dns", external_dns.show, "externalDns", "Names in external DNS.",
             "get_external_dns", about="What is published, what waits, and what is refused."),
    Endpoint("GET", GATEWAYS, gateway_hosts.show, "listGateways", "The gateways of routers.", "get_gateway"),
    Endpoint("POST", f"{GATEWAYS}/rebalance", gateway_hosts.rebalance, "rebalanceGateways",
             "Move some routers to the gateways that would be drawn for them.", "update_gateway", about="Begun."),
    Endpoint("POST", f"{GATEWAYS}/{{id}}/drain", gateway_hosts.drain, "drainGateway",
             "Move routers from a gateway to others.", "update_gateway", about="Done."),
    Endpoint("DELETE", f"{GATEWAYS}/{{id}}/drain", gateway_hosts.undrain, "undrainGateway",
             "Let a switch be a gateway again.", "update_gateway", about="Done."),
    Endpoint("POST", f"{GATEWAYS}/{{id}}/designation", gateway_hosts.designate, "designateGateway",
             "Say that a switch is a gateway.", "update_gateway", about="Done."),
    Endpoint("DELETE", f"{GATEWAYS}/{{id}}/designation", gateway_hosts.dismiss, "dismissGateway", "Take that back.",
             "update_gateway", about="Done."),
    Endpoint("GET", METADATA_HOSTS, metadata.hosts, "listMetadataHosts", "The hosts of metadata servers.",
             "get_metadata_host"),
    Endpoint("PUT", f"{METADATA_HOSTS}/{{id}}", metadata.name_host, "nameMetadataHost",
             "Let a host's metadata server serve instances.", "update_metadata_host", about="Done."),
    Endpoint("DELETE", f"{METADATA_HOSTS}/{{id}}", metadata.dismiss_host, "dismissMetadataHost", "Take that back.",
             "update_metadata_host", 204, "Done.", None),
    Endpoint("GET", "/tenet/v1/metadata/{number}/{key}", metadata.instance, "instanceMetadata",
             "What an instance is told of itself.", "get_instance_metadata"),
    Endpoint("POST", "/tenet/v1/dns/{number}/{key}", metadata.resolve, "resolve",
             "The answer to a DNS message of a port.", "resolve_for_instance", about="A DNS message.",
             shape=SHOWN_TEXT, media="application/dns-message"),
    Endpoint("GET", CLUSTER, cluster.show, "showCluster", "Members, and what each masters.", "get_cluster"),
    Endpoint("POST", f"{CLUSTER}/accept-empty", cluster.accept, "acceptEmpty", "Accept a model that has shrunk.",
             "update_cluster", 204, "Done.", None),
    Endpoint("DELETE", MEMBER, cluster.forget, "forgetMember", "Remove a member that is gone.", "update_cluster",
             204, "Done.", None),
    Endpoint("POST", f"{MEMBER}/drain", cluster.drain, "drain", "Hand a member's switches to others.",
             "update_cluster", about="Done."),
    Endpoint("DELETE", f"{MEMBER}/drain", cluster.undrain, "undrain", "Let a member have switches again.",
             "update_cluster", about="Done."),
)  # fmt: skip
