"""The worker's jobs: what the desk does by the clock.

There is one scheduler, in the process ``centralino worker``. Each job claims its rows in the database or
moves its files atomically, so a second worker by mistake does no harm.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType

from apscheduler.schedulers.background import BackgroundScheduler

from desk.appointments import release_expired
from desk.calendar import is_working_day
from desk.db import DatabaseGone, Sessions, connect, sessions, transaction
from desk.identity_cards import notify_holders
from desk.mail.outbox import send_mail
from desk.mail.senders import FileMailer, Mailer, SmtpMailer
from desk.replay import replay_messages, replay_spool
from desk.settings import ROME, Settings
from desk.sms.limits import Limits, limits_of
from desk.sms.outbox import send_waiting
from desk.sms.receipts import settle_unreceipted
from desk.sms.senders import Sender
from desk.sms.ways import senders_of
from desk.spool import Spool
from desk.telling import remind, tell_delays

log = logging.getLogger(__name__)

#: Seconds between two looks at the spool and the outbox, and between two signs of life.
SPOOL, OUTBOX, SIGN_OF_LIFE = 5, 5, 5
#: Seconds between two looks for slots that nobody decides about any more. They can be taken before that.
HOLDS = 60
#: Seconds between two looks for what the town tells on its own, and the hours (Rome) in which it looks.
TELLING, OFFICE_HOURS = 900, range(9, 17)
#: A worker that gave no sign of life for this long (seconds) is down.
SILENT = 30


def heartbeat_file(settings: Settings) -> Path:
    """The file whose time of change is the worker's last sign of life."""
    return settings.home.resolve() / "worker.alive"


#: A job: seconds between two runs, and what is run.
Job = tuple[int, Callable[[], object]]


def run_worker(settings: Settings, more: Mapping[str, Job] = MappingProxyType({})) -> None:
    """Run the jobs until SIGTERM or SIGINT; ``more`` are those that need more than the desk, by name."""
    engine = connect(settings.url)
    database = sessions(engine)
    spool = Spool(settings.home.resolve() / "spool")
    senders, limits = senders_of(settings), limits_of(settings)
    jobs: dict[str, Job] = {
        "sign of life": (SIGN_OF_LIFE, lambda: heartbeat_file(settings).touch()),
        "spool": (SPOOL, lambda: empty_spool(database, spool, settings)),
        "holds": (HOLDS, lambda: release_holds(database)),
        "outbox": (OUTBOX, lambda: send_messages(database, senders, limits)),
        "telling": (TELLING, lambda: tell_citizens(database, settings)),
        "mail": (OUTBOX, lambda: forward_reports(database, settings)),
        **more,
    }
    scheduler = BackgroundScheduler(timezone=ROME)
    for name, (seconds, job) in jobs.items():
        scheduler.add_job(
            _guarded(name, job),
            "interval",
            seconds=seconds,
            id=name,
            name=name,
            next_run_time=datetime.now(ROME),
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    scheduler.start()
    log.info("worker %d at work: %s", os.getpid(), ", ".join(jobs))
    stop.wait()
    scheduler.shutdown(wait=True)
    engine.dispose()


def empty_spool(database: Sessions, spool: Spool, settings: Settings) -> None:
    """File what calls had to leave on disk: each item exactly once, and gone from the disk only then."""
    filed = replay_spool(database, spool)
    filed += replay_messages(database, settings, now=datetime.now(UTC))
    if filed:
        log.info("filed %d requests from the spool", filed)


def release_holds(database: Sessions) -> None:
    """Clear away what was held for callers who are long gone."""
    with transaction(database, durable=False) as session:
        released = release_expired(session, now=datetime.now(UTC))
    if released:
        log.info("%d slots were held in vain", released)


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
    """Send the mails to the offices."""
    mailer = mailer_of(settings)
    sent = send_mail(database, mailer, settings.request_page, now=datetime.now(UTC))
    if sent:
        printed = "" if settings.smtp_host else " (printed, not sent: see mail-printed.txt)"
        log.info("%d mails to the offices%s", sent, printed)


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


def _guarded(name: str, job: Callable[[], object]) -> Callable[[], None]:
    """One failed run is told and forgotten; the next run tries again."""

    def run() -> None:
        try:
            job()
        except DatabaseGone as e:
            log.error("%s: %s", name, e)
        except Exception:
            log.exception("%s failed", name)

    return run
