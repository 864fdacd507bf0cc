"""Figures of texts to citizens, of what they agreed to, and of who is registered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from desk.models import Citizen, Consent, InboundText, Inhabitants, Message, MessageState, Purpose
from reports.periods import Period, day_in_rome, midnight, month


@dataclass(frozen=True, slots=True)
class MessageFigures:
    """Text messages written in a period, as they stand now."""

    written: int = 0
    delivered: int = 0
    #: No provider took it, or the one that did could not deliver it.
    failed: int = 0
    #: Taken by the provider; whether it arrived is not known (yet).
    sent: int = 0
    #: Not sent: no consent, stopped, a landline, too late, or the system is on trial.
    not_sent: int = 0
    waiting: int = 0

    @property
    def delivered_share(self) -> float | None:
        """Delivered ÷ (delivered + failed)."""
        known = self.delivered + self.failed
        return self.delivered / known if known else None


@dataclass(frozen=True, slots=True)
class ConsentFigures:
    """Consents to be texted for one purpose."""

    given: int = 0
    withdrawn: int = 0
    #: Numbers with a consent in force when the period ended.
    in_force: int = 0


@dataclass(frozen=True, slots=True)
class Registered:
    """Citizens registered in a month, and all until its end."""

    month: date
    new: int
    total: int
    #: ``None`` where it is not known how many people live in the town.
    share: float | None


_STATES: Mapping[MessageState, str] = {
    MessageState.CREATED: "waiting",
    MessageState.SENDING: "waiting",
    MessageState.SENT: "sent",
    MessageState.UNKNOWN: "sent",
    MessageState.NO_RECEIPT: "sent",
    MessageState.DELIVERED: "delivered",
    MessageState.UNDELIVERED: "failed",
    MessageState.FAILED: "failed",
}


def message_figures(session: Session, period: Period) -> Mapping[str, MessageFigures]:
    """Text messages written in ``period`` by template; ``""`` is all of them."""
    counts: dict[str, Counter[str]] = {"": Counter()}
    for template, state, number in session.execute(
        select(Message.template, Message.state, func.count())
        .where(Message.created_at >= period.begins_at, Message.created_at < period.ends_at)
        .group_by(Message.template, Message.state)
    ):
        name = _STATES.get(state, "not_sent")
        for group in (template, ""):
            count = counts.setdefault(group, Counter())
            count["written"] += number
            count[name] += number
    return {template: MessageFigures(**count) for template, count in sorted(counts.items())}


def texts_received(session: Session, period: Period) -> Mapping[str, int]:
    """Texts from citizens, by what they were understood as."""
    return {
        kind.value: count
        for kind, count in session.execute(
            select(InboundText.kind, func.count())
            .where(InboundText.at >= period.begins_at, InboundText.at < period.ends_at)
            .group_by(InboundText.kind)
        )
    }


def consent_figures(session: Session, period: Period) -> Mapping[str, ConsentFigures]:
    """Consents by what they are for."""

    def by_purpose(*conditions: object, what: object = func.count()) -> Mapping[Purpose, int]:
        rows = session.execute(
            select(Consent.purpose, what)  # type: ignore[call-overload]
            .where(*conditions)
            .group_by(Consent.purpose)
        )
        return dict(rows.all())

    begins, ends = period.begins_at, period.ends_at
    given = by_purpose(Consent.given_at >= begins, Consent.given_at < ends)
    withdrawn = by_purpose(Consent.withdrawn_at >= begins, Consent.withdrawn_at < ends)
    in_force = by_purpose(
        Consent.given_at < ends,
        or_(Consent.withdrawn_at.is_(None), Consent.withdrawn_at >= ends),
        what=func.count(func.distinct(Consent.e164)),
    )
    return {
        purpose.value: ConsentFigures(
            given.get(purpose, 0), withdrawn.get(purpose, 0), in_force.get(purpose, 0)
        )
        for purpose in Purpose
    }


def registered(session: Session, period: Period, *, now: datetime) -> tuple[Registered, ...]:
    """Registered citizens by month, up to this one."""
    before = session.scalar(
        select(func.count()).select_from(Citizen).where(Citizen.registered_at < period.begins_at)
    )
    new = Counter(
        month(day_in_rome(at)).first
        for at in session.scalars(
            select(Citizen.registered_at).where(
                Citizen.registered_at >= period.begins_at, Citizen.registered_at < period.ends_at
            )
        )
    )
    total, found = before or 0, []
    for first in dict.fromkeys(month(day).first for day in period):
        if midnight(first) > now:
            break
        total += new[first]
        people = inhabitants(session, min(month(first).last, period.last))
        found.append(Registered(first, new[first], total, total / people if people else None))
    return tuple(found)


def inhabitants(session: Session, day: date) -> int | None:
    """How many people live in the town on ``day``, as far as it was noted by then."""
    latest = latest_inhabitants(session, day)
    return latest[1] if latest else None


def latest_inhabitants(session: Session, day: date) -> tuple[date, int] | None:
    """How many people lived in the town when it was last noted, ``day`` at the latest; and when that was."""
    row = session.scalar(
        select(Inhabitants)
        .where(Inhabitants.on_day < day + timedelta(days=1))
        .order_by(Inhabitants.on_day.desc())
        .limit(1)
    )
    return (row.on_day, row.people) if row else None
