"""The dialog of rooms, caller by caller, and the day as it is typed."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.conversation import Outcome
from ivr.ports import Filed, Spooled
from ivr.rooms import Part, Purpose, RoomWish, Standing, Unsuitable, parse_day, parse_people, rooms
from ivr.steps import prompt
from tests.ivr.answering import desk
from tests.ivr.decided_rooms import DUE, REFERENCE
from tests.ivr.doubles import CITIZEN, DecidedDesk, Script, converse

BORN = "15031980"
MARRIAGE, CONFERENCE = "1", "2"
MORNING, EVENING, ANOTHER_DAY = "1", "3", "4"
TODAY = date(2026, 11, 24)


def call(town: DecidedDesk, *keys: str) -> Script:
    """A caller who presses these and is through with it."""
    ending, line, _ = converse(rooms(town), [key for group in keys for key in group])
    assert ending.outcome is Outcome.DONE
    return line


def stands(morning: Standing, afternoon: Standing, evening: Standing) -> dict[Part, Standing]:
    return dict(zip(Part, (morning, afternoon, evening), strict=True))


def test_a_room_for_a_conference() -> None:
    town = desk()
    line = call(town, CONFERENCE, "80#", "1", "1212#", EVENING, BORN, "1")
    wish = RoomWish(Purpose.CONFERENCE, 80, "conference_hall", date(2026, 12, 12), Part.EVENING)
    assert town.rooms.asked == [(wish, CITIZEN, True)]
    told = prompt("certificate.reference", ref=REFERENCE)
    assert line.prompts.count(told) == 2
    assert prompt("rooms.answer", day=DUE) in line.prompts
    assert line.heard[-1] == "certificate.sms_sent"
    read_back = line.heard[line.heard.index("rooms.confirm.intro") :]
    assert read_back[1:6] == [
        "rooms.name.conference_hall",
        "rooms.read_back.conference",
        "rooms.read_back.people",
        "rooms.read_back.day",
        "rooms.read_back.evening",
    ]


def test_a_marriage_asks_for_no_number_of_people_and_the_only_room_is_not_chosen() -> None:
    town = desk()
    line = call(town, MARRIAGE, "25122026", MORNING, BORN, "1")
    assert town.rooms.asked[0][0] == RoomWish(
        Purpose.MARRIAGE, None, "wedding_hall", date(2026, 12, 25), Part.MORNING
    )
    assert "rooms.people" not in line.heard
    assert "rooms.read_back.people" not in line.heard


def test_how_each_part_of_the_day_stands_is_told() -> None:
    standing = stands(Standing.TAKEN, Standing.ASKED, Standing.FREE)
    town = desk(standing=standing)
    line = call(town, CONFERENCE, "80#", "1", "1212#", "2", BORN, "1")
    parts = [key for key in line.heard if key.startswith("rooms.part.")]
    assert parts == ["rooms.part.morning.taken", "rooms.part.afternoon.asked", "rooms.part.evening.free"]
    assert town.rooms.asked[0][0].part is Part.AFTERNOON


def test_what_is_taken_has_no_key() -> None:
    standing = stands(Standing.TAKEN, Standing.FREE, Standing.FREE)
    line = call(desk(standing=standing), CONFERENCE, "80#", "1", "1212#", MORNING, EVENING, BORN, "1")
    assert "again.wrong" in line.heard


def test_a_day_on_which_all_is_taken_leads_to_another_one() -> None:
    town = desk(standing=dict.fromkeys(Part, Standing.TAKEN))
    call(town, CONFERENCE, "80#", "1", "1212#", ANOTHER_DAY, "1312#", MORNING, BORN, "1")
    assert town.rooms.asked[0][0].day == date(2026, 12, 13)


@pytest.mark.parametrize("why", Unsuitable)
def test_a_day_that_cannot_be_asked_for_is_told_and_asked_again(why: Unsuitable) -> None:
    town = desk(unsuitable=why)
    line = call(town, CONFERENCE, "80#", "1", "0812#", "0912#", MORNING, BORN, "1")
    assert f"rooms.unsuitable.{why}" in line.heard
    assert town.rooms.asked[0][0].day == date(2026, 12, 9)


def test_hash_goes_back() -> None:
    town = desk()
    line = call(town, CONFERENCE, "#", CONFERENCE, "80#", "1", "#", MARRIAGE, "2512#", MORNING, BORN, "1")
    assert line.heard.count("rooms.intro") == 3
    assert town.rooms.asked[0][0].purpose is Purpose.MARRIAGE


def test_more_people_than_any_room_holds() -> None:
    line = call(desk(rooms=[()]), CONFERENCE, "900", "80#", "1", "1212#", MORNING, BORN, "1")
    assert prompt("rooms.too_many", people=120) in line.prompts


def test_who_changes_the_answers_is_not_identified_again() -> None:
    town = desk()
    line = call(town, MARRIAGE, "2512#", MORNING, BORN, "2", CONFERENCE, "80#", "1", "1212#", MORNING, "1")
    assert line.heard.count("identify.birth_date") == 1
    assert town.rooms.asked[0][0].purpose is Purpose.CONFERENCE


def test_the_room_goes_while_the_caller_decides() -> None:
    town = desk(ask_for_room=[None, Filed(REFERENCE, DUE)])
    line = call(town, CONFERENCE, "80#", "1", "1212#", MORNING, BORN, "1", "1312#", MORNING, "1")
    assert "rooms.gone" in line.heard
    assert [wish.day.day for wish, _, _ in town.rooms.asked] == [13]


def test_without_the_database_the_request_is_safe_and_nothing_is_said_to_be_free() -> None:
    town = desk(standing=dict.fromkeys(Part, Standing.UNKNOWN), ask_for_room=Spooled())
    line = call(town, CONFERENCE, "80#", "1", "1212#", MORNING, BORN, "1")
    assert "rooms.part.morning.unknown" in line.heard
    assert not [key for key in line.heard if key.endswith(".free")]
    assert line.heard[-1] == "certificate.spooled"


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_a_day_without_its_year_is_the_next_one(today: date, typed: date) -> None:
    day = parse_day(f"{typed:%d%m}", today)
    assert day is not None
    assert (day.day, day.month) == (typed.day, typed.month)
    assert day >= today
    assert day.year - today.year <= (8 if (typed.day, typed.month) == (29, 2) else 1)
    assert parse_day(f"{typed:%d%m%Y}", today) == typed


@given(st.text("0123456789", max_size=9))
def test_whatever_is_typed_gives_a_day_or_nothing(digits: str) -> None:
    day = parse_day(digits, TODAY)
    assert day is None or f"{day:%d%m%Y}".startswith(digits)


@pytest.mark.parametrize("digits", ["", "1", "3102", "30022027", "0000", "1313", "12122", "00001212"])
def test_what_is_no_day(digits: str) -> None:
    assert parse_day(digits, TODAY) is None


def test_today_is_today() -> None:
    assert parse_day("2411", TODAY) == TODAY
    assert parse_day("2311", TODAY) == date(2027, 11, 23)


def test_people_are_at_least_one() -> None:
    assert [parse_people(digits) for digits in ("", "0", "000", "1", "040")] == [None, None, None, 1, 40]
