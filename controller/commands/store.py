"""`tenet store`: backup, restore, and migration from one store to another."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from controller.config.settings import read
from controller.runtime import hub, logs
from controller.runtime.errors import Misconfigured
from controller.store import archive, open_store, snapshot


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    store = commands.add_parser("store", help="back up, restore or move the model")
    verbs = store.add_subparsers(dest="verb", required=True)
    backup = verbs.add_parser("backup", help="write all rows to FILE; the controllers may run on")
    restore = verbs.add_parser("restore", help="make the store hold what is in FILE")
    migrate = verbs.add_parser("migrate", help="copy one store into another; stop the controllers before")
    for parser in (backup, restore):
        parser.add_argument("file", metavar="FILE", type=Path)
        where = parser.add_mutually_exclusive_group()
        where.add_argument("--url", help="the store, instead of [store] url")
        where.add_argument("--config-file", action="append", default=[], metavar="FILE", help="an oslo.config file")
    migrate.add_argument("source", metavar="FROM", help="URL of the store to read")
    migrate.add_argument("target", metavar="TO", help="URL of the store to write")
    for parser in (restore, migrate):
        parser.add_argument("--replace", action="store_true", help="even when the store written to is not empty")
    for parser in (backup, restore, migrate):
        parser.set_defaults(execute=execute)


def execute(chosen: argparse.Namespace) -> int:
    """Run the command and print the result."""
    hub.patch()
    logs.configure(as_json=False, debug=False)
    try:
        _do(chosen)
    except OSError as error:
        raise Misconfigured(f"{error.filename or chosen.verb}: {error.strerror or error}") from error
    return 0


def _do(chosen: argparse.Namespace) -> None:
    if chosen.verb == "backup":
        revision, rows = snapshot(_url(chosen))
        _say(archive.write(chosen.file, revision, rows), f"of revision {revision} written to {chosen.file}")
    elif chosen.verb == "restore":
        rows_read = archive.read(chosen.file)
        archive.check(rows_read)
        with closing(open_store(_url(chosen))) as store:
            _say(archive.replace(store, rows_read, only_if_empty=not chosen.replace), "written or deleted")
    else:
        _migrate(chosen.source, chosen.target, chosen.replace)


def _migrate(source: str, target: str, replace: bool) -> None:
    with closing(open_store(source)) as store:
        archive.check_whole(store)
        _, found = store.everything()
        rows = {row.key: row.value for row in found if not row.leased}
        archive.check(rows)
        if not rows:
            raise Misconfigured(f"{source} is empty")
        with closing(open_store(target)) as other:
            _say(archive.replace(other, rows, only_if_empty=not replace), f"written to or deleted from {target}")


def _url(chosen: argparse.Namespace) -> str:
    if chosen.url:
        return str(chosen.url)
    return read([part for path in chosen.config_file for part in ("--config-file", path)]).store_url


def _say(rows: int, what: str) -> None:
    print(f"{rows} rows {what}")
