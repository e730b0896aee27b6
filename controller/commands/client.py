"""REST client of a running controller, for subcommands."""

from __future__ import annotations

import argparse
import json
import os
import ssl
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from controller.runtime.errors import Misconfigured, Refused, Unavailable

URL = "http://127.0.0.1:9696"
_TIMEOUT = 30.0  # seconds


def add_url(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", default=URL, help=f"the controller's REST API; {URL} where not said")
    parser.add_argument("--ca", metavar="FILE", help="PEM file: the CA of the controller's certificate")


class Client:
    """REST client; authenticates with the token in the environment variable OS_TOKEN, as OpenStack's clients do."""

    def __init__(self, url: str, ca: str | None = None) -> None:
        """Raises `Misconfigured` when the file `ca` cannot be read."""
        self._url = url.rstrip("/")
        try:
            self._context = ssl.create_default_context(cafile=ca) if self._url.startswith("https:") else None
        except OSError as error:
            raise Misconfigured(f"--ca {ca}: {error.strerror or error}") from error

    def get(self, path: str, **query: str) -> Any:
        """Answer to a GET request; see `ask`."""
        return self.ask("GET", path + (f"?{urllib.parse.urlencode(query)}" if query else ""))

    def ask(self, method: str, path: str) -> Any:
        """Decoded answer of a request; None when it is empty.

        Raises `Refused` with the controller's message, `Unavailable` without an answer.
        """
        where = f"{self._url}{path}"
        token = os.environ.get("OS_TOKEN", "")
        try:
            request = urllib.request.Request(where, method=method, headers={"X-Auth-Token": token} if token else {})
            with urllib.request.urlopen(request, timeout=_TIMEOUT, context=self._context) as answer:
                body = answer.read()
            return json.loads(body) if body else None
        except urllib.error.HTTPError as error:
            hint = "" if error.code != 401 else " The environment variable OS_TOKEN holds the token."
            raise Refused((_message(error.read()) or f"{where}: {error}") + hint) from error
        except (OSError, ValueError) as error:
            raise Unavailable(f"no answer from {self._url}: {_reason(error)}") from error


def _reason(error: OSError | ValueError) -> str:
    found = getattr(error, "reason", error)
    number = getattr(found, "errno", None) or 0
    return os.strerror(number) if number > 0 else str(getattr(found, "strerror", None) or found)


def _message(body: bytes) -> str:
    """Message in an error's body; "" when it has another form."""
    try:
        (found,) = json.loads(body).values()
        return str(found["message"])
    except (ValueError, AttributeError, TypeError, KeyError):
        return ""
