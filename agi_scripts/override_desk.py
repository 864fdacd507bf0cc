"""The desk as one of its phones opens and closes it: :class:`ivr.override.OverrideDesk`."""

from __future__ import annotations

import hmac
import logging
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta

from sqlalchemy.orm import Session

from agi_scripts.house import House
from call_routing.hours import OpeningHours
from call_routing.names import WEB_PHONE
from desk.db import DatabaseGone, reading, transaction
from desk.keyring import KeyringError, override_pin
from desk.overrides import WRONG_PINS, is_locked_out, note_wrong_pin, override_hours, return_to_hours
from desk.settings import ROME
from desk.town import Town
from ivr.override import DeskState

log = logging.getLogger(__name__)


def phone_of(channel: str) -> str | None:
    """The extension of the phone that has this channel.

    Not the caller's number: whoever a call was transferred from could bring any.
    """
    found = re.fullmatch(rf"PJSIP/(?:{WEB_PHONE})?(\w+)-[0-9a-f]+", channel)
    return found[1] if found else None


class PhoneOverrideDesk:
    """See :class:`ivr.override.OverrideDesk`. ``light`` is told at once whether the desk is open."""

    def __init__(self, house: House, extension: str | None, light: Callable[[bool], None]) -> None:
        self._house = house
        self._extension = extension
        self._light = light
        self._wrong = 0

    def may_override(self) -> bool:
        return any(phone.extension == self._extension and phone.may_override for phone in self._town.phones)

    def is_locked_out(self) -> bool:
        if self._wrong >= WRONG_PINS:
            return True
        try:
            with reading(self._house.sessions) as session:
                return is_locked_out(session, self._phone, self._house.clock())
        except DatabaseGone:
            # Nothing can be changed without it anyway.
            return False

    def is_pin(self, typed: str) -> bool:
        try:
            pin = override_pin(self._house.settings.home.resolve(), self._phone)
        except KeyringError:
            log.exception("no PIN can be checked")
            pin = None
        if pin is not None and hmac.compare_digest(pin.encode(), typed.encode()):
            return True
        self._wrong += 1
        log.warning("a wrong PIN on phone %s", self._phone)
        with suppress(DatabaseGone), transaction(self._house.sessions) as session:
            note_wrong_pin(session, self._phone, self._house.clock())
        return False

    def state(self) -> DeskState:
        hours, now = OpeningHours.of(self._town), self._house.clock()
        changes = hours.closes_at(now) or hours.next_opening(now)
        return DeskState(hours.is_open(now), hours.in_force(now) is not None, changes)

    def regular_end(self, *, opened: bool) -> datetime:
        return OpeningHours.of(self._town).regular_end(self._house.clock(), opened=opened)

    def in_an_hour(self) -> datetime:
        # Told without seconds, so it ends with the minute.
        later = self._house.clock() + timedelta(hours=1, minutes=1)
        return later.replace(second=0, microsecond=0).astimezone(ROME)

    def at_clock(self, clock: time) -> datetime:
        return next_at_clock(self._house.clock(), clock)

    def override(self, *, opened: bool, until: datetime) -> bool:
        # The end may have passed while it was told.
        until = max(until, self._house.clock() + timedelta(minutes=1))
        log.info("phone %s %s the desk until %s", self._phone, "opens" if opened else "closes", until)
        return self._change(
            lambda session, now: override_hours(session, opened=opened, until=until, by=self._phone, now=now)
        )

    def back_to_hours(self) -> bool:
        log.info("phone %s returns to the normal hours", self._phone)
        return self._change(lambda session, now: return_to_hours(session, by=self._phone, now=now))

    def _change(self, change: Callable[[Session, datetime], object]) -> bool:
        """Make a change and let the calls of this process and the lamp follow at once."""
        now = self._house.clock()
        try:
            with transaction(self._house.sessions) as session:
                change(session, now)
        except DatabaseGone:
            log.error("the database is out of reach: the desk stays as it is")
            return False
        self._house.read_anew()
        self._light(OpeningHours.of(self._town).is_open(now))
        return True

    @property
    def _phone(self) -> str:
        assert self._extension is not None, "asked of a phone that may not override"
        return self._extension

    @property
    def _town(self) -> Town:
        return self._house.town() or Town()


def next_at_clock(now: datetime, clock: time) -> datetime:
    """The next moment after ``now`` at which Rome's clocks show that time.

    A time that the clocks skip in March is as far after midnight as on other days.
    """
    today = now.astimezone(ROME).date()
    moments = (
        datetime.combine(today + timedelta(days=ahead), clock, tzinfo=ROME).replace(fold=fold)
        for ahead in range(3)
        for fold in (0, 1)
    )
    # By way of UTC: the skipped time gets the name that the clocks give it.
    later = (moment.astimezone(UTC) for moment in moments)
    return next(moment for moment in later if moment > now).astimezone(ROME)
