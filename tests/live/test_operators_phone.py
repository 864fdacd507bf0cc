"""An operator's phone in the page, in a real browser on a real Asterisk, and the citizens who call."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import expect

from desk.desk_now import Member, PhoneState
from tests.live.harness import PATIENCE, Call, System, melody, wait_until
from tests.live.workplace import Workplace, workplaces

pytestmark = pytest.mark.live

#: A citizen of the demo.
GIULIA = "+393331112201"


def level(call: Call, begin: int) -> float:
    """How loud what the citizen heard is from that sample on."""
    heard = call.sound.heard()[begin:]
    return float(np.sqrt(np.mean(np.square(heard)))) if len(heard) else 0.0


def hear_each_other(workplace: Workplace, call: Call, seed: int) -> None:
    """Both ways, measured."""
    before, begin = workplace.energy(), len(call.sound.heard())
    call.sound.speak(melody(seed, 2.0))
    wait_until(lambda: workplace.energy() > before + 0.01, "the operator hears the citizen")
    # Asterisk's prompts are louder than this; the browser's beep is what comes now.
    wait_until(lambda: level(call, begin) > 0.01, "the citizen hears the operator")


def test_the_page_rings_shows_the_card_answers_and_both_hear(system: System) -> None:
    with workplaces(system) as places, system.worker():
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
        anna.page.screenshot(path="/tmp/softphone/shot-talk.png", full_page=True)

        # On hold the citizen hears music, and the operator nothing.
        anna.press("Metti in attesa")
        anna.shows("In attesa")
        anna.press("Riprendi")
        anna.shows("In conversazione")
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


def test_a_call_is_handed_on_and_survives_the_reload_of_its_page(system: System) -> None:
    counter = system.phone("102", answer_after=0.3)
    with workplaces(system) as places, system.worker():
        anna, bruno = places.log_in("anna"), places.log_in("bruno")
        anna.sit("201")
        call = system.call(caller=GIULIA, keys="0")
        anna.shows("Chiamata in arrivo")
        anna.press("Rispondi")
        anna.shows("In conversazione")

        # The page is loaded anew in mid-call: the citizen is told, waits, and is the first to be answered.
        anna.page.on("dialog", lambda dialog: dialog.accept())
        anna.page.reload()
        anna.ready()
        call.hear(system.prompt("fallback.line_lost"))
        anna.shows("Chiamata in arrivo")
        expect(anna.page.locator(".caller-card")).to_contain_text(GIULIA, timeout=PATIENCE * 1000)
        anna.press("Rispondi")
        anna.shows("In conversazione")
        hear_each_other(anna, call, 11)

        # Asked before: a colleague in another page, who then sees the same card.
        bruno.sit("101")
        anna.page.get_by_text("Trasferisci", exact=True).click()
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
        bruno.page.get_by_text("Trasferisci", exact=True).click()
        bruno.page.locator("#targets li", has_text="(102)").get_by_role("button", name="Passa subito").click()
        counter.answered()
        expect(bruno.page.locator("#no-call")).to_be_visible(timeout=PATIENCE * 1000)
        counter.sound.speak(melody(13, 2.0))
        wait_until(lambda: call.sound.contains(melody(13, 2.0)[4000:8000]), "the citizen hears the counter")
        assert "ended" not in call.line.events
