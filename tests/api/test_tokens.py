"""`[auth] strategy = tokens`: who gets in, and who no longer does."""

from __future__ import annotations

import logging
import stat
from pathlib import Path

import msgspec
import pytest

from controller.__main__ import main
from controller.runtime.errors import Misconfigured
from controller.store.replica import Replica
from controller.store.store import Store
from northbound.auth import with_implied
from northbound.identity import tokens

from .conftest import Api
from .tenants import Cloud, Person


@pytest.fixture
def cloud(tmp_path: Path, store: Store, replica: Replica) -> Cloud:
    return Cloud(tmp_path, store, replica)


def test_a_token_gets_in_and_nothing_else_does(cloud: Cloud) -> None:
    red = cloud.person("red", "member")
    assert red.call("GET", "/v2.0/networks").status == 200
    (entry,) = tokens.load(cloud.file)
    for wrong in ("", "x", red.token[:-1], red.token + "x", entry.hash, entry.id, "tenet_", "\u00ff" * 9, "x" * 2000):
        reply = Person(cloud.context, wrong.encode().decode("latin-1")).call("GET", "/v2.0/networks")
        assert reply.error == (401, "Unauthorized"), wrong
        assert reply.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", ["/v2.0/networks", "/v2.0/", "/v1.1/tenants/red/networks", "/metrics", "/nothing",
                                  "/tenet/v1/switches", "/v2.0/extensions"])  # fmt: skip
def test_whoever_is_nobody_is_not_told_what_there_is(cloud: Cloud, path: str) -> None:
    assert Api(cloud.context).call("GET", path).status == 401
    assert Api(cloud.context).call("POST", path, b"{").status == 401


def test_versions_and_health_are_for_everybody(cloud: Cloud) -> None:
    nobody, operator = Api(cloud.context), cloud.person("ops", "admin")
    assert nobody.call("GET", "/").status == 200
    assert nobody.call("GET", "/healthz").json == nobody.call("GET", "/readyz").json == {"status": "ok"}
    cloud.context.operators.unready = lambda: "its disk is full"  # type: ignore[method-assign]
    assert nobody.call("GET", "/readyz").json == {"status": "unready"}
    assert operator.call("GET", "/healthz").status == 200


def test_bearer(cloud: Cloud) -> None:
    red = cloud.person("red", "member")
    assert Api(cloud.context).call("GET", "/v2.0/networks", Authorization=f"Bearer {red.token}").status == 200
    assert Api(cloud.context).call("GET", "/v2.0/networks", Authorization=f"Basic {red.token}").status == 401


def test_a_header_does_not_say_whose_project_it_is(cloud: Cloud) -> None:
    red = cloud.person("red", "member")
    made = red.call("POST", "/v2.0/networks", {"network": {}}, X_Project_Id="blue", X_Roles="admin").json["network"]
    assert made["project_id"] == "red"


def test_a_token_expires(cloud: Cloud) -> None:
    soon, past = cloud.person("red", "member", expires=int(2e9)), cloud.person("red", "member", expires=10)
    assert soon.call("GET", "/v2.0/networks").status == 200
    assert past.call("GET", "/v2.0/networks").status == 401
    cloud.now = 2e9
    assert soon.call("GET", "/v2.0/networks").status == 401


def test_a_revoked_token_is_worthless_and_a_broken_file_is_nobodys(
    cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    red, blue = cloud.person("red", "member"), cloud.person("blue", "member")
    assert red.call("GET", "/v2.0/networks").status == 200
    tokens.save(cloud.file, tokens.load(cloud.file)[1:])
    assert red.call("GET", "/v2.0/networks").status == 401
    assert blue.call("GET", "/v2.0/networks").status == 200
    with caplog.at_level(logging.ERROR, "tenet.identity"):
        cloud.file.write_text("not json\n")
        assert blue.call("GET", "/v2.0/networks").status == 401
    assert "line 1" in caplog.text
    with pytest.raises(Misconfigured):
        tokens.Tokens(cloud.file, cloud.rules.is_operator)


@pytest.mark.parametrize("jump", [3600, -3600])
def test_revoking_counts_whatever_the_clock_does(cloud: Cloud, jump: int) -> None:
    red, blue = cloud.person("red", "member"), cloud.person("blue", "member")
    assert red.call("GET", "/v2.0/networks").status == 200
    cloud.now += jump
    tokens.save(cloud.file, tokens.load(cloud.file)[1:])
    assert red.call("GET", "/v2.0/networks").status == 401
    assert blue.call("GET", "/v2.0/networks").status == 200


def test_roles_imply_lesser_ones() -> None:
    assert with_implied(["member"]) == {"member", "reader"}
    assert with_implied(["admin"]) == {"admin", "manager", "member", "reader"}
    assert with_implied(["auditor"]) == {"auditor"}


# --- tenet token ------------------------------------------------------------------------------------------------------


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "made" / "tokens"
    said = ["token", "create", "--project", "red", "--user", "rose", "--days", "7", "--file", str(file)]
    assert main(said) == 0
    token = capsys.readouterr().out.strip()
    assert token.startswith("tenet_")
    assert token not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (entry,) = tokens.load(file)
    assert (entry.hash, entry.project, entry.user, entry.roles) == (tokens.digest(token), "red", "rose", ("member",))
    assert main(["token", "list", "--file", str(file)]) == 0
    listed = capsys.readouterr().out
    assert entry.id in listed and "project=red" in listed and entry.hash not in listed
    assert main(["token", "create", "--project", "ops", "--role", "admin", "--file", str(file)]) == 0
    assert main(["token", "revoke", entry.id, "--file", str(file)]) == 0
    assert [left.project for left in tokens.load(file)] == ["ops"]


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o660, 0o602, 0o601])
def test_a_file_that_others_may_read_or_write_is_not_taken(
    cloud: Cloud, capsys: pytest.CaptureFixture[str], mode: int
) -> None:
    red = cloud.person("red", "member")
    said = ["token", "list", "--file", str(cloud.file)]
    for good in (0o600, 0o640, 0o400):
        cloud.file.chmod(good)
        assert main(said) == 0
    assert red.call("GET", "/v2.0/networks").status == 200
    cloud.file.chmod(mode)
    assert main(said) == 1
    assert f"others may {'write' if mode & 0o022 else 'read'} it (mode {mode:04o})" in capsys.readouterr().err
    with pytest.raises(Misconfigured, match="chmod g-w,o="):
        tokens.Tokens(cloud.file, lambda caller: False)
    assert red.call("GET", "/v2.0/networks").status == 401


@pytest.mark.parametrize("change", [{"roles": ["admin,x"]}, {"roles": ["a b"]}, {"expires": -1}, {"expires": 10**15}])
def test_a_line_that_the_command_would_not_write_is_not_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, object]
) -> None:
    file = tmp_path / "tokens"
    _, entry = tokens.new("red", "rose", ("member",))
    tokens.save(file, [entry])
    line = msgspec.json.decode(file.read_bytes()) | change
    file.write_bytes(msgspec.json.encode(line))
    assert main(["token", "list", "--file", str(file)]) == 1
    assert f"{file}, line 1: " in capsys.readouterr().err


def test_the_command_reads_the_configuration(tmp_path: Path) -> None:
    config = tmp_path / "tenet.conf"
    config.write_text(f"[auth]\nstrategy = tokens\ntokens = {tmp_path}/t\n")
    assert main(["token", "create", "--project", "red", "--config-file", str(config)]) == 0
    assert (tmp_path / "t").exists()


def test_what_the_command_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(tmp_path / "tokens")
    assert main(["token", "revoke", "nothing", "--file", file]) == 1
    assert main(["token", "create", "--project", "p", "--file", "/proc/none/tokens"]) == 1
    said = ["token", "create", "--file", file, "--project"]
    for wrong in (
        *([each] for each in ("", "a\nb", "x" * 256)),
        *(["p", "--days", each] for each in ("-1", "0", "36501", "1.5", "1_0", "²", "9" * 30, "")),
        *(["p", "--role", each] for each in ("admin,x", "a b", "", "a\u2003b", "x" * 256)),
    ):
        with pytest.raises(SystemExit) as ended:
            main([*said, *wrong])
        assert ended.value.code == 2
    assert all(line.startswith(("tenet", "usage", " ")) for line in capsys.readouterr().err.splitlines())
    assert not Path(file).exists()
