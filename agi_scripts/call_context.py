"""What all parts of the desk know of one call, and how they use the database without failing the caller."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel
from sqlalchemy.orm import Session

from agi_scripts.house import House
from agi_scripts.journal import CallJournal
from desk.db import DatabaseGone, reading, transaction
from desk.phone_numbers import is_mobile, to_call_back
from ivr.ports import Identity

log = logging.getLogger(__name__)

T = TypeVar("T")


class CallContext:
    """One call of ``caller``: E.164, or ``None`` if the number is withheld or no number."""

    def __init__(self, house: House, journal: CallJournal, caller: str | None) -> None:
        self.house = house
        self.journal = journal
        self.caller = caller
        #: The language spoken now.
        self.language = "it"
        #: Whether the caller was identified in this call.
        self.identified = False
        #: As whom.
        self.citizen_id: int | None = None

    @property
    def unique_id(self) -> str:
        """Asterisk's name for the call."""
        return self.journal.unique_id

    @property
    def mobile(self) -> str | None:
        """The calling number where it is shown and can get text messages."""
        return self.caller if self.caller is not None and is_mobile(self.caller) else None

    @property
    def landline(self) -> str | None:
        """The calling number where it is one that the town tells by telephone."""
        told = self.mobile is None and bool(self.house.settings.trunk_uri)
        return self.caller if told and self.caller and to_call_back(self.caller) == self.caller else None

    def now(self) -> datetime:
        return self.house.clock()

    def ordered_by(self, identity: Identity, *, sms: bool, consent_text: str | None) -> dict[str, Any]:
        """What an order of this call says of the caller."""
        return {
            "citizen_id": identity.citizen_id,
            "contact_e164": self.caller,
            "identified_by": identity.by.value,
            "identity_recording": identity.spoken.path if identity.spoken else None,
            "language": self.language,
            "call_unique_id": self.unique_id,
            "sms": sms,
            "consent_text": consent_text,
        }

    def read(self, query: Callable[[Session], T], default: T) -> T:
        """What ``query`` finds; ``default`` while the database is out of reach."""
        try:
            with reading(self.house.sessions) as session:
                return query(session)
        except DatabaseGone:
            log.error("call %s: the database is out of reach", self.unique_id)
            return default

    def write(self, change: Callable[[Session], object]) -> None:
        """Make a change that the call can do without."""
        try:
            with transaction(self.house.sessions, durable=False) as session:
                change(session)
        except DatabaseGone:
            log.error("call %s: the database is out of reach", self.unique_id)

    def commit(self, change: Callable[[Session], T], default: T) -> T:
        """Make a change that must last, and what it gave; ``default`` if the database is out of reach."""
        try:
            with transaction(self.house.sessions) as session:
                return change(session)
        except DatabaseGone:
            log.error("call %s: the database is out of reach", self.unique_id)
            return default

    def file(self, kind: str, key: str, order: BaseModel, filing: Callable[[Session], T]) -> T | None:
        """File ``order``; ``None`` if it went to the spool, from where the worker files it exactly once."""
        try:
            with transaction(self.house.sessions) as session:
                return filing(session)
        except DatabaseGone:
            log.error("call %s: no database, a %s is spooled", self.unique_id, kind)
        self.house.spool.put(kind, key, order, now=self.now())
        return None
