"""What goes on at the desk, as server-sent events: one thread looks, whoever has a page open is told.

The database is asked twice a second by that thread, however many pages there are, and not at all while there
is none.
"""

from __future__ import annotations

import json
import logging
import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from zlib import crc32

from flask import Blueprint, Response

from desk.db import DatabaseGone, Sessions, reading, transaction
from desk.desk_now import Member, PhoneState, QueueNow, queue_now
from desk.places import Place, note_seen, places_now
from desk.to_call_back import waiting_for_call
from desk.town import Phone, read_town

log = logging.getLogger(__name__)

#: The feeds of an application, in its ``extensions``.
FEEDS = "console.live_feeds"

#: Seconds between two looks.
EVERY = 0.5
#: Seconds between two signs of life in a stream with no news: a page that is gone is noticed by them.
ALIVE = 15
#: Seconds that a stream lasts.
LONGEST = 300
#: Seconds between two notes of whose pages are open.
SEEN = 20
#: Pages of operators that are told at once.
STREAMS = 96
#: What the worker saw is older than this: it is not there, and nothing is known.
STALE = timedelta(seconds=30)
#: Seconds after which a stream looks whether the server is being stopped.
_GLANCE = 1.0


class TooManyPages(Exception):
    """No stream is left."""


class Feed(ABC):
    """Tells the pages that follow it what it sees, as soon as that changes."""

    #: So many pages are told at once; others ask again, and the server keeps threads for its other work.
    most = STREAMS
    #: Seconds between two looks.
    every = EVERY
    #: A stream ends after so many seconds; the page asks for the next one and shows who it is again.
    longest = LONGEST

    def __init__(self) -> None:
        #: Whether the server is about to end, and all streams with it.
        self.stopping: Callable[[], bool] = lambda: False
        self._news = threading.Condition()
        self._version = 0
        self._text = ""
        self._pages: Counter[int] = Counter()
        self._looking = False

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """How it stands now, ready for JSON. Raises :class:`~desk.db.DatabaseGone`."""

    @abstractmethod
    def note_seen(self, followers: Collection[int]) -> None:
        """Called every :data:`SEEN` seconds with whose pages are open. Raises as :meth:`state` does."""

    def register(self, blueprint: Blueprint) -> None:
        """Let whoever serves the application tell the streams when to end."""
        blueprint.record(lambda state: state.app.extensions.setdefault(FEEDS, []).append(self))

    def follow(self, follower: int) -> Iterator[str]:
        """The stream for one page of that follower; :meth:`leave` when it is over.

        Raises:
            TooManyPages: at once.
        """
        with self._news:
            if self._pages.total() >= self.most:
                raise TooManyPages
            self._pages[follower] += 1
            if not self._looking:
                self._looking = True
                threading.Thread(target=self._look, name="live feed", daemon=True).start()
        return self._stream()

    def leave(self, follower: int) -> None:
        """A page of that follower is gone."""
        with self._news:
            self._pages[follower] -= 1
            # Keeps those above zero.
            self._pages += Counter()

    def answer(self, follower: int) -> Response:
        """The stream as an answer that ends with its page; "later" while no stream is left."""
        try:
            stream = self.follow(follower)
        except TooManyPages:
            return Response(status=HTTPStatus.SERVICE_UNAVAILABLE, headers={"Retry-After": "5"})
        answer = Response(stream, mimetype="text/event-stream", headers={"X-Accel-Buffering": "no"})
        # Also of a page that went away before the stream began.
        answer.call_on_close(lambda: self.leave(follower))
        return answer

    def _stream(self) -> Iterator[str]:
        told, silent, left = 0, 0.0, float(self.longest)
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
                followers = list(self._pages)
            try:
                text = json.dumps(self.state())
                if seen <= 0:
                    seen = SEEN
                    self.note_seen(followers)
            except DatabaseGone as e:
                log.error("%s", e)
                text = json.dumps({"known": False})
            seen -= self.every
            with self._news:
                if text != self._text:
                    self._text = text
                    self._version += 1
                    self._news.notify_all()
            pause.wait(self.every)


class LiveFeed(Feed):
    """What goes on at the phones, for the operators' pages. Followers are operators."""

    def __init__(self, sessions: Sessions, *, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self._sessions = sessions
        self._clock = clock

    def note_seen(self, followers: Collection[int]) -> None:
        """Whose page is open is at the place."""
        now = self._clock()
        with transaction(self._sessions, durable=False) as session:
            for operator in followers:
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
