"""Courses of the town, who is enrolled, and who waits for a place.

A row of :class:`CoursePlace` is one person's place in a course. Its unique key is what keeps two people from
having the same place, whatever the code above it does.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from desk.models.base import Base
from desk.models.requests import Request


class Course(Base):
    """A course that one can enrol in from ``enrolment_opens`` to before ``enrolment_closes``."""

    __tablename__ = "courses"
    __table_args__ = (
        CheckConstraint("enrolment_opens < enrolment_closes", name="order"),
        CheckConstraint("places > 0", name="places"),
        CheckConstraint("waiting_list >= 0", name="waiting_list"),
        CheckConstraint("fee >= 0", name="fee"),
    )

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    #: The order in which they are spoken.
    position: Mapped[int]
    name_it: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str] = mapped_column(String(80))
    enrolment_opens: Mapped[datetime]
    enrolment_closes: Mapped[datetime]
    first_lesson: Mapped[datetime]
    #: In euro, due once one has a place.
    fee: Mapped[Decimal] = mapped_column(Numeric(8, 2))
    places: Mapped[int]
    #: How many may wait for a place; 0 is none.
    waiting_list: Mapped[int]
    active: Mapped[bool] = mapped_column(default=True)


class Enrolment(Base):
    """Somebody's enrolment in a course. Without a place it waits, behind those with a lower ``id``."""

    __tablename__ = "enrolments"
    __table_args__ = (
        # Nobody is enrolled twice in a course; who has withdrawn may come back.
        Index(
            None,
            "course_code",
            "person",
            unique=True,
            sqlite_where=text("cancelled_at IS NULL"),
            postgresql_where=text("cancelled_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    course_code: Mapped[str] = mapped_column(ForeignKey("courses.code"))
    request_id: Mapped[int] = mapped_column(ForeignKey("requests.id"), unique=True)
    #: A citizen of the register (``citizen 7``), somebody outside it who signed in (``code RSS...``), or who
    #: is known by the telephone number only.
    person: Mapped[str] = mapped_column(String(40))
    asked_at: Mapped[datetime]
    placed_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]

    request: Mapped[Request] = relationship()
    course: Mapped[Course] = relationship()


class CoursePlace(Base):
    """One place of a course that is taken; ``place`` is 0 to the number of places less one."""

    __tablename__ = "course_places"

    course_code: Mapped[str] = mapped_column(ForeignKey("courses.code"), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    enrolment_id: Mapped[int] = mapped_column(ForeignKey("enrolments.id"), unique=True)
