"""Holidays and working days of the town."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import cache

from holidays import country_holidays

from desk.settings import ROME

#: Saints Gervasius and Protasius, patrons of Trezzo sull'Adda.
PATRON = (6, 19)


@cache
def holidays_in(year: int) -> frozenset[date]:
    """The national holidays of ``year`` and the patrons' day."""
    return frozenset(country_holidays("IT", years=year)) | {date(year, *PATRON)}


def day_of(at: datetime) -> tuple[datetime, datetime]:
    """The day of Rome's calendar that ``at`` lies in: its begin, and that of the next one."""
    today = at.astimezone(ROME).date()
    return midnight(today), midnight(today + timedelta(days=1))


def midnight(day: date) -> datetime:
    """When ``day`` begins in Rome."""
    return datetime.combine(day, time(), ROME)


def is_holiday(day: date) -> bool:
    """Whether ``day`` is a national holiday or the patrons' day."""
    return day in holidays_in(day.year)


def is_working_day(day: date) -> bool:
    """Monday to Friday, except holidays."""
    return day.weekday() < 5 and not is_holiday(day)


def add_working_days(day: date, count: int) -> date:
    """The ``count``-th working day after ``day``."""
    while count > 0:
        day += timedelta(days=1)
        count -= is_working_day(day)
    return day
