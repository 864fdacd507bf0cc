"""Telling opening hours."""

from __future__ import annotations

from collections.abc import Iterator

from ivr.ports import Desk, Hours, Opening
from ivr.steps import Dialog, Prompt, prompt, say

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def opening_hours(desk: Desk) -> Dialog[None]:
    """Today, then the week; days that are always closed are left out."""
    hours = desk.hours()
    yield from say("hours.today", *today(hours))
    yield from say("hours.week", prompt("hours.week"), *_week(hours))


def today(hours: Hours) -> tuple[Prompt, ...]:
    """Today's hours, or that the desk is closed and when it opens next."""
    if hours.today:
        return (prompt("hours.today"), *_spans(hours.today))
    return (prompt("hours.closed_today"), *next_opening(hours))


def next_opening(hours: Hours) -> tuple[Prompt, ...]:
    """When the desk opens next, as far as known."""
    if hours.next_day is None or hours.next_time is None:
        return ()
    return (prompt("hours.next", day=hours.next_day, at=hours.next_time),)


def _week(hours: Hours) -> Iterator[Prompt]:
    for name, spans in zip(WEEKDAYS, hours.week, strict=True):
        if spans:
            yield prompt(f"hours.{name}")
            yield from _spans(spans)


def _spans(spans: tuple[Opening, ...]) -> Iterator[Prompt]:
    for number, span in enumerate(spans):
        if number:
            yield prompt("hours.and")
        yield prompt("hours.span", opens=span.opens, closes=span.closes)
