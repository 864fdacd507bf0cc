"""Reports by mail: ordered by a manager for somebody who may take figures away, written by the clock.

What is in a mail is reckoned when it is sent (``reports/mails.py``), and only if its reader still may see it.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from desk.db import insert
from desk.models import Every, MessageState, Operator, ReportForm, ReportMail, ScheduledReport
from desk.permissions import Permission, may
from desk.settings import ROME

#: What its reader has to be allowed: the tables leave the console with the mail.
NEEDED = Permission.EXPORT_STATISTICS


class NoSuchReport(Exception):
    """There is none with that number, or it was ended."""


class NotAllowed(Exception):
    """Who is to get it may not take figures away."""


def may_get(operator: Operator) -> bool:
    """Whether reports may be sent to that operator now."""
    return operator.active and may(operator.role, NEEDED)


def span_before(every: Every, today: date) -> tuple[date, date]:
    """First and last day of the day, week (from Monday) or month that ended last before ``today``."""
    if every is Every.DAY:
        yesterday = today - timedelta(days=1)
        return yesterday, yesterday
    if every is Every.WEEK:
        monday = today - timedelta(days=today.weekday() + 7)
        return monday, monday + timedelta(days=6)
    last = today.replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last


def order_report(
    session: Session,
    *,
    operator_id: int,
    to_address: str,
    every: Every,
    tables: Collection[str],
    language: str,
    form: ReportForm,
    by: str,
    now: datetime,
) -> ScheduledReport:
    """Have it sent from now on; the first one, about what ended last, goes out at once.

    Raises:
        NotAllowed: see there.
    """
    operator = session.get(Operator, operator_id)
    if operator is None or not may_get(operator):
        raise NotAllowed
    report = ScheduledReport(
        operator_id=operator_id,
        to_address=to_address,
        every=every,
        tables=list(tables),
        language=language,
        form=form,
        created_at=now,
        created_by=by,
    )
    session.add(report)
    session.flush()
    _write(session, report, now)
    return report


def end_report(session: Session, number: int, *, now: datetime) -> ScheduledReport:
    """No more of it is sent, and the address is forgotten. Raises :class:`NoSuchReport`."""
    report = session.get(ScheduledReport, number, with_for_update=True)
    if report is None or report.ended_at is not None:
        raise NoSuchReport
    report.ended_at, report.to_address = now, ""
    return report


def open_reports(session: Session) -> Sequence[tuple[ScheduledReport, Operator]]:
    """Those that are sent, with whom they go to, the newest first."""
    return [
        (report, operator)
        for report, operator in session.execute(
            select(ScheduledReport, Operator)
            .join(Operator, Operator.id == ScheduledReport.operator_id)
            .where(ScheduledReport.ended_at.is_(None))
            .order_by(ScheduledReport.id.desc())
        )
    ]


def last_mails(session: Session) -> Mapping[int, ReportMail]:
    """The latest mail of each report, by the report's number."""
    newest = (
        select(
            ReportMail.id,
            func.row_number()
            .over(partition_by=ReportMail.scheduled_report_id, order_by=ReportMail.created_at.desc())
            .label("place"),
        )
    ).subquery()
    found = session.scalars(
        select(ReportMail).join(newest, newest.c.id == ReportMail.id).where(newest.c.place == 1)
    )
    return {mail.scheduled_report_id: mail for mail in found}


def write_mails(session: Session, *, now: datetime) -> int:
    """Put what is due into the outbox; returns how many mails. Whoever asks twice gets nothing twice.

    However long nobody asked, it is one mail of each report: about what ended last.
    """
    return sum(
        _write(session, report, now) for report, operator in open_reports(session) if may_get(operator)
    )


def _write(session: Session, report: ScheduledReport, now: datetime) -> bool:
    first, last = span_before(report.every, now.astimezone(ROME).date())
    statement = insert(session.get_bind().dialect.name, ReportMail.__table__)
    written = session.execute(
        statement.on_conflict_do_nothing(index_elements=["scheduled_report_id", "first", "last"]).returning(
            ReportMail.id
        ),
        {
            "id": str(uuid.uuid4()),
            "scheduled_report_id": report.id,
            "first": first,
            "last": last,
            "state": MessageState.CREATED,
            "created_at": now,
            "not_before": now,
            "attempts": 0,
        },
    )
    return written.first() is not None


def stop_token(web_key: str, number: int) -> str:
    """The secret part of the address in a report's mails that ends it."""
    return hmac.new(web_key.encode(), f"stop report {number}".encode(), hashlib.sha256).hexdigest()[:40]


def is_stop_token(web_key: str, number: int, token: str) -> bool:
    """Whether ``token`` ends that report; takes the same time for every wrong one."""
    return hmac.compare_digest(stop_token(web_key, number), token)
