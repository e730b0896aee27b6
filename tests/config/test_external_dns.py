"""Options of external DNS: what is read, and every mistake in one line."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from controller.config.external_dns import ExternalDnsSettings, TsigKey, Zone
from controller.config.settings import read
from controller.publish.external_dns.zones import Zones
from controller.runtime.errors import Misconfigured

SECRET = "c2VjcmV0"
KEY = f'key "Tenet" {{ // of the zone\n  algorithm hmac-sha256;\n  secret "{SECRET}";\n}};\n'


def told(folder: Path, text: str, key: str = KEY, mode: int = 0o640) -> ExternalDnsSettings | None:
    (folder / "key").write_text(key)
    (folder / "key").chmod(mode)
    file = folder / "tenet.conf"
    file.write_text(f"[external_dns]\nkey_file = {folder}/key\n{text}")
    return read(["--config-file", str(file)]).external_dns


def test_all_of_it(tmp_path: Path) -> None:
    found = told(tmp_path, "server = [2001:db8::53]:5353\nzones = Example.org, lab.example.net.:red:blue\n"
                 "reverse_networks = 192.0.2.0/24, 2001:db8::/32\nipv6_ptr_zone_prefix_size = 64\n")  # fmt: skip
    assert found == ExternalDnsSettings(
        ("2001:db8::53", 5353), TsigKey("tenet.", "hmac-sha256", SECRET),
        (Zone("example.org."), Zone("lab.example.net.", ("red", "blue"))),
        (ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")), ipv6_prefix=64,
    )  # fmt: skip
    assert SECRET not in repr(found)


@pytest.mark.parametrize(
    ("server", "address"),
    [("192.0.2.53", "192.0.2.53"), ("192.0.2.53:53", "192.0.2.53"), ("2001:db8::53", "2001:db8::53"),
     ("[2001:db8::53]", "2001:db8::53")],
)  # fmt: skip
def test_the_port_is_that_of_dns(tmp_path: Path, server: str, address: str) -> None:
    found = told(tmp_path, f"server = {server}\n")
    assert found is not None and found.server == (address, 53)


def test_slashes_of_a_secret_are_no_comment(tmp_path: Path) -> None:
    found = told(tmp_path, "server = 192.0.2.53\n", KEY.replace(SECRET, "ab//cd+/"))
    assert found is not None and found.key == TsigKey("tenet.", "hmac-sha256", "ab//cd+/")


def test_without_a_server_there_is_none(tmp_path: Path) -> None:
    assert told(tmp_path, "zones = example.org\n", key="nonsense") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("server = dns.example.org", "server = dns.example.org: not of the form ADDRESS or ADDRESS:PORT"),
        ("server = 192.0.2.53:0", "not of the form"),
        ("server = 192.0.2.53:65536", "not of the form"),
        ("server = 192.0.2.53\nzones = exa mple.org", "zones: 'exa mple.org' is not of the form"),
        ("server = 192.0.2.53\nzones = a.org, A.org.:red", "zones: a.org. is there twice"),
        ("server = 192.0.2.53\nzones = 2.0.192.in-addr.arpa", "is a reverse zone"),
        ("server = 192.0.2.53\nreverse_networks = 192.0.2.1/24", "reverse_networks: 192.0.2.1/24 has host bits set"),
        ("server = 192.0.2.53\nipv4_ptr_zone_prefix_size = 20", "must be a multiple of 8"),
        ("server = 192.0.2.53\nipv6_ptr_zone_prefix_size = 63", "ipv6_ptr_zone_prefix_size of 4"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Misconfigured) as error:
        told(tmp_path, f"{text}\n")
    assert said in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("", "does not have one key"),
        (KEY + KEY, "does not have one key"),
        (KEY.replace("algorithm", "algorythm"), "does not have one key"),
        (KEY.replace("sha256", "md5"), "algorithm hmac-md5 is none of"),
        (KEY.replace(SECRET, "?"), "the secret is not base64"),
    ],
)
def test_a_key_that_is_none(tmp_path: Path, key: str, said: str) -> None:
    with pytest.raises(Misconfigured, match=said) as error:
        told(tmp_path, "server = 192.0.2.53\n", key)
    assert SECRET not in str(error.value)


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="others may read it"):
        told(tmp_path, "server = 192.0.2.53\n", mode=0o644)


def test_a_key_file_is_needed(tmp_path: Path) -> None:
    file = tmp_path / "tenet.conf"
    file.write_text("[external_dns]\nserver = 192.0.2.53\n")
    with pytest.raises(Misconfigured, match="key_file is needed beside server"):
        read(["--config-file", str(file)])


def test_zones_of_names_and_addresses(tmp_path: Path) -> None:
    found = told(tmp_path, "server = 192.0.2.53\nzones = example.org, lab.example.org:red\n"
                 "reverse_networks = 192.0.0.0/16, 2001:db8::/32\nipv4_ptr_zone_prefix_size = 16\n")  # fmt: skip
    assert found is not None
    zones = Zones(found)
    assert zones.of_name("a.b.example.org.", "blue") == "example.org."
    assert zones.of_name("a.lab.example.org.", "red") == "lab.example.org."
    assert zones.of_name("a.lab.example.org.", "blue") == ""  # and not in the zone above
    assert zones.of_name("lab.example.org.", "red") == zones.of_name("org.", "red") == ""
    assert zones.of_address("192.0.2.10") == ("10.2.0.192.in-addr.arpa.", "0.192.in-addr.arpa.")
    assert zones.of_address("198.51.100.1") == ("", "")
    name, zone = zones.of_address("2001:db8::1")
    assert name == f"1.{zone}"[:2] + "0." + zone and zone.count(".") == 32
