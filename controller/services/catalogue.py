"""Catalogue of the services of networks: by the number in SERVICE (apps/pipeline.py), its name and its answer."""

from __future__ import annotations

from typing import NamedTuple

from apps.pipeline import DHCP6, SOLICITED
from controller.config.services import ServiceSettings
from controller.services.advertisements import RouterAdvertisements
from controller.services.dhcp6 import Dhcp6
from controller.switches.packet_in import Answer
from controller.switches.periodic import Work


class Services(NamedTuple):
    """`answers`: by number; `works`: what the services do unasked, again and again."""

    answers: dict[int, tuple[str, Answer]]
    works: tuple[Work, ...]


def services(settings: ServiceSettings) -> Services:
    advertisements = RouterAdvertisements(settings)
    answers: dict[int, tuple[str, Answer]] = {
        DHCP6: ("dhcp6", Dhcp6(settings).answer),
        SOLICITED: ("router-advertisements", advertisements.answer),
    }
    return Services(answers, (advertisements.work,))
