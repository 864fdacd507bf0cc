"""Citizens of the register, their telephone numbers, what they agreed to, how they like to be spoken to."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, event
from sqlalchemy.orm import Mapped, mapped_column, relationship

from desk.models.base import Base, closed_set
from desk.models.names import FOLDED, folded


class Purpose(StrEnum):
    """What a number may be texted for."""

    #: Messages about the citizen's own requests.
    RECEIPTS = "receipts"
    #: Notices of the town.
    NOTICES = "notices"


class Citizen(Base):
    __tablename__ = "citizens"

    id: Mapped[int] = mapped_column(primary_key=True)
    tax_code: Mapped[str] = mapped_column(String(16), unique=True)
    #: The telephone keys that type the tax code, one press per character.
    tax_code_keys: Mapped[str] = mapped_column(String(16), index=True)
    first_name: Mapped[str] = mapped_column(String(80))
    last_name: Mapped[str] = mapped_column(String(80))
    birth_date: Mapped[date]
    address: Mapped[str] = mapped_column(String(200))
    registered_at: Mapped[datetime]
    #: Last and first name as they are searched for.
    name_key: Mapped[str | None] = mapped_column(FOLDED, index=True)

    phone_numbers: Mapped[list[PhoneNumber]] = relationship(back_populates="citizen")


@event.listens_for(Citizen, "before_insert")
@event.listens_for(Citizen, "before_update")
def _keep_name_key(_mapper: Any, _connection: Any, citizen: Citizen) -> None:
    citizen.name_key = folded(citizen.last_name, citizen.first_name)


class PhoneNumber(Base):
    """A number of a citizen. A family may share one."""

    __tablename__ = "phone_numbers"
    __table_args__ = (UniqueConstraint("citizen_id", "e164"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    citizen_id: Mapped[int] = mapped_column(ForeignKey("citizens.id", ondelete="CASCADE"))
    e164: Mapped[str] = mapped_column(String(16), index=True)

    citizen: Mapped[Citizen] = relationship(back_populates="phone_numbers")


class Consent(Base):
    """Somebody agreed that a number is texted. In force until withdrawn; never deleted, it is the proof."""

    __tablename__ = "consents"
    __table_args__ = (Index(None, "e164", "purpose"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    citizen_id: Mapped[int | None] = mapped_column(ForeignKey("citizens.id"))
    e164: Mapped[str] = mapped_column(String(16))
    purpose: Mapped[Purpose] = mapped_column(closed_set(Purpose))
    #: Version of the text that was agreed to.
    text_version: Mapped[str] = mapped_column(String(40))
    given_at: Mapped[datetime]
    given_how: Mapped[str] = mapped_column(String(40))
    given_by: Mapped[str] = mapped_column(String(80))
    withdrawn_at: Mapped[datetime | None]
    withdrawn_how: Mapped[str | None] = mapped_column(String(40))
    withdrawn_by: Mapped[str | None] = mapped_column(String(80))


class CallerPreference(Base):
    """How the callers of a number like to be spoken to."""

    __tablename__ = "caller_preferences"

    e164: Mapped[str] = mapped_column(String(16), primary_key=True)
    language: Mapped[str] = mapped_column(String(5))
    slow: Mapped[bool] = mapped_column(default=False)
    updated_at: Mapped[datetime]


class IdentificationAttempt(Base):
    """A failed attempt to be identified by keypad. ``caller`` is ``None`` where the number was withheld."""

    __tablename__ = "identification_attempts"
    __table_args__ = (Index(None, "caller", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    caller: Mapped[str | None] = mapped_column(String(16))
    at: Mapped[datetime]
