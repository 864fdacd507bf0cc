"""What the services beside certificates need: fees, notices."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import Numeric, String
from sqlalchemy.orm import Mapped, mapped_column

from desk.models.base import Base


class Fee(Base):
    """What a service of the town costs, and which rule says so."""

    __tablename__ = "fees"

    #: What is paid for, such as ``identity_card``.
    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    #: In euro.
    amount: Mapped[Decimal] = mapped_column(Numeric(8, 2))
    source: Mapped[str] = mapped_column(String(200))


class Notice(Base):
    """What every caller hears first until it expires or is cleared."""

    __tablename__ = "notices"

    id: Mapped[int] = mapped_column(primary_key=True)
    #: What the voice reads; ``None`` where a recording is played, or nothing in that language.
    text_it: Mapped[str | None] = mapped_column(String(1000))
    text_en: Mapped[str | None] = mapped_column(String(1000))
    set_at: Mapped[datetime]
    #: Log-in of who set it, and of who cleared it before its time.
    set_by: Mapped[str] = mapped_column(String(40))
    expires_at: Mapped[datetime] = mapped_column(index=True)
    cleared_at: Mapped[datetime | None]
    cleared_by: Mapped[str | None] = mapped_column(String(40))
