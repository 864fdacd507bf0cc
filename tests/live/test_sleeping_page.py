"""A page in the background or asleep: what its operator is told, and what becomes of calls meanwhile."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from desk.desk_now import Member, PhoneState
from tests.live.harness import PATIENCE, System, melody, wait_until
from tests.live.workplace import Places, hear_each_other, workplaces

pytestmark = pytest.mark.live

NUMBER, NAME = "+393331112201", "Colombo"
#: Keeps what the page shows on the desktop, whether it asked for leave in a click, and what it sounds with.
_KEEP = """(() => {
  const Shown = window.Notification, Sounding = window.AudioContext;
  window.shown = [];
  window.contexts = [];
  window.asked = [];
  window.focused = 0;
  window.focus = () => { window.focused += 1; };
  window.Notification = class extends Shown {
    constructor(title, options) {
      super(title, options);
      this.whole = title + JSON.stringify(options);
      this.addEventListener("show", () => window.shown.push(this));
    }
    static requestPermission() {
      window.asked.push(navigator.userActivation.isActive);
      return super.requestPermission();
    }
  };
  window.AudioContext = class extends Sounding {
    constructor(...args) { super(...args); window.contexts.push(this); }
  };
})()"""


@contextlib.contextmanager
def asleep(places: Places) -> Iterator[None]:
    """All pages stand still meanwhile, as those do that the browser has put to sleep."""
    found = places.browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")
    pages = [each["id"] for each in found["processInfo"] if each["type"] == "renderer"]
    assert pages
    for page in pages:
        os.kill(page, signal.SIGSTOP)
    try:
        yield
    finally:
        for page in pages:
            os.kill(page, signal.SIGCONT)


def choose(page: Page, name: str) -> str:
    """Choose the last of these devices; its id."""
    device = str(page.locator(f"#{name} option").last.get_attribute("value"))
    assert device
    page.locator(f"#{name}").select_option(device)
    return device


def test_a_page_in_the_background_tells_and_one_that_sleeps_loses_nobody(system: System) -> None:
    with workplaces(system, ring=4) as places, system.worker(places.time()):
        anna = places.log_in("anna", "/console/profile")
        page = anna.page
        page.context.grant_permissions(["microphone", "notifications"])
        page.add_init_script(_KEEP)
        # Its clock can be put forward.
        page.clock.install()
        page.goto("/console/phone")
        anna.sit("201")

        # Other devices than the browser's; they are kept for the next time.
        page.locator("#sound summary").click()
        ringer = choose(page, "ringer")
        microphone, speaker = choose(page, "microphone"), choose(page, "speaker")
        page.reload()
        anna.ready()
        page.locator("#sound summary").click()
        expect(page.locator("#ringer")).to_have_value(ringer)
        anna.press("Prova la suoneria")
        wait_until(lambda: page.evaluate("window.contexts[0]?.sinkId") == ringer, "the ring is there")
        assert page.evaluate("window.contexts[0].state") == "running"
        assert page.evaluate("window.asked") == []
        page.locator("#notify").check()
        assert page.evaluate("window.asked") == [True], "asked in a click"

        # Another tab is looked at: the desktop says that it rings, and not who.
        page.context.new_cdp_session(page).send("Emulation.setFocusEmulationEnabled", {"enabled": False})
        other = page.context.new_page()
        other.bring_to_front()
        wait_until(lambda: system.member("201") == Member(PhoneState.FREE), "201 is free")
        call = system.call(caller=NUMBER, keys="0")
        anna.shows("Chiamata in arrivo")
        wait_until(lambda: page.evaluate("window.shown.length") == 1, "the desktop shows it")
        shown = page.evaluate("window.shown[0].whole")
        assert shown.startswith("Chiamata in arrivo")
        assert not any(each in shown for each in (NUMBER, NUMBER[3:], NAME))
        page.evaluate("window.shown[0].dispatchEvent(new Event('click'))")
        assert page.evaluate("window.focused") == 1
        page.bring_to_front()
        anna.press("Rispondi")
        anna.shows("In conversazione")
        hear_each_other(anna, call, 1)
        used = page.evaluate(
            "window.connections.at(-1).getSenders().map(one => one.track.getSettings().deviceId)"
        )
        assert used == [microphone]
        assert page.evaluate("document.querySelector('#speaker').value") == speaker
        # Another microphone in mid-call.
        page.locator("#microphone").select_option("")
        wait_until(
            lambda: (
                page.evaluate("window.connections.at(-1).getSenders()[0].track.getSettings().deviceId")
                != microphone
            ),
            "the other microphone is used",
        )
        hear_each_other(anna, call, 2)
        anna.press("Riaggancia")
        call.over()

        # The page sleeps: its phone rings in vain, and the next one takes the call.
        wait_until(lambda: system.member("201") == Member(PhoneState.FREE), "201 is free again")
        counter = system.phone("101", answer_after=0.3)
        with asleep(places):
            call = system.call(caller=NUMBER, keys="0")
            counter.answered()
            counter.sound.speak(melody(3, 2.0))
            wait_until(lambda: call.sound.contains(melody(3, 2.0)[4000:8000]), "the citizen is heard at 101")
            wait_until(
                lambda: "Unavail" in system.ask("pjsip show endpoint web201"), "201 is known to sleep", 25
            )
        # Awake again it shows how things are: nothing rings any more, and its phone is there.
        expect(page.locator("#no-call")).to_be_visible(timeout=PATIENCE * 1000)
        expect(page.locator("#duty")).to_have_text("Disponibile")
        anna.ready()
        wait_until(lambda: system.member("201") == Member(PhoneState.FREE), "201 is there again")
        call.hang_up()
        # Minutes late, its timers renew the password and the registration.
        before = system.ask("database show webphones")
        page.clock.fast_forward(400_000)
        wait_until(lambda: system.ask("database show webphones") != before, "a new password")
        call = system.call(caller=NUMBER, keys="0")
        anna.shows("Chiamata in arrivo")
        anna.press("Rispondi")
        anna.shows("In conversazione")
        hear_each_other(anna, call, 4)
