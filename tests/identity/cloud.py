"""A cloud small enough for a test: a real Keystone on SQLite, Tenet that asks it, and OpenStack's client for both."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.lab.processes import Process

ROOT = Path(__file__).parents[2]
VENV = ROOT / ".venv-identity" / "bin"
PATIENCE = 30.0  # seconds until a process must be ready


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    json: Any


class User(NamedTuple):
    """Who logs in, and the project it works in ("" for the whole system)."""

    name: str
    password: str
    project: str


class Keystone:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/v3"
        self.admin = User("admin", secrets.token_hex(8), "admin")
        self.config = directory / "keystone.conf"
        keys = {name: directory / name for name in ("fernet", "credential")}
        for path in keys.values():
            path.mkdir(mode=0o700)
        self.config.write_text(
            f"[database]\nconnection = sqlite:///{directory}/keystone.db\n"
            "sqlite_synchronous = false\n[token]\nprovider = fernet\n"
            f"[fernet_tokens]\nkey_repository = {keys['fernet']}\n"
            f"[fernet_receipts]\nkey_repository = {keys['fernet']}\n"
            f"[credential]\nkey_repository = {keys['credential']}\n"
            "[cache]\nenabled = true\nbackend = dogpile.cache.memory\n"
            "[identity]\npassword_hash_rounds = 4\n"
        )
        user = str(os.getuid())
        self.manage("db_sync")
        self.manage("fernet_setup", "--keystone-user", user, "--keystone-group", str(os.getgid()))
        self.manage(
            "bootstrap", "--bootstrap-password", self.admin.password, "--bootstrap-region-id", "here",
            *(part for kind in ("public", "internal", "admin") for part in (f"--bootstrap-{kind}-url", self.url)),
        )  # fmt: skip
        self.process: Process | None = None

    def manage(self, *arguments: str) -> None:
        subprocess.run([VENV / "keystone-manage", "--config-file", self.config, *arguments], check=True,
                       capture_output=True, cwd=self.directory, timeout=120)  # fmt: skip

    def start(self) -> None:
        serve = Path(__file__).with_name("serve.py")
        argv = [str(VENV / "python"), str(serve), str(self.port), str(self.config)]
        log = self.directory / "keystone.log"
        log.unlink(missing_ok=True)
        self.process = Process(argv, log)
        process = self.process
        wait_for(lambda: "ready" in process.text().splitlines(), process)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()

    def token(self, user: User) -> str:
        """Logs in (Identity API v3, password authentication); raises PermissionError when that is refused."""
        scope: dict[str, Any] = {"system": {"all": True}}
        if user.project:
            scope = {"project": {"name": user.project, "domain": {"id": "default"}}}
        who = {"name": user.name, "password": user.password, "domain": {"id": "default"}}
        identity = {"methods": ["password"], "password": {"user": who}}
        reply = call(self.port, "POST", "/v3/auth/tokens", {"auth": {"identity": identity, "scope": scope}})
        if reply.status != 201:
            raise PermissionError(reply)
        return reply.headers["x-subject-token"]

    def make(self, plural: str, body: Mapping[str, object], token: str) -> str:
        """An object of the Identity API; its id."""
        reply = call(self.port, "POST", f"/v3/{plural}", {plural[:-1]: body}, token)
        assert reply.status == 201, reply
        return str(reply.json[plural[:-1]]["id"])

    def enrol(self, name: str, project: str, role: str) -> User:
        """A user with a role in a project, both made where they are not there."""
        token = self.token(self.admin)
        projects = call(self.port, "GET", f"/v3/projects?name={project}", token=token).json["projects"]
        project_id = projects[0]["id"] if projects else self.make("projects", {"name": project}, token)
        user = User(name, secrets.token_hex(8), project)
        user_id = self.make("users", {"name": name, "password": user.password}, token)
        role_id = call(self.port, "GET", f"/v3/roles?name={role}", token=token).json["roles"][0]["id"]
        granted = call(self.port, "PUT", f"/v3/projects/{project_id}/users/{user_id}/roles/{role_id}", token=token)
        assert granted.status == 204, granted
        return user


class Tenet:
    """`tenet run` with `[auth] strategy = keystone`."""

    def __init__(self, directory: Path, keystone: Keystone, options: Mapping[str, str] | None = None) -> None:
        """`options`: lines more by section; of an option that is there twice, the last counts."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = directory / "tenet.conf"
        self.log = directory / "tenet.log"
        sections = {
            "store": f"url = sqlite:///{directory}/tenet.db",
            "northbound": f"listen = 127.0.0.1:{self.port}",
            "openflow": "listen = 127.0.0.1:0",
            "ovsdb": "listen = 127.0.0.1:0",
            "auth": "strategy = keystone",
            "quotas": "port = 3",
            "keystone_authtoken": "auth_type = password\nuser_domain_id = default\nproject_domain_id = default\n"
            f"auth_url = {keystone.url}\nwww_authenticate_uri = {keystone.url}\nusername = {keystone.admin.name}\n"
            f"password = {keystone.admin.password}\nproject_name = {keystone.admin.project}\n"
            "http_request_max_retries = 0",
        }
        more = options or {}
        names = [*sections, *(more.keys() - sections.keys())]
        self.config.touch(mode=0o600)
        self.config.write_text("".join(f"[{name}]\n{sections.get(name, '')}\n{more.get(name, '')}\n" for name in names))
        self.process: Process | None = None

    def start(self) -> None:
        tenet = Path(sys.executable).with_name("tenet")
        self.process = Process([str(tenet), "run", "--config-file", str(self.config)], self.log)
        process = self.process
        wait_for(lambda: "ready: REST" in process.text(), process)

    def stop(self) -> int:
        assert self.process is not None
        self.process.signal(signal.SIGTERM)
        return self.process.wait()

    def call(self, method: str, path: str, body: object = None, token: str = "", **headers: str) -> Reply:
        return call(self.port, method, path, body, token, headers)


def environment(keystone: Keystone, user: User) -> dict[str, str]:
    """What OpenStack's clients are configured by."""
    return {
        "PATH": os.environ["PATH"], "HOME": str(keystone.directory), "OS_AUTH_URL": keystone.url,
        "OS_USERNAME": user.name, "OS_PASSWORD": user.password, "OS_PROJECT_NAME": user.project,
        "OS_USER_DOMAIN_ID": "default", "OS_PROJECT_DOMAIN_ID": "default", "OS_REGION_NAME": "here",
    }  # fmt: skip


def openstack(keystone: Keystone, user: User, *arguments: str) -> Any:
    """What the `openstack` command prints as JSON; raises CalledProcessError, with its words, when it fails."""
    done = subprocess.run([VENV / "openstack", *arguments], check=True, capture_output=True,
                          env=environment(keystone, user), text=True, timeout=60)  # fmt: skip
    return json.loads(done.stdout) if done.stdout.strip() else None


def call(
    port: int, method: str, path: str, body: object = None, token: str = "", headers: Mapping[str, str] | None = None
) -> Reply:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        said = {"Content-Type": "application/json", **({"X-Auth-Token": token} if token else {}), **(headers or {})}
        connection.request(method, path, None if body is None else json.dumps(body).encode(), said)
        response = connection.getresponse()
        text = response.read()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, found, json.loads(text) if text else None)
    finally:
        connection.close()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_for(ready: Callable[[], bool], process: Process) -> None:
    deadline = time.monotonic() + PATIENCE
    while not ready():
        if not process.running() or time.monotonic() > deadline:
            process.kill()
            raise RuntimeError(f"not ready:\n{process.text()[-4000:]}")
        time.sleep(0.05)
