"""The demo town: everything a new system needs to be tried, all of it invented."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator
from datetime import datetime, time, timedelta
from decimal import Decimal
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.citizens import register_citizen
from desk.consents import give_consent
from desk.keyring import Keyring
from desk.models import (
    AppointmentService,
    CertificateKind,
    Citizen,
    CompetentOffice,
    CounterService,
    Course,
    DirectLine,
    DirectLinePhone,
    Fee,
    FlowCategory,
    Inhabitants,
    Office,
    OpeningHours,
    Phone,
    Purpose,
    ReportCategory,
    Role,
    Room,
    RoomPurpose,
    RoomUse,
    RoutingRules,
    SlotPattern,
    Tier,
)
from desk.operators import create_operator, operator_by_login, set_password
from desk.settings import ROME

FILE = Path(__file__).with_name("trezzo.toml")


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def demo_logins() -> tuple[str, ...]:
    """The log-ins of the demo's operators."""
    return tuple(entry["login"] for entry in _data()["operators"])


def load_demo(
    session: Session, keyring: Keyring, now: datetime, *, new_passwords: Collection[str] = ()
) -> None:
    """Load what is not there yet, table by table: what somebody has changed stays as it is.

    Args:
        session: a transaction.
        keyring: has the first passwords of the demo's operators.
        now: the time.
        new_passwords: log-ins whose password in ``keyring`` was made at this start. An operator of the demo
            from a former home gets it, or nobody could sign in; one whom a town made its own keeps his.
    """
    data = _data()
    if session.scalar(select(Phone).limit(1)) is None:
        session.add_all(Phone(**{**entry, "tier": Tier(entry["tier"])}) for entry in data["phones"])
        session.flush()
    if session.scalar(select(DirectLine).limit(1)) is None:
        session.add_all(
            DirectLine(
                e164=entry["e164"],
                office=entry["office"],
                fallback=entry["fallback"],
                phones=[
                    DirectLinePhone(position=position, extension=extension)
                    for position, extension in enumerate(entry["phones"], 1)
                ],
            )
            for entry in data["direct_lines"]
        )
    if session.scalar(select(OpeningHours).limit(1)) is None:
        session.add_all(
            OpeningHours(weekday=weekday, opens=entry["opens"], closes=entry["closes"])
            for entry in data["opening_hours"]
            for weekday in entry["weekdays"]
        )
    if session.scalar(select(RoutingRules).limit(1)) is None:
        session.add(RoutingRules(**data["routing_rules"]))
    if session.scalar(select(CertificateKind).limit(1)) is None:
        session.add_all(
            CertificateKind(position=position, **{**entry, **_decimals(entry)})
            for position, entry in enumerate(data["certificate_kinds"], 1)
        )
    if session.scalar(select(Fee).limit(1)) is None:
        session.add_all(Fee(**{**entry, "amount": Decimal(entry["amount"])}) for entry in data["fees"])
    if session.scalar(select(CompetentOffice).limit(1)) is None:
        session.add_all(CompetentOffice(**entry) for entry in data["competent_offices"])
        session.flush()
        session.add_all(
            ReportCategory(position=position, **entry)
            for position, entry in enumerate(data["report_categories"], 1)
        )
    if session.scalar(select(Office).limit(1)) is None:
        session.add_all(_offices(data["offices"]))
    if session.scalar(select(Course).limit(1)) is None:
        session.add_all(_courses(data["courses"], now))
    if session.scalar(select(Room).limit(1)) is None:
        session.add_all(_rooms(data["rooms"]))
    if session.scalar(select(Inhabitants).limit(1)) is None:
        session.add_all(Inhabitants(**entry) for entry in data["inhabitants"])
    if session.scalar(select(CounterService).limit(1)) is None:
        session.add_all(
            FlowCategory(position=position, **entry)
            for position, entry in enumerate(data["flow_categories"], 1)
        )
        session.flush()
        session.add_all(
            CounterService(position=position, **entry)
            for position, entry in enumerate(data["counter_services"], 1)
        )
    for entry in data["operators"]:
        operator = operator_by_login(session, entry["login"])
        is_the_demos = operator is not None and (operator.name, operator.role) == (
            entry["name"],
            Role(entry["role"]),
        )
        if operator is not None and is_the_demos and entry["login"] in new_passwords:
            set_password(operator, keyring.operator_passwords[entry["login"]])
        if operator is None:
            create_operator(
                session,
                login=entry["login"],
                name=entry["name"],
                password=keyring.operator_passwords[entry["login"]],
                role=Role(entry["role"]),
            )
    if session.scalar(select(Citizen).limit(1)) is None:
        for entry in data["citizens"]:
            _register(session, dict(entry), now)
    session.flush()


def _register(session: Session, entry: dict[str, Any], now: datetime) -> None:
    receipts = entry.pop("receipts")
    citizen = register_citizen(session, **entry, now=now)
    if receipts:
        give_consent(
            session,
            e164=entry["phone_numbers"][0],
            citizen_id=citizen.id,
            purpose=Purpose.RECEIPTS,
            text_version="demo-1",
            how="counter",
            by="demo",
            now=now,
        )


def _offices(entries: list[dict[str, Any]]) -> Iterator[Office]:
    positions = count(1)
    for entry in entries:
        services = [
            AppointmentService(
                position=next(positions),
                patterns=[
                    SlotPattern(weekday=weekday, begins=span["begins"], ends=span["ends"])
                    for span in service["patterns"]
                    for weekday in span["weekdays"]
                ],
                **{name: value for name, value in service.items() if name != "patterns"},
            )
            for service in entry["services"]
        ]
        yield Office(**{**entry, "services": services})


def _courses(entries: list[dict[str, Any]], now: datetime) -> Iterator[Course]:
    today = now.astimezone(ROME).date()

    def at(days: int, clock: time) -> datetime:
        return datetime.combine(today + timedelta(days=days), clock, ROME)

    for position, entry in enumerate(entries, 1):
        yield Course(
            code=entry["code"],
            position=position,
            name_it=entry["name_it"],
            name_en=entry["name_en"],
            enrolment_opens=at(entry["opens"], time()),
            enrolment_closes=at(entry["closes"], time()),
            first_lesson=at(entry["begins"], entry["at"]),
            fee=Decimal(entry["fee"]),
            places=entry["places"],
            waiting_list=entry["waiting_list"],
        )


def _rooms(entries: list[dict[str, Any]]) -> Iterator[Room]:
    for position, entry in enumerate(entries, 1):
        purposes = [
            RoomPurpose(**{**purpose, "purpose": RoomUse(purpose["purpose"])})
            for purpose in entry["purposes"]
        ]
        yield Room(position=position, **{**entry, "purposes": purposes})


def _decimals(entry: dict[str, Any]) -> dict[str, Decimal]:
    return {name: Decimal(entry[name]) for name in ("stamp_duty", "secretary_fee")}
