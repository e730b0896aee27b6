"""`tenet token`: users of a controller without Keystone ([auth] strategy = tokens)."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from controller.config.settings import read
from controller.runtime.errors import Misconfigured

DAY = 86_400  # seconds
MAX_TEXT = 255
MOST_DAYS = 36_500


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("token", help="make, list and revoke tokens ([auth] strategy = tokens)")
    kinds = parser.add_subparsers(dest="action", required=True)
    create = _kind(kinds, "create", "make a token, and print it: it is nowhere else to be read again", _create)
    create.add_argument("--project", required=True, type=_text, help="the project it is for")
    create.add_argument("--user", type=_text, help="a name for the audit log")
    roles = "admin (the operator), manager, member (the default), reader or service; may be repeated"
    create.add_argument("--role", action="append", type=_role, metavar="ROLE", dest="roles", help=roles)
    create.add_argument("--days", type=_days, default=0, metavar="DAYS",
                        help="until it expires, 1 to 36500; never by default")  # fmt: skip
    _kind(kinds, "list", "show what tokens there are", _list)
    revoke = _kind(kinds, "revoke", "make a token worthless, within a second", _revoke)
    revoke.add_argument("id", help="as `tenet token list` shows it")


def execute(chosen: argparse.Namespace) -> int:
    path = Path(chosen.file) if chosen.file else _configured(chosen.config_file)
    status: int = chosen.perform(path, chosen)
    return status


def _kind(
    kinds: Any, name: str, said: str, action: Callable[[Path, argparse.Namespace], int]
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = kinds.add_parser(name, help=said)
    parser.add_argument("--file", default="", help="the file of tokens, where no configuration names it")
    parser.add_argument("--config-file", action="append", default=[], metavar="FILE", help="an oslo.config file")
    parser.set_defaults(perform=action, execute=execute)
    return parser


def _configured(config_files: list[str]) -> Path:
    return Path(read([part for path in config_files for part in ("--config-file", path)]).tokens)


def _create(path: Path, chosen: argparse.Namespace) -> int:
    from northbound.identity import tokens

    expires = int(time.time()) + chosen.days * DAY if chosen.days else 0
    token, entry = tokens.new(chosen.project, chosen.user or "", tuple(chosen.roles or ["member"]), expires)
    _write(path, [*_present(path), entry])
    print(token)
    return 0


def _list(path: Path, chosen: argparse.Namespace) -> int:
    for entry in _present(path):
        until = time.strftime("%Y-%m-%d", time.gmtime(entry.expires)) if entry.expires else "never"
        print(f"{entry.id}  project={entry.project}  roles={','.join(entry.roles)}  user={entry.user}  expires={until}")
    return 0


def _revoke(path: Path, chosen: argparse.Namespace) -> int:
    there = _present(path)
    left = [entry for entry in there if entry.id != chosen.id]
    if len(left) == len(there):
        raise Misconfigured(f"{path}: there is no token {chosen.id!r}")
    _write(path, left)
    return 0


def _present(path: Path) -> list[Any]:
    from northbound.identity import tokens

    return tokens.load(path) if path.exists() else []


def _write(path: Path, entries: list[Any]) -> None:
    from northbound.identity import tokens

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        tokens.save(path, entries)
    except OSError as error:
        raise Misconfigured(f"{path}: {error.strerror or error}") from error


def _days(value: str) -> int:
    if not (value.isascii() and value.isdecimal() and len(value) < 6 and 1 <= int(value) <= MOST_DAYS):
        raise argparse.ArgumentTypeError(f"{value!r} is not a number from 1 to {MOST_DAYS}")
    return int(value)


def _role(value: str) -> str:
    """Argument type of one role.  A comma-separated list is refused: it would be taken for one unknown role."""
    if "," in value or any(part.isspace() for part in value):
        raise argparse.ArgumentTypeError(f"{value!r} is not one role: repeat --role for each")
    return _text(value)


def _text(value: str) -> str:
    if not 0 < len(value) <= MAX_TEXT or not value.isprintable():
        raise argparse.ArgumentTypeError(f"must have 1 to {MAX_TEXT} printable characters")
    return value
