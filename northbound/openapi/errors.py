"""Error types of the APIs, by status."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..schema import Schema, closed

TYPES: dict[int, tuple[str, ...]] = {
    400: (
        "HTTPBadRequest", "InvalidInput", "BadRequest", "AddressScopeUpdateError", "AddressesAlreadyExist",
        "AllocationOnAutoAddressSubnet",
        "AllowedAddressPairExhausted", "DNSNameServersExhausted", "DuplicateAddressPairInRequest",
        "EmptySubnetPoolPrefixList", "HostRoutesExhausted", "IllegalSubnetPoolAssociationToAddressScope",
        "IllegalSubnetPoolIpVersionAssociationToAddressScope", "IllegalSubnetPoolPrefixBounds",
        "IllegalSubnetPoolPrefixUpdate", "IllegalSubnetPoolUpdate", "InvalidAllocationPool", "InvalidIpForNetwork",
        "InvalidIpForSubnet",
        "InvalidLogResourceType", "InvalidRbacPolicyAction", "InvalidResourceConstraint", "InvalidSubnetServiceType",
        "MaxPrefixSubnetAllocationError",
        "MinPrefixSubnetAllocationError", "NetworkSubnetPoolAffinityError", "OutOfBoundsAllocationPool",
        "InvalidCIDR", "PortSecurityAndIPRequiredForSecurityGroups", "PrefixVersionMismatch", "RequestedStateInvalid",
        "SecurityGroupEthertypeConflictWithProtocol", "SecurityGroupInvalidIcmpValue", "SecurityGroupInvalidPortRange",
        "SecurityGroupInvalidPortValue", "SecurityGroupInvalidProtocolForPort", "SecurityGroupMissingIcmpType",
        "SecurityGroupMultipleRemoteEntites", "SecurityGroupNotSingleGroupRules",
        "SecurityGroupProtocolRequiredWithPorts", "SecurityGroupRuleInvalidEtherType",
        "SecurityGroupRuleInvalidProtocol", "SecurityGroupRuleParameterConflict", "SecurityGroupRulesNotSingleProject",
        "SegmentsSetInConjunctionWithProviders",
        "InvalidRoutes", "RoutesExhausted", "ServiceProfileEmpty",
        "SubnetMismatchForPort", "SubnetPoolDeleteError", "UnableToMatchGateways",
        "UnableToRemoveGateways",
        "ConntrackHelperNotAllowed", "ExternalIpAddressExhausted", "Invalid",
        "InvalidAddress", "InvalidProtocolForHelper", "LocalIPNoIP",
        "LocalIPNoRequestedIP", "LocalIPPortOrNetworkRequired", "LocalIPRequestedIPNotFound",
        "PortHasPortForwarding",
    ),
    401: ("Unauthorized",),
    403: ("PolicyNotAuthorized", "CrossSiteRequest"),
    404: (
        "HTTPNotFound", "NotFound", "AddressGroupNotFound", "AddressScopeNotFound", "AddressesNotFound",
        "AgentNotFound", "AvailabilityZoneNotFound", "DefaultSecurityGroupRuleNotFound",
        "ExtensionNotFound", "LogResourceNotFound", "NetworkNotFound",
        "NoCluster", "PortBindingNotFound", "PortNotFound", "ProjectQuotaNotFound",
        "RbacPolicyNotFound", "ResourceNotFound", "SecurityGroupNotFound", "SecurityGroupRuleNotFound",
        "FlavorNotFound", "FlavorServiceProfileBindingNotFound",
        "RouterInterfaceNotFound", "RouterInterfaceNotFoundForSubnet", "RouterNotFound",
        "ServiceProfileDriverNotFound", "ServiceProfileNotFound",
        "SubnetNotFound", "SubnetPoolNotFound", "SwitchNotFound", "TagNotFound", "TargetResourceNotFound",
        "ConntrackHelperNotFound", "ExternalGatewayForFloatingIPNotFound", "FloatingIPNotFound",
        "LocalIPAssociationNotFound", "LocalIPNotFound", "MeteringLabelNotFound", "MeteringLabelRuleNotFound",
        "MetadataHostNotFound", "NDPProxyNotFound", "PortForwardingNotFound",
    ),
    405: ("HTTPMethodNotAllowed",),
    408: ("HTTPRequestTimeout",),
    409: (
        "Conflict", "AddressGroupInUse", "AutoAllocationFailure", "DefaultExternalNetworkExists",
        "AddressPairAndPortSecurityRequired", "AddressScopeInUse",
        "AddressScopePrefixConflict", "AlreadyAttached", "DefaultSecurityGroupRuleExists", "DuplicateRbacPolicy",
        "DuplicateRecordSet",
        "DeviceIDNotOwnedByTenant", "DuplicateSecurityGroupRuleInPost", "ExternalNetworkInUse", "FlatNetworkInUse",
        "FlavorDisabled", "FlavorInUse", "FlavorServiceProfileBindingExists",
        "ServiceProfileDisabled", "ServiceProfileInUse",
        "GatewayConflictWithAllocationPools", "GatewayIpInUse",
        "IllegalSubnetPoolPrefixUpdate", "InvalidSharedSetting", "IpAddressGenerationFailure",
        "IpAddressGenerationFailureNoMatchingSubnet", "IpAddressInUse", "MacAddressInUse", "NetworkHostedByDHCPAgent",
        "NetworkInUse", "NetworkMTUSubnetConflict", "OverQuota", "OverlappingAllocationPools",
        "PortBindingAlreadyActive", "PortBindingAlreadyExists", "PortBindingError", "PortInUse",
        "PortSecurityPortHasSecurityGroup",
        "RbacPolicyInUse", "RouterDoesntSupportScheduling",
        "RouterExternalGatewayInUseByFloatingIp", "RouterInUse", "RouterInterfaceInUseByFloatingIP",
        "RouterInterfaceInUseByRoute", "ServicePortInUse",
        "SecurityGroupCannotRemoveDefault", "SecurityGroupCannotUpdateDefault", "SecurityGroupConflict",
        "SecurityGroupDefaultAlreadyExists", "SecurityGroupInUse", "SecurityGroupRuleExists",
        "SecurityGroupTooManyRemotes", "SubnetAllocationError", "SubnetInUse",
        "SubnetPoolQuotaExceeded", "TunnelIdInUse", "VlanIdInUse",
        "AddressScopeConflict", "FipAssociated", "FipInUseByPortForwarding", "FloatingIPPortAlreadyAssociated",
        "LocalIPInUse", "MeteringLabelRuleOverlaps", "PortHasBindingFloatingIP", "PortUnreachableRouter",
        "RouterGatewayInUseByNDPProxy", "RouterGatewayNotValid", "RouterIPv6GatewayInUse",
        "RouterInterfaceInUseAsGatewayByFloatingIP", "RouterInterfaceInUseByNDPProxy", "RouterNDPProxyNotEnable",
    ),
    410: ("EventsGone",),
    411: ("HTTPLengthRequired",),
    412: ("RevisionNumberConstraintFailed",),
    413: ("HTTPRequestEntityTooLarge",),
    415: ("HTTPUnsupportedMediaType",),
    421: ("MisdirectedRequest",),
    500: ("HTTPInternalServerError",),
    503: ("ServiceUnavailable", "MacAddressGenerationFailure", "NoNetworkAvailable"),
}  # fmt: skip
ALWAYS = (400, 401, 403, 404, 405, 421, 500, 503)  # of any call
READ = ALWAYS
WRITE = (*ALWAYS, 408, 409, 411, 413, 415)
CONDITIONAL = (*WRITE, 412)  # of what takes If-Match


def schema(root: str) -> Schema:
    """{root: {"type", "message", "detail"}}"""
    text: Schema = {"type": "string"}
    said = closed({"type": text, "message": text, "detail": text}, "type", "message", "detail")
    return closed({root: said}, root)


def responses(root: str) -> dict[str, Any]:
    """One response of `components` for each status, named by it."""
    return {f"{root}{status}": _response(root, status) for status in TYPES}


def _response(root: str, status: int) -> dict[str, Any]:
    names = {"enum": list(TYPES[status])}
    whole = {"$ref": f"#/components/schemas/{root}"}
    precise = {"type": "object", "properties": {root: {"type": "object", "properties": {"type": names}}}}
    return {
        "description": f"Refused: {', '.join(TYPES[status])}",
        "content": {"application/json": {"schema": {"allOf": [whole, precise]}}},
    }


def of(root: str, statuses: Iterable[int]) -> dict[str, Any]:
    return {str(status): {"$ref": f"#/components/responses/{root}{status}"} for status in statuses}
