"""The demo year: as the town's report has it, the same for the same seed, and gone without a trace."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import phonenumbers
import pytest
from click.testing import CliRunner
from sqlalchemy import select

from desk import db
from desk.audit import AuditAction
from desk.call_records import close_calls
from desk.cli import main
from desk.counter_requests import SERVICES
from desk.db import Sessions, reading, transaction
from desk.demo.loading import NotTheDemoTown, ThereAlready, load_year, remove_years, town_facts
from desk.demo.rows import DemoYear, TownFacts
from desk.demo.shape import Shape, figures
from desk.demo.year import NUMBERS, make_year
from desk.ingest import LEGS, QUEUE_LOG, take_in
from desk.lost_calls import note_lost_calls
from desk.models import (
    Audit,
    Base,
    CallLeg,
    Channel,
    Citizen,
    MessageState,
    QueueEvent,
    QueueStay,
    Request,
    RequestKind,
    RequestState,
)
from desk.phone_numbers import is_mobile, to_call_back, to_e164
from desk.queue_history import rebuild_stays, settle_stays
from desk.requests import change_state
from desk.settings import ROME, Settings
from ivr.walk import nodes_in_source
from tests.desk.conftest import NOW

LINE = "+390200000100"
WHOLE = datetime(2027, 1, 1, tzinfo=ROME)
WINTER = datetime(2026, 1, 31, 12, tzinfo=ROME)


@pytest.fixture(scope="module")
def facts(request: pytest.FixtureRequest) -> Iterator[TownFacts]:
    engine = db.connect(f"sqlite:///{request.getfixturevalue('_town_file')}")
    with reading(db.sessions(engine)) as session:
        yield town_facts(session, LINE)
    engine.dispose()


@pytest.fixture(scope="module")
def year(facts: TownFacts) -> DemoYear:
    return make_year(2026, facts, seed=1, until=WHOLE)


@pytest.fixture(scope="module")
def winter(facts: TownFacts) -> DemoYear:
    return make_year(2026, facts, seed=1, until=WINTER)


def everything(sessions: Sessions) -> dict[str, list[tuple[Any, ...]]]:
    """All rows, but how far the sums have looked."""
    with reading(sessions) as session:
        return {
            name: sorted(tuple(map(repr, row)) for row in session.execute(select(table)))
            for name, table in Base.metadata.tables.items()
            if name != "figures_reached"
        }


def rome(at: datetime) -> datetime:
    return at.astimezone(ROME)


def test_the_same_seed_gives_the_same_year(facts: TownFacts, winter: DemoYear) -> None:
    assert make_year(2026, facts, seed=1, until=WINTER) == winter
    assert make_year(2026, facts, seed=2, until=WINTER).calls != winter.calls


def test_what_is_not_over_is_the_beginning_of_the_whole(year: DemoYear, winter: DemoYear) -> None:
    for one, whole in ((winter.calls, year.calls), (winter.visits, year.visits)):
        assert one == whole[: len(one)]
        assert len(one) < len(whole)
    assert winter.queue_lines == year.queue_lines[: len(winter.queue_lines)]
    filed = {row["idempotency_key"]: row for row in year.requests}
    for row in winter.requests:
        # What became of it may come later.
        assert {**row, "state": None, "details": None} == {
            **filed[row["idempotency_key"]],
            "state": None,
            "details": None,
        }
    for name in ("calls", "visits", "requests", "periods", "messages", "lost_calls", "consents", "bookings"):
        for row in getattr(winter, name):
            assert all(
                value < WINTER
                for key, value in row.items()
                if isinstance(value, datetime) and key not in ("ends_at",)
            ), row


def test_visitors_are_those_of_the_report(year: DemoYear) -> None:
    assert len(year.visits) == pytest.approx(400 * 365 / 7, rel=0.02)
    shares = Counter(row["category_code"] for row in year.visits)
    for entry in figures()["flow"]:
        share = 100 * shares[entry["category"]] / len(year.visits)
        # Property tax and courses have more of them near their deadlines.
        assert share == pytest.approx(entry["percent"], abs=1.0), entry["category"]
    june = Counter(row["category_code"] for row in year.visits if rome(row["at"]).month == 6)
    march = Counter(row["category_code"] for row in year.visits if rome(row["at"]).month == 3)
    assert june["property_tax"] > 1.5 * march["property_tax"]


def test_calls_are_those_of_the_report(year: DemoYear, facts: TownFacts) -> None:
    shape = Shape(2026, facts.hours)
    open_days = set(shape.open_days)

    def is_open(at: datetime) -> bool:
        return any(begins <= at < ends for begins, ends in shape.spans(rome(at).date()))

    by_day = [rome(row["started_at"]) for row in year.calls if is_open(row["started_at"])]
    # Some call again after they gave up.
    assert len(by_day) / len(open_days) == pytest.approx(30, rel=0.06)
    mornings = Counter(at.hour * 2 + at.minute // 30 for at in by_day if at.weekday() in (1, 3, 4))
    peak = sum(mornings[half] for half in range(18, 23))
    assert peak / sum(mornings.values()) > 0.8
    afternoons = Counter(at.hour * 2 + at.minute // 30 for at in by_day if at.weekday() in (0, 2))
    assert min(afternoons[half] for half in range(33, 38)) > max(
        afternoons[half] for half in (26, 28, 38, 39)
    )


def test_registrations_peak_in_september_and_october(year: DemoYear) -> None:
    months = Counter(rome(row["registered_at"]).month for row in year.citizens)
    assert len(year.citizens) == pytest.approx(222, abs=4)
    assert {month for month, _ in months.most_common(2)} == {9, 10}
    assert (months[9] + months[10]) / len(year.citizens) == pytest.approx(0.38, abs=0.02)


def test_all_channels_and_outcomes_are_there(year: DemoYear) -> None:
    assert {row["channel"] for row in year.requests} == set(Channel)
    # What the counter does at once is counted as a visit.
    assert {row["kind"] for row in year.requests} == set(RequestKind) - set(SERVICES)
    assert {RequestState.DONE, RequestState.REJECTED} <= {row["state"] for row in year.requests}
    assert {row["came"] for row in year.bookings} == {True, False, None}
    assert {row["step"] for row in year.booking_changes} == {"booked", "moved", "cancelled"}
    events = Counter(line.split("|")[4] for line in year.queue_lines)
    assert set(events) >= {
        "ENTERQUEUE",
        "CONNECT",
        "RINGNOANSWER",
        "COMPLETECALLER",
        "COMPLETEAGENT",
        "BLINDTRANSFER",
        "ABANDON",
        "EXITWITHTIMEOUT",
        "PAUSE",
        "UNPAUSE",
    }
    due = {row["idempotency_key"]: row["due_on"] for row in year.requests}
    done = [row for row in year.periods if row["state"] is RequestState.DONE]
    late = sum(rome(row["started_at"]).date() > due[row["request"]] for row in done)
    assert 0 < late < 0.25 * len(year.requests)


def test_callers_go_where_the_dialogs_are(year: DemoYear) -> None:
    assert {row["node"] for row in year.call_events} <= nodes_in_source()


def test_nobody_can_be_called_or_texted(year: DemoYear) -> None:
    numbers = {row["contact_e164"] for row in year.requests} | {row["e164"] for row in year.phone_numbers}
    numbers |= {row["caller_e164"] for row in year.calls}
    for number in filter(None, numbers):
        assert number.startswith(NUMBERS)
        assert to_e164(number) == number
        assert not phonenumbers.is_valid_number(phonenumbers.parse(number))
        assert not is_mobile(number)
        assert to_call_back(number) is None
    assert MessageState.CREATED not in {row["state"] for row in year.messages}
    assert MessageState.SENT not in {row["state"] for row in year.messages}


def recorded(sessions: Sessions) -> list[list[str]]:
    """Stays, lines of the queue and legs, but for what tells the files apart."""
    found = []
    for model, own in ((QueueStay, {"id"}), (QueueEvent, {"id", "source"}), (CallLeg, {"id", "source"})):
        columns = [column for column in model.__table__.columns if column.name not in own]
        with reading(sessions) as session:
            found.append(sorted(map(repr, session.execute(select(*columns)))))
    return found


def test_it_is_what_the_worker_makes_of_the_same_lines(
    town: Sessions, winter: DemoYear, tmp_path: Path
) -> None:
    load_year(town, winter)
    loaded = recorded(town)
    assert all(loaded)
    remove_years(town)
    home = Settings(home=tmp_path)
    (home.asterisk_log / "cdr-custom").mkdir(parents=True)
    for record, lines in ((QUEUE_LOG, winter.queue_lines), (LEGS, winter.leg_lines)):
        (home.asterisk_log / record.path).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    taken = take_in(town, home, now=WINTER)
    assert (taken.lines, taken.broken) == (len(winter.queue_lines) + len(winter.leg_lines), 0)
    assert recorded(town) == loaded


def test_the_worker_has_nothing_to_do_for_it(town: Sessions, winter: DemoYear) -> None:
    load_year(town, winter)
    before = everything(town)
    with transaction(town) as session:
        assert note_lost_calls(session, now=WINTER) == 0
        assert close_calls(session, now=WINTER) == 0
        settle_stays(session, now=WINTER)
    assert everything(town) == before
    with transaction(town) as session:
        rebuild_stays(session, now=WINTER)
    assert everything(town) == before


def test_removing_it_leaves_the_rest_as_it_was(town: Sessions, winter: DemoYear) -> None:
    with transaction(town) as session:
        session.add(Audit(at=NOW, by="anna", action=AuditAction.SEARCHED, detail="kept"))
    before = everything(town)
    counts = load_year(town, winter)
    assert all(counts.values())
    assert sum(map(len, everything(town).values())) == sum(map(len, before.values())) + sum(counts.values())
    with pytest.raises(ThereAlready):
        load_year(town, winter)
    # Somebody tried the demo: looked at a citizen, and worked on a request.
    with transaction(town) as session:
        citizen = session.scalars(
            select(Citizen).where(Citizen.address.contains("demo-year-")).limit(1)
        ).one()
        request = session.scalars(
            select(Request).where(Request.state == RequestState.RECEIVED).limit(1)
        ).one()
        change_state(session, request, RequestState.IN_PROGRESS, by="anna", now=NOW)
        session.add(
            Audit(
                at=NOW,
                by="anna",
                action=AuditAction.VIEWED,
                citizen_id=citizen.id,
                request_id=request.id,
                detail="tried",
            )
        )
    remove_years(town)
    after = everything(town)
    (tried,) = [row for row in after["audit"] if row not in before["audit"]]
    after["audit"].remove(tried)
    assert after == before
    with reading(town) as session:
        row = session.scalars(select(Audit).where(Audit.detail == "tried")).one()
        assert (row.citizen_id, row.request_id) == (None, None)


def test_a_town_that_is_no_demo(sessions: Sessions) -> None:
    with reading(sessions) as session, pytest.raises(NotTheDemoTown, match="opening hours"):
        town_facts(session, LINE)


def test_the_command(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(request.getfixturevalue("_town_file"), tmp_path / "centralino.sqlite")
    monkeypatch.setenv("CENTRALINO_HOME", str(tmp_path))
    engine = db.connect(f"sqlite:///{tmp_path / 'centralino.sqlite'}")
    before = everything(db.sessions(engine))
    run = CliRunner()
    began = time.process_time()
    made = run.invoke(main, ["demo", "--year", "2025"])
    assert made.exit_code == 0, made.output
    # A whole year; the present one would end today.
    assert time.process_time() - began < 30
    rows = {line.split()[0]: int(line.split()[1]) for line in made.output.splitlines()}
    assert rows["calls"] > 7000
    assert rows["counter_visits"] > 19_000
    again = run.invoke(main, ["demo", "--year", "2025"])
    assert again.exit_code == 1
    assert "--remove" in again.output
    assert run.invoke(main, ["demo", "--year", "2025", "--remove"]).exit_code == 2
    assert run.invoke(main, ["demo", "--remove"]).exit_code == 0
    assert everything(db.sessions(engine)) == before
    engine.dispose()
