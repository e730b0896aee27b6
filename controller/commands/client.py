"""Questions to a running controller's REST API, for commands."""

from __future__ import annotations

import argparse
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from controller.errors import Refused, Unavailable

URL = "http://127.0.0.1:9696"
_TIMEOUT = 30.0  # seconds


def add_url(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", default=URL, help=f"the controller's REST API; {URL} where not said")
    parser.add_argument("--ca", metavar="FILE", help="PEM file: the CA of the controller's certificate")


class Client:
    def __init__(self, url: str, ca: str | None = None) -> None:
        self._url = url.rstrip("/")
        self._context = ssl.create_default_context(cafile=ca) if self._url.startswith("https:") else None

    def get(self, path: str, **query: str) -> Any:
        """The answer to GET.  Raises `Refused` with the controller's own words, `Unavailable` without an answer."""
        where = f"{self._url}{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        try:
            with urllib.request.urlopen(where, timeout=_TIMEOUT, context=self._context) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Refused(_message(error.read()) or f"{where}: {error}") from error
        except (OSError, ValueError) as error:
            raise Unavailable(f"no answer from {self._url}: {getattr(error, 'reason', error)}") from error


def _message(body: bytes) -> str:
    """What an error's body says, "" where it is of another form."""
    try:
        (found,) = json.loads(body).values()
        return str(found["message"])
    except (ValueError, AttributeError, TypeError, KeyError):
        return ""
