"""What became of every test of the last `tempest run`, one line of JSON each: run by the Python that has Tempest.

Argument: Tempest's workspace.  Lines: {"test": id, "outcome": success, fail or skip, "why": the reason of a skip or
the end of the traceback, "seconds": how long it took}; of a class that was skipped or failed as a whole, its name.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from stestr.repository.util import get_repo_open  # type: ignore[import-not-found]
from testtools import StreamToDict  # type: ignore[import-not-found]


def tell(test: dict[str, Any]) -> None:
    if test["status"] == "exists":
        return
    texts = {name: content.as_text().strip() for name, content in test["details"].items()}
    why = texts.get("reason") or texts.get("traceback", "")
    began, ended = test["timestamps"]
    seconds = (ended - began).total_seconds() if began and ended else 0.0
    print(json.dumps({"test": test["id"], "outcome": test["status"], "why": why[-2000:], "seconds": seconds}))


def main() -> None:
    stream = get_repo_open(repo_url=sys.argv[1]).get_latest_run().get_test()
    listener = StreamToDict(tell)
    listener.startTestRun()
    stream.run(listener)
    listener.stopTestRun()


if __name__ == "__main__":
    main()
