"""The worker's jobs: what the desk does by the clock, as one table.

Of several workers one works and the others stand by (:mod:`desk.worker_locks`); how runs went is in the
database (:mod:`desk.job_runs`). Each job claims its rows in the database or moves its files atomically, so
a moment in which two believe to be the one does no harm.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, time
from functools import partial
from pathlib import Path
from types import MappingProxyType

from desk.appointments import release_expired
from desk.backup import write_backup
from desk.calendar import is_working_day
from desk.call_backs import limits_of as call_back_limits_of
from desk.call_recordings import delete_expired, keep_recorded_calls
from desk.db import Sessions, connect, sessions, transaction
from desk.due_dates import send_digests, write_digest
from desk.identity_cards import notify_holders
from desk.ingest import take_in
from desk.lost_calls import close_served, note_lost_calls
from desk.mail.outbox import send_mail
from desk.mail.senders import FileMailer, Mailer, SmtpMailer
from desk.pseudonyms import pseudonyms_of
from desk.replay import replay_messages, replay_spool
from desk.retention import apply_retention, remove_old_drafts
from desk.schedule import Daily
from desk.scheduler import Job, Shift
from desk.settings import ROME, Settings
from desk.sms.limits import Limits, limits_of
from desk.sms.outbox import send_waiting
from desk.sms.receipts import settle_unreceipted
from desk.sms.senders import Sender
from desk.sms.ways import senders_of
from desk.spool import Spool
from desk.telling import remind, tell_delays
from desk.worker_locks import database_lock, home_lock

log = logging.getLogger(__name__)

#: Seconds between two looks at the spool and the outbox, and between two signs of life.
SPOOL, OUTBOX, SIGN_OF_LIFE = 5, 5, 5
#: Seconds between two looks for slots that nobody decides about any more. They can be taken before that.
HOLDS = 60
#: Seconds between two looks at what Asterisk has recorded of calls.
INGEST = 3
#: Seconds between two looks for lost calls, and between two for recorded ones that are not encrypted yet.
LOST_CALLS, RECORDINGS = 10, 5
#: Seconds between two looks for what the town tells on its own, and the hours (Rome) in which it looks.
TELLING, OFFICE_HOURS = 900, range(9, 17)
#: Seconds between two looks for drafts that are too old. They are not offered from that moment on anyway.
DRAFTS = 600
#: A worker that gave no sign of life for this long (seconds) is down.
SILENT = 30


def heartbeat_file(settings: Settings) -> Path:
    """The file whose time of change is the worker's last sign of life."""
    return settings.home.resolve() / "worker.alive"


#: What a mapping of jobs may hold: a :class:`~desk.scheduler.Job`, or seconds and what is run here.
Entry = Job | tuple[int, Callable[[], object]]


def jobs_of(settings: Settings, database: Sessions) -> dict[str, Entry]:
    """The table of jobs: when, and what."""
    spool = Spool(settings.home.resolve() / "spool")
    senders, limits = senders_of(settings), limits_of(settings)
    return {
        # On every machine that has a worker, about its own files.
        "sign of life": Job(SIGN_OF_LIFE, lambda: heartbeat_file(settings).touch(), here=True),
        "spool": Job(SPOOL, lambda: empty_spool(database, spool, settings), here=True),
        "ingest": Job(INGEST, lambda: take_in(database, settings, now=datetime.now(UTC)), here=True),
        "recordings": Job(RECORDINGS, lambda: keep_recordings(database, settings), here=True),
        # Once for all machines, every few seconds.
        "holds": Job(HOLDS, lambda: release_holds(database)),
        "lost calls": Job(LOST_CALLS, lambda: keep_lost_calls(database)),
        "outbox": Job(OUTBOX, lambda: send_messages(database, senders, limits)),
        "telling": Job(TELLING, lambda: tell_citizens(database, settings)),
        "mail": Job(OUTBOX, lambda: forward_reports(database, settings)),
        "drafts": Job(DRAFTS, lambda: expire_drafts(database, settings)),
        # Once a day, on Rome's clock.
        "due dates": Job(
            Daily(time(7, 30)), lambda: tell_what_is_due(database, settings, now=datetime.now(UTC))
        ),
        "backup": Job(Daily(time(2, 30)), lambda: back_up(settings)),
        "retention": Job(Daily(time(3, 30)), lambda: keep_no_longer(database, settings)),
    }


def run_worker(settings: Settings, more: Mapping[str, Entry] = MappingProxyType({})) -> None:
    """Run the jobs until SIGTERM or SIGINT; ``more`` are those that need more than the desk, by name."""
    engine = connect(settings.url)
    database = sessions(engine)
    jobs = {
        name: entry if isinstance(entry, Job) else Job(*entry, here=True)
        for name, entry in {**jobs_of(settings, database), **more}.items()
    }
    shifts = (
        Shift("this machine", home_lock(settings.home), {n: j for n, j in jobs.items() if j.here}, database),
        Shift(
            "the desk", database_lock(settings.url), {n: j for n, j in jobs.items() if not j.here}, database
        ),
    )
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    log.info("worker %d is there", os.getpid())
    while not stop.is_set():
        for shift in shifts:
            shift.look()
        stop.wait(1)
    for shift in shifts:
        shift.stop()
    engine.dispose()


def empty_spool(database: Sessions, spool: Spool, settings: Settings) -> None:
    """File what calls had to leave on disk: each item exactly once, and gone from the disk only then."""
    filed = replay_spool(database, spool, call_back_limits_of(settings))
    filed += replay_messages(database, settings, now=datetime.now(UTC))
    if filed:
        log.info("filed %d requests from the spool", filed)


def release_holds(database: Sessions) -> None:
    """Clear away what was held for callers who are long gone."""
    with transaction(database, durable=False) as session:
        released = release_expired(session, now=datetime.now(UTC))
    if released:
        log.info("%d slots were held in vain", released)


def keep_lost_calls(database: Sessions) -> None:
    """Make items of the calls that were lost, and close those that were served."""
    with transaction(database) as session:
        lost = note_lost_calls(session, now=datetime.now(UTC))
        closed = close_served(session, now=datetime.now(UTC))
    if lost or closed:
        log.info("%d calls were lost, %d items closed themselves", lost, closed)


def keep_recordings(database: Sessions, settings: Settings) -> None:
    """Encrypt what was recorded, and delete what was kept long enough."""
    kept = keep_recorded_calls(database, settings, now=datetime.now(UTC))
    gone = delete_expired(database, settings, now=datetime.now(UTC))
    if kept or gone:
        log.info("%d recorded calls encrypted, %d deleted", kept, gone)


def expire_drafts(database: Sessions, settings: Settings) -> None:
    """Remove drafts that nobody is offered any more."""
    with transaction(database, durable=False) as session:
        remove_old_drafts(session, hours=settings.draft_hours, now=datetime.now(UTC))


def send_messages(database: Sessions, senders: Sequence[Sender], limits: Limits) -> None:
    """Send what waits in the outbox, and give up waiting for receipts that do not come."""
    now = datetime.now(UTC)
    sent = send_waiting(database, senders, now=now, limits=limits)
    if sent:
        printed = " (printed, not sent: see sms-printed.txt)" if senders[0].name == "file" else ""
        log.info("%d SMS sent%s", sent, printed)
    with transaction(database) as session:
        missing = settle_unreceipted(session, now=now)
    if missing:
        log.warning("%d SMS have no receipt", missing)


def tell_citizens(database: Sessions, settings: Settings) -> None:
    """Write reminders, apologies for delays and notices of expiring cards, on working days."""
    now = datetime.now(UTC)
    here = now.astimezone(ROME)
    if not is_working_day(here.date()) or here.hour not in OFFICE_HOURS:
        return
    for what, tell in (
        ("reminders", remind),
        ("delays", tell_delays),
        ("expiring cards", partial(notify_holders, town_number=settings.town_number)),
    ):
        with transaction(database) as session:
            told = tell(session, now=now)
        if told:
            log.info("%s: %d SMS written", what, told)


def forward_reports(database: Sessions, settings: Settings) -> None:
    """Send the mails to the offices and to the desk."""
    mailer = mailer_of(settings)
    now = datetime.now(UTC)
    sent = send_mail(database, mailer, settings.request_page, now=now)
    sent += send_digests(database, mailer, now=now)
    if sent:
        printed = "" if settings.smtp_host else " (printed, not sent: see mail-printed.txt)"
        log.info("%d mails%s", sent, printed)


def tell_what_is_due(database: Sessions, settings: Settings, *, now: datetime) -> None:
    """On working days, write the mail to the desk about what is due."""
    if not settings.desk_email or not is_working_day(now.astimezone(ROME).date()):
        return
    with transaction(database) as session:
        write_digest(session, to=settings.desk_email, page_of=settings.request_page, now=now)


def keep_no_longer(database: Sessions, settings: Settings) -> None:
    """Hide or remove what has been kept for long enough."""
    pseudonyms = pseudonyms_of(settings)
    changed = apply_retention(database, settings, pseudonyms, now=datetime.now(UTC))
    for rule, count in changed.items():
        if count:
            log.info("kept no longer: %d %s", count, rule)


def back_up(settings: Settings) -> None:
    """Write today's backup and remove the oldest ones."""
    written = write_backup(settings, now=datetime.now(UTC))
    log.info("backup of %d bytes written and read back: %s", written.size, written.path.name)


def mailer_of(settings: Settings) -> Mailer:
    """The way out that is set."""
    if not settings.smtp_host:
        return FileMailer(settings.home.resolve() / "mail-printed.txt")
    return SmtpMailer(
        settings.smtp_host,
        settings.smtp_port,
        security=settings.smtp_security,
        sender=settings.mail_from,
        user=settings.smtp_user,
        password=settings.smtp_password.get_secret_value(),
    )
