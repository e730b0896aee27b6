"""Logs: one line an event, for people or, on request, a JSON object a line for machines."""

from __future__ import annotations

import functools
import json
import logging
import sys
import time

# what ends a line for some reader, or commands a terminal: messages quote what strangers say
_ESCAPED = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
_ESCAPED |= {ord("\n"): "\\n", 0x2028: "\\u2028", 0x2029: "\\u2029"}


@functools.lru_cache(maxsize=1)
def _second(since_epoch: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(since_epoch))


class _Line(logging.Formatter):
    """Time (UTC), level, area, message; what is longer than a line is folded into it."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s: %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        return _second(int(record.created))

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        return line if line.isprintable() else line.translate(_ESCAPED)  # nothing printable is escaped


class _Json(logging.Formatter):
    """What a record says as its `fields` is in the object, too."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": f"{_second(int(record.created))}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "area": record.name,
            "message": record.getMessage(),
        }
        line.update(getattr(record, "fields", {}))
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


def configure(*, as_json: bool, debug: bool) -> None:
    """Send Tenet's log to standard error, and what libraries say from WARNING up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if as_json else _Line())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    # what neither format shows need not be found out for each record (logging HOWTO, "Optimization")
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.getLogger("tenet").setLevel(logging.DEBUG if debug else logging.INFO)
