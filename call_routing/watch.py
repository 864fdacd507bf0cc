"""The worker's ear at Asterisk: the live view of the queue, pauses of silent phones, and calls to citizens.

Everything here is asked anew at every connection, so that a restart of Asterisk or of the worker, or an event
that was missed, is mended within seconds.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from call_routing.ami import Ami, Gone, Refused
from call_routing.calling_back import CallingBack
from call_routing.hours import OpeningHours
from call_routing.live_view import LiveQueue
from call_routing.names import AMI_USER, PAUSE_KEY, SILENT, START, Context, PauseReason
from call_routing.notifying import Notifying
from call_routing.pauses import SilentPhones, Telling
from desk.db import DatabaseGone, Sessions, reading, transaction
from desk.desk_now import QueueNow, note_queue
from desk.settings import Settings
from desk.town import Town, read_town

log = logging.getLogger(__name__)

#: Seconds between two looks at what is due.
LOOK = 2.0
#: Between two questions for the whole state, and the oldest that what is kept for others may be.
RECONCILE = timedelta(seconds=10)
#: Seconds until the next try where Asterisk is not there.
RECONNECT = 2.0
#: Seconds for which the phone of a silent operator rings.
TELLING = 20

Clock = Callable[[], datetime]


class Watch:
    """Connected to Asterisk whenever it runs. One thread, from :meth:`at_work`."""

    def __init__(self, settings: Settings, database: Sessions, password: str, clock: Clock) -> None:
        self._settings = settings
        self._database = database
        self._password = password
        self._clock = clock
        self._town = Town()
        self._call_backs = CallingBack(settings, database, self._closes_at)
        self._notifying = Notifying(settings, database)
        self._telling = Telling(
            timedelta(seconds=settings.pause_told_seconds),
            timedelta(seconds=settings.pause_asked_again_seconds),
        )
        self._written: QueueNow | None = None
        #: Whether a phone's pause is ours, as Asterisk was told; a phone that is missing is not told of yet.
        self._ours: dict[str, bool] = {}

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Watch meanwhile."""
        stop = threading.Event()
        thread = threading.Thread(target=self._run, args=(stop,), name="watch", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                with Ami(("127.0.0.1", self._settings.ami_port)) as ami:
                    ami.login(AMI_USER, self._password)
                    log.info("connected to Asterisk")
                    self._follow(ami, stop)
            except Gone as e:
                log.warning("%s", e)
            except Exception:
                # Whatever went wrong once, the next connection begins anew.
                log.exception("watching Asterisk failed")
            stop.wait(RECONNECT)

    def _follow(self, ami: Ami, stop: threading.Event) -> None:
        queue, silent = LiveQueue(), SilentPhones()
        self._ours.clear()
        whole_at = datetime.min.replace(tzinfo=UTC)
        while not stop.is_set():
            now = self._clock()
            if now - whole_at >= RECONCILE:
                queue.reconcile(ami.ask("QueueStatus"), ami.ask("CoreShowChannels"), now)
                whole_at = now
                self._renew(ami, queue.now(now))
            for event in ami.events(LOOK):
                queue.note(event, self._clock())
                extension = silent.note(event)
                if extension is not None:
                    self._pause(ami, extension)
                self._write(queue)
            try:
                self._look(ami, queue)
            except DatabaseGone as e:
                log.error("%s", e)

    def _look(self, ami: Ami, queue: LiveQueue) -> None:
        with reading(self._database) as session:
            self._town = read_town(session)
        self._write(queue)
        now = self._clock()
        state = queue.now(now)
        self._call_backs.run(ami, state, now)
        self._notifying.run(ami, now)
        if self._closes_at(now) is not None:
            for extension in self._telling.due(state, now):
                _tell(ami, extension)

    def _pause(self, ami: Ami, extension: str) -> None:
        log.info("phone %s rang in vain and is paused", extension)
        self._hold(ami, extension)
        with contextlib.suppress(Refused):
            # In all queues. Refused where there is no such phone any more.
            ami.send_action(
                {
                    "Action": "QueuePause",
                    "Interface": f"PJSIP/{extension}",
                    "Paused": "true",
                    "Reason": PauseReason.NO_ANSWER,
                }
            )

    def _renew(self, ami: Ami, state: QueueNow) -> None:
        """Let our pauses hold for a while longer, and others' for as long as they want."""
        for extension, member in state.members.items():
            if member.paused == PauseReason.NO_ANSWER:
                self._hold(ami, extension)
            elif self._ours.get(extension, True):
                _set_global(ami, f"{SILENT}{extension}", "")
                self._ours[extension] = False

    def _hold(self, ami: Ami, extension: str) -> None:
        # Asterisk's clock, not that of the desk: it is Asterisk that ends what was not renewed.
        until = int(time.time()) + self._settings.pause_without_worker_seconds
        _set_global(ami, f"{SILENT}{extension}", str(until))
        self._ours[extension] = True

    def _write(self, queue: LiveQueue) -> None:
        """Keep the live view where others read it, when it changed or grows old."""
        state = queue.now(self._clock())
        written = self._written
        if written is not None:
            same = replace(written, seen_at=state.seen_at) == state
            if same and state.seen_at - written.seen_at < RECONCILE:
                return
        try:
            with transaction(self._database, durable=False) as session:
                note_queue(session, state)
        except DatabaseGone as e:
            log.error("%s", e)
            return
        self._written = state

    def _closes_at(self, now: datetime) -> datetime | None:
        return OpeningHours.of(self._town).closes_at(now)


def _set_global(ami: Ami, name: str, value: str) -> None:
    with contextlib.suppress(Refused):
        ami.send_action({"Action": "Setvar", "Variable": name, "Value": value})


def _tell(ami: Ami, extension: str) -> None:
    with contextlib.suppress(Refused):
        ami.send_action(
            {
                "Action": "Originate",
                "Channel": f"PJSIP/{extension}",
                "Context": Context.PAUSED,
                "Exten": START,
                "Priority": "1",
                "Timeout": str(TELLING * 1000),
                "CallerID": f'"In pausa" <{PAUSE_KEY}>',
                "Async": "true",
            }
        )
