"""Erasing a person: what the law lets go goes, what it wants kept is kept without a name, with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from desk.applicants import Outsider
from desk.attachments import remove_attachments
from desk.audit import AuditAction, note_look
from desk.citizen_export import paths_of
from desk.consents import withdraw_consent
from desk.due_dates import OPEN
from desk.models import (
    Audit,
    BookingState,
    CallerPreference,
    Citizen,
    Consent,
    Draft,
    IdentityDocument,
    Message,
    MessageState,
    PhoneNumber,
)
from desk.person import Person, person_of, whom
from desk.pseudonyms import Pseudonyms
from desk.recordings import remove_recordings
from desk.retention import RULES
from desk.settings import Settings

#: What is kept although the person is erased, by table, and why. Codes: pages have a text for each.
KEPT: Mapping[str, str] = {
    "requests": "archive",
    "bookings": "archive",
    "enrolments": "archive",
    "room_bookings": "archive",
    "consents": "consent_proof",
    "audit": "accountability",
    "calls": "counts",
}

#: What would still go to a number that is no more.
_WAITING = (MessageState.CREATED, MessageState.VOICE_NOTICE, MessageState.CALLING)

_NOBODY = "–"
_NO_BIRTH_DATE = date(1900, 1, 1)


class StillNeeded(Exception):
    """Something is going on that needs the person's data: references of open requests and appointments."""

    def __init__(self, references: Sequence[str]) -> None:
        super().__init__(f"open requests or appointments to come: {', '.join(references)}")
        self.references = tuple(references)


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased: rows deleted or emptied by table, and recordings; and what is kept, why (a code)."""

    rows: Mapping[str, int]
    recordings: int
    #: Table to the number of its rows, and the code of the reason.
    kept: Mapping[str, tuple[int, str]]


def erase_citizen(
    session: Session,
    who: Citizen | Outsider,
    settings: Settings,
    pseudonyms: Pseudonyms,
    *,
    by: str,
    how: str,
    now: datetime,
) -> Erased:
    """Erase ``who``; doing it again changes nothing.

    Args:
        session: a transaction.
        who: of the register, or outside it.
        settings: where recordings lie.
        pseudonyms: of this system.
        by: log-in of who does it.
        how: the way, for the audit.
        now: the time.

    Raises:
        StillNeeded: nothing was erased.
    """
    # Locked, so that a request that is just being filed is either seen here or comes after.
    if isinstance(who, Citizen):
        session.refresh(who, with_for_update=True)
    person = person_of(session, who)
    _refuse_if_needed(person, now)
    recordings = remove_recordings(settings, set(paths_of(person)))
    kept_consents = len(person.rows.get("consents", ()))
    for consent in session.scalars(select(Consent).where(Consent.id.in_(_ids(person, "consents")))).all():
        withdraw_consent(session, e164=consent.e164, purpose=consent.purpose, how="erasure", now=now)
    removed = remove_attachments(session, settings, _ids(person, "request_attachments"))
    rows = {**_hide(session, person, pseudonyms), **_delete(session, person)}
    # Before the tax code goes.
    named, pseudonym = whom(who, pseudonyms), pseudonyms.of(who.tax_code)
    if isinstance(who, Citizen):
        who.first_name = who.last_name = who.address = _NOBODY
        who.birth_date = _NO_BIRTH_DATE
        who.tax_code = who.tax_code_keys = pseudonym
        rows["citizens"] = 1
    if removed:
        rows["request_attachments"] = removed
    kept = {
        table: (count, KEPT[table])
        for table in KEPT
        if (count := kept_consents if table == "consents" else len(person.rows.get(table, ())))
    }
    about = Audit.citizen_id == who.id if isinstance(who, Citizen) else Audit.outsider == pseudonym
    if looked := session.scalar(select(func.count()).select_from(Audit).where(about)):
        kept["audit"] = (looked, KEPT["audit"])
    note_look(session, by=by, action=AuditAction.ERASED, now=now, detail=how, **named)
    session.flush()
    if isinstance(who, Citizen):
        session.expire(who)
    return Erased(rows, recordings, kept)


def _refuse_if_needed(person: Person, now: datetime) -> None:
    """Also what came from the person's own number without a name is to be answered first."""
    requests = [row for row in person.rows.get("requests", ()) if row["state"] in OPEN]
    bookings = [
        row
        for row in person.rows.get("bookings", ())
        if row["state"] is BookingState.BOOKED and row["ends_at"] > now
    ]
    if requests or bookings:
        raise StillNeeded([row["reference"] for row in (*requests, *bookings)])


def _hide(session: Session, person: Person, pseudonyms: Pseudonyms) -> dict[str, int]:
    """Hide now what the retention would hide later: its rules know every column with a number."""
    hidden: dict[str, int] = {}
    for rule in RULES:
        table = rule.column.class_.__table__
        if table.name == "consents":
            # The proof of a consent is the number it was given by; the retention lets it go later.
            continue
        column, key = table.c[rule.column.key], table.c[rule.key.key]
        changed = 0
        for row in person.rows.get(table.name, ()):
            old: Any = row[column.name]
            new = None if old is None else rule.hide(pseudonyms, old)
            if new != old:
                session.execute(update(table).where(key == row[key.name]).values({column.name: new}))
                changed += 1
        if changed:
            hidden[table.name] = hidden.get(table.name, 0) + changed
    _stop_messages(session, person)
    return hidden


def _stop_messages(session: Session, person: Person) -> None:
    """End what waits in the outbox."""
    session.execute(
        update(Message)
        .where(Message.id.in_(_ids(person, "messages")), Message.state.in_(_WAITING))
        .values(state=MessageState.FAILED, failure="erased")
        .execution_options(synchronize_session=False)
    )


def _delete(session: Session, person: Person) -> dict[str, int]:
    """What nobody has to keep."""
    keys = {
        PhoneNumber: PhoneNumber.id,
        CallerPreference: CallerPreference.e164,
        Draft: Draft.key,
        # Who was told that it expires goes with it.
        IdentityDocument: IdentityDocument.id,
    }
    deleted = {}
    for model, key in keys.items():
        rows = person.rows.get(model.__tablename__, ())
        session.execute(delete(model).where(key.in_([row[key.key] for row in rows])))
        if rows:
            deleted[model.__tablename__] = len(rows)
    return deleted


def _ids(person: Person, table: str) -> list[Any]:
    return [row["id"] for row in person.rows.get(table, ())]
