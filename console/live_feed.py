"""What goes on at the desk, as server-sent events: one thread looks, whoever has a page open is told.

The database is asked twice a second by that thread, however many pages there are, and not at all while there
is none.
"""

from __future__ import annotations

import json
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

from desk.db import DatabaseGone, Sessions, reading, transaction
from desk.desk_now import Member, PhoneState, QueueNow, queue_now
from desk.places import Place, note_seen, places_now
from desk.to_call_back import waiting_for_call
from desk.town import Phone, read_town

log = logging.getLogger(__name__)

#: Seconds between two looks.
EVERY = 0.5
#: Seconds between two signs of life in a stream with no news: a page that is gone is noticed by them.
ALIVE = 15
#: A stream ends after so many seconds; the page asks for the next one and shows who it is again.
LONGEST = 300
#: Seconds between two notes of whose pages are open.
SEEN = 20
#: So many pages are told at once; others ask again, and the server keeps threads for its other work.
STREAMS = 96
#: What the worker saw is older than this: it is not there, and nothing is known.
STALE = timedelta(seconds=30)
#: Seconds after which a stream looks whether the server is being stopped.
_GLANCE = 1.0


class TooManyPages(Exception):
    """No stream is left."""


class LiveFeed:
    """See the module."""

    def __init__(self, sessions: Sessions, *, clock: Callable[[], datetime]) -> None:
        self._sessions = sessions
        self._clock = clock
        #: Whether the server is about to end, and all streams with it.
        self.stopping: Callable[[], bool] = lambda: False
        self._news = threading.Condition()
        self._version = 0
        self._text = ""
        self._pages: Counter[int] = Counter()
        self._looking = False

    def follow(self, operator_id: int) -> Iterator[str]:
        """The stream for one page of that operator; :meth:`leave` when it is over.

        Raises:
            TooManyPages: at once.
        """
        with self._news:
            if self._pages.total() >= STREAMS:
                raise TooManyPages
            self._pages[operator_id] += 1
            if not self._looking:
                self._looking = True
                threading.Thread(target=self._look, name="live feed", daemon=True).start()
        return self._stream()

    def leave(self, operator_id: int) -> None:
        """A page of that operator is gone."""
        with self._news:
            self._pages[operator_id] -= 1
            # Keeps those above zero.
            self._pages += Counter()

    def _stream(self) -> Iterator[str]:
        told, silent, left = 0, 0.0, float(LONGEST)
        yield "retry: 1000\n\n"
        while left > 0 and not self.stopping():
            with self._news:
                if self._version == told:
                    self._news.wait(_GLANCE)
                version, text = self._version, self._text
            if version != told:
                told, silent = version, 0.0
                yield f"id: {version}\ndata: {text}\n\n"
                continue
            left, silent = left - _GLANCE, silent + _GLANCE
            if silent >= ALIVE:
                silent = 0.0
                yield ": here\n\n"

    def _look(self) -> None:
        pause = threading.Event()
        seen = 0.0
        while True:
            with self._news:
                if not self._pages or self.stopping():
                    self._looking = False
                    return
                operators = list(self._pages)
            try:
                text = json.dumps(self.state())
                if seen <= 0:
                    seen = SEEN
                    self._note_seen(operators)
            except DatabaseGone as e:
                log.error("%s", e)
                text = json.dumps({"known": False})
            seen -= EVERY
            with self._news:
                if text != self._text:
                    self._text = text
                    self._version += 1
                    self._news.notify_all()
            pause.wait(EVERY)

    def _note_seen(self, operators: list[int]) -> None:
        now = self._clock()
        with transaction(self._sessions, durable=False) as session:
            for operator in operators:
                note_seen(session, operator, now=now)

    def state(self) -> dict[str, Any]:
        """How it stands now, ready for JSON. Raises :class:`~desk.db.DatabaseGone`."""
        now = self._clock()
        with reading(self._sessions) as session:
            queue, places, phones = queue_now(session), places_now(session), read_town(session).phones
            to_call = waiting_for_call(session)
        known = queue is not None and now - queue.seen_at < STALE
        return {
            "known": known,
            "waiting": queue.waiting if queue and known else 0,
            "waitingSince": _moment(queue.waiting_since) if queue and known else None,
            # Pages ask for the list itself: it holds numbers, which are not for every look.
            "toCall": f"{crc32(repr(to_call).encode()):x}",
            "phones": [_phone(phone, queue if known else None) for phone in phones],
            "places": [_place(place, now) for place in places],
            "calls": [
                {
                    "call": on.call,
                    "extension": on.extension,
                    "state": on.state,
                    "since": _moment(on.since),
                    "citizen": on.citizen,
                    "others": on.others,
                    "hears": on.hears,
                }
                for on in (queue.on_calls if queue and known else ())
            ],
        }


def _phone(phone: Phone, queue: QueueNow | None) -> dict[str, Any]:
    member: Member | None = None
    if queue is not None:
        member = queue.members.get(phone.extension) or queue.offices.get(phone.extension)
    return {
        "extension": phone.extension,
        "label": phone.label,
        "tier": phone.tier,
        "state": member.state if member else PhoneState.UNREACHABLE,
        "paused": member.paused if member else None,
    }


def _place(place: Place, now: datetime) -> dict[str, Any]:
    duty = place.duty
    return {
        "extension": place.extension,
        "operator": place.operator_id,
        "name": place.name,
        "device": place.device,
        "tier": place.tier,
        "moved": place.tier is not place.own_tier,
        "reason": duty.reason,
        "note": duty.note,
        "since": _moment(duty.since),
        "until": _moment(duty.until),
        "forgotten": duty.forgotten(now),
    }


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
