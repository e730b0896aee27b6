"""etcd over TLS, with client certificates.  In processes of their own: the store's start as `tenet` starts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.etcd_process import Cluster, Tls

ROOT = Path(__file__).parents[2]


def openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def certificates(folder: Path) -> Tls:
    """A new CA, and a certificate of it."""
    folder.mkdir()
    files = Tls(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *new, "-days", "2", "-subj", "/CN=ca", "-keyout", folder / "ca.key", "-out", files.ca)
    openssl("req", *new, "-subj", "/CN=tenet", "-keyout", files.key, "-out", folder / "request")
    (folder / "names").write_text("subjectAltName = IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", folder / "request", "-CA", files.ca, "-CAkey", folder / "ca.key", "-CAcreateserial",
            "-days", "2", "-extfile", folder / "names", "-out", files.certificate)  # fmt: skip
    return files


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return certificates(tmp_path_factory.mktemp("tls") / "good")


@pytest.fixture(scope="module")
def secured(tls: Tls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("etcd"), tls=tls)
    cluster.start()
    yield cluster
    cluster.stop()


STORE = """
import sys
from controller.runtime import hub
hub.patch()
from controller.store import open_store
with hub.Timeout(30):
    store = open_store(sys.argv[1])
    for number in range(3):
        revision = store.commit({}, {f"a/{number}": b""}, store.lease(5))
    print(len(store.everything()[1]))
    store.close()
"""


def start(arguments: list[str]) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stdout=pipe, stderr=pipe, text=True)


def url(cluster: Cluster, ca: Path, tls: Tls | None, prefix: str) -> str:
    client = f"&certificate={tls.certificate}&private_key={tls.key}" if tls else ""
    return f"etcd+https://127.0.0.1:{cluster.members[0].port}/{prefix}?ca={ca}{client}"


def test_with_a_certificate_of_the_ca(secured: Cluster, tls: Tls) -> None:
    output, errors = start(["-c", STORE, url(secured, tls.ca, tls, "one")]).communicate(timeout=60)
    assert output == "3\n", errors


def test_whom_etcd_or_we_do_not_trust(secured: Cluster, tls: Tls, tmp_path: Path) -> None:
    other = certificates(tmp_path / "other")
    urls = {
        "no certificate": url(secured, tls.ca, None, "t"),
        "another ca's certificate": url(secured, tls.ca, other, "t"),
        "another ca": url(secured, other.ca, tls, "t"),
        "plain text": secured.url("t"),
    }
    started = {case: start(["-m", "controller", "store", "backup", str(tmp_path / "file"), "--url", at])
               for case, at in urls.items()}  # fmt: skip
    for case, process in started.items():
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 1, case
        assert errors.startswith("tenet: the store cannot be reached: ") and errors.count("\n") == 1, case
    assert not (tmp_path / "file").exists()
