"""The figures of the yearly activity report, gathered from where each of them is reckoned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from desk.calendar import is_holiday
from desk.models import (
    AppointmentService,
    Call,
    CounterService,
    CounterVisit,
    Course,
    OpeningHours,
    Phone,
    RequestKind,
    Room,
    Tier,
)
from reports.calls import By, CallFigures, HeatMap, Limits, call_figures, heat_map, total
from reports.citizen_figures import (
    ConsentFigures,
    MessageFigures,
    Registered,
    consent_figures,
    message_figures,
    registered,
)
from reports.counter_figures import (
    AppointmentFigures,
    Flow,
    FlowBy,
    appointment_figures,
    counter_flow,
    counter_heat_map,
    visits_a_week,
    visits_by_day,
)
from reports.lost import LostFigures, lost_figures
from reports.periods import Period, day_in_rome, month, year
from reports.quality import Quality, quality
from reports.request_figures import RequestFigures, RequestsBy, request_figures

#: Calls of a demo year are named so (desk/demo): who reads a report must know that nothing in it happened.
_INVENTED = "demo-year-"
_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class YearFigures:
    """What the report of a year tells. What is ``None`` or nothing was not recorded, and is said to miss."""

    year: int
    #: What was reported on: the year, or what has passed of it.
    period: Period
    made_at: datetime
    #: Whether the year contains invented data.
    invented: bool

    counters: int
    back_offices: int
    hours: Sequence[tuple[int, time, time]]
    services: Sequence[str]
    #: What can be had by telephone and web: certificates apart, agendas, courses, rooms.
    agendas: Sequence[str]
    courses: int
    rooms: int

    visits: int
    visits_a_week: float | None
    flow: Sequence[Flow]
    flow_by_service: Sequence[Flow]
    visits_by_month: Mapping[date, int]
    visits_when: HeatMap

    calls: CallFigures
    calls_by_month: Mapping[date, CallFigures]
    calls_when: HeatMap
    #: Calls while open, and days on which the desk was open.
    calls_while_open: int
    open_days: int
    lost: LostFigures

    requests: RequestFigures
    requests_by_kind: Mapping[str, RequestFigures]
    requests_by_channel: Mapping[str, RequestFigures]
    appointments: AppointmentFigures
    messages: MessageFigures
    consents: Mapping[str, ConsentFigures]
    registered: Sequence[Registered]

    #: The year before: visits, calls, requests; ``None`` where nothing was recorded then.
    before: tuple[int | None, int | None, int | None]
    quality: Quality

    @property
    def is_over(self) -> bool:
        """Whether the year is a whole one."""
        return self.period == year(self.year)

    @property
    def calls_a_day(self) -> float | None:
        """Calls while the desk was open, by open day."""
        if not self.open_days or not self.calls.calls:
            return None
        return self.calls_while_open / self.open_days

    @property
    def months_without_calls(self) -> Sequence[date]:
        """Months in which nothing was recorded of the telephone."""
        return [first for first, figures in self.calls_by_month.items() if not figures.calls]

    @property
    def months_without_visits(self) -> Sequence[date]:
        """The same of the counter."""
        return [first for first, visits in self.visits_by_month.items() if not visits]


class YearToCome(ValueError):
    """The year has not begun."""


def year_figures(session: Session, number: int, *, now: datetime, limits: Limits = _LIMITS) -> YearFigures:
    """Gather the figures of the year ``number``, up to now. Raises :class:`YearToCome`."""
    whole, today = year(number), day_in_rome(now)
    if whole.first > today:
        raise YearToCome(f"{number} has not begun")
    period = Period(whole.first, min(whole.last, today))
    months = list(dict.fromkeys(month(day).first for day in period))
    by_day = visits_by_day(session, period)
    visits = Counter(dict.fromkeys(months, 0))
    for day, count in by_day.items():
        visits[month(day).first] += count
    calls = total(session, period, limits=limits)
    hours = [
        (row.weekday, row.opens, row.closes)
        for row in session.scalars(select(OpeningHours).order_by(OpeningHours.weekday, OpeningHours.opens))
    ]
    open_weekdays = {weekday for weekday, *_ in hours}
    tiers = Counter(session.scalars(select(Phone.tier)))
    ((_, requests),) = request_figures(session, period, now=now, by=RequestsBy.TOTAL)
    return YearFigures(
        year=number,
        period=period,
        made_at=now,
        invented=bool(
            session.scalar(
                select(
                    exists().where(
                        Call.unique_id.startswith(_INVENTED),
                        Call.started_at >= period.begins_at,
                        Call.started_at < period.ends_at,
                    )
                )
            )
        ),
        counters=tiers[Tier.COUNTER],
        back_offices=tiers[Tier.BACK_OFFICE],
        hours=hours,
        services=session.scalars(
            select(CounterService.name_it).where(CounterService.active).order_by(CounterService.position)
        ).all(),
        agendas=session.scalars(
            select(AppointmentService.name_it)
            .where(AppointmentService.active)
            .order_by(AppointmentService.position)
        ).all(),
        courses=_count(session, Course),
        rooms=_count(session, Room),
        visits=sum(by_day.values()),
        visits_a_week=visits_a_week(session, period),
        flow=counter_flow(session, period),
        flow_by_service=counter_flow(session, period, by=FlowBy.SERVICE),
        visits_by_month=visits,
        visits_when=counter_heat_map(session, period),
        calls=calls,
        calls_by_month={
            group.key: group.figures
            for group in call_figures(session, period, by=By.MONTH, limits=limits)
            if isinstance(group.key, date)
        },
        calls_when=heat_map(session, period),
        calls_while_open=calls.calls - calls.closed,
        open_days=sum(day.weekday() in open_weekdays and not is_holiday(day) for day in period),
        lost=lost_figures(session, period),
        requests=requests,
        requests_by_kind=_by(session, period, now, RequestsBy.KIND),
        requests_by_channel=_by(session, period, now, RequestsBy.CHANNEL),
        appointments=appointment_figures(session, period, now=now)[""],
        messages=message_figures(session, period)[""],
        consents=consent_figures(session, period),
        registered=registered(session, period, now=now),
        before=_before(session, period, now),
        quality=quality(session, period, now=now),
    )


def _by(session: Session, period: Period, now: datetime, by: RequestsBy) -> Mapping[str, RequestFigures]:
    return {
        str(key): figures
        for key, figures in request_figures(session, period, now=now, by=by)
        # Calls that were lost are told of where calls are: nobody asked for something in them.
        if key != RequestKind.LOST_CALL.value
    }


def _before(session: Session, period: Period, now: datetime) -> tuple[int | None, int | None, int | None]:
    """The same days of the year before."""
    first = period.first.replace(year=period.first.year - 1)
    last_day = 28 if (period.last.month, period.last.day) == (2, 29) else period.last.day
    before = Period(first, period.last.replace(year=first.year, day=last_day))
    visits = session.scalar(
        select(func.count())
        .select_from(CounterVisit)
        .where(CounterVisit.at >= before.begins_at, CounterVisit.at < before.ends_at)
    )
    ((_, requests),) = request_figures(session, before, now=now, by=RequestsBy.TOTAL)
    return visits or None, total(session, before).calls or None, requests.filed or None


def _count(session: Session, model: type[Course] | type[Room]) -> int:
    return session.scalar(select(func.count()).select_from(model).where(model.active)) or 0
