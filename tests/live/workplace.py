"""An operator's page in a real browser, on a real Asterisk, with a microphone that is not there."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from playwright.sync_api import Browser, Locator, Page, expect
from sqlalchemy import update

from console.live_feed import FEEDS
from desk.db import transaction
from desk.models.town import Phone as PhoneRow
from desk.operators import operator_by_login, set_password
from tests.console.browsing import Visitor, chromium, served
from tests.live.harness import OPEN, PATIENCE, Call, Exchange, System, melody, wait_until
from webhooks.app import create_app

#: The microphone hears a beep every second; nobody is asked for anything; sound plays at once.
OPTIONS = (
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--ignore-certificate-errors",
)
PASSWORD = "giusta"
#: Seconds for which phones ring.
RING = 15

#: Of the page's connection with Asterisk: energy heard so far, and packets heard and sent.
_HEARD = """async () => {
  const sums = { energy: 0, received: 0, sent: 0 };
  for (const connection of window.connections ?? [])
    for (const one of (await connection.getStats()).values()) {
      if (one.type === "inbound-rtp") {
        sums.energy += one.totalAudioEnergy;
        sums.received += one.packetsReceived;
      }
      if (one.type === "outbound-rtp") sums.sent += one.packetsSent;
    }
  return sums;
}"""
#: Keeps the page's connections where the test finds them.
_KEEP = """(() => {
  const Real = window.RTCPeerConnection;
  window.connections = [];
  window.RTCPeerConnection = class extends Real {
    constructor(...args) { super(...args); window.connections.push(this); }
  };
})()"""


#: What has the focus, here or in the page of work, and whether anybody can see that.
_FOCUS = """() => {
  let at = document.activeElement;
  if (at instanceof HTMLIFrameElement) at = at.contentDocument.activeElement;
  const style = getComputedStyle(at);
  const ring = (style.outlineStyle !== "none" && style.outlineWidth !== "0px") || style.boxShadow !== "none";
  return { what: at.outerHTML.slice(0, 100), shown: at.tagName !== "BODY" && at.checkVisibility() && ring };
}"""
#: So many steps away is nothing that is used often.
_FAR = 80


@dataclass
class Workplace:
    """A page with a phone, of somebody who is logged in."""

    visitor: Visitor

    @property
    def page(self) -> Page:
        return self.visitor.page

    def sit(self, extension: str, *, device: str = "web") -> None:
        """Start work at a place; with the phone in the page, until it is registered."""
        self.page.locator("#extension").select_option(extension)
        self.page.locator(f"#device-{device}").check()
        self.page.get_by_role("button", name="Inizia a lavorare").click()
        expect(self.page.locator("#place-name")).to_contain_text(f"({extension})", timeout=PATIENCE * 1000)
        if device == "web":
            self.ready()

    def ready(self) -> None:
        """Wait until the phone is registered."""
        expect(self.page.locator("#line-state")).to_have_text("Telefono pronto", timeout=PATIENCE * 1000)

    def tab_to(self, target: Locator, *, back: bool = False) -> None:
        """Walk there with the tabulator, seeing at each step where one is."""
        for _ in range(_FAR):
            self.page.keyboard.press("Shift+Tab" if back else "Tab")
            self.sees_focus()
            if target.evaluate("it => it === it.ownerDocument.activeElement"):
                return
        raise AssertionError(f"the tabulator does not lead to {target}")

    def sees_focus(self) -> None:
        """Something has the focus, and shows it."""
        seen = self.page.evaluate(_FOCUS)
        assert seen["shown"], seen

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def shows(self, state: str) -> None:
        """Wait until the call is in that state."""
        expect(self.page.locator("#call-state")).to_have_text(state, timeout=PATIENCE * 1000)

    def energy(self) -> float:
        """How much sound was heard so far."""
        return float(self.page.evaluate(_HEARD)["energy"])


@contextlib.contextmanager
def workplaces(system: System, *, ring: int = RING, **settings: bool | str) -> Iterator[Places]:
    """The pages of a system with these ``settings``, at its own time, and a browser for them.

    Phones ``ring`` so many seconds: people are slower than the machines of other tests.
    """
    with transaction(system.database) as session:
        session.execute(update(PhoneRow).values(ring_seconds=ring))
    system.read_town()
    if settings:
        # Modules are loaded at the start.
        system.settings = system.settings.model_copy(update=settings)
        system.kill()
        Exchange.start(system)
    else:
        system.reload()
    shift = datetime.fromisoformat(OPEN).astimezone(UTC) - datetime.now(UTC)

    def clock() -> datetime:
        return datetime.now(UTC) + shift

    app = create_app(system.settings, system.keyring, clock=clock)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    with served(app) as address, chromium(*OPTIONS) as browser:
        try:
            yield Places(system, browser, address, clock)
        finally:
            for feed in app.extensions[FEEDS]:
                feed.stopping = lambda: True
            app.extensions["engine"].dispose()


@dataclass
class Places:
    """Where operators log in."""

    system: System
    browser: Browser
    address: str
    clock: Callable[[], datetime]

    def time(self) -> str:
        """The time by the pages' clock, for a worker that is to have the same."""
        return self.clock().isoformat()

    def log_in(self, login: str, page: str = "/console/phone") -> Workplace:
        """A fresh window of that operator of the demo."""
        with transaction(self.system.database) as session:
            operator = operator_by_login(session, login)
            assert operator
            set_password(operator, PASSWORD)
        visitor = Visitor.at(self.browser, self.address, width=1440)
        visitor.page.context.grant_permissions(["microphone"])
        visitor.page.add_init_script(_KEEP)
        visitor.sign_in(login, PASSWORD)
        visitor.page.goto(page)
        return Workplace(visitor)


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
