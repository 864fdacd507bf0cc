"""Opening hours, notices, phones and the queue in the console, and what a town reads of them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from call_routing.hours import OpeningHours
from desk.appointments import BookingOrder, book
from desk.db import Sessions, reading, transaction
from desk.demo import load_demo
from desk.models import Channel, Closure, Notice, Role, TownChange
from desk.settings import ROME, Settings
from desk.town import Town, read_town
from tests.conftest import DEMO_KEYRING
from tests.console.fixed import Clock
from tests.console.signing_in import an_operator, sign_in


@pytest.fixture
def town(sessions: Sessions, clock: Clock) -> Sessions:
    with transaction(sessions) as session:
        load_demo(session, DEMO_KEYRING, clock.now)
    return sessions


@pytest.fixture
def chief(client: FlaskClient, town: Sessions) -> FlaskClient:
    an_operator(town, "administration.with.a.long.log-in", Role.ADMIN)
    return sign_in(client, "administration.with.a.long.log-in")


def now_is(sessions: Sessions) -> Town:
    with reading(sessions) as session:
        return read_town(session)


def noted(sessions: Sessions) -> list[str]:
    with reading(sessions) as session:
        return list(session.scalars(select(TownChange.what).order_by(TownChange.id)))


def test_the_week_is_written_as_it_is_read(chief: FlaskClient, town: Sessions) -> None:
    page = chief.get("/console/hours").text
    assert "Aperto adesso" in page
    assert 'value="09:00-12:45, 16:00-19:45"' in page
    week = {f"weekday-{day}": "" for day in range(7)} | {"weekday-0": "8.30-12:00; 14:00 – 18:00"}
    for wrong in ("9-12", "12:00-09:00", "09:00-12:00, 11:00-13:00", "25:00-26:00"):
        answer = chief.post("/console/hours/week", data={**week, "weekday-1": wrong})
        assert answer.status_code == 400
        assert "weekday-1-error" in answer.text
    assert noted(town) == []
    for _ in range(2):
        assert chief.post("/console/hours/week", data=week).status_code == 303
    assert [(row.weekday, row.opens, row.closes) for row in now_is(town).opening_hours] == [
        (0, time(8, 30), time(12)),
        (0, time(14), time(18)),
    ]
    assert noted(town) == ["opening_hours"]


def test_a_closure_says_whom_it_strands_of_whatever_office(
    chief: FlaskClient, town: Sessions, clock: Clock
) -> None:
    starts = datetime(2026, 11, 25, 10, 0, tzinfo=ROME)
    with transaction(town) as session:
        order = BookingOrder(
            service="identity_card",
            starts_at=starts,
            holder="h",
            citizen_id=1,
            contact_e164="+393331112201",
            channel=Channel.COUNTER,
        )
        reference = book(session, order, now=clock.now).reference
    form = {"day": "2026-11-24", "until": "2026-11-25", "kind": "closed", "reason_it": "Sciopero"}
    asked = chief.post("/console/hours/days", data=form)
    assert asked.status_code == 409
    assert reference in asked.text
    with reading(town) as session:
        assert session.scalars(select(Closure)).all() == []
    assert chief.post("/console/hours/days", data={**form, "accepted": "yes"}).status_code == 303
    hours = OpeningHours.of(now_is(town))
    assert hours.day(date(2026, 11, 24)) == hours.day(date(2026, 11, 25)) == ()

    # A half day takes the place of the closure.
    half = {"day": "2026-11-25", "kind": "open", "spans": "9:00-11:00", "reason_it": "Mezza giornata"}
    assert chief.post("/console/hours/days", data=half).status_code == 303
    assert len(OpeningHours.of(now_is(town)).day(date(2026, 11, 25))) == 1
    assert chief.post("/console/hours/days/remove", data={"day": "2026-11-25"}).status_code == 303
    assert len(OpeningHours.of(now_is(town)).day(date(2026, 11, 25))) == 1
    assert chief.post("/console/hours/days/remove", data={"day": "2026-11-25"}).status_code == 404
    for wrong in (
        {"day": "2026-11-22"},
        {"day": "someday"},
        {"day": "2026-12-01", "until": "2026-11-30"},
        {"day": "2026-12-01", "kind": "open", "spans": ""},
    ):
        answer = chief.post("/console/hours/days", data={**form, "until": "", **wrong})
        assert answer.status_code == 400, wrong


def test_the_desk_is_closed_and_opened_by_hand(chief: FlaskClient, town: Sessions, clock: Clock) -> None:
    assert chief.post("/console/hours/override", data={"state": "closed"}).status_code == 303
    hours = OpeningHours.of(now_is(town))
    assert not hours.is_open(clock.now)
    assert hours.is_open(datetime(2026, 11, 23, 16, 30, tzinfo=ROME))
    past = chief.post("/console/hours/override", data={"state": "open", "until": "09:30"})
    assert past.status_code == 400
    later = {"state": "open", "until": "14:15"}
    assert chief.post("/console/hours/override", data=later).status_code == 303
    assert "Aperto a mano fino al 23/11/2026 14:15" in chief.get("/console/hours").text
    assert OpeningHours.of(now_is(town)).is_open(datetime(2026, 11, 23, 14, 0, tzinfo=ROME))
    assert chief.post("/console/hours/override/end").status_code == 303
    assert now_is(town).override is None
    assert noted(town) == ["overrides"] * 3


def test_a_notice_is_set_and_ended(
    chief: FlaskClient, town: Sessions, settings: Settings, clock: Clock
) -> None:
    form = {"text_it": "Acqua non potabile.", "until_day": "2026-11-23", "until_time": "18:00"}
    for wrong in ({"text_it": " "}, {"until_time": "09:00"}, {"text_en": "x" * 351}):
        assert chief.post("/console/notices", data={**form, **wrong}).status_code == 400
    assert chief.post("/console/notices", data=form).status_code == 303
    with reading(town) as session:
        notice = session.scalars(select(Notice)).one()
    assert notice.expires_at == clock.now + timedelta(hours=8)
    page = chief.get("/console/notices").text
    assert "Acqua non potabile." in page
    assert "<audio" not in page
    sound = settings.home / "notices" / f"{notice.id}-it.wav"
    sound.parent.mkdir()
    sound.write_bytes(b"RIFF")
    assert "<audio" in chief.get("/console/notices").text
    with chief.get(f"/console/notices/{notice.id}/it.wav") as heard:
        assert heard.data == b"RIFF"
    assert chief.get(f"/console/notices/{notice.id}/fr.wav").status_code == 404
    assert chief.post("/console/notices/clear").status_code == 303
    assert "Nessun avviso in vigore" in chief.get("/console/notices").text


def test_phones_and_lines_are_changed_and_never_all_removed(chief: FlaskClient, town: Sessions) -> None:
    new = {"extension": "105", "label": "Sportello 5", "tier": "counter", "ring_seconds": "25"}
    assert chief.post("/console/phones", data=new).status_code == 303
    assert chief.post("/console/phones", data=new).status_code == 400
    for wrong in ({"extension": "1a"}, {"ring_seconds": "4"}, {"tier": "roof"}, {"label": ""}):
        assert chief.post("/console/phones", data={**new, "extension": "106", **wrong}).status_code == 400
    change = {"label": "Quinto", "tier": "back_office", "ring_seconds": "30", "may_override": "yes"}
    assert chief.post("/console/phones/105", data=change).status_code == 303
    phone = next(phone for phone in now_is(town).phones if phone.extension == "105")
    assert (phone.label, phone.tier, phone.ring_seconds, phone.may_override) == (
        "Quinto",
        "back_office",
        30,
        True,
    )
    line = {"number": "02 0000 0305", "office": "Tributi", "extensions": "105, 301", "fallback": "yes"}
    assert chief.post("/console/phones/lines", data={**line, "extensions": "999"}).status_code == 400
    assert chief.post("/console/phones/lines", data=line).status_code == 303
    assert chief.post("/console/phones/105/remove").status_code == 409
    assert chief.post("/console/phones/lines", data={**line, "extensions": "301"}).status_code == 303
    (tributi,) = (each for each in now_is(town).direct_lines if each.office == "Tributi")
    assert tributi.extensions == ("301",)
    for extension in ("105", "101", "102", "103", "104"):
        assert chief.post(f"/console/phones/{extension}/remove").status_code == 303
    assert chief.post("/console/phones/201/remove").status_code == 409
    assert chief.post("/console/phones/lines/remove", data={"number": tributi.e164}).status_code == 303
    assert chief.post("/console/phones/lines/remove", data={"number": tributi.e164}).status_code == 404


def test_the_rules_of_the_queue_are_checked_and_noted(chief: FlaskClient, town: Sessions) -> None:
    rules = {
        "wrap_up_seconds": "20",
        "announce_seconds": "30",
        "call_back_after_seconds": "90",
        "longest_wait_seconds": "600",
        "same_operator_days": "0",
        "short_abandon_seconds": "5",
        "recordings_days": "30",
        "survey": "yes",
    }
    for wrong in ({"call_back_after_seconds": "600"}, {"announce_seconds": "5"}, {"recordings_days": ""}):
        assert chief.post("/console/routing", data={**rules, **wrong}).status_code == 400
    assert chief.post("/console/routing", data=rules).status_code == 303
    routing = now_is(town).routing
    assert (routing.wrap_up_seconds, routing.longest_wait_seconds, routing.survey) == (20, 600, True)
    with reading(town) as session:
        change = session.scalars(select(TownChange)).one()
    assert change.after
    assert change.after["wrap_up_seconds"] == 20
    assert "record_calls" not in change.after
