"""Kinds of rows, by file: intent (what tenants and operators asked for) and observation (what switches report).

Rows are frozen values without behaviour beyond naming themselves.  A kind that is not imported here does not exist.
"""

from __future__ import annotations

from .base import KINDS as KINDS
from .base import NAMES as NAMES
from .base import Row as Row
from .base import Standard as Standard
from .cluster import Confirmed as Confirmed
from .cluster import Level as Level
from .cluster import Member as Member
from .cluster import NovaNotification as NovaNotification
from .cluster import Presence as Presence
from .cluster import Reach as Reach
from .cluster import Secret as Secret
from .default_rules import DefaultSecurityGroupRule as DefaultSecurityGroupRule
from .default_rules import Seeded as Seeded
from .external_dns import DnsRecord as DnsRecord
from .external_dns import PublishedName as PublishedName
from .external_dns import UnpublishedZone as UnpublishedZone
from .flavors import Flavor as Flavor
from .flavors import ServiceProfile as ServiceProfile
from .gateways import GatewayHost as GatewayHost
from .gateways import GatewayRanking as GatewayRanking
from .gateways import WatchPort as WatchPort
from .learning import Learned as Learned
from .links import Link as Link
from .local_ips import LocalIp as LocalIp
from .local_ips import LocalIpAssociation as LocalIpAssociation
from .logs import Log as Log
from .metadata import MetadataHost as MetadataHost
from .metadata import MetadataService as MetadataService
from .neighbors import Neighbor as Neighbor
from .networks import Network as Network
from .pools import AddressScope as AddressScope
from .pools import SubnetPool as SubnetPool
from .ports import AddressPair as AddressPair
from .ports import Binding as Binding
from .ports import DhcpOption as DhcpOption
from .ports import FixedIp as FixedIp
from .ports import Port as Port
from .routers import AutoTopology as AutoTopology
from .routers import ExtraRoute as ExtraRoute
from .routers import FloatingIp as FloatingIp
from .routers import Gateway as Gateway
from .routers import PortForwarding as PortForwarding
from .routers import Router as Router
from .routers import RouterInterface as RouterInterface
from .security import AddressGroup as AddressGroup
from .security import SecurityGroup as SecurityGroup
from .security import SecurityGroupRule as SecurityGroupRule
from .sharing import Quota as Quota
from .sharing import RbacPolicy as RbacPolicy
from .subnets import HostRoute as HostRoute
from .subnets import Pool as Pool
from .subnets import Subnet as Subnet
from .switches import AgentNote as AgentNote
from .switches import Bridge as Bridge
from .switches import Interface as Interface
from .switches import Physical as Physical
from .switches import Plugged as Plugged
from .switches import Switch as Switch
from .switches import Tunnel as Tunnel
from .translation import ConntrackHelper as ConntrackHelper
from .translation import MeteringLabel as MeteringLabel
from .translation import MeteringLabelRule as MeteringLabelRule
from .translation import NdpProxy as NdpProxy
