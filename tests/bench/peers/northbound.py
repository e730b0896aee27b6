"""A lean client of OVN's northbound database (RFC 7047): transactions, and waiting for hypervisors.

It does what `ovn-nbctl --wait=hv` does, without a process for each call.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.bench.peers.system import PATIENCE

Operation = dict[str, Any]
_READ = 1 << 20


class Northbound:
    """One connection.  Raises RuntimeError when the server refuses a transaction or a wait takes too long.

    `tend` is called every second of a wait.
    """

    def __init__(self, path: Path, tend: Callable[[], None]) -> None:
        self._tend = tend
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._sock.connect(str(path))
        self._decoder = json.JSONDecoder()
        self._pending = ""
        self._number = 0

    def close(self) -> None:
        self._sock.close()

    def transact(self, *operations: Operation) -> list[Any]:
        """The result of each operation."""
        self._number += 1
        call = {"id": self._number, "method": "transact", "params": ["OVN_Northbound", *operations]}
        self._sock.settimeout(PATIENCE)
        self._sock.sendall(json.dumps(call).encode())
        self._sock.settimeout(1.0)
        answer = self._received()
        results: list[Any] = answer["result"] or []
        wrong = [each for each in results if each and "error" in each]
        if answer["error"] or wrong:
            raise RuntimeError(f"{answer['error'] or wrong[0]}")
        return results

    def sync(self, *first: Operation) -> None:
        """Wait for `first`, and then until every hypervisor has installed all that the database says."""
        count = {"op": "mutate", "table": "NB_Global", "where": [], "mutations": [["nb_cfg", "+=", 1]]}
        read = {"op": "select", "table": "NB_Global", "where": [], "columns": ["nb_cfg"]}
        number = self.transact(*first, count, read)[-1]["rows"][0]["nb_cfg"]
        self.transact(wait("NB_Global", [], "hv_cfg", [number]))

    def _received(self) -> Any:
        while True:
            try:
                answer, end = self._decoder.raw_decode(self._pending)
            except ValueError:
                try:
                    got = self._sock.recv(_READ)
                except TimeoutError:
                    self._tend()
                    continue
                if not got:
                    raise ConnectionError("the northbound database hung up") from None
                self._pending += got.decode()
            else:
                self._pending = self._pending[end:].lstrip()
                return answer


def wait(table: str, where: Sequence[object], column: str, values: Sequence[object]) -> Operation:
    """Wait until the column has these values, a row each, in the rows that `where` names."""
    return {
        "op": "wait", "table": table, "where": where, "columns": [column], "until": "==",
        "rows": [{column: value} for value in values], "timeout": int(PATIENCE * 1e3),
    }  # fmt: skip
