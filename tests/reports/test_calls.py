"""Figures of calls, against tables worked out by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.call_backs import CallBackLimits, CallBackOrder, ask_call_back
from desk.db import Sessions, reading, transaction
from desk.models import CallSums, PhoneHold, QueueEvent, Tier
from desk.phone_holds import note_hold
from desk.queue_history import rebuild_stays
from reports.call_list import What, list_calls, story_of
from reports.calls import (
    By,
    CallFigures,
    Level,
    Limits,
    Where,
    busiest_days,
    call_figures,
    half_hours,
    heat_map,
    total,
)
from reports.overview import overview
from reports.periods import Period, month, year
from reports.questions import Question
from reports.rollups import rebuild, refresh
from tests.reports.tables import (
    OFFICE_LINE,
    TOWN,
    at,
    keep_answers,
    keep_call_legs,
    keep_calls,
    keep_events,
    keep_queue,
    queue_lines,
)

#: A Monday. The demo's back office is 201, its counters are 101 to 104, 301 is an office's own phone.
DAY = date(2026, 11, 23)
ONE_DAY = Period(DAY, DAY)
NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)

# 1.0 answered by the back office after 8 s, talks 120 s.
# 2.0 rings in vain there, answered by a counter after 25 s, talks 60 s.
# 3.0 gives up after 3 s (short), 4.0 after 40 s.
# 5.0 hears twice how long it takes, then asks for a call-back: unanswered after 90 s.
# 6.0 is answered at once, handed without asking to 104, which picks up after 5 s and talks 100 s.
# 7.0 is answered after 20 s, handed to 301 after asking.
# 8.0 dials an office's own number, the office answers after 4 s.
# 9.0 is served by the dialog; 10.0 hangs up in it; 11.0 comes while the desk is closed.
CALLS = f"""
    1.0  | 09:00:00 | 09:02:20 | {TOWN}        | +393331110001 | it | operator | person
    2.0  | 09:10:00 | 09:11:45 | {TOWN}        | +393331110002 | it | operator | person
    3.0  | 09:20:00 | 09:20:20 | {TOWN}        | +393331110003 | en | operator | person
    4.0  | 09:40:00 | 09:41:00 | {TOWN}        | +393331110004 | it | operator | person
    5.0  | 10:00:00 | 10:02:00 | {TOWN}        | +393331110005 | it | done     | call_back.done
    6.0  | 10:05:00 | 10:08:00 | {TOWN}        | +393331110001 | it | operator | person
    7.0  | 10:29:50 | 10:33:00 | {TOWN}        | +393331110007 | en | operator | person
    8.0  | 10:40:00 | 10:41:00 | {OFFICE_LINE} | +393331110008 | it | operator | direct
    9.0  | 11:00:00 | 11:01:00 | {TOWN}        | +393331110009 | it | done     | goodbye
    10.0 | 11:10:00 | 11:10:30 | {TOWN}        | -             | it | hung_up  | main
    11.0 | 20:00:00 | 20:00:30 | {TOWN}        | +393331110011 | it | hung_up  | welcome.closed
"""
QUEUE = """
    09:00:10 | 1.0 | desk | NONE | ENTERQUEUE | | +393331110001 | 1
    09:00:18 | 1.0 | desk | 201 | CONNECT | 8 | 1.1 | 8
    09:02:18 | 1.0 | desk | 201 | COMPLETECALLER | 8 | 120 | 1

    09:10:10 | 2.0 | desk | NONE | ENTERQUEUE | | +393331110002 | 1
    09:10:25 | 2.0 | desk | 201 | RINGNOANSWER | 15000
    09:10:35 | 2.0 | desk | 101 | CONNECT | 25 | 2.1 | 10
    09:11:35 | 2.0 | desk | 101 | COMPLETEAGENT | 25 | 60 | 1

    09:20:10 | 3.0 | desk | NONE | ENTERQUEUE | | +393331110003 | 1
    09:20:13 | 3.0 | desk | NONE | ABANDON | 1 | 1 | 3

    09:40:10 | 4.0 | desk | NONE | ENTERQUEUE | | +393331110004 | 1
    09:40:50 | 4.0 | desk | NONE | ABANDON | 1 | 1 | 40

    10:00:10 | 5.0 | desk | NONE | ENTERQUEUE | | +393331110005 | 1
    10:00:55 | 5.0 | desk | NONE | EXITWITHTIMEOUT | 1 | 1 | 45
    10:01:00 | 5.0 | desk | NONE | ENTERQUEUE | | +393331110005 | 1
    10:01:40 | 5.0 | desk | NONE | EXITWITHTIMEOUT | 1 | 1 | 40

    10:05:10 | 6.0 | desk | NONE | ENTERQUEUE | | +393331110001 | 1
    10:05:10 | 6.0 | desk | 201 | CONNECT | 0 | 6.1 | 0
    10:05:50 | 6.0 | desk | 201 | BLINDTRANSFER | 104 | phones | 0 | 40 | 1
    10:05:51 | 6.0 | phone-104 | NONE | ENTERQUEUE | | +393331110001 | 1
    10:05:56 | 6.0 | phone-104 | 104 | CONNECT | 5 | 6.2 | 5
    10:07:36 | 6.0 | phone-104 | 104 | COMPLETECALLER | 5 | 100 | 1

    10:29:55 | 7.0 | desk | NONE | ENTERQUEUE | | +393331110007 | 1
    10:30:15 | 7.0 | desk | 102 | CONNECT | 20 | 7.1 | 3
    10:31:15 | 7.0 | desk | 102 | ATTENDEDTRANSFER | BRIDGE | 2f3a-77 | 20 | 60 | 1

    10:40:02 | 8.0 | phone-301 | NONE | ENTERQUEUE | | +393331110008 | 1
    10:40:06 | 8.0 | phone-301 | 301 | CONNECT | 4 | 8.1 | 4
    10:40:36 | 8.0 | phone-301 | 301 | COMPLETEAGENT | 4 | 30 | 1
"""
LEGS = """
    5.0 | 10:00:00 | 10:00:00 | 10:02:00 | +393331110005 |
    7.0 | 10:29:50 | 10:30:15 | 10:33:00 | +393331110007 | PJSIP/102-00000001
"""
EVENTS = """
    1.0  | 09:00:00 | main | entered
    1.0  | 09:00:06 | main | asked_for_person
    1.0  | 09:00:06 | person | entered
    1.0  | 09:00:09 | person | transferred
    9.0  | 11:00:00 | main | entered
    9.0  | 11:00:08 | main | silence
    9.0  | 11:00:20 | main | answered
    9.0  | 11:00:20 | information | entered
    9.0  | 11:00:50 | information | answered
    9.0  | 11:00:50 | goodbye | entered
    9.0  | 11:01:00 | goodbye | done
    10.0 | 11:10:00 | main | entered
    10.0 | 11:10:30 | main | hung_up
    11.0 | 20:00:00 | welcome | entered
    11.0 | 20:00:10 | welcome.closed | entered
    11.0 | 20:00:30 | welcome.closed | hung_up
"""
ANSWERS = """
    1.0 | 09:02:30 | 201 | yes
    2.0 | 09:11:50 | 101 | no
    6.0 | 10:07:50 | 104 | yes
"""


def ask_for_call_back(session: Session) -> None:
    ask_call_back(
        session,
        CallBackOrder(
            number="+393331110005",
            waiting_since=at(DAY, "10:00:10"),
            idempotency_key="5.0",
            call_unique_id="5.0",
        ),
        limits=CallBackLimits(),
        now=at(DAY, "10:01:50"),
    )


def keep_monday(sessions: Sessions) -> None:
    """Write the calls above into a demo town, and make the sums of them."""
    with transaction(sessions) as session:
        keep_calls(session, DAY, CALLS)
        keep_events(session, DAY, EVENTS)
        keep_queue(session, queue_lines(DAY, QUEUE), at(DAY, "23:00:00"))
        keep_call_legs(session, DAY, LEGS, at(DAY, "23:00:00"))
        keep_answers(session, DAY, ANSWERS)
        ask_for_call_back(session)
    refresh(sessions, now=NOW)


@pytest.fixture
def monday(town: Sessions) -> Sessions:
    """The calls above, and the sums of them."""
    keep_monday(town)
    return town


def test_a_day(monday: Sessions) -> None:
    with reading(monday) as session:
        day = total(session, ONE_DAY)
    assert (day.calls, day.closed, day.dialogs, day.self_served, day.hung_up) == (11, 1, 4, 1, 2)
    assert day.offered == 8
    assert (day.by_back_office, day.by_counter, day.by_office, day.answered) == (2, 2, 1, 5)
    assert (day.abandoned, day.short_abandons, day.long_abandons, day.unanswered) == (2, 1, 1, 1)
    assert (day.waiting, day.call_backs) == (0, 1)
    # The counters rang for 2.0 and 7.0. The queue of a phone to which a call is handed is no overflow.
    assert day.overflowed == 2
    assert day.overflow_share == 2 / 8
    # Waits of those answered: 8, 25, 0, 20, 4.
    assert day.asa == 57 / 5
    assert day.mean_patience == 43 / 2
    # 5.0 left the queue 90 s after it first entered it: announcements do not end the wait.
    assert day.longest_wait == 90
    assert day.answered_share == 5 / 7
    assert day.abandoned_share == 1 / 7
    assert day.self_service_share == 1 / 4
    assert day.contained_share == 3 / 4


def test_transfers_do_not_inflate_talk_time(monday: Sessions) -> None:
    with reading(monday) as session:
        day = total(session, ONE_DAY)
    # Each conversation for itself: 120, 60, 40 and 100 (6.0), 60 (7.0, not the 165 s until its end), 30.
    assert (day.talks, day.talk_seconds) == (6, 410)
    assert day.mean_talk == 410 / 6
    assert (day.blind, day.attended, day.transfers) == (1, 1, 2)
    assert day.transfer_share == 2 / 6
    # The demo leaves phones of the desk alone for some seconds; the office's phone is none of them.
    assert day.wrap_up == 5 * day.wrap_up_seconds > 0
    assert day.aht == (410 + day.wrap_up) / 6


LEVELS = [
    # In time within 20 s: 8, 0, 20, 4. Offered 8, of them one short abandon.
    (Limits(20, 5), 4 / 7),
    (Limits(20, 0), 4 / 8),
    (Limits(20, 3), 4 / 8),
    (Limits(20, 4), 4 / 7),
    (Limits(7, 5), 2 / 7),
    (Limits(25, 60), 5 / 6),
    (Limits(20, 5, Level.OF_OFFERED), 4 / 8),
    (Limits(20, 5, Level.OF_ANSWERED), 4 / 5),
    (Limits(20, 5, Level.ABANDONED_SERVED), 5 / 8),
    (Limits(20, 5, Level.WITHOUT_ABANDONED_IN_TIME), 4 / 7),
    (Limits(40, 5, Level.WITHOUT_ABANDONED_IN_TIME), 5 / 6),
]


def test_service_level_at_limits_chosen_when_asked(monday: Sessions) -> None:
    with reading(monday) as session:
        found = [(limits, total(session, ONE_DAY, limits=limits).service_level) for limits, _ in LEVELS]
    assert found == LEVELS


def by(session: Session, by: By, period: Period = ONE_DAY, **where: str) -> dict[object, CallFigures]:
    return {group.key: group.figures for group in call_figures(session, period, by=by, where=Where(**where))}


def test_told_apart(monday: Sessions) -> None:
    with reading(monday) as session:
        hours = by(session, By.HOUR)
        assert {hour: figures.offered for hour, figures in hours.items() if figures.offered} == {9: 4, 10: 4}
        assert len(hours) == 24
        halves = by(session, By.HALF_HOUR)
        # 7.0 entered the queue at 10:29:55.
        assert {half: one.offered for half, one in halves.items() if one.offered} == {
            18: 3,
            19: 1,
            20: 3,
            21: 1,
        }
        assert {key: one.offered for key, one in by(session, By.LANGUAGE).items()} == {"it": 6, "en": 2}
        assert by(session, By.LINE)[OFFICE_LINE].answered == 1
        offices = by(session, By.OFFICE)
        assert offices["Ufficio tecnico"].asa == 4
        assert offices[""].offered == 7
        assert offices["Servizi sociali"].service_level is None
        assert by(session, By.WEEKDAY)[0].offered == 8
        assert by(session, By.WEEKDAY)[1] == CallFigures(wrap_up_seconds=hours[0].wrap_up_seconds)
        operators = by(session, By.OPERATOR)
        assert {
            key: (one.answered, one.talks, one.talk_seconds, one.transfers, one.not_answered)
            for key, one in operators.items()
        } == {
            "101": (1, 1, 60, 0, 0),
            "102": (1, 1, 60, 1, 0),
            "104": (0, 1, 100, 0, 0),
            "201": (2, 2, 160, 1, 1),
            "301": (1, 1, 30, 0, 0),
        }
        assert operators["101"].resolved_survey == 0.0
        assert operators["102"].resolved_survey is None
        for apart in By:
            if apart is not By.OPERATOR:
                groups = by(session, apart)
                assert sum(one.offered for one in groups.values()) == 8, apart
                assert sum(one.talk_seconds for one in groups.values()) == 410, apart


def test_only_some(monday: Sessions) -> None:
    with reading(monday) as session:
        assert total(session, ONE_DAY, where=Where(language="en")).offered == 2
        assert total(session, ONE_DAY, where=Where(line=OFFICE_LINE)).calls == 1
        assert total(session, ONE_DAY, where=Where(office="Ufficio tecnico")).talk_seconds == 30
        assert total(session, ONE_DAY, where=Where(office="")).talk_seconds == 380
        assert total(session, ONE_DAY, where=Where(language="en")).repeat_share is None


def test_first_contact_resolution(monday: Sessions) -> None:
    with reading(monday) as session:
        day = total(session, ONE_DAY)
        # The number of 1.0 was answered again (6.0); four other known numbers... were answered once.
        assert (day.known_answered, day.repeated) == (5, 1)
        assert day.resolved_first == 4 / 5
        assert day.resolved_survey == 2 / 3


@pytest.mark.parametrize(("days", "repeated"), [(7, 1), (8, 0)])
def test_a_repeat_is_within_seven_days(town: Sessions, days: int, repeated: int) -> None:
    again = DAY + timedelta(days=days)
    one = """
        10:00:00 | {call} | desk | NONE | ENTERQUEUE | | +393331110001 | 1
        10:00:05 | {call} | desk | 201 | CONNECT | 5 | x | 5
        10:01:05 | {call} | desk | 201 | COMPLETECALLER | 5 | 60 | 1
    """
    with transaction(town) as session:
        keep_queue(session, queue_lines(DAY, one.format(call="1.0")), NOW)
    refresh(town, now=NOW)
    with transaction(town) as session:
        keep_queue(session, queue_lines(again, one.format(call="2.0")), NOW, source="next")
    refresh(town, now=NOW)
    with reading(town) as session:
        figures = total(session, ONE_DAY)
        assert (figures.known_answered, figures.repeated) == (1, repeated)
        assert total(session, Period(again, again)).repeated == 0


def test_no_calls_are_neither_none_nor_all(town: Sessions) -> None:
    refresh(town, now=NOW)
    with reading(town) as session:
        nothing = total(session, ONE_DAY)
        assert [nothing.level(level) for level in Level] == [None] * 5
        assert [
            getattr(nothing, name)
            for name in (
                "asa",
                "aht",
                "answered_share",
                "abandoned_share",
                "overflow_share",
                "mean_patience",
                "mean_talk",
                "mean_wrap_up",
                "transfer_share",
                "repeat_share",
                "resolved_first",
                "resolved_survey",
                "self_service_share",
                "contained_share",
                "longest_wait",
            )
        ] == [None] * 15
        assert (nothing.offered, nothing.answered) == (0, 0)
        assert heat_map(session, ONE_DAY).mean(1, 20) is None
        assert heat_map(session, ONE_DAY).mean(0, 20) == 0
        assert heat_map(session, ONE_DAY).peaks() == ()


def test_who_waits_is_not_counted_yet(town: Sessions) -> None:
    lines = queue_lines(
        DAY,
        """
        10:00:00 | 1.0 | desk | NONE | ENTERQUEUE | | +393331110001 | 1
        10:00:05 | 1.0 | desk | 201 | CONNECT | 5 | 1.1 | 5
        10:00:10 | 2.0 | desk | NONE | ENTERQUEUE | | +393331110002 | 1
        """,
    )
    with transaction(town) as session:
        keep_queue(session, lines, at(DAY, "10:00:20"))
    refresh(town, now=at(DAY, "10:00:20"))
    with reading(town) as session:
        day = total(session, ONE_DAY)
    assert (day.offered, day.waiting, day.answered, day.talks) == (2, 1, 1, 0)
    assert day.service_level == 1.0
    assert day.mean_talk is None


def test_the_overview_says_the_same(monday: Sessions) -> None:
    with reading(monday) as session:
        for period, groups in ((ONE_DAY, 1), (month(DAY), 30), (year(2026), 12)):
            found = overview(session, period, now=NOW)
            assert found.calls == total(session, period)
            assert found.calls_before == total(session, period.before())
            assert len(found.course) == groups
            assert sum(group.figures.offered for group in found.hours) == 8
        assert {group.key for group in found.operators} == {"101", "102", "104", "201", "301"}
        assert found.nodes[0].node == "main"
        assert found.requests.filed == 1


def test_heat_and_peaks(monday: Sessions) -> None:
    two_weeks = Period(DAY, DAY + timedelta(days=13))
    with reading(monday) as session:
        heat = heat_map(session, two_weeks)
        assert heat.mean(0, 18) == 1.5
        assert [(peak.weekday, peak.half, peak.calls) for peak in heat.peaks(2)] == [
            (0, 18, 1.5),
            (0, 20, 1.5),
        ]
        assert busiest_days(session, two_weeks) == ((DAY, 8),)
        assert half_hours(session, two_weeks)[at(DAY, "09:00:00")] == (3, 1)


#: One call each hour and a half around the changes of the clock, answered after ten seconds.
AUTUMN, SPRING = date(2026, 10, 25), date(2026, 3, 29)


def one_call(clock: str, call: str) -> str:
    return f"{clock} | {call} | desk | NONE | ENTERQUEUE | | +393331110001 | 1\n"


def test_the_day_with_25_hours(town: Sessions) -> None:
    clocks = ["00:10:00", "01:10:00", "02:10:00", "02:10:00b", "03:10:00", "23:59:59"]
    with transaction(town) as session:
        for number, clock in enumerate(clocks):
            keep_queue(session, queue_lines(AUTUMN, one_call(clock, f"{number}.0")), NOW, source=clock)
        keep_queue(session, queue_lines(AUTUMN, one_call("+1 00:00:00", "9.0")), NOW, source="next")
    refresh(town, now=NOW)
    with reading(town) as session:
        day = Period(AUTUMN, AUTUMN)
        assert total(session, day).offered == 6
        line = call_figures(session, day, by=By.TIMELINE)
        assert [group.figures.offered for group in line] == [1, 1, 1, 1, 1, *[0] * 19, 1]
        assert len(line) == 25
        hours = by(session, By.HOUR, day)
        assert [hours[hour].offered for hour in (0, 1, 2, 3, 23)] == [1, 1, 2, 1, 1]
        assert (
            by(session, By.DAY, Period(AUTUMN, AUTUMN + timedelta(days=1)))[
                AUTUMN + timedelta(days=1)
            ].offered
            == 1
        )


def test_the_day_with_23_hours(town: Sessions) -> None:
    with transaction(town) as session:
        for number, clock in enumerate(["01:59:59", "03:00:00", "23:59:59"]):
            keep_queue(session, queue_lines(SPRING, one_call(clock, f"{number}.0")), NOW, source=clock)
    refresh(town, now=NOW)
    with reading(town) as session:
        line = call_figures(session, Period(SPRING, SPRING), by=By.TIMELINE)
        # What the clock shows as two hours apart is one second apart.
        assert [group.figures.offered for group in line] == [0, 1, 1, *[0] * 19, 1]
        assert len(line) == 23
        assert by(session, By.HOUR, Period(SPRING, SPRING))[2].offered == 0


def test_weeks_and_months_are_whole(monday: Sessions) -> None:
    with reading(monday) as session:
        days = by(session, By.DAY, Period(DAY - timedelta(days=1), DAY + timedelta(days=1)))
        assert [one.offered for one in days.values()] == [0, 8, 0]
        assert list(by(session, By.MONTH, year(2026))) == [date(2026, m, 1) for m in range(1, 13)]
        assert by(session, By.MONTH, year(2026))[date(2026, 11, 1)].offered == 8
        assert by(session, By.WEEK, month(DAY))[DAY].offered == 8


def test_a_period_is_compared_with_its_like() -> None:
    assert month(date(2026, 3, 5)).before() == month(date(2026, 2, 1))
    assert year(2026).before() == year(2025)
    assert Period(DAY, DAY).before() == Period(DAY - timedelta(days=1), DAY - timedelta(days=1))
    assert len(Period(DAY, DAY + timedelta(days=6)).before()) == 7
    with pytest.raises(ValueError, match="no days"):
        Period(DAY, DAY - timedelta(days=1))


def test_late_and_double_lines_change_nothing_wrong(monday: Sessions) -> None:
    with reading(monday) as session:
        before = total(session, ONE_DAY)
    # The same lines come again from a copied file, and are taken for new ones.
    with transaction(monday) as session:
        keep_queue(session, queue_lines(DAY, QUEUE), NOW, source="copied")
        rebuild_stays(session, now=NOW)
        assert len(session.scalars(select(QueueEvent.id)).all()) == 2 * len(queue_lines(DAY, QUEUE))
    refresh(monday, now=NOW)
    with reading(monday) as session:
        assert total(session, ONE_DAY).talk_seconds == before.talk_seconds
        assert total(session, ONE_DAY).offered == before.offered
        assert total(session, ONE_DAY).not_answered == before.not_answered == 1
    # The end of a call that was in the log's rotated file comes a day later.
    late = queue_lines(DAY, "09:40:30 | 4.0 | desk | 103 | CONNECT | 20 | 4.1 | 3")
    with transaction(monday) as session:
        keep_queue(session, late, NOW, source="late")
    refresh(monday, now=NOW)
    with reading(monday) as session:
        after = total(session, ONE_DAY)
        assert (after.abandoned, after.by_counter) == (before.abandoned - 1, before.by_counter + 1)
        kept = session.execute(select(CallSums.__table__)).all()
    rebuild(monday, now=NOW)
    with reading(monday) as session:
        assert session.execute(select(CallSums.__table__)).all() == kept


def listed(session: Session, what: What, **only: Any) -> list[str]:
    """The calls of a list, the first one first."""
    page = list_calls(session, Question(ONE_DAY).but(**only), what, first=0, most=50)
    assert page.total == len(page.rows)
    return [row.call for row in page.rows][::-1]


def test_behind_each_number_are_its_calls(monday: Sessions) -> None:
    with reading(monday) as session:
        day = total(session, ONE_DAY)
        for what in set(What) - {What.LOST}:
            assert len(listed(session, what)) == getattr(day, what.value), what
        by_hour = call_figures(session, ONE_DAY, by=By.HOUR)
        for group in by_hour:
            for what in (What.CALLS, What.OFFERED, What.ANSWERED, What.LONG_ABANDONS):
                calls = listed(session, what, hour=group.key)
                assert len(calls) == getattr(group.figures, what.value), (what, group.key)
        assert listed(session, What.LONG_ABANDONS) == ["4.0"]
        assert listed(session, What.ANSWERED_IN_TIME) == ["1.0", "6.0", "7.0", "8.0"]
        assert listed(session, What.ANSWERED_IN_TIME, limits=Limits(25)) == [
            "1.0",
            "2.0",
            "6.0",
            "7.0",
            "8.0",
        ]
        assert listed(session, What.OFFERED, office="") == [f"{n}.0" for n in range(1, 8)]
        assert listed(session, What.OFFERED, line=OFFICE_LINE) == ["8.0"]
        assert listed(session, What.ANSWERED, language="en") == ["7.0"]
        assert listed(session, What.ANSWERED, operator="201") == ["1.0", "6.0"]
        assert listed(session, What.ANSWERED, tier=Tier.COUNTER) == ["2.0", "7.0"]
        assert listed(session, What.OFFERED, half=18) == ["1.0", "2.0", "3.0"]
        assert listed(session, What.OFFERED, weekday=1) == []
        # Pages follow one another, whether the database counts or the clock does.
        for only in ({}, {"weekday": 0}):
            question = Question(ONE_DAY).but(**only)
            second = list_calls(session, question, What.CALLS, first=4, most=4)
            assert [row.call for row in second.rows] == ["7.0", "6.0", "5.0", "4.0"]
            assert second.total == 11


def test_a_call_of_the_list_step_by_step(monday: Sessions) -> None:
    with reading(monday) as session:
        rows = {
            row.call: row for row in list_calls(session, Question(ONE_DAY), What.CALLS, first=0, most=50).rows
        }
        story = story_of(session, "2.0")
        assert story_of(session, "no.such") is None
    answered, given_up, served = rows["2.0"], rows["4.0"], rows["9.0"]
    assert (answered.waited, answered.extension, answered.tier) == (25, "101", Tier.COUNTER)
    assert (answered.talked, answered.end, answered.line) == (60, "answered", TOWN)
    assert (given_up.waited, given_up.extension, given_up.talked, given_up.end) == (
        40,
        None,
        None,
        "abandoned",
    )
    assert (served.waited, served.end) == (None, "done")
    # A call that was handed on has two conversations: 40 and 100 seconds.
    assert rows["6.0"].talked == 140
    assert story is not None
    assert [(step.event, step.extension) for step in story.steps] == [
        ("ENTERQUEUE", None),
        ("RINGNOANSWER", "201"),
        ("CONNECT", "101"),
        ("COMPLETEAGENT", "101"),
    ]


def test_time_on_hold_is_told_beside_the_talk(monday: Sessions) -> None:
    # 201 talks from 09:00:18 to 09:02:18: 30 s on hold; on hold again when the citizen hangs up 18 s later.
    # 102 holds outside any talk; 101 twice at once, of which 20 s are one.
    with reading(monday) as session:
        assert total(session, ONE_DAY).mean_hold is None
    with transaction(monday) as session:
        for extension, on, clock in (
            ("201", True, "09:01:00"),
            ("201", False, "09:01:30"),
            ("201", True, "09:02:00"),
            ("102", True, "09:30:00"),
            ("102", False, "09:31:00"),
            ("101", True, "09:10:40"),
            ("101", True, "09:10:50"),
            ("101", False, "09:11:00"),
        ):
            note_hold(session, extension, on=on, now=at(DAY, clock))
        first = session.scalars(select(PhoneHold).where(PhoneHold.began_at == at(DAY, "09:10:40"))).one()
        first.ended_at = at(DAY, "09:11:00")
    rebuild(monday, now=NOW, period=ONE_DAY)
    with reading(monday) as session:
        by_phone = {group.key: group.figures for group in call_figures(session, ONE_DAY, by=By.OPERATOR)}
        day = total(session, ONE_DAY)
    assert (by_phone["201"].held_seconds, by_phone["101"].held_seconds) == (30 + 18, 20)
    assert (day.held_seconds, day.held_talks, day.talk_seconds) == (68, 6, 410)
    assert day.mean_hold == 68 / 6
    # Nothing of the days before is known, and nothing is no 0.
    rebuild(monday, now=NOW)
    with reading(monday) as session:
        assert total(session, ONE_DAY) == day
