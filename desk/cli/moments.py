"""Moments as people type them: Italian time."""

from __future__ import annotations

from datetime import UTC, datetime

from desk.settings import ROME


def read_moment(text: str) -> datetime:
    """The moment of ``"2026-12-24 13:10"`` on Rome's clock, or of a time with its own offset.

    Of a time that the clocks show twice in October it is the first. Raises `ValueError`, also for a time that
    they skip in March.
    """
    try:
        typed = datetime.fromisoformat(text)
    except ValueError as e:
        raise ValueError(f'{text!r} does not look like "2026-12-24 18:00"') from e
    if typed.tzinfo is not None:
        return typed.astimezone(ROME)
    moment = typed.replace(tzinfo=ROME)
    shown = moment.astimezone(UTC).astimezone(ROME)
    if shown.replace(tzinfo=None) != typed:
        raise ValueError(f"{text}: that night the clocks skip this time; they show {shown:%H:%M} instead")
    return moment


def is_shown_twice(moment: datetime) -> bool:
    """Whether Rome's clocks show that time twice, an hour apart."""
    return moment.replace(fold=0).utcoffset() != moment.replace(fold=1).utcoffset()
