"""What citizens come to the counter for: counted, without asking who they are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.db import insert
from desk.models import CounterService, CounterVisit, FlowCategory, Inhabitants


class UnknownService(ValueError):
    """There is no such service at the counter, or no such category."""


def counter_services(session: Session) -> Sequence[CounterService]:
    """What one can come for, in the order in which it is listed."""
    return session.scalars(
        select(CounterService).where(CounterService.active).order_by(CounterService.position)
    ).all()


def record_visit(
    session: Session,
    service: str,
    *,
    by: str,
    idempotency_key: str,
    now: datetime,
    category: str | None = None,
) -> CounterVisit:
    """Count a citizen who asked for ``service`` at the counter; the same key counts once.

    Args:
        session: a transaction.
        service: code of a :class:`~desk.models.CounterService` on offer.
        by: the operator's log-in.
        idempotency_key: of this press of the button.
        now: the time.
        category: code of the :class:`~desk.models.FlowCategory` it counts to; ``None`` is the service's own.

    Raises:
        UnknownService: see there.
    """
    known = session.get(CounterService, service)
    if known is None or not known.active:
        raise UnknownService(service)
    if category is not None and session.get(FlowCategory, category) is None:
        raise UnknownService(category)
    session.execute(
        insert(session.get_bind().dialect.name, CounterVisit.__table__)
        .values(
            at=now,
            service_code=service,
            category_code=category or known.category_code,
            by=by,
            idempotency_key=idempotency_key,
        )
        .on_conflict_do_nothing(index_elements=["idempotency_key"])
    )
    return session.scalars(select(CounterVisit).where(CounterVisit.idempotency_key == idempotency_key)).one()


def set_inhabitants(session: Session, on_day: date, people: int) -> None:
    """Note how many people lived in the town on a day; what was noted for that day is replaced."""
    session.merge(Inhabitants(on_day=on_day, people=people))
    session.flush()
