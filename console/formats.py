"""How dates, times and amounts are written: the Italian way in both languages, on Rome's clock."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from desk.settings import ROME


def day(value: date) -> str:
    """``23/11/2026``."""
    return value.strftime("%d/%m/%Y")


def day_and_time(value: datetime) -> str:
    """``23/11/2026 14:05`` on the clock of Rome. Wants an aware time."""
    return value.astimezone(ROME).strftime("%d/%m/%Y %H:%M")


def clock(value: datetime) -> str:
    """``14:05`` on the clock of Rome. Wants an aware time."""
    return value.astimezone(ROME).strftime("%H:%M")


def clock_with_seconds(value: datetime) -> str:
    """``14:05:09`` on the clock of Rome. Wants an aware time."""
    return value.astimezone(ROME).strftime("%H:%M:%S")


def duration(seconds: int) -> str:
    """``2:05``, minutes and seconds."""
    return f"{seconds // 60}:{seconds % 60:02}"


def amount(euro: str) -> str:
    """``€ 16,52`` from ``16.52``."""
    return f"€ {Decimal(euro):.2f}".replace(".", ",")


def comma(euro: Decimal) -> str:
    """``16,52``, as it is typed into a form."""
    return f"{euro:.2f}".replace(".", ",")
