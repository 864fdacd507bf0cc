"""Telling opening hours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ivr.ports import DayHours, Desk, Hours, Opening
from ivr.steps import Dialog, Prompt, prompt, say

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def opening_hours(desk: Desk) -> Dialog[None]:
    """Today, then the six days after it; days that are always closed are left out."""
    hours = desk.hours()
    if hours.week:
        yield from say("hours.today", *today(hours))
        yield from say("hours.week", prompt("hours.week"), *_week(hours.week[1:]))


def today(hours: Hours) -> tuple[Prompt, ...]:
    """Today's hours; and while the desk is closed, when it opens next."""
    told: tuple[Prompt, ...] = ()
    if hours.today is not None:
        spans = tuple(_spans(hours.today.spans))
        told = (prompt("hours.today"), *spans) if spans else (prompt("hours.closed_today"),)
    return told if hours.open_now else (*told, *next_opening(hours))


def next_opening(hours: Hours) -> tuple[Prompt, ...]:
    """When the desk opens next, as far as known."""
    if hours.next_day is None or hours.next_time is None:
        return ()
    if hours.today is not None and hours.next_day == hours.today.day:
        return (prompt("hours.next_today", at=hours.next_time),)
    return (prompt("hours.next", day=hours.next_day, at=hours.next_time),)


def _week(days: Sequence[DayHours]) -> Iterator[Prompt]:
    for day in days:
        if day.spans or day.usual:
            yield prompt(f"hours.{WEEKDAYS[day.day.weekday()]}")
            yield from _spans(day.spans) if day.spans else (prompt("hours.closed_day"),)


def _spans(spans: Sequence[Opening]) -> Iterator[Prompt]:
    for number, span in enumerate(spans):
        if number:
            yield prompt("hours.and")
        yield prompt("hours.span", opens=span.opens, closes=span.closes)
