"""Tempest's configuration: what is there to be tested."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.identity.cloud import Keystone

VLANS = ("physnet1", 100, 199)  # the physical network that Tenet may make networks of type vlan on


def tempest_conf(directory: Path, keystone: Keystone, extensions: Sequence[str], external: str) -> str:
    """Projects are made for each class of tests, without networks of their own: there are no routers to connect them.

    `external` is the id of a network that is external.
    """
    return f"""
[DEFAULT]
log_dir = {directory}
log_file = tempest.log
[auth]
use_dynamic_credentials = true
create_isolated_networks = false
admin_username = {keystone.admin.name}
admin_password = {keystone.admin.password}
admin_project_name = {keystone.admin.project}
admin_domain_name = Default
[identity]
uri_v3 = {keystone.url}
region = here
v3_endpoint_type = public
auth_version = v3
[identity-feature-enabled]
api_v2 = false
[service_available]
neutron = true
nova = true
glance = false
cinder = false
swift = false
[network]
endpoint_type = public
public_network_id = {external}
[network-feature-enabled]
api_extensions = {",".join(extensions)}
port_security = true
ipv6_subnet_attributes = true
[neutron_plugin_options]
available_type_drivers = geneve,vxlan,vlan,flat
provider_vlans = {VLANS[0]}
agent_availability_zone = nova
[oslo_concurrency]
lock_path = {directory}
"""
