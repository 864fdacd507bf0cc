"""When messages may go out, how many, and to whom. Pure: the time is an argument."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from desk.phone_numbers import to_e164
from desk.settings import ROME, Settings


@dataclass(frozen=True, slots=True)
class Limits:
    """What is set; clock times are wall clock Europe/Rome."""

    #: From then to then only answers go out, nothing that the town sends on its own. Equal: no quiet hours.
    quiet_from: time = time(21)
    quiet_until: time = time(8)
    #: Messages a day in all, and to one number.
    a_day: int = 2000
    a_number: int = 10
    #: On trial: the only numbers that messages go to. Empty: in service, all numbers.
    only_to: frozenset[str] = frozenset()

    def is_quiet(self, now: datetime) -> bool:
        """Whether ``now`` is in the quiet hours."""
        clock = now.astimezone(ROME).time()
        if self.quiet_from <= self.quiet_until:
            return self.quiet_from <= clock < self.quiet_until
        return clock >= self.quiet_from or clock < self.quiet_until


def sms_limits_of(settings: Settings) -> Limits:
    """The limits that are set."""
    return Limits(
        settings.sms_quiet_from,
        settings.sms_quiet_until,
        settings.sms_a_day,
        settings.sms_a_number,
        frozenset(to_e164(number) or number for number in settings.sms_trial_numbers),
    )


def day_begins(now: datetime) -> datetime:
    """Midnight in Rome before ``now``, or now."""
    return datetime.combine(now.astimezone(ROME).date(), time(), ROME).astimezone(UTC)


def day_ends(now: datetime) -> datetime:
    """The next midnight in Rome."""
    tomorrow = now.astimezone(ROME).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), ROME).astimezone(UTC)
