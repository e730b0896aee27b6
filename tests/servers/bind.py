"""BIND 9 on loopback: a primary server of a few zones that takes signed updates."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import dns.query
import dns.rdatatype
import dns.zone

from tests.lab.processes import Process

REVERSE6 = ".".join([*"0" * 18, *"8bd01002", "ip6.arpa"])  # of 2001:db8::/104
ZONES = ("example.org", "lab.example.net", "2.0.192.in-addr.arpa", REVERSE6)
EMPTY = "$TTL 60\n@ SOA ns.operator.test. admin.operator.test. 1 60 60 600 60\n@ NS ns.operator.test.\n"
PATIENCE = 20.0  # seconds
Records = dict[str, dict[str, tuple[str, ...]]]  # name -> type -> values


class Bind:
    """`key_file`: the key that every zone but the `refused` ones takes updates with."""

    def __init__(self, folder: Path, *, refused: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self.port = _free_port()
        self.key_file = folder / "tenet.key"
        self._refused = refused
        self._process: Process | None = None
        self._starts = 0
        folder.mkdir()
        for zone in ZONES:
            (folder / f"{zone}.db").write_text(EMPTY)
        self.new_key()

    def new_key(self) -> None:
        """Another secret; it counts for the server once that is started."""
        said = subprocess.run(["tsig-keygen", "-a", "hmac-sha256", "tenet"], check=True, capture_output=True, text=True)
        self.key_file.write_text(said.stdout)
        self.key_file.chmod(0o600)

    def start(self) -> None:
        shutil.copy(self.key_file, self.folder / "server.key")
        blocks = [
            f'zone "{zone}" {{ type primary; file "{zone}.db"; allow-transfer {{ any; }}; '
            f"allow-update {{ {'none' if zone in self._refused else 'key tenet'}; }}; }};"
            for zone in ZONES
        ]
        options = (
            f'options {{ directory "{self.folder}"; pid-file "named.pid"; session-keyfile "session.key"; '
            f"listen-on port {self.port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion no; notify no; }};"
        )
        config = self.folder / "named.conf"
        config.write_text("\n".join([f'include "{self.folder}/server.key";', "controls { };", options, *blocks]))
        self._starts += 1
        self._process = Process(["named", "-g", "-c", str(config)], self.folder / f"log{self._starts}")
        end = time.monotonic() + PATIENCE
        while "all zones loaded" not in (said := self._process.text()):
            assert time.monotonic() < end and self._process.running(), said
            time.sleep(0.02)

    def stop(self) -> None:
        if self._process is not None:
            self._process.signal(signal.SIGTERM)
            self._process.wait(PATIENCE)
            self._process = None

    def records(self, *, marks: bool = False) -> Records:
        """All records of all zones, but SOA and NS, and DHCID unless `marks`."""
        left_out = {"SOA", "NS"} | (set() if marks else {"DHCID"})
        found: Records = {}
        for zone in ZONES:
            whole = dns.zone.from_xfr(dns.query.xfr("127.0.0.1", zone, port=self.port, timeout=PATIENCE))
            for name, data in whole.iterate_rdatasets():
                kind = dns.rdatatype.to_text(data.rdtype)
                if kind not in left_out:
                    full = name.derelativize(whole.origin).to_text()
                    values = sorted(each.to_text(origin=whole.origin, relativize=False) for each in data)
                    found.setdefault(full, {})[kind] = tuple(values)
        return found

    def by_hand(self, zone: str, *commands: str) -> None:
        """Somebody else's update, with nsupdate."""
        lines = [f"server 127.0.0.1 {self.port}", f"zone {zone}", *commands, "send"]
        subprocess.run(["nsupdate", "-k", str(self.folder / "server.key")], input="\n".join(lines) + "\n",
                       text=True, check=True, capture_output=True, timeout=PATIENCE)  # fmt: skip


@contextlib.contextmanager
def bind(folder: Path, **options: tuple[str, ...]) -> Iterator[Bind]:
    server = Bind(folder, **options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
