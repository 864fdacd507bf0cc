"""What the services beside certificates need: fees, notices, reports and where they are forwarded."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, Index, Numeric, String
from sqlalchemy.orm import Mapped, mapped_column

from desk.models.base import Base
from desk.models.messages import Outgoing


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


class CompetentOffice(Base):
    """An office of the town, or of its company, that reports are forwarded to."""

    __tablename__ = "competent_offices"

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    email: Mapped[str] = mapped_column(String(254))


class ReportCategory(Base):
    """Something that can be reported."""

    __tablename__ = "report_categories"

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    #: The order in which they are spoken.
    position: Mapped[int]
    #: What the office reads.
    name_it: Mapped[str] = mapped_column(String(120))
    #: ``None`` where nobody has written one: then the Italian one is shown.
    name_en: Mapped[str | None] = mapped_column(String(120))
    office_code: Mapped[str] = mapped_column(ForeignKey("competent_offices.code"), index=True)
    #: Working days within which it is answered.
    working_days: Mapped[int]
    active: Mapped[bool] = mapped_column(default=True)


class Email(Outgoing):
    """A mail to an office about a request."""

    __tablename__ = "emails"
    __table_args__ = (Index(None, "state", "not_before"),)

    request_id: Mapped[int] = mapped_column(ForeignKey("requests.id"), index=True)
    to_address: Mapped[str] = mapped_column(String(254))
    subject: Mapped[str] = mapped_column(String(120))
