"""When a job is run: every few seconds, or once a day at a time on Rome's clock. Pure decisions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from desk.settings import ROME

#: A daily run that failed, or whose worker died, is tried again after this long.
RETRY = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Daily:
    """Once a day at ``at`` (Rome). On the day that lacks this time it is an hour later; where the clock
    shows it twice, the first time counts."""

    at: time

    def moment(self, day: date) -> datetime:
        """When it strikes on ``day``, in UTC."""
        return datetime.combine(day, self.at, ROME).astimezone(UTC)

    def last_day(self, now: datetime) -> date:
        """The day of the last strike not after ``now``."""
        today = now.astimezone(ROME).date()
        return today if self.moment(today) <= now else today - timedelta(days=1)


def is_due(daily: Daily, *, done_for: date, tried_at: datetime | None, now: datetime) -> bool:
    """Whether the run of the last strike is still to be made.

    However many days were missed, it is one run. What counts is the day that was done, not a clock that ran:
    neither a stop, nor a second worker, nor a clock that is put back makes it run twice or not at all.

    Args:
        daily: the job's time.
        done_for: the day whose run succeeded last.
        tried_at: when the last run began, whatever came of it.
        now: aware.
    """
    day = daily.last_day(now)
    if day <= done_for:
        return False
    # A run that failed today is tried again later; one of a day before is no reason to wait.
    return tried_at is None or tried_at < daily.moment(day) or not tried_at <= now < tried_at + RETRY
