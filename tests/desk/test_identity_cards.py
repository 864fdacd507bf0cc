"""Identity cards: the rules as the laws have them, and waves of notices no larger than the free slots."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from desk import db
from desk.appointments import BookingOrder, book, free_slots
from desk.citizens import citizens_with_number
from desk.identity_card_rules import NoRule, expiry, is_for_travel, renewable_from, rules, validity_in_short
from desk.identity_cards import (
    APPOINTMENTS_KEY,
    SERVICE,
    STILL_TO_BOOK,
    notify_holders,
    register_card,
    stage_of,
)
from desk.models import (
    AppointmentService,
    DocumentKind,
    DocumentNotice,
    IdentityDocument,
    Message,
    MessageState,
    NoticeStage,
    SlotPattern,
)
from desk.settings import ROME
from ivr.switchboard import switchboard
from tests.desk.sending import agree
from tests.ivr.doubles import DecidedDesk, converse

TOWN = "+390200000100"
ELECTRONIC, PAPER = DocumentKind.ELECTRONIC, DocumentKind.PAPER
#: Three citizens of the demo town, each with a mobile of their own; a landline that a family shares.
GIULIA, LUCA, ELENA, LANDLINE = "+393331112201", "+393331112203", "+393331112205", "+39029090101"


@pytest.fixture
def town(town: db.Sessions) -> db.Sessions:
    """The demo town without the demo's cards."""
    with db.transaction(town) as session:
        session.execute(delete(IdentityDocument))
    return town


births = st.dates(date(1920, 1, 1), date(2026, 1, 1))
issues = st.dates(date(2012, 2, 10), date(2030, 12, 31))


@pytest.mark.parametrize(
    ("issued", "born", "last"),
    [
        # Ten years and until the next birthday.
        ("2020-05-10", "1980-03-15", "2031-03-15"),
        ("2020-02-10", "1980-03-15", "2030-03-15"),
        # On the birthday itself.
        ("2020-03-15", "1980-03-15", "2030-03-15"),
        # 17, 3 and 2 years old.
        ("2020-03-14", "2002-03-15", "2025-03-15"),
        ("2020-03-15", "2017-03-15", "2025-03-15"),
        ("2020-03-14", "2017-03-15", "2023-03-15"),
        # The day of the majority.
        ("2020-03-15", "2002-03-15", "2030-03-15"),
        # 29 February.
        ("2020-02-29", "1992-02-29", "2030-02-28"),
        ("2021-06-01", "1992-02-29", "2032-02-29"),
        # Before the birthday rule, and before the rules for children.
        ("2012-02-09", "1980-03-15", "2022-02-09"),
        ("2010-01-01", "2005-01-01", "2020-01-01"),
        # From 70 on: before and since 30 July 2026, and the day before the birthday.
        ("2026-07-29", "1950-03-15", "2036-03-15"),
        ("2026-07-30", "1950-03-15", "2077-03-15"),
        ("2026-11-23", "1956-11-24", "2035-11-24"),
        # No more than ten years since 19 September 2022, for adults.
        ("2022-09-18", "1988-03-15", "2033-03-15"),
        ("2022-09-19", "1988-03-15", "2032-03-15"),
        ("2023-03-15", "1988-03-15", "2033-03-15"),
        ("2023-03-14", "2010-03-15", "2028-03-15"),
    ],
)
def test_the_last_day_of_a_card(issued: str, born: str, last: str) -> None:
    assert expiry(date.fromisoformat(issued), date.fromisoformat(born)) == date.fromisoformat(last)


@pytest.mark.parametrize(
    ("day", "italian", "english"),
    [
        (
            date(2026, 7, 29),
            "10 anni dai 18 anni, 5 dai 3, 3 sotto i 3",
            "10 years from age 18, 5 from 3, 3 below 3",
        ),
        (
            date(2026, 7, 30),
            "50 anni dai 70 anni, 10 dai 18, 5 dai 3, 3 sotto i 3",
            "50 years from age 70, 10 from 18, 5 from 3, 3 below 3",
        ),
    ],
)
def test_a_message_says_what_is_in_force_on_its_day(day: date, italian: str, english: str) -> None:
    assert (validity_in_short(day, "it"), validity_in_short(day, "en")) == (italian, english)


def test_without_a_rule_nothing_is_guessed() -> None:
    with pytest.raises(NoRule):
        expiry(date(2008, 1, 1), date(1980, 1, 1))
    with pytest.raises(NoRule):
        expiry(date(2020, 1, 1), date(2020, 1, 2))


def test_every_rule_names_its_source() -> None:
    assert all(rule.source and rule.checked for rule in rules().issue)
    assert rules().renewable_days == 180
    assert rules().no_travel_from == date(2026, 8, 3)


@given(births, issues)
def test_a_card_expires_on_a_birthday_within_a_year_of_its_years(born: date, issued: date) -> None:
    assume(born <= issued)
    last = expiry(issued, born)
    assert (last.month, last.day) == (born.month, born.day) or (born.month, born.day) == (2, 29)
    eighteenth = born.replace(year=born.year + 18, day=min(born.day, 28) if born.month == 2 else born.day)
    third = born.replace(year=born.year + 3, day=min(born.day, 28) if born.month == 2 else born.day)
    years = 10 if issued >= eighteenth else 5 if issued >= third else 3
    seventieth = born.replace(year=born.year + 70, day=min(born.day, 28) if born.month == 2 else born.day)
    if issued >= max(seventieth, date(2026, 7, 30)):
        years = 50
    over = timedelta(days=365 * years)
    if years == 10 and issued >= date(2022, 9, 19):
        assert over - timedelta(days=366) <= last - issued <= over + timedelta(days=3)
    else:
        assert over <= last - issued <= timedelta(days=366 * (years + 1))


@given(births, issues, issues)
def test_a_card_that_is_issued_later_is_not_valid_for_less(born: date, first: date, second: date) -> None:
    assume(born <= first <= second)
    # But for the day on which the ten years became the most.
    assume((first >= date(2022, 9, 19)) == (second >= date(2022, 9, 19)))
    assert expiry(first, born) <= expiry(second, born)


@given(st.sampled_from(DocumentKind), issues, st.dates(date(2024, 1, 1), date(2032, 1, 1)))
def test_stages_follow_each_other_and_end(kind: DocumentKind, last: date, day: date) -> None:
    stage, later = stage_of(kind, last, day), stage_of(kind, last, day + timedelta(days=1))
    order = [None, NoticeStage.RENEWABLE, NoticeStage.PAPER, NoticeStage.EXPIRING]
    if day >= last:
        assert later is None
    else:
        assert order.index(later) >= order.index(stage)
    if stage is NoticeStage.RENEWABLE:
        assert day >= renewable_from(last)
    assert (stage is NoticeStage.PAPER) <= (kind is PAPER)


def test_paper_is_not_for_travel_from_3_august_2026() -> None:
    last = date(2030, 1, 1)
    assert is_for_travel(PAPER, last, date(2026, 8, 2))
    assert not is_for_travel(PAPER, last, date(2026, 8, 3))
    assert is_for_travel(ELECTRONIC, last, date(2026, 8, 3))
    assert not is_for_travel(ELECTRONIC, last, last + timedelta(days=1))


def a_card(
    sessions: db.Sessions,
    number: str,
    last: date,
    kind: DocumentKind = ELECTRONIC,
    issued: date | None = None,
) -> int:
    with db.transaction(sessions) as session:
        document = IdentityDocument(
            citizen_id=citizens_with_number(session, number)[0].id,
            kind=kind,
            issued_on=issued or last - timedelta(days=3650),
            expires_on=last,
        )
        session.add(document)
        session.flush()
        return document.id


def notify(sessions: db.Sessions, now: datetime) -> int:
    with db.transaction(sessions) as session:
        return notify_holders(session, town_number=TOWN, now=now)


def told(sessions: db.Sessions) -> list[tuple[str, str]]:
    with db.reading(sessions) as session:
        found = session.execute(
            select(Message.to_e164, Message.template)
            .join(DocumentNotice, DocumentNotice.message_id == Message.id)
            .order_by(DocumentNotice.id)
        )
        return [(to, template) for to, template in found]


def test_who_is_told_what(town: db.Sessions, now: datetime) -> None:
    today = now.date()
    agree(town, now, GIULIA, LUCA, ELENA)
    a_card(town, GIULIA, today + timedelta(days=180))
    a_card(town, LUCA, today + timedelta(days=10))
    a_card(town, ELENA, today + timedelta(days=900), PAPER)
    assert notify(town, now) == 3
    # The most urgent first.
    assert told(town) == [(LUCA, "card_expiring"), (ELENA, "card_paper"), (GIULIA, "card_renewable")]
    with db.reading(town) as session:
        bodies = session.scalars(select(Message.body)).all()
    assert all("02 0000 0100" in body and f"tasto {APPOINTMENTS_KEY}" in body for body in bodies)
    assert any("03/08/2026" in body for body in bodies)


def test_each_is_told_once_at_each_stage(town: db.Sessions, now: datetime) -> None:
    agree(town, now, GIULIA)
    a_card(town, GIULIA, now.date() + timedelta(days=100))
    assert [notify(town, now + timedelta(days=day)) for day in range(4)] == [1, 0, 0, 0]
    assert notify(town, now + timedelta(days=80)) == 1
    assert notify(town, now + timedelta(days=81)) == 0
    assert [template for _, template in told(town)] == ["card_renewable", "card_expiring"]


@pytest.mark.parametrize("why", ["no consent", "too early", "expired", "replaced", "has an appointment"])
def test_who_is_not_told(town: db.Sessions, now: datetime, why: str) -> None:
    today = now.date()
    if why != "no consent":
        agree(town, now, GIULIA)
    days = {"too early": 181, "expired": -1}.get(why, 20)
    a_card(town, GIULIA, today + timedelta(days=days))
    if why == "replaced":
        a_card(town, GIULIA, today + timedelta(days=3000), issued=today)
    if why == "has an appointment":
        with db.transaction(town) as session:
            citizen = citizens_with_number(session, GIULIA)[0].id
            slot = free_slots(session, SERVICE, now=now, limit=1)[0]
            book(
                session,
                BookingOrder(service=SERVICE, starts_at=slot.starts, holder="h", citizen_id=citizen),
                now=now,
            )
    assert notify(town, now) == 0


def test_a_landline_is_told_by_voice(town: db.Sessions, now: datetime) -> None:
    agree(town, now, LANDLINE)
    a_card(town, LANDLINE, now.date() + timedelta(days=20))
    with db.transaction(town) as session:
        # The family's mobile did not agree; the landline did.
        notify_holders(session, town_number=TOWN, now=now)
        assert session.scalars(select(Message.state)).all() == [MessageState.VOICE_NOTICE]


def test_a_wave_is_no_larger_than_the_free_slots(town: db.Sessions, now: datetime) -> None:
    today = now.astimezone(ROME).date()
    agree(town, now, GIULIA, LUCA, ELENA)
    for number, days in ((GIULIA, 25), (LUCA, 10), (ELENA, 20)):
        a_card(town, number, today + timedelta(days=days))
    with db.transaction(town) as session:
        # Two places in all: one slot of two citizens, one day of the horizon.
        pattern = session.scalars(select(SlotPattern).where(SlotPattern.service_code == SERVICE)).first()
        assert pattern is not None
        session.execute(
            update(AppointmentService)
            .where(AppointmentService.code == SERVICE)
            .values(horizon_days=6, notice_hours=48)
        )
        for other in session.scalars(select(SlotPattern).where(SlotPattern.service_code == SERVICE)):
            if other is not pattern:
                session.delete(other)
        pattern.weekday, pattern.begins, pattern.ends = (
            3,
            datetime.min.time().replace(hour=9),
            datetime.min.time().replace(hour=9, minute=20),
        )
    with db.reading(town) as session:
        assert sum(slot.places for slot in free_slots(session, SERVICE, now=now, limit=99)) == 2
    assert notify(town, now) == 2
    assert [to for to, _ in told(town)] == [LUCA, ELENA]
    # They may still book: no place is left for the third.
    assert notify(town, now + timedelta(hours=1)) == 0
    assert notify(town, now + STILL_TO_BOOK + timedelta(hours=1)) == 1


def test_a_new_card_is_valid_as_the_rules_say(town: db.Sessions, now: datetime) -> None:
    agree(town, now, GIULIA)
    with db.transaction(town) as session:
        # Born on 15 March 1980.
        giulia = citizens_with_number(session, GIULIA)[0]
        old = register_card(session, giulia, kind=PAPER, issued_on=date(2016, 6, 1))
        assert old.expires_on == date(2027, 3, 15)
    assert notify(town, now) == 1
    with db.transaction(town) as session:
        new = register_card(session, giulia, kind=ELECTRONIC, issued_on=now.date())
        assert new.expires_on == date(2036, 3, 15)
    assert notify(town, now + timedelta(days=100)) == 0


def test_the_key_in_the_text_leads_to_the_appointments() -> None:
    desk = DecidedDesk(lambda _, possible: possible[0])
    # From there to a person, which ends the call.
    _, line, _ = converse(switchboard(desk), [APPOINTMENTS_KEY, "0"])
    assert "appointments.own" in line.heard
