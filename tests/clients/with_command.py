"""Every resource through the `openstack` command: run by the Python that has it.  Configured by the environment (OS_*).

Each command is what a shell would start, without the second that each start takes.  Prints a line and ends with status
0 when every command did what it should.
"""

from __future__ import annotations

import contextlib
import io
import ipaddress
import json
from typing import Any

from openstackclient import shell  # type: ignore[import-not-found]


class Failed(Exception):
    """A command ended with another status than 0; its words."""


def run(*arguments: str) -> str:
    """What a command prints.  Raises Failed."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = shell.main([*arguments])
    if status:
        raise Failed(f"{' '.join(arguments)}: {err.getvalue()}")
    return out.getvalue()


def make(*arguments: str) -> Any:
    return json.loads(run(*arguments, "-f", "json"))


def security_groups(of_port: list[str]) -> None:
    """Groups and rules; the default group is that of a port that named none."""
    groups = {each["Name"]: each["ID"] for each in make("security", "group", "list")}
    assert of_port == [groups["default"]], (of_port, groups)
    own = make("security", "group", "create", "c-group", "--description", "d", "--stateless", "--tag", "t")
    assert own["stateful"] is False and len(own["rules"]) == 2, own
    rule = make("security", "group", "rule", "create", "c-group", "--protocol", "tcp", "--dst-port", "22:23",
                "--remote-ip", "10.0.0.1/8", "--description", "ssh")  # fmt: skip
    assert (rule["protocol"], rule["port_range_min"], rule["port_range_max"]) == ("tcp", 22, 23), rule
    assert (rule["remote_ip_prefix"], rule["normalized_cidr"]) == ("10.0.0.1/8", "10.0.0.0/8"), rule
    icmp = make("security", "group", "rule", "create", "c-group", "--protocol", "icmp", "--icmp-type", "8")
    named = make("security", "group", "rule", "create", "c-group", "--egress", "--remote-group", "default")
    assert (icmp["port_range_min"], named["remote_group_id"]) == (8, groups["default"])
    listed = make("security", "group", "rule", "list", "c-group", "--long")
    assert {rule["id"], icmp["id"], named["id"]} < {each["ID"] for each in listed}, listed
    run("security", "group", "rule", "delete", icmp["id"])
    run("security", "group", "set", "c-group", "--name", "c-group-2")
    run("port", "set", "c-port-2", "--enable-port-security", "--security-group", "c-group-2")
    assert [each["Name"] for each in make("port", "list", "--security-group", own["id"])] == ["c-port-2"]
    try:
        run("security", "group", "delete", "c-group-2")
        raise AssertionError("a group in use is deleted")
    except Failed as refused:
        assert "in use" in str(refused), refused
    run("port", "unset", "c-port-2", "--security-group", "c-group-2")
    run("security", "group", "delete", "c-group-2")


def main() -> None:
    scope = make("address", "scope", "create", "c-scope", "--ip-version", "4")
    pool = make("subnet", "pool", "create", "c-pool", "--pool-prefix", "10.50.0.0/16", "--default-prefix-length",
                      "26", "--address-scope", "c-scope")  # fmt: skip
    assert pool["address_scope_id"] == scope["id"]
    network = make("network", "create", "c-net", "--tag", "t1", "--description", "d", "--mtu", "1400")
    assert (network["mtu"], network["tags"]) == (1400, ["t1"])
    run("network", "set", "c-net", "--share", "--tag", "t2")
    assert make("network", "show", "c-net")["shared"] is True
    run("network", "set", "c-net", "--no-share")
    subnet = make("subnet", "create", "c-sub", "--network", "c-net", "--subnet-pool", "c-pool",
                        "--dns-nameserver", "192.0.2.53")  # fmt: skip
    assert subnet["cidr"].endswith("/26")
    run("subnet", "set", "c-sub", "--no-dns-nameservers", "--host-route", "destination=10.9.0.0/16,gateway=10.50.0.9")
    port = make("port", "create", "c-port", "--network", "c-net", "--host", "h1", "--allowed-address",
                      "ip-address=10.50.0.40")  # fmt: skip
    assert port["binding_host_id"] == "h1" and port["binding_vif_type"] == "ovs"
    run("port", "set", "c-port", "--name", "c-port-2", "--no-allowed-address", "--no-security-group",
        "--disable-port-security")  # fmt: skip
    assert make("port", "show", "c-port-2")["port_security_enabled"] is False
    assert [each["ID"] for each in make("port", "list", "--network", "c-net")] == [port["id"]]
    security_groups(port["security_group_ids"])
    assert make("ip", "availability", "show", "c-net")["used_ips"] == 1
    make("network", "agent", "list")
    address_groups()
    routers()
    default_rules()
    logs(port["id"])
    floating_ips(subnet["id"])
    meters()
    make("extension", "list", "--network")
    try:
        run("network", "delete", "c-net")
        raise AssertionError("a network in use is deleted")
    except Failed as failed:
        assert "1 of 1 networks failed to delete" in str(failed), failed
    run("port", "delete", "c-port-2")
    run("subnet", "delete", "c-sub")
    run("network", "delete", "c-net")
    run("subnet", "pool", "delete", "c-pool")
    run("address", "scope", "delete", "c-scope")
    assert make("network", "list") == []
    print("all of it")


def address_groups() -> None:
    group = make("address", "group", "create", "c-group", "--address", "10.1.0.0/16", "--address", "192.0.2.1")
    assert group["addresses"] == ["10.1.0.0/16", "192.0.2.1/32"], group
    run("address", "group", "set", "c-group", "--address", "2001:db8::1", "--description", "d")
    run("address", "group", "unset", "c-group", "--address", "10.1.0.0/16")
    assert make("address", "group", "show", "c-group")["addresses"] == ["192.0.2.1/32", "2001:db8::1/128"]
    assert [each["Name"] for each in make("address", "group", "list")] == ["c-group"]
    run("address", "group", "delete", "c-group")


def routers() -> None:
    """A router between the network and an external one."""
    run("network", "create", "c-out", "--external", "--default")
    run("subnet", "create", "c-out-sub", "--network", "c-out", "--subnet-range", "198.51.100.0/24")
    router = make("router", "create", "c-router", "--external-gateway", "c-out", "--disable-snat", "--tag", "t")
    assert (router["external_gateway_info"]["enable_snat"], router["tags"]) == (False, ["t"]), router
    run("router", "add", "subnet", "c-router", "c-sub")
    (interface,) = make("router", "show", "c-router")["interfaces_info"]
    port = make("port", "show", interface["port_id"])
    assert port["device_owner"] == "network:router_interface", port
    hop = str(ipaddress.ip_network(make("subnet", "show", "c-sub")["cidr"])[9])
    run("router", "add", "route", "c-router", "--route", f"destination=10.99.0.0/16,gateway={hop}")
    run("router", "set", "c-router", "--route", f"destination=10.98.0.0/16,gateway={hop}", "--name", "c-router-2")
    routes = make("router", "show", "c-router-2")["routes"]
    assert {each["destination"] for each in routes} == {"10.99.0.0/16", "10.98.0.0/16"}, routes
    for arguments in (("router", "remove", "subnet", "c-router-2", "c-sub"), ("router", "delete", "c-router-2"),
                      ("port", "delete", interface["port_id"])):  # fmt: skip
        try:
            run(*arguments)
            raise AssertionError(f"{arguments} is done")
        except Failed as refused:
            assert "required by one or more routes" in str(refused) or "failed to delete" in str(refused), refused
    run("router", "set", "c-router-2", "--no-route")
    run("router", "remove", "subnet", "c-router-2", "c-sub")
    run("router", "unset", "c-router-2", "--external-gateway")
    run("router", "set", "c-router-2", "--external-gateway", "c-out", "--enable-snat")
    assert [each["Name"] for each in make("router", "list", "--long")] == ["c-router-2"]
    run("router", "delete", "c-router-2")
    flavors()
    run("network", "delete", "c-out")


def flavors() -> None:
    """A flavor of routers, and what comes of asking for one."""
    drivers = {each["Service Type"] for each in make("network", "service", "provider", "list")}
    assert drivers == {"L3_ROUTER_NAT"}, drivers
    driver = "neutron.services.l3_router.service_providers.dvrha.DvrHaDriver"
    profile = make("network", "flavor", "profile", "create", "--driver", driver)["id"]
    run("network", "flavor", "create", "c-flavor", "--service-type", "L3_ROUTER_NAT")
    run("network", "flavor", "add", "profile", "c-flavor", profile)
    router = make("router", "create", "c-flavored", "--flavor", "c-flavor")
    assert (router["ha"], router["distributed"]) == (True, True), router
    run("router", "delete", "c-flavored")
    run("network", "flavor", "remove", "profile", "c-flavor", profile)
    run("network", "flavor", "delete", "c-flavor")
    run("network", "flavor", "profile", "delete", profile)


def default_rules() -> None:
    make_rule = ("default", "security", "group", "rule", "create", "--protocol", "tcp", "--dst-port", "22:23")
    rule = make(*make_rule, "--for-default-sg", "--remote-group", "PARENT")
    assert rule["used_in_default_sg"] is True and rule["remote_group_id"] == "PARENT", rule
    assert len(make("default", "security", "group", "rule", "list")) == 5
    assert make("default", "security", "group", "rule", "show", rule["id"])["port_range_max"] == 23
    run("default", "security", "group", "rule", "delete", rule["id"])


def logs(port_id: str) -> None:
    assert make("network", "loggable", "resources", "list") == [{"Supported types": "security_group"}]
    log = make("network", "log", "create", "c-log", "--resource-type", "security_group", "--target", port_id,
               "--event", "DROP", "--disable")  # fmt: skip
    assert (log["Target"], log["Event"], log["Enabled"]) == (port_id, "DROP", False), log
    run("network", "log", "set", "c-log", "--enable")
    assert make("network", "log", "show", "c-log")["Enabled"] is True
    assert [each["Name"] for each in make("network", "log", "list")] == ["c-log"]
    run("network", "log", "delete", "c-log")


def floating_ips(subnet_id: str) -> None:
    """A way out for c-net, floating IPs of it, and what else is at its router."""
    make("network", "create", "c-out", "--external")
    make("subnet", "create", "c-out-sub", "--network", "c-out", "--subnet-range", "203.0.113.0/24")
    router = make("router", "create", "c-way", "--external-gateway", "c-out")
    run("router", "add", "subnet", "c-way", subnet_id)
    first, second = (make("port", "create", f"c-in-{number}", "--network", "c-net") for number in (1, 2))
    made = make("floating", "ip", "create", "c-out", "--description", "d", "--tag", "t1")
    assert (made["port_id"], made["status"], made["tags"]) == (None, "DOWN", ["t1"]), made
    floating = made["id"]
    run("floating", "ip", "set", floating, "--port", "c-in-1")
    shown = make("floating", "ip", "show", floating)
    assert (shown["port_id"], shown["router_id"]) == (first["id"], router["id"]) and shown["port_details"], shown
    run("floating", "ip", "unset", floating, "--port")
    assert make("floating", "ip", "show", floating)["port_id"] is None
    port_forwardings(floating, second)
    helper = make("network", "l3", "conntrack", "helper", "create", "c-way", "--helper", "tftp", "--protocol", "udp",
                  "--port", "69")  # fmt: skip
    assert [each["Port"] for each in make("network", "l3", "conntrack", "helper", "list", "c-way")] == [69]
    run("network", "l3", "conntrack", "helper", "delete", "c-way", helper["id"])
    local_ips()
    assert [each["ID"] for each in make("floating", "ip", "list")] == [floating]
    run("floating", "ip", "delete", floating)
    for each in (first, second):
        run("port", "delete", each["id"])
    run("router", "remove", "subnet", "c-way", subnet_id)
    run("router", "delete", "c-way")
    run("network", "delete", "c-out")


def port_forwardings(floating: str, port: dict[str, Any]) -> None:
    command = ("floating", "ip", "port", "forwarding")
    ends = ("--port", port["id"], "--internal-ip-address", port["fixed_ips"][0]["ip_address"], "--protocol", "tcp")
    made = make(*command, "create", floating, *ends, "--external-protocol-port", "80", "--internal-protocol-port",
                "8080")  # fmt: skip
    assert (made["external_port"], made["internal_port"]) == (80, 8080), made
    many = make(*command, "create", floating, *ends, "--external-protocol-port", "90:99", "--internal-protocol-port",
                "190:199")  # fmt: skip
    assert many["external_port_range"] == "90:99", many
    run(*command, "set", floating, made["id"], "--external-protocol-port", "81")
    assert make(*command, "show", floating, made["id"])["external_port"] == 81
    assert len(make(*command, "list", floating)) == 2
    run(*command, "delete", floating, made["id"], many["id"])


def local_ips() -> None:
    made = make("local", "ip", "create", "--name", "c-local", "--network", "c-net")
    association = make("local", "ip", "association", "create", "c-local", "c-in-1")
    assert association["local_ip_address"] == made["local_ip_address"], association
    assert len(make("local", "ip", "association", "list", "c-local")) == 1
    run("local", "ip", "association", "delete", "c-local", association["fixed_port_id"])
    run("local", "ip", "delete", "c-local")


def meters() -> None:
    meter = make("network", "meter", "create", "c-meter", "--description", "d")
    rule = make("network", "meter", "rule", "create", "c-meter", "--remote-ip-prefix", "198.51.100.0/24", "--ingress")
    assert (rule["metering_label_id"], rule["remote_ip_prefix"]) == (meter["id"], "198.51.100.0/24"), rule
    assert [each["Name"] for each in make("network", "meter", "list")] == ["c-meter"]
    assert make("network", "meter", "rule", "show", rule["id"])["direction"] == "ingress"
    run("network", "meter", "rule", "delete", rule["id"])
    run("network", "meter", "delete", "c-meter")


if __name__ == "__main__":
    main()
