"""The worker's ear at Asterisk: the live view of the queue, pauses of silent phones, and calls to citizens.

Everything here is asked anew at every connection, so that a restart of Asterisk or of the worker, or an event
that was missed, is mended within seconds.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from call_routing.ami import Ami, Event, Gone, Refused
from call_routing.calling_back import CallingBack
from call_routing.duties import Heard, Pause, Penalty, Told, compare, pause_phone, set_penalty, started_at
from call_routing.hours import OpeningHours
from call_routing.live_view import LiveQueue, extension_of
from call_routing.names import AMI_USER, PAUSE_KEY, SILENT, START, Context, PauseReason
from call_routing.notifying import Notifying
from call_routing.pauses import SilentPhones, Telling
from call_routing.web_phones import console_connection, take_other_passwords
from desk.db import DatabaseGone, Sessions, reading, transaction
from desk.desk_now import QueueNow, note_queue
from desk.phone_holds import note_hold
from desk.places import Device, Place, end_silent_stays, note_from_phone, note_told, places_now
from desk.settings import Settings
from desk.town import Town, read_town

log = logging.getLogger(__name__)

#: Seconds between two looks at what is due.
LOOK = 2.0
#: Seconds for which events are gathered before what they mean is written down.
GLANCE = 0.2
_HOLDS = frozenset({"Hold", "Unhold"})
#: After these, who is on which call is asked anew.
_CALLS_MOVE = frozenset({"Newstate", "Hangup", "BridgeEnter", "BridgeLeave"})
#: Between two questions for the whole state, and the oldest that what is kept for others may be.
RECONCILE = timedelta(seconds=10)
#: Seconds until the next try where Asterisk is not there.
RECONNECT = 2.0
#: Seconds for which the phone of a silent operator rings.
TELLING = 20

Clock = Callable[[], datetime]


class Watch:
    """Connected to Asterisk whenever it runs. One thread, from :meth:`at_work`."""

    def __init__(
        self, settings: Settings, database: Sessions, password: str, console_password: str, clock: Clock
    ) -> None:
        self._settings = settings
        self._database = database
        self._password = password
        self._console_password = console_password
        self._passwords_checked = False
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
            except (Gone, Refused) as e:
                # Also an Asterisk that has not loaded its queue yet.
                log.warning("%s", e)
            except Exception:
                # Whatever went wrong once, the next connection begins anew.
                log.exception("watching Asterisk failed")
            stop.wait(RECONNECT)

    def _follow(self, ami: Ami, stop: threading.Event) -> None:
        queue, silent = LiveQueue(), SilentPhones()
        self._ours.clear()
        whole_at = datetime.min.replace(tzinfo=UTC)
        started = started_at(ami)
        self._passwords_checked = False
        while not stop.is_set():
            now = self._clock()
            if now - whole_at >= RECONCILE:
                queue.reconcile(ami.ask("QueueStatus"), ami.ask("CoreShowChannels"), now)
                whole_at = now
                self._renew(ami, queue)
            look_at = time.monotonic() + LOOK
            while time.monotonic() < look_at and not stop.is_set():
                moved = False
                for event in ami.events(GLANCE):
                    queue.note(event, self._clock())
                    self._note_hold(event)
                    interface = silent.note(event)
                    if interface is not None:
                        self._pause(ami, interface)
                    moved = moved or event["Event"] in _CALLS_MOVE
                if moved:
                    queue.note_channels(ami.ask("CoreShowChannels"), self._clock())
                self._write(queue)
            try:
                self._look(ami, queue, started)
            except DatabaseGone as e:
                log.error("%s", e)

    def _note_hold(self, event: Event) -> None:
        """Time on hold is in no log of Asterisk's: who does not note it now never can."""
        if event["Event"] not in _HOLDS or not event["Channel"].startswith("PJSIP/"):
            return
        extension = extension_of(event["Channel"])
        # A citizen's own telephone can put us on hold, too.
        if not extension.isdecimal():
            return
        try:
            with transaction(self._database, durable=False) as session:
                note_hold(session, extension, on=event["Event"] == "Hold", now=self._clock())
        except DatabaseGone as e:
            log.error("%s", e)

    def _look(self, ami: Ami, queue: LiveQueue, started: datetime) -> None:
        with reading(self._database) as session:
            self._town = read_town(session)
            places = places_now(session)
        self._write(queue)
        now = self._clock()
        state = queue.now(now)
        self._call_backs.run(ami, state, now)
        self._notifying.run(ami, now)
        self._keep_places(ami, queue, places, started)
        if self._closes_at(now) is not None:
            # Who telephones in a page is told there.
            in_pages = {place.extension for place in places if place.device is Device.WEB}
            for extension in self._telling.due(state, now):
                if extension not in in_pages:
                    _tell(ami, extension)

    def _keep_places(self, ami: Ami, queue: LiveQueue, places: Sequence[Place], started: datetime) -> None:
        """Who works where, and Asterisk's queues, are brought to the same."""
        now = self._clock()
        extensions = [phone.extension for phone in self._town.phones]
        for finding in list(compare(queue, places, extensions, started=started, now=now)):
            match finding:
                case Pause():
                    pause_phone(ami, finding)
                case Penalty():
                    set_penalty(ami, finding)
                case Told(stay_id, orders):
                    for order in orders:
                        pause_phone(ami, order)
                    with transaction(self._database) as session:
                        note_told(session, stay_id, start=started, now=self._clock())
                case Heard(stay_id, reason, since):
                    with transaction(self._database) as session:
                        note_from_phone(session, stay_id, reason, since=since, start=started, now=now)
        with transaction(self._database) as session:
            silent = end_silent_stays(session, now=now)
        if silent or not self._passwords_checked:
            log.info("places left without a word: %s", ", ".join(silent) or "none")
            kept = {p.extension for p in places if p.device is Device.WEB} - set(silent)
            with console_connection(self._settings, self._console_password) as console:
                take_other_passwords(console, kept)
            self._passwords_checked = True

    def _pause(self, ami: Ami, interface: str) -> None:
        log.info("phone %s rang in vain and is paused", interface)
        self._hold(ami, interface)
        pause_phone(ami, Pause(interface, PauseReason.NO_ANSWER))

    def _renew(self, ami: Ami, queue: LiveQueue) -> None:
        """Let our pauses hold for a while longer, and others' for as long as they want."""
        for interface, paused in queue.pauses().items():
            if paused == PauseReason.NO_ANSWER:
                self._hold(ami, interface)
            elif self._ours.get(interface, True):
                _set_global(ami, _silent(interface), "")
                self._ours[interface] = False

    def _hold(self, ami: Ami, interface: str) -> None:
        # Asterisk's clock, not that of the desk: it is Asterisk that ends what was not renewed.
        until = int(time.time()) + self._settings.pause_without_worker_seconds
        _set_global(ami, _silent(interface), str(until))
        self._ours[interface] = True

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


def _silent(interface: str) -> str:
    """The global variable that holds how long our pause of that phone lasts."""
    return SILENT + interface.removeprefix("PJSIP/")


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
