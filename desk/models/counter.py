"""Who comes to the counter for what, and how many people live in the town."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from desk.models.base import Base


class FlowCategory(Base):
    """What the services asked for at the counter are summed up to in the yearly report."""

    __tablename__ = "flow_categories"

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    #: The order in which they are listed.
    position: Mapped[int]
    name_it: Mapped[str] = mapped_column(String(120))
    name_en: Mapped[str] = mapped_column(String(120))


class CounterService(Base):
    """Something that citizens come to the counter for."""

    __tablename__ = "counter_services"

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    #: The order in which they are listed.
    position: Mapped[int]
    name_it: Mapped[str] = mapped_column(String(120))
    name_en: Mapped[str] = mapped_column(String(120))
    #: What a visit is counted to unless the operator says otherwise.
    category_code: Mapped[str] = mapped_column(ForeignKey("flow_categories.code"))
    active: Mapped[bool] = mapped_column(default=True)


class CounterVisit(Base):
    """A service was asked for at the counter. Who asked is not in it."""

    __tablename__ = "counter_visits"
    __table_args__ = (Index(None, "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    service_code: Mapped[str] = mapped_column(ForeignKey("counter_services.code"))
    category_code: Mapped[str] = mapped_column(ForeignKey("flow_categories.code"))
    #: The operator's log-in.
    by: Mapped[str] = mapped_column(String(40))
    #: Recording twice with one key records one visit.
    idempotency_key: Mapped[str] = mapped_column(String(80), unique=True)


class Inhabitants(Base):
    """How many people lived in the town on a day; the figure stands until the next one."""

    __tablename__ = "inhabitants"
    __table_args__ = (CheckConstraint("people > 0", name="people"),)

    on_day: Mapped[date] = mapped_column(primary_key=True)
    people: Mapped[int]
