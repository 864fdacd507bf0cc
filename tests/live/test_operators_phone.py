"""An operator's phone in the page, in a real browser on a real Asterisk, and the citizens who call."""

from __future__ import annotations

import contextlib
import time
from datetime import datetime

import pytest
import soundfile
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import expect
from sqlalchemy import select

from desk.db import reading, transaction
from desk.desk_now import Member, PhoneState
from desk.models import Audit, AuditAction, Channel, DutyPeriod, LostCallDetails, PhoneHold, RequestState
from desk.requests import file_request
from tests.live.harness import OPEN, PATIENCE, System, melody, wait_until
from tests.live.workplace import hear_each_other, level, workplaces

pytestmark = pytest.mark.live

#: A citizen of the demo.
GIULIA = "+393331112201"


def holds(system: System) -> list[tuple[str, bool]]:
    """Which phones held, and whether they took back who waited."""
    with reading(system.database) as session:
        return [
            (hold.extension, hold.ended_at is not None and hold.ended_at > hold.began_at)
            for hold in session.scalars(select(PhoneHold))
        ]


def test_the_page_rings_shows_the_card_answers_and_both_hear(system: System) -> None:
    with workplaces(system) as places, system.worker(places.time()):
        anna = places.log_in("anna")
        anna.sit("201")
        wait_until(lambda: system.member("201") == Member(PhoneState.FREE), "201 is free")
        call = system.call(caller=GIULIA, keys="0")
        anna.shows("Chiamata in arrivo")
        card = anna.page.locator(".caller-card")
        expect(card).to_contain_text(GIULIA, timeout=PATIENCE * 1000)
        # Who it is, is not shown before it is needed.
        expect(card).to_contain_text("dopo aver risposto")
        expect(card).not_to_contain_text("Colombo")
        anna.press("Rispondi")
        anna.shows("In conversazione")
        hear_each_other(anna, call, 1)
        expect(card).to_contain_text("Richieste aperte", timeout=PATIENCE * 1000)

        # On hold the citizen hears music, and the operator nothing.
        anna.press("Metti in attesa")
        anna.shows("In attesa")
        anna.press("Riprendi")
        anna.shows("In conversazione")
        # No log of Asterisk's tells of it: the worker has noted it, without the call.
        wait_until(lambda: holds(system) == [("201", True)], "the hold and its end are noted")
        hear_each_other(anna, call, 2)
        anna.press("Disattiva microfono")
        begin = len(call.sound.heard())
        wait_until(lambda: len(call.sound.heard()) > begin + 16000, "two seconds went by")
        assert level(call, begin + 4000) < 0.005
        anna.press("Attiva microfono")
        hear_each_other(anna, call, 3)
        anna.press("Riaggancia")
        call.over()
        expect(anna.page.locator("#no-call")).to_be_visible()
        assert [text for text in anna.visitor.complaints if "404" not in text] == []

        # The page crashes in mid-talk and says nothing to anybody.
        call = system.call(caller=GIULIA, keys="0")
        anna.shows("Chiamata in arrivo")
        anna.press("Rispondi")
        anna.shows("In conversazione")
        with contextlib.suppress(PlaywrightError):
            anna.page.goto("chrome://crash")
        call.hear(system.prompt("fallback.line_lost"))


def test_a_call_is_handed_on_and_survives_the_reload_of_its_page(system: System) -> None:
    encrypted = f"wss://127.0.0.1:{system.settings.wss_port}/ws"
    with workplaces(system, phone_url=encrypted) as places, system.worker(places.time()):
        anna, bruno = places.log_in("anna"), places.log_in("bruno")
        anna.sit("201")
        call = system.call(caller=GIULIA, keys="0")
        anna.shows("Chiamata in arrivo")
        anna.press("Rispondi")
        anna.shows("In conversazione")

        # Loaded anew in mid-call while others wait: the citizen is told, and is the first to be answered.
        others = [system.call(caller=number, keys="0") for number in ("+393339000001", "+393339000002")]
        wait_until(lambda: (now := system.queue_now()) is not None and now.waiting == 2, "two others wait")
        anna.page.on("dialog", lambda dialog: dialog.accept())
        anna.page.reload()
        anna.ready()
        call.hear(system.prompt("fallback.line_lost"))
        anna.shows("Chiamata in arrivo")
        expect(anna.page.locator("#call-number")).to_have_text(GIULIA)
        expect(anna.page.locator(".caller-card")).to_contain_text(GIULIA, timeout=PATIENCE * 1000)
        anna.press("Rispondi")
        anna.shows("In conversazione")
        hear_each_other(anna, call, 11)
        # For a moment nobody was there: whoever waited was not sent away for that.
        wait_until(lambda: (now := system.queue_now()) is not None and now.waiting == 2, "they wait on")
        for other in others:
            other.hang_up()

        # Asked before: a colleague in another page, who then sees the same card.
        bruno.sit("101")
        anna.page.locator("#transfer summary").click()
        row = anna.page.locator("#targets li", has_text="(101)")
        expect(row).to_contain_text("libero", timeout=PATIENCE * 1000)
        row.get_by_role("button", name="Chiedi prima").click()
        bruno.shows("Chiamata in arrivo")
        bruno.press("Rispondi")
        bruno.shows("In conversazione")
        anna.press("Passa la chiamata")
        expect(anna.page.locator("#no-call")).to_be_visible(timeout=PATIENCE * 1000)
        hear_each_other(bruno, call, 12)
        expect(bruno.page.locator(".caller-card")).to_contain_text(GIULIA, timeout=PATIENCE * 1000)
        expect(bruno.page.locator(".caller-card")).to_contain_text("Richieste aperte")

        # Not asked: to a phone on a desk.
        counter = system.phone("102", answer_after=0.3)
        bruno.page.locator("#transfer summary").click()
        bruno.page.locator("#targets li", has_text="(102)").get_by_role("button", name="Passa subito").click()
        counter.answered()
        expect(bruno.page.locator("#no-call")).to_be_visible(timeout=PATIENCE * 1000)
        counter.sound.speak(melody(13, 2.0))
        wait_until(lambda: call.sound.contains(melody(13, 2.0)[4000:8000]), "the citizen hears the counter")
        assert "ended" not in call.line.events


def test_page_and_queue_agree_both_ways_and_the_supervisor_sees_to_it(system: System) -> None:
    with workplaces(system, listening=True) as places, system.worker(places.time()):
        anna, bruno = places.log_in("anna"), places.log_in("bruno")
        anna.sit("201")
        bruno.sit("101")
        colleague = bruno.page.locator('#colleagues li[data-extension="201"]')
        expect(colleague).to_contain_text("Anna Riva")

        # From the page to the queue.
        anna.page.get_by_text("Metti in pausa", exact=True).first.click()
        anna.page.locator("#reason").select_option("meeting")
        anna.page.locator("#note").fill("in sala giunta")
        anna.page.locator("#pause button").click()
        expect(anna.page.locator("#duty")).to_have_text("In pausa: Riunione – in sala giunta")
        expect(colleague).to_contain_text("Riunione", timeout=PATIENCE * 1000)
        assert "(PJSIP/web201) (ringinuse disabled) (paused:meeting" in system.ask("queue show desk")

        # Asterisk forgets everything, and is told again; the phone in the page comes back by itself.
        system.kill()
        system.restart()
        wait_until(lambda: "paused:meeting" in system.ask("queue show desk"), "told again", 2 * PATIENCE)
        anna.ready()

        # From the phone to the page.
        anna.page.locator("#number").fill("*22")
        anna.press("Chiama interno")
        expect(anna.page.locator("#duty")).to_have_text("Disponibile", timeout=PATIENCE * 1000)
        expect(anna.page.locator("#no-call")).to_be_visible(timeout=PATIENCE * 1000)

        # A pause that was meant to be over asks, and the supervisor is told and can end it.
        anna.page.get_by_text("Metti in pausa", exact=True).first.click()
        anna.page.locator("#minutes").fill("1")
        anna.page.locator("#pause button").click()
        expect(anna.page.locator("#duty")).to_have_text("In pausa: Pausa")
        with transaction(system.database) as session:
            period = session.scalars(select(DutyPeriod).where(DutyPeriod.until.is_not(None))).one()
            period.until = period.began_at
        expect(anna.page.locator("#forgotten")).to_be_visible(timeout=PATIENCE * 1000)
        expect(colleague).to_contain_text("pausa dimenticata", timeout=PATIENCE * 1000)
        bruno.page.locator('[data-id="resume-201"]').click()
        expect(anna.page.locator("#duty")).to_have_text("Disponibile", timeout=PATIENCE * 1000)
        bruno.page.locator('[data-id="counter-201"]').click()
        penalty = "(PJSIP/web201) with penalty 1"
        wait_until(lambda: penalty in system.ask("queue show desk"), "moved to the counters")

        # Listening: the operator is told, the citizen is heard, and who listened is kept.
        call = system.call(caller=GIULIA, keys="0")
        anna.shows("Chiamata in arrivo")
        anna.press("Rispondi")
        anna.shows("In conversazione")
        quiet = anna.energy()
        bruno.page.locator('[data-id="listen-201"]').click()
        bruno.shows("In conversazione")
        expect(anna.page.locator("#listened")).to_be_visible(timeout=PATIENCE * 1000)
        wait_until(lambda: anna.energy() > quiet + 0.001, "the operator is told")
        heard = bruno.energy()
        call.sound.speak(melody(21, 2.0))
        wait_until(lambda: bruno.energy() > heard + 0.01, "the supervisor hears the citizen")
        with reading(system.database) as session:
            (look,) = session.scalars(select(Audit).where(Audit.action == AuditAction.HEARD))
            assert (look.by, look.detail) == ("bruno", "listened to 201 (anna)")

        # Who listens is not heard; who whispers is, by the operator alone.
        anna.press("Disattiva microfono")
        sentence = soundfile.info(system.prompt("fallback.listened")).duration
        time.sleep(sentence)
        quiet = anna.energy()
        time.sleep(2.5)
        assert anna.energy() - quiet < 0.001
        bruno.press("Riaggancia")
        whisper = bruno.page.locator('[data-id="whisper-201"]')
        whisper.click()
        bruno.shows("In conversazione")
        time.sleep(sentence)
        quiet, begin = anna.energy(), len(call.sound.heard())
        wait_until(lambda: anna.energy() > quiet + 0.002, "the operator hears the whisper")
        wait_until(lambda: len(call.sound.heard()) > begin + 16000, "two seconds went by")
        assert level(call, begin) < 0.005, "the citizen hears nothing of it"
        with reading(system.database) as session:
            looks = session.scalars(select(Audit.detail).where(Audit.action == AuditAction.HEARD)).all()
            assert looks == ["listened to 201 (anna)", "whispered to 201 (anna)"]
        anna.press("Riaggancia")
        expect(bruno.page.locator("#no-call")).to_be_visible(timeout=PATIENCE * 1000)
        expect(anna.page.locator("#listened")).to_be_hidden(timeout=PATIENCE * 1000)


def test_a_citizens_phone_in_a_page_and_one_click_that_calls_back(system: System) -> None:
    lost = "+393339998877"
    with transaction(system.database) as session:
        at = datetime.fromisoformat(OPEN)
        file_request(
            session,
            details=LostCallDetails(calls=2, first_at=at, last_at=at, longest_wait=90, about=("Pratiche",)),
            channel=Channel.PHONE,
            citizen_id=None,
            contact_e164=lost,
            working_days=1,
            idempotency_key="lost-1",
            call_unique_id=None,
            language="it",
            now=at,
        )
    citizen = system.citizen(answer_after=0)
    with workplaces(system, try_it=True) as places, system.worker(places.time()):
        anna, curious = places.log_in("anna"), places.log_in("carla", "/console/try")
        anna.sit("201")
        # The whole way: the voice, a key, the operator.
        curious.page.locator("#caller").select_option(GIULIA)
        curious.press("Chiama il Comune")
        expect(curious.page.locator("#handset-state")).to_have_text(
            "In conversazione", timeout=PATIENCE * 1000
        )
        wait_until(lambda: curious.energy() > 0.01, "the welcome is heard")
        curious.press("Tasto 0")
        anna.shows("Chiamata in arrivo")
        expect(anna.page.locator("#call-number")).to_have_text(GIULIA)
        anna.press("Rispondi")
        anna.shows("In conversazione")
        before = anna.energy(), curious.energy()
        wait_until(lambda: anna.energy() > before[0] + 0.001, "the operator hears the citizen")
        wait_until(lambda: curious.energy() > before[1] + 0.001, "the citizen hears the operator")
        curious.press("Riaggancia")
        expect(anna.page.locator("#no-call")).to_be_visible(timeout=PATIENCE * 1000)

        # Called back with one click: the own phone first, then the citizen, who presses 1.
        item = anna.page.locator("#to-call li", has_text=lost)
        expect(item).to_contain_text("Pratiche")
        item.get_by_role("button").click()
        citizen.answered()
        citizen.sound.wait_for(system.prompt("called_back.greeting"), timeout=PATIENCE)
        citizen.sound.press("1")
        before = (anna.energy(), 0.0)
        citizen.sound.speak(melody(31, 4.0))
        wait_until(lambda: anna.energy() > before[0] + 0.01, "the operator hears the citizen")
        assert system.request(lost).state is RequestState.IN_PROGRESS
        anna.press("Riaggancia")
        citizen.device.wait_for("ended", PATIENCE)
