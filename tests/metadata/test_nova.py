"""Requests passed on to Nova: with a server that checks them as Nova does.  Nova itself is not here."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from apps.services.identity import Asker
from controller.metadata.nova import NovaMetadata
from controller.metadata.request import InstanceRequest
from controller.metadata.server import Reply
from controller.runtime.errors import Misconfigured, Unavailable
from controller.services.instance import Instance, ToldMetadata

SECRET = b"shared"
ME, NOBODY, BARE = Asker(1, 4), Asker(1, 5), Asker(1, 6)


class Directory:
    """What controllers say of three logical ports."""

    def of(self, asker: Asker) -> Instance | None:
        if asker == NOBODY:
            return None
        device = "i-1" if asker == ME else ""
        return Instance("p-1", "red", device, "", ToldMetadata(), ())


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    argv = [sys.executable, "-m", "tests.metadata.nova_api", SECRET.decode()]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


def request(path: str = "/latest/meta-data/", method: str = "GET", body: bytes = b"", **fields: str) -> InstanceRequest:
    return InstanceRequest(
        method, path, path, {name.replace("_", "-"): one for name, one in fields.items()}, body, True
    )


def ask(
    url: str, one: InstanceRequest, asker: Asker = ME, secret: bytes = SECRET, address: str = "10.0.0.5"
) -> Reply:  # fmt: skip
    return NovaMetadata(Directory(), url, secret, None).answer(one, asker, address)


def test_nova_believes_who_asks(url: str) -> None:
    reply = ask(url, request(accept="text/plain"))
    assert (reply.status, reply.port_id, reply.content_type) == (200, "p-1", "application/json")
    said = {name.lower(): value for name, value in json.loads(reply.body)["fields"]}
    assert (said["x-instance-id"], said["x-tenant-id"], said["x-forwarded-for"]) == ("i-1", "red", "10.0.0.5")
    assert said["accept"] == "text/plain"


@pytest.mark.parametrize(("came", "told"), [
    ("fd00:a9fe:a9fe:1:f816:3eff:fe00:102", "fe80::f816:3eff:fe00:102"), ("2001:db8::5", "2001:db8::5"),
    ("fd00:a9fe:a9fe:2::5", "fd00:a9fe:a9fe:2::5"),
])  # fmt: skip
def test_nova_is_told_the_address_that_the_instance_has(url: str, came: str, told: str) -> None:
    """Not the one that a link-local sender has on the way to the server."""
    said = {name.lower(): value for name, value in json.loads(ask(url, request(), address=came).body)["fields"]}
    assert said["x-forwarded-for"] == told


def test_an_instance_cannot_say_who_it_is(url: str) -> None:
    forged = request(x_instance_id="i-2", x_tenant_id="blue", x_forwarded_for="10.9.9.9",
                     x_instance_id_signature="0" * 64, x_provider_id="lb", x_metadata_provider="n",
                     x_metadata_provider_signature="0", host="nova", x_metadata_token="t")  # fmt: skip
    fields = json.loads(ask(url, forged).body)["fields"]
    said = {name.lower(): value for name, value in fields}
    assert len(said) == len(fields)
    assert (said["x-instance-id"], said["x-tenant-id"], said["x-forwarded-for"]) == ("i-1", "red", "10.0.0.5")
    assert not {"x-provider-id", "x-metadata-provider", "x-metadata-provider-signature"} & set(said)
    assert said["x-metadata-token"] == "t" and said["host"] != "nova"


def test_what_nova_says_is_passed_back(url: str) -> None:
    assert ask(url, request("/missing")).status == 404
    reply = ask(url, request("/openstack/2013-04-04/password", "POST", b"secret"))
    assert json.loads(reply.body)["body"] == "secret"
    assert ask(url, request(method="DELETE")).status == 405


@pytest.mark.parametrize(
    "path", ["/../admin", "/latest/../../admin", "/latest/%2e%2e/%2e%2E/admin", "/a/%252e%252e/b", "/..%2fadmin",
             "/a\\..\\b", "/./", "*"],
)  # fmt: skip
def test_no_path_leads_out_of_nova(url: str, path: str) -> None:
    """Beside its prefix other services may be, behind the same proxy."""
    assert ask(f"{url}/metadata", request(path)).status == 400


def test_paths_below_the_prefix_are_passed_on(url: str) -> None:
    said = json.loads(ask(f"{url}/metadata/", request("/latest/user..data/.x/100%25")).body)
    assert said["path"] == "/metadata/latest/user..data/.x/100%25"


def test_ports_without_an_instance_are_told_nothing(url: str) -> None:
    assert ask(url, request(), NOBODY).status == 404
    assert ask(url, request(), BARE).status == 404


def test_a_wrong_secret_and_a_nova_that_is_away_are_faults_of_ours(url: str) -> None:
    with pytest.raises(Unavailable, match="signature"):
        ask(url, request(), secret=b"other")
    with pytest.raises(Unavailable, match="no answer"):
        ask("http://127.0.0.1:1", request())
    with pytest.raises(Misconfigured):
        ask("127.0.0.1:8775", request())
