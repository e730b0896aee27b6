"""Every wrong setting ends in one line that says what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.config.physical_networks import NONE
from controller.config.settings import Settings, address, read, tls_context
from controller.model.rows.base import QUOTAS
from controller.runtime.errors import Misconfigured


def told(tmp_path: Path, text: str) -> Settings:
    file = tmp_path / "tenet.conf"
    file.write_text(text)
    return read(["--config-file", str(file)])


def test_nothing_needs_to_be_configured() -> None:
    assert read([]) == Settings(
        store_url="sqlite:///var/tenet.db", northbound=("127.0.0.1", 9696), quantum=True, openflow=("127.0.0.1", 6653),
        ovsdb=("127.0.0.1", 6640), audit_interval=60.0, verify_interval=600.0, echo_interval=5.0,
        packet_in_rate=500, drop_rate=80, router_rate=400, connection_pickup=60, adopt=True,
        adopted_switches=2000, forget_after=3600.0, bind_certificates=True,
        broadcast_rate=1000, permitted_ethertypes=(), offered_interfaces=(), link_cost="hops", underlay_mtu=1500,
        least_mtu=1280, underlay_ip_version=4, physical=NONE,
        ca="", certificate="", private_key="", auth="none", tokens="var/tokens",
        quotas=dict.fromkeys(QUOTAS, -1), nova="", files=(),
    )  # fmt: skip


def test_times_of_a_lease_follow_its_length(tmp_path: Path) -> None:
    found = told(tmp_path, "[services]\ndhcp_lease_time = 800\ndns_domain = Cloud.Example.NET.\n").services
    assert found[:3] == (800, 400, 700)
    assert (found.naming.domain, found.dns_domain) == ("cloud.example.net.", "cloud.example.net")


def test_a_file_overrides(tmp_path: Path) -> None:
    settings = told(tmp_path, "[openflow]\nlisten = [::1]:7000\naudit_interval = 2.5\n[network]\nunderlay_mtu = 9000\n")
    assert (settings.openflow, settings.audit_interval, settings.underlay_mtu) == (("::1", 7000), 2.5, 9000)


REFUSED = {
    "[openflow]\nlisten = 6653": "[openflow] listen = 6653: not of the form ADDRESS:PORT",
    "[openflow]\nlisten = host.example:6653": "[openflow] listen = host.example:6653: not of the form",
    "[openflow]\nlisten = 127.0.0.1:65536": "not of the form",
    "[openflow]\nlisten = 127.0.0.1:-1": "not of the form",
    "[openflow]\nlisten = 127.0.0.1:": "not of the form",
    "[openflow]\nlisten = 127.0.0.1:²": "not of the form",
    "[openflow]\nlisten = 127.0.0.1:\u0661": "not of the form",
    "[northbound]\nlisten = 0.0.0.0:9696": "[northbound] listen = 0.0.0.0 is not loopback",
    "[ovsdb]\nlisten = [::]:6640": "[ovsdb] listen = :: is not loopback",
    "[openflow]\nlisten = 192.0.2.1:6653": "[security] allow_plaintext = true if plain text is meant",
    "[openflow]\naudit_interval = 0": "audit_interval",
    "[openflow]\naudit_interval = often": "audit_interval",
    "[openflow]\naudit_interval = nan": "audit_interval",
    "[openflow]\nverify_interval = 0": "verify_interval",
    "[openflow]\nverify_interval = inf": "verify_interval",
    "[openflow]\necho_interval = inf": "echo_interval",
    "[openflow]\npacket_in_rate = 0": "packet_in_rate",
    "[fabric]\ncost = money": "cost",
    "[network]\nbroadcast_rate = -1": "broadcast_rate",
    "[network]\npermitted_ethertypes = 0x88cc, lldp": "permitted_ethertypes: 'lldp'",
    "[network]\npermitted_ethertypes = 0x5dc": "permitted_ethertypes: '0x5dc'",
    "[network]\npermitted_ethertypes = 0x0800": "permitted_ethertypes: 0x0800",
    "[network]\nunderlay_mtu = 100": "underlay_mtu",
    "[security]\nallow_plaintext = perhaps": "allow_plaintext",
    "[security]\ncertificate = c.pem": "certificate and private_key go together",
    "[security]\nprivate_key = k.pem": "certificate and private_key go together",
    "[security]\ncertificate = c.pem\nprivate_key = k.pem": "[security] ca is needed",
    "[security]\nca = ca.pem": "certificate and private_key",
    "[openflow]\nlisen = 127.0.0.1:6653": "there is no option [openflow] lisen",
    "[openflo]\nlisten = 127.0.0.1:6653": "there is no section [openflo]",
    "[DEFAULT]\ndebug = true": "there is no section [DEFAULT]",
    "listen = 1": "",
    "[openflow\n": "",
    "[auth]\nstrategy = trust": "strategy",
    "[auth]\nsecret = x": "there is no option [auth] secret",
    "[services]\ndhcp_lease_time = 60": "dhcp_lease_time",
    "[services]\ndhcp_renewal_time = 80000": "dhcp_renewal_time (80000) must be less than dhcp_rebinding_time (75600)",
    "[services]\ndhcp_rebinding_time = 90000": "and that less than dhcp_lease_time (86400)",
    "[services]\ndns_domain = -cloud": "[services] dns_domain: '-cloud' is not a domain",
    "[services]\ndns_domain = a..b": "'a..b' is not a domain",
    "[quotas]\nport = -2": "port",
    "[quotas]\nrouters = 1": "there is no option [quotas] routers",
    "[northbound]\nlisten = 0.0.0.0:9696\n[security]\nallow_plaintext = true": "[auth] strategy = tokens or keystone",
}


@pytest.mark.parametrize("text", REFUSED, ids=repr)
def test_what_is_refused_and_how(tmp_path: Path, text: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        told(tmp_path, text)
    said = str(caught.value)
    assert REFUSED[text] in said
    assert said and "\n" not in said


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as caught:
        read(["--config-file", str(tmp_path / "none.conf")])
    assert "none.conf" in str(caught.value) and "\n" not in str(caught.value)


def test_plain_text_may_be_meant(tmp_path: Path) -> None:
    settings = told(tmp_path, "[openflow]\nlisten = 0.0.0.0:6653\n[security]\nallow_plaintext = true\n")
    assert settings.openflow == ("0.0.0.0", 6653) and not settings.tls


def test_tls_opens_any_address(tmp_path: Path) -> None:
    security = "[security]\nca = ca.pem\ncertificate = c.pem\nprivate_key = k.pem\n"
    settings = told(tmp_path, f"[openflow]\nlisten = 0.0.0.0:6653\n{security}")
    assert settings.tls and settings.ca == "ca.pem"


@pytest.mark.parametrize(
    ("text", "expected"), [("0.0.0.0:0", ("0.0.0.0", 0)), ("[2001:db8::1]:80", ("2001:db8::1", 80))]
)
def test_addresses(text: str, expected: tuple[str, int]) -> None:
    assert address("ovsdb", text) == expected


def test_no_context_without_tls() -> None:
    assert tls_context(read([]), demand_certificate=True) is None


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_files_that_cannot_be_read(tmp_path: Path, content: str | None) -> None:
    for name in ("ca.pem", "c.pem", "k.pem"):
        if content is not None:
            (tmp_path / name).write_text(content)
            (tmp_path / name).chmod(0o600)
    settings = read([])._replace(
        ca=str(tmp_path / "ca.pem"), certificate=str(tmp_path / "c.pem"), private_key=str(tmp_path / "k.pem")
    )
    with pytest.raises(Misconfigured, match="cannot be read") as caught:
        tls_context(settings, demand_certificate=True)
    assert "\n" not in str(caught.value)


def test_whoever_can_be_told_apart_may_come_from_anywhere(tmp_path: Path) -> None:
    anywhere = "[northbound]\nlisten = 0.0.0.0:9696\n[security]\nallow_plaintext = true\n[auth]\n"
    for auth in ("strategy = tokens", "strategy = keystone", "insecure = true"):
        assert told(tmp_path, anywhere + auth).northbound == ("0.0.0.0", 9696)


def test_limits_hold_where_there_are_tenants(tmp_path: Path) -> None:
    assert told(tmp_path, "[auth]\nstrategy = tokens\n[quotas]\nport = 7\n").quotas == {
        "network": 100, "subnet": 100, "port": 7, "subnetpool": 100, "address_scope": 100, "rbac_policy": 10,
        "security_group": 10, "security_group_rule": 100, "address_group": 10, "log": 10,
        "router": 10, "floatingip": 50, "port_forwarding": 200, "local_ip": 50, "port_association": 200,
        "conntrack_helper": 100, "ndp_proxy": 50, "metering_label": 10, "metering_label_rule": 100,
    }  # fmt: skip
    assert told(tmp_path, "[quotas]\nport = 7\n").quotas == dict.fromkeys(QUOTAS, -1) | {"port": 7}


def test_the_sections_of_libraries_are_theirs(tmp_path: Path) -> None:
    settings = told(tmp_path, "[keystone_authtoken]\nauth_type = password\n[oslo_policy]\npolicy_file = p\n")
    assert settings.files == (str(tmp_path / "tenet.conf"),)
