"""The demo town: valid, loaded once, and what somebody changed stays."""

from __future__ import annotations

from datetime import datetime, time

from codicefiscale import codicefiscale
from sqlalchemy import func, select

from desk import db
from desk.citizens import citizens_with_number
from desk.consents import Purpose, has_consent
from desk.demo import demo_logins, load_demo
from desk.keyring import Keyring
from desk.models import Base, Citizen, Office, Operator, Phone, PhoneNumber
from desk.operators import Role, create_operator, verify_password
from desk.phone_numbers import to_e164
from desk.sms.templates import GSM_7
from desk.town import read_town


def counts(sessions: db.Sessions) -> dict[str, int]:
    with db.reading(sessions) as session:
        return {
            name: session.scalar(select(func.count()).select_from(table)) or 0
            for name, table in Base.metadata.tables.items()
        }


def test_loading_it_again_changes_nothing(town: db.Sessions, demo_keyring: Keyring, now: datetime) -> None:
    before = counts(town)
    with db.transaction(town) as session:
        phone = session.get_one(Phone, "201")
        phone.label = "Changed"
        load_demo(session, demo_keyring, now)
        assert phone.label == "Changed"
    assert counts(town) == before


def test_the_desk_of_the_report(town: db.Sessions) -> None:
    with db.reading(town) as session:
        found = read_town(session)
    assert {(phone.extension, phone.tier) for phone in found.phones} == {
        ("201", "back_office"),
        *((extension, "counter") for extension in ("101", "102", "103", "104")),
        *((extension, "office") for extension in ("301", "302")),
    }
    wednesday = [(row.opens, row.closes) for row in found.opening_hours if row.weekday == 2]
    assert wednesday == [(time(9), time(19, 45))]
    assert len([row for row in found.opening_hours if row.weekday == 0]) == 2


def test_citizens_have_codes_that_say_what_the_register_says(town: db.Sessions) -> None:
    with db.reading(town) as session:
        citizens = session.scalars(select(Citizen)).all()
        numbers = session.scalars(select(PhoneNumber.e164)).all()
        assert len(citizens) >= 8
        for citizen in citizens:
            assert codicefiscale.decode(citizen.tax_code)["birthdate"].date() == citizen.birth_date
        assert all(to_e164(number) == number for number in numbers)
        assert max(len(citizens_with_number(session, number)) for number in numbers) > 1
        assert {has_consent(session, number, Purpose.RECEIPTS) for number in numbers} == {True, False}
        # No two demo citizens are typed alike.
        assert len({citizen.tax_code_keys for citizen in citizens}) == len(citizens)


def test_the_demo_operators_can_sign_in(town: db.Sessions, demo_keyring: Keyring) -> None:
    with db.transaction(town) as session:
        roles = set()
        for login in demo_logins():
            operator = verify_password(session, login, demo_keyring.operator_passwords[login])
            assert operator is not None
            roles.add(operator.role)
        assert roles == set(Role)


def test_a_new_home_on_an_old_database_can_sign_in(town: db.Sessions, now: datetime) -> None:
    fresh = Keyring({}, "t", "a", "w", {login: f"{login}-fresh" for login in demo_logins()})
    with db.transaction(town) as session:
        # A town made one of them its own.
        bruno = session.scalars(select(Operator).where(Operator.login == "bruno")).one()
        bruno.name = "Bruno Vero"
        load_demo(session, fresh, now, new_passwords=demo_logins())
        assert verify_password(session, "anna", "anna-fresh")
        assert not verify_password(session, "anna", "anna-password")
        assert verify_password(session, "bruno", "bruno-password")
        # The next start has the passwords already and changes nothing.
        load_demo(session, Keyring({}, "t", "a", "w", dict.fromkeys(demo_logins(), "x")), now)
        assert verify_password(session, "anna", "anna-fresh")


def test_who_may_not_sign_in(sessions: db.Sessions) -> None:
    with db.transaction(sessions) as session:
        dora = create_operator(session, login="dora", name="Dora", password="giusta", role=Role.OPERATOR)
        assert verify_password(session, "dora", "giusta") is dora
        assert verify_password(session, "dora", "Giusta") is None
        assert verify_password(session, "nobody", "giusta") is None
        assert "giusta" not in dora.password_hash
        dora.active = False
        assert verify_password(session, "dora", "giusta") is None


def test_places_can_be_written_in_messages(town: db.Sessions) -> None:
    with db.reading(town) as session:
        places = session.scalars(select(Office.place)).all()
    assert len(places) == 4
    assert all(set(place) <= GSM_7 for place in places)
