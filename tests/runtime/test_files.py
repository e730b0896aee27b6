"""Who else may read or write a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.config.settings import read, tls_context
from controller.runtime.errors import Misconfigured
from controller.runtime.files import check_secret, check_trusted
from controller.store import open_store
from northbound.enforce import Rules


@pytest.mark.parametrize(
    ("mode", "secret", "trusted"),
    [(0o600, "", ""), (0o640, "", ""), (0o644, "read", ""), (0o660, "write", ""), (0o666, "write", "write"),
     (0o602, "write", "write"), (0o604, "read", "")],
)  # fmt: skip
def test_modes(tmp_path: Path, mode: int, secret: str, trusted: str) -> None:
    file = tmp_path / "file"
    file.touch()
    file.chmod(mode)
    for check, said in ((check_secret, secret), (check_trusted, trusted)):
        if said:
            with pytest.raises(Misconfigured, match=f"option = .*: others may {said} it .mode {mode:04o}.: chmod"):
                check(file, "option")
        else:
            check(file, "option")


def test_what_is_no_file_is_left_to_who_reads_it(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    for path in (tmp_path, tmp_path / "nothing", "", "/dev/null"):
        check_secret(path, "option")


def config(directory: Path, text: str, mode: int) -> list[str]:
    file = directory / "tenet.conf"
    file.write_text(text)
    file.chmod(mode)
    return ["--config-file", str(file)]


def test_configuration(tmp_path: Path) -> None:
    read(config(tmp_path, "[fabric]\ncost = hops\n", 0o644))
    with pytest.raises(Misconfigured, match="others may write"):
        read(config(tmp_path, "[fabric]\ncost = hops\n", 0o646))
    for secret in ("[keystone_authtoken]\npassword = x\n", "[nova]\nendpoint = http://nova\npassword = x\n"):
        read(config(tmp_path, secret, 0o640))
        with pytest.raises(Misconfigured, match="others may read"):
            read(config(tmp_path, secret, 0o644))


def test_a_private_key(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.touch()
    key.chmod(0o644)
    text = f"[security]\nca = {tmp_path}/ca\ncertificate = {tmp_path}/certificate\nprivate_key = {key}\n"
    settings = read(config(tmp_path, text, 0o644))
    with pytest.raises(Misconfigured, match=r"private_key = .*others may read"):
        tls_context(settings, demand_certificate=True)
    with pytest.raises(Misconfigured, match=r"private_key = .*others may read"):
        open_store(f"etcd+https://127.0.0.1:1/t?certificate={key}&private_key={key}")


def test_a_policy_file(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("{}")
    said = config(tmp_path, f"[oslo_policy]\npolicy_file = {policy}\n", 0o644)
    Rules(said[1:])
    policy.chmod(0o666)
    with pytest.raises(Misconfigured, match=r"policy_file = .*others may write"):
        Rules(said[1:])
