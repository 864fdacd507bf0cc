"""Citizens for measurements: registered, with a mobile number of their own and consent to receipts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from codicefiscale import codicefiscale
from sqlalchemy.orm import Session

from desk.citizens import register_citizen
from desk.consents import Purpose, give_consent


@dataclass(frozen=True, slots=True)
class Citizen:
    """Who calls from ``number`` (E.164) and types ``born``."""

    number: str
    born: date


def register(session: Session, count: int, now: datetime) -> list[Citizen]:
    """Register ``count`` citizens, no two with the same number or tax code."""
    return [_register(session, number, now) for number in range(count)]


def _register(session: Session, number: int, now: datetime) -> Citizen:
    citizen = Citizen(f"+39320{number:07}", date(1940, 1, 1) + timedelta(days=number * 5))
    entry = register_citizen(
        session,
        tax_code=codicefiscale.encode("Prova", "Anna", "F", citizen.born.isoformat(), "Milano"),
        first_name="Anna",
        last_name="Prova",
        birth_date=citizen.born,
        address="Via della Prova 1",
        phone_numbers=[citizen.number],
        now=now,
    )
    give_consent(
        session,
        e164=citizen.number,
        citizen_id=entry.id,
        purpose=Purpose.RECEIPTS,
        text_version="bench",
        how="counter",
        by="bench",
        now=now,
    )
    return citizen


def write_csv(path: Path, citizens: Sequence[Citizen], *columns: Sequence[object]) -> None:
    """SIPp's injection file: the number, the birth date as it is typed, then ``columns``."""
    rows = (
        (citizen.number, f"{citizen.born:%d%m%Y}", *more)
        for citizen, *more in zip(citizens, *columns, strict=True)
    )
    path.write_text(
        "SEQUENTIAL\n" + "".join(";".join(map(str, row)) + "\n" for row in rows), encoding="utf-8"
    )
