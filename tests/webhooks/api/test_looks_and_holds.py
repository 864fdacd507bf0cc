"""Who looks at a person through the web channel is in the audit; slots are held; consent is withdrawn."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from desk import db
from desk.citizens import citizen_with_tax_code
from desk.consents import Purpose, give_consent, has_consent
from desk.models import Audit, AuditAction, Booking, Consent
from tests.console.fixed import Clock
from tests.webhooks.api.conftest import CERTIFICATE, GIULIA, GIULIAS_NUMBER, MARCO, MakeKey, Site, problem_of

NOBODY = "RSSMRA80A01H501U"
FAMILY = "+39029090101"


def looks(town: db.Sessions) -> list[tuple[str, AuditAction, int | None, int | None, str]]:
    with db.reading(town) as session:
        return [
            (row.by, row.action, row.citizen_id, row.request_id, row.detail)
            for row in session.scalars(select(Audit).order_by(Audit.id))
        ]


def test_every_look_is_audited_also_the_vain_ones(site: Site, town: db.Sessions) -> None:
    filed = site.post("/certificates", CERTIFICATE, "a").get_json()
    assert looks(town) == []
    with db.reading(town) as session:
        citizen = citizen_with_tax_code(session, GIULIA)
        assert citizen
        number = citizen.id
    for path in ("/requests/look-up", "/appointments/look-up", "/enrolments/look-up"):
        assert site.post(path, {"tax_code": GIULIA}).status_code == 200
    assert site.post("/requests/look-up", {"tax_code": NOBODY}).get_json() == {"items": []}
    assert site.get(f"/requests/{filed['reference']}").status_code == 200
    seen = looks(town)
    assert [(action, citizen, detail) for _, action, citizen, _, detail in seen] == [
        (AuditAction.VIEWED, number, "look_up_requests"),
        (AuditAction.VIEWED, number, "look_up_appointments"),
        (AuditAction.VIEWED, number, "look_up_enrolments"),
        (AuditAction.SEARCHED, None, "look_up_requests: not found"),
        (AuditAction.VIEWED, None, "read_request"),
    ]
    assert seen[-1][3] is not None
    assert {by for by, *_ in seen} == {"api key 1"}


def test_a_slot_is_held_for_one_site_and_runs_out(
    site: Site, town: db.Sessions, clock: Clock, make_key: MakeKey
) -> None:
    other = Site(site.client, make_key())
    slot = site.get("/appointment-services/identity_card/slots?limit=1").get_json()["items"][0]
    wanted = {"service": "identity_card", "starts_at": slot["starts_at"]}
    holds = [site.post("/slot-holds", wanted, f"h{n}").get_json()["hold"] for n in range(slot["places"])]
    assert problem_of(other.post("/slot-holds", wanted, "x")) == (409, "slot-taken")
    booking = wanted | {"tax_code": GIULIA}
    assert problem_of(other.post("/appointments", booking, "b")) == (409, "slot-taken")
    # A hold of another site opens nothing, and is not given back by it.
    assert problem_of(other.post("/appointments", booking | {"hold": holds[0]}, "c")) == (409, "slot-taken")
    assert other.post("/slot-holds/release", {"hold": holds[0]}, "d").status_code == 200
    assert problem_of(other.post("/appointments", booking, "e")) == (409, "slot-taken")
    booked = site.post("/appointments", booking | {"hold": holds[0]}, "f").get_json()
    assert booked["starts_at"] == slot["starts_at"]
    # What became Giulia's appointment is not told to Marco.
    marcos = booking | {"tax_code": MARCO, "hold": holds[0]}
    assert problem_of(site.post("/appointments", marcos, "g")) == (409, "slot-taken")
    for hold in holds[1:]:
        site.post("/slot-holds/release", {"hold": hold}, hold[-8:])
    if holds[1:]:
        assert other.post("/slot-holds", wanted, "y").status_code == 201
    clock.now += timedelta(minutes=6)
    later = site.get("/appointment-services/identity_card/slots?limit=1").get_json()["items"][0]
    with db.reading(town) as session:
        assert len(session.scalars(select(Booking)).all()) == 1
    assert datetime.fromisoformat(later["starts_at"]) >= datetime.fromisoformat(slot["starts_at"])


def test_consent_is_withdrawn_for_ones_own_numbers_only(
    site: Site, town: db.Sessions, clock: Clock, make_key: MakeKey
) -> None:
    with db.transaction(town) as session:
        for number in (GIULIAS_NUMBER, FAMILY):
            for purpose in Purpose:
                give_consent(
                    session,
                    e164=number,
                    citizen_id=None,
                    purpose=purpose,
                    text_version="1",
                    how="counter",
                    by="anna",
                    now=clock(),
                )
    wish = {"tax_code": GIULIA, "phone": FAMILY}
    assert site.post("/consents/withdraw", wish, "a").get_json() == {"withdrawn": 0}
    notices = {"tax_code": MARCO, "phone": FAMILY, "purpose": "notices"}
    assert site.post("/consents/withdraw", notices, "b").get_json() == {"withdrawn": 1}
    assert problem_of(site.post("/consents/withdraw", wish | {"phone": "+39333"}, "c"))[0] == 422
    assert site.post("/consents/withdraw", {"tax_code": GIULIA}, "d").get_json() == {"withdrawn": 2}
    with db.reading(town) as session:
        assert has_consent(session, FAMILY, Purpose.RECEIPTS)
        assert not has_consent(session, FAMILY, Purpose.NOTICES)
        assert not has_consent(session, GIULIAS_NUMBER, Purpose.RECEIPTS)
        how = session.scalars(select(Consent.withdrawn_how).where(Consent.withdrawn_at.is_not(None))).all()
        assert set(how) == {"web"}
    weak = Site(site.client, make_key(scopes=()))
    assert problem_of(weak.post("/consents/withdraw", {"tax_code": GIULIA}, "e")) == (403, "out-of-scope")
    assert site.post("/consents/withdraw", {"tax_code": NOBODY}, "f").get_json() == {"withdrawn": 0}
