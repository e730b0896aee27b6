"""Configuration options of metadata servers (`tenet metadata serve`)."""

from __future__ import annotations

from typing import NamedTuple

from oslo_config import cfg

OPTIONS: list[cfg.Opt] = [
    cfg.ListOpt("controllers", default=["http://127.0.0.1:9696"],
                help="URLs of the REST API of all members, for the metadata server."),
    cfg.StrOpt("ca", help="PEM file: the CA of the controllers' certificates, for the metadata server."),
    cfg.StrOpt("token_file", help="File with a token of a user with the role service, for the metadata server; not "
                                  "needed where [auth] strategy = none."),
    cfg.StrOpt("user", default="nobody", help="User that the metadata server is while it serves."),
    cfg.StrOpt("nova_url", help="URL of Nova's metadata API, which requests are passed on to; by default Tenet "
                                "answers by itself."),
    cfg.StrOpt("nova_ca", help="PEM file: the CA of the certificate of Nova's metadata API."),
    cfg.StrOpt("nova_secret_file", help="File with Nova's [neutron] metadata_proxy_shared_secret."),
]  # fmt: skip


class MetadataSettings(NamedTuple):
    """Settings of section `[metadata]`; "" where one is not given."""

    controllers: tuple[str, ...]
    ca: str
    token_file: str
    user: str
    nova_url: str
    nova_ca: str
    nova_secret_file: str


def read(conf: cfg.ConfigOpts) -> MetadataSettings:
    """The section as read."""
    said = conf.metadata
    return MetadataSettings(
        tuple(said.controllers), said.ca or "", said.token_file or "", said.user, said.nova_url or "",
        said.nova_ca or "", said.nova_secret_file or "",
    )  # fmt: skip
