"""An operator's work from the ring to the SMS: one tab, no mouse, a real browser on a real Asterisk."""

from __future__ import annotations

from datetime import datetime

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from desk.consents import give_consent
from desk.db import transaction
from desk.desk_now import Member, PhoneState
from desk.models import Channel, Citizen, Purpose, RequestState
from desk.requests import file_request
from tests.console.fixed import birth_certificate
from tests.live.harness import OPEN, PATIENCE, System, melody, wait_until
from tests.live.people import GIULIA
from tests.live.workplace import hear_each_other, level, workplaces

pytestmark = pytest.mark.live

NUMBER = "+393331112201"


def certificate(system: System) -> str:
    """Giulia waits for a certificate and wants to be told by SMS; its reference."""
    now = datetime.fromisoformat(OPEN)
    with transaction(system.database) as session:
        citizen = session.scalars(select(Citizen).where(Citizen.tax_code == GIULIA.tax_code)).one()
        give_consent(
            session,
            e164=NUMBER,
            citizen_id=citizen.id,
            purpose=Purpose.RECEIPTS,
            text_version="1",
            how="counter",
            by="anna",
            now=now,
        )
        request, _ = file_request(
            session,
            details=birth_certificate(),
            channel=Channel.PHONE,
            citizen_id=citizen.id,
            contact_e164=NUMBER,
            working_days=3,
            idempotency_key="one-tab",
            call_unique_id=None,
            language="it",
            now=now,
        )
        return request.reference


def test_a_call_is_answered_handed_on_and_its_request_completed_without_a_mouse(system: System) -> None:
    reference = certificate(system)
    office = system.phone("301", answer_after=0.5)
    with workplaces(system) as places, system.worker(places.time()):
        # Bruno looks at the same request, and will be too late.
        bruno = places.log_in("bruno", f"/console/requests/{reference}")
        anna = places.log_in("anna", "/console/requests")
        page, keys, work = anna.page, anna.page.keyboard, anna.page.frame_locator("#work")

        # To the phone, and to a place.
        anna.tab_to(page.get_by_role("link", name="Telefono", exact=True))
        keys.press("Enter")
        expect(page.locator("#place-title")).to_be_visible()
        anna.tab_to(page.locator("#extension"))
        keys.type("Back")
        anna.tab_to(page.locator("#device-web"))
        keys.press("Space")
        anna.tab_to(page.get_by_role("button", name="Inizia a lavorare"))
        keys.press("Enter")
        anna.ready()
        anna.sees_focus()
        expect(page.locator("#place-name")).to_have_text("Back office (201)")
        expect(page.locator("#duty")).to_have_text("Disponibile")

        # It rings: told at once to who cannot see it, and nobody is torn away from what they do.
        anna.tab_to(page.locator("#pausing summary"))
        wait_until(lambda: system.member("201") == Member(PhoneState.FREE), "201 is free")
        call = system.call(caller=NUMBER, keys="0")
        news = page.locator("#ring-news")
        expect(news).to_contain_text(NUMBER, timeout=PATIENCE * 1000)
        assert news.get_attribute("role") == "alert"
        expect(page.locator("#pausing summary")).to_be_focused()
        keys.press("F2")
        anna.shows("In conversazione")
        hear_each_other(anna, call, 1)
        anna.sees_focus()

        # Shortcuts of the call; each leaves the focus where it was.
        keys.press("F9")
        begin = len(call.sound.heard())
        wait_until(lambda: len(call.sound.heard()) > begin + 12000, "a second and a half went by")
        assert level(call, begin + 4000) < 0.005, "muted"
        keys.press("F9")
        keys.press("F8")
        anna.shows("In attesa")
        keys.press("F8")
        anna.shows("In conversazione")
        expect(page.locator("#pausing summary")).to_be_focused()
        keys.press("Shift+F4")
        keys.press("Tab")
        keys.press("5")
        expect(page.get_by_role("button", name="Tasto 5")).to_be_focused()
        wait_until(lambda: call.sound.pressed == "5", "the citizen's end is told the key")

        # The request of who calls, in the page of work beside the phone.
        link = page.locator(".caller-card a", has_text=reference)
        anna.tab_to(link)
        keys.press("Enter")
        expect(work.locator("h1")).to_contain_text(reference)
        keys.press("Shift+F9")
        anna.tab_to(work.get_by_role("button", name="Prendi in carico"))
        keys.press("Enter")
        expect(work.get_by_role("button", name="Concludi")).to_be_visible()
        bruno.press("Prendi in carico")
        expect(bruno.page.locator("main")).to_contain_text(
            "In carico a un’altra persona In carico a Anna Riva."
        )
        # From there the phone is one key away.
        anna.tab_to(work.get_by_role("button", name="Concludi"))
        keys.press("F8")
        anna.shows("In attesa")
        keys.press("F8")
        keys.press("Enter")
        expect(work.locator("main")).to_contain_text("Richiesta conclusa.")
        (text,) = system.texts(NUMBER)
        assert (text.template, text.request_id is not None) == ("request_done", True)
        assert system.request(NUMBER).state is RequestState.DONE

        # To an office that was asked before.
        keys.press("F4")
        expect(page.locator("#transfer summary")).to_be_focused()
        row = page.locator("#targets li", has_text="(301)")
        expect(row).to_contain_text("libero", timeout=PATIENCE * 1000)
        anna.tab_to(row.get_by_role("button", name="Chiedi prima"))
        keys.press("Enter")
        expect(page.locator("#asked-state")).to_have_text("In conversazione", timeout=PATIENCE * 1000)
        anna.sees_focus()
        anna.tab_to(page.get_by_role("button", name="Passa la chiamata"))
        keys.press("Enter")
        expect(page.locator("#no-call")).to_be_visible(timeout=PATIENCE * 1000)
        expect(page.locator("#call-title")).to_be_focused()
        office.sound.speak(melody(3, 2.0))
        wait_until(lambda: call.sound.contains(melody(3, 2.0)[4000:8000]), "the citizen hears the office")

        # Time after the call, and back; a call of one's own, hung up with a key.
        anna.tab_to(page.locator("#wrap-up"), back=True)
        keys.press("Enter")
        expect(page.locator("#duty")).to_have_text("In pausa: Dopo la chiamata")
        anna.sees_focus()
        anna.tab_to(page.locator("#resume"))
        keys.press("Enter")
        expect(page.locator("#duty")).to_have_text("Disponibile", timeout=PATIENCE * 1000)
        anna.sees_focus()
        number = page.locator("#number")
        anna.tab_to(number)
        keys.type("301")
        keys.press("Enter")
        anna.shows("In conversazione")
        anna.sees_focus()
        keys.press("Shift+F2")
        expect(page.locator("#no-call")).to_be_visible()
        anna.sees_focus()
        assert [text for text in anna.visitor.complaints if "404" not in text] == []
