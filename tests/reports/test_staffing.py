"""Forecasts that beat the guess "as last week", levels by half hour, and the sentence a manager reads."""

from __future__ import annotations

import math
import shutil
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from desk import db
from desk.cli import main
from desk.db import Sessions, reading, transaction
from desk.demo.loading import load_year, town_facts
from desk.demo.shape import Shape
from desk.demo.year import make_year
from desk.models import QueueStay, StayOutcome
from desk.queue_history import keep_queue_lines, read_queue_line
from desk.settings import ROME
from reports.erlang import Load, erlang_c
from reports.forecast import Deadline, History, back_test, deadlines, forecast, learn_uplifts
from reports.periods import Period
from reports.rollups import rebuild
from reports.staffing import Advice, Rules, Slot, advise, reached, sentence, slot_levels
from reports.staffing_rows import NothingRecorded, read_workload

MONDAY = date(2026, 3, 2)
#: Nobody is away: levels are those of Erlang's own tables.
ALL_THERE = Rules(within=20, target=0.8, shrinkage=0)
#: 24 calls an hour of five minutes: three operators reach 58 %, four 85 %.
BUSY = [Slot(0, half, 12, 300) for half in range(20, 24)]
CALM = [Slot(0, half, 1, 300) for half in (18, 19, 24)]


def steady(first: date, weeks: int, calls: int = 10) -> dict[date, dict[int, int]]:
    """Working days with ``calls`` at 9:00 and half of them at 10:00."""
    days = (first + timedelta(days=number) for number in range(7 * weeks))
    return {day: {18: calls, 20: calls // 2} for day in days if day.weekday() < 5}


def test_the_sentence_of_the_vectors() -> None:
    levels = slot_levels([*CALM, *BUSY], 3, ALL_THERE)
    advice = advise(levels, ALL_THERE)
    assert advice is not None
    assert (advice.weekday, advice.begins, advice.ends) == (0, 20, 24)
    assert sentence(advice, "it") == (
        "Un operatore in più il lunedì dalle 10:00 alle 12:00 porta il livello di servizio da 58 % a 85 %."
    )
    assert sentence(advice, "en") == (
        "One more operator on Mondays, 10:00–12:00, lifts the service level from 58 % to 85 %."
    )
    assert {one.needed for one in levels if one.slot in BUSY} == {4}
    sunday = Advice(6, 20, 24, 0.5, 0.6)
    assert sentence(sunday, "it").startswith("Un operatore in più la domenica dalle 10:00")


def test_nothing_to_advise() -> None:
    assert advise(slot_levels([*CALM, *BUSY], 4, ALL_THERE), ALL_THERE) is None
    # So many calls that one more changes nothing either.
    flooded = [Slot(0, 20, 500, 300)]
    assert advise(slot_levels(flooded, 2, ALL_THERE), ALL_THERE) is None
    for language in ("it", "en"):
        assert sentence(None, language)


def test_advice_keeps_to_what_is_below_the_target() -> None:
    split = [Slot(1, 20, 12, 300), Slot(1, 21, 1, 300), Slot(1, 22, 12, 300), Slot(2, 20, 1, 300)]
    advice = advise(slot_levels(split, 3, ALL_THERE), ALL_THERE)
    assert advice is not None
    assert (advice.weekday, advice.ends - advice.begins) == (1, 1)


def test_shrinkage() -> None:
    load = Load(24, 300)
    away = Rules(within=20, target=0.8, shrinkage=0.4)
    # Of six logged in 3.6 are there: three for four tenths of the time, four for six.
    three, four = (erlang_c(load, number, within=20).service_level for number in (3, 4))
    assert reached(load, 6, away) == pytest.approx(0.4 * three + 0.6 * four)
    (one,) = slot_levels([Slot(0, 20, 12, 300)], 6, away)
    # Four must be there.
    assert one.needed == 7
    assert one.one_more > one.now
    # 5 x (1 - 0.2) is four, whatever the computer makes of it.
    assert reached(load, 5, Rules(shrinkage=0.2)) == pytest.approx(four)
    with pytest.raises(ValueError):
        Rules(shrinkage=1)


def test_patience_counts() -> None:
    (endless,) = slot_levels([Slot(0, 20, 12, 300)], 2, ALL_THERE)
    (leaving,) = slot_levels([Slot(0, 20, 12, 300)], 2, Rules(shrinkage=0, patience=120))
    assert endless.now == 0
    assert leaving.now > 0.3


def test_what_is_always_the_same_is_forecast_exactly() -> None:
    history = History(steady(MONDAY, 8))
    days = [MONDAY + timedelta(weeks=8, days=number) for number in range(5)]
    for halves in forecast(history, days, ()).values():
        assert halves == pytest.approx({18: 10, 20: 5})
    assert forecast(history, [date(2026, 5, 3)], ()) == {date(2026, 5, 3): {}}
    ours, naive = back_test(history, first=MONDAY + timedelta(weeks=2), known=())
    assert ours.wape == pytest.approx(0, abs=1e-9)
    assert naive.wape == 0
    with pytest.raises(ValueError):
        forecast(History({}), days)


def test_recent_weeks_count_more() -> None:
    history = History({**steady(MONDAY, 8), **steady(MONDAY + timedelta(weeks=8), 4, calls=20)})
    (halves,) = forecast(history, [MONDAY + timedelta(weeks=12)], ()).values()
    # Half way and more from 10 to 20.
    assert 15 < halves[18] < 20


def test_a_deadline_is_learnt_and_known_beforehand() -> None:
    tax = Deadline("tax", "Imposta", "Tax", 1.0, begins=(4, 13), ends=(4, 24))
    days = steady(MONDAY, 16)
    for day, halves in days.items():
        if tax.covers(day):
            days[day] = {half: 2 * calls for half, calls in halves.items()}
    uplift = learn_uplifts(History(days), [tax])["tax"]
    # Ten days saw twice as many; the assumption that there are no more weighs as much as ten.
    assert uplift == pytest.approx(1.5)
    assert learn_uplifts(History(steady(MONDAY, 4)), [tax])["tax"] == 1.0
    ahead = Deadline("vote", "Voto", "Vote", 1.5, dates=((date(2026, 6, 22), date(2026, 6, 23)),))
    known = [tax, ahead]
    found = forecast(History(days), [date(2026, 6, 22), date(2026, 6, 24)], known)
    assert sum(found[date(2026, 6, 22)].values()) == pytest.approx(
        1.5 * sum(found[date(2026, 6, 24)].values())
    )


def test_seasons_come_again() -> None:
    """Last year July had half the calls of June; this year July is not there yet."""
    days = steady(date(2025, 5, 5), 8, calls=20) | steady(date(2025, 6, 30), 9, calls=10)
    days |= steady(date(2026, 4, 6), 13, calls=20)
    (halves,) = forecast(History(days), [date(2026, 7, 27)], ()).values()
    assert halves[18] < 14


def test_the_deadlines_of_the_file() -> None:
    known = {deadline.code: deadline for deadline in deadlines()}
    assert known["property_tax_june"].covers(date(2027, 6, 16))
    assert not known["property_tax_june"].covers(date(2027, 6, 17))
    assert not any(known["elections"].covers(date(2026, 1, 1) + timedelta(days=n)) for n in range(700))
    assert all(deadline.assumed >= 1 for deadline in known.values())


def test_it_beats_the_guess_that_all_is_as_last_week(request: pytest.FixtureRequest) -> None:
    """Back-tested on the demo year: much of it is chance (20 calls a day) that nobody can foresee."""
    engine = db.connect(f"sqlite:///{request.getfixturevalue('_town_file')}")
    with reading(db.sessions(engine)) as session:
        facts = town_facts(session, "+390200000100")
    engine.dispose()
    made = make_year(2026, facts, seed=1, until=datetime(2027, 1, 1, tzinfo=ROME))
    halves: defaultdict[date, Counter[int]] = defaultdict(Counter)
    for line in made.queue_lines:
        at, _, queue, _, event, *_ = line.split("|")
        if queue == "desk" and event == "ENTERQUEUE":
            local = datetime.fromtimestamp(int(at), ROME)
            halves[local.date()][local.hour * 2 + local.minute // 30] += 1
    history = History({day: dict(halves[day]) for day in Shape(2026, facts.hours).open_days})
    for weeks_ahead in (1, 4):
        ours, naive = back_test(history, first=date(2026, 3, 16), weeks_ahead=weeks_ahead)
        print(f"{weeks_ahead} weeks ahead: {ours}, naive {naive}")
        assert ours.days == naive.days > 180
        assert ours.wape < 0.92 * naive.wape
        assert ours.wape_half_hours < 0.85 * naive.wape_half_hours
        assert ours.wape < 0.30
    assert max(history.days) == date(2026, 12, 31)


@pytest.fixture
def winter(town: Sessions) -> Sessions:
    with reading(town) as session:
        facts = town_facts(session, "+390200000100")
    until = datetime(2026, 2, 6, 20, tzinfo=ROME)
    load_year(town, make_year(2026, facts, seed=1, until=until))
    rebuild(town, now=until, period=Period(date(2026, 1, 1), date(2026, 2, 6)))
    return town


def test_the_towns_own_rows(winter: Sessions) -> None:
    now = datetime(2026, 2, 7, 8, tzinfo=ROME)
    with reading(winter) as session:
        work = read_workload(session, now=now)
        stays = session.query(QueueStay).all()
    assert sum(map(work.history.volume, work.history.days)) == len(stays)
    talks = [s for s in stays if s.outcome is StayOutcome.ANSWERED]
    assert 120 < work.handling < 320
    waited = sum(
        ((s.answered_at or s.ended_at or s.entered_at) - s.entered_at).total_seconds() for s in stays
    )
    gave_up = sum(s.outcome is StayOutcome.ABANDONED for s in stays)
    assert len(talks) > 300
    if gave_up >= 20:
        assert work.patience == pytest.approx(waited / gave_up, rel=0.25)
    else:
        assert math.isinf(work.patience)
    # Five phones, one of them paused for a while now and then.
    assert 4.8 < work.logged_in < 5
    assert date(2026, 4, 6) not in work.open_days(date(2026, 4, 1), 2)
    assert date(2026, 4, 7) in work.open_days(date(2026, 4, 1), 2)


def test_nothing_recorded(sessions: Sessions, now: datetime) -> None:
    with reading(sessions) as session, pytest.raises(NothingRecorded):
        read_workload(session, now=now)


def test_the_command(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(request.getfixturevalue("_town_file"), tmp_path / "centralino.sqlite")
    monkeypatch.setenv("CENTRALINO_HOME", str(tmp_path))
    run = CliRunner()
    empty = run.invoke(main, ["report", "staffing"])
    assert (empty.exit_code, "no answered calls" in empty.output) == (1, True)
    engine = db.connect(f"sqlite:///{tmp_path / 'centralino.sqlite'}")
    sessions = db.sessions(engine)
    # Three weeks with twelve calls from ten o'clock on, each of five minutes.
    now = datetime.now(UTC)
    lines = []
    for day in range(1, 22):
        local = datetime.combine(now.astimezone(ROME).date() - timedelta(days=day), time(10), ROME)
        for number in range(12):
            at = int(local.timestamp()) + 120 * number
            for second, phone, event in (
                (0, "NONE", "ENTERQUEUE||+393331112201|1"),
                (5, "201", "CONNECT|5|x|4"),
                (305, "201", "COMPLETECALLER|5|300|1"),
            ):
                lines.append(read_queue_line(f"{at + second}|{day}.{number}|desk|{phone}|{event}"))
    with transaction(sessions) as session:
        keep_queue_lines(session, "queue_log", list(enumerate(lines)), now)
    rebuild(sessions, now=now)
    told = run.invoke(main, ["report", "staffing", "--operators", "3", "--shrinkage", "0"])
    engine.dispose()
    assert told.exit_code == 0, told.output
    assert "10:00" in told.output
    assert "Entro 20 s" in told.output
    english = run.invoke(main, ["report", "staffing", "--lang", "en", "--weeks", "2"])
    assert "Within 20 s" in english.output


def test_days_that_are_set_each_year_go_before_the_usual_ones() -> None:
    known = {deadline.code: deadline for deadline in deadlines()}
    schools = known["school_enrolments"]
    # Put off by a week in 2026, later in 2025; a year that nothing is known of has the usual days.
    for day, covered in (
        (date(2026, 2, 21), True),
        (date(2025, 1, 20), False),
        (date(2025, 1, 21), True),
        (date(2025, 2, 11), False),
        (date(2027, 1, 13), True),
        (date(2027, 2, 15), False),
    ):
        assert schools.covers(day) is covered, day
    assert not known["elections"].covers(date(2026, 6, 1))
